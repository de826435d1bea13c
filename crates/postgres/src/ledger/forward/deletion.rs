//! *Deletions* that sinks have yet to carry out.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, SmallInt, Text};

use super::Sink;

const REQUEST: &str = "\
update etl.sink_resource t set delete_requested_at = coalesce(t.delete_requested_at, now()), delete_refused_at = null
from etl.sink s, unnest($2, $3) as u (resource_type, fhir_id)
where s.source_id = $1 and t.sink_id = s.id and t.resource_type = u.resource_type and t.fhir_id = u.fhir_id";

const FORGET_REFUSALS: &str = "\
delete from etl.sink_refusal r using etl.sink s
where s.source_id = $1 and r.sink_id = s.id and (
  (r.resource_type, r.fhir_id) in (select * from unnest($2, $3))
  or r.awaits && (select array_agg(t || '/' || i) from unnest($2, $3) as u (t, i)))";

/// Has all sinks of the source delete these resources, given by types and ids, and forgets what
/// they have refused of them. Returns how many deletions were noted: sinks are asked only for
/// what was sent to them. To be called in the transaction that removes the resources, which has
/// the lock of the source.
///
/// When a sink has deleted a resource, nothing here names it any more.
pub fn delete_from_sinks(
    connection: &mut PgConnection,
    source_id: i16,
    resources: &[(&str, &str)],
) -> QueryResult<u64> {
    let types: Vec<&str> = resources.iter().map(|(resource_type, _)| *resource_type).collect();
    let ids: Vec<&str> = resources.iter().map(|(_, fhir_id)| *fhir_id).collect();
    let noted = sql_query(REQUEST)
        .bind::<SmallInt, _>(source_id)
        .bind::<Array<Text>, _>(&types)
        .bind::<Array<Text>, _>(&ids)
        .execute(connection)?;
    sql_query(FORGET_REFUSALS)
        .bind::<SmallInt, _>(source_id)
        .bind::<Array<Text>, _>(&types)
        .bind::<Array<Text>, _>(&ids)
        .execute(connection)?;
    Ok(noted as u64)
}

/// What lives again is not deleted.
const KEEP_LIVING: &str = "\
update etl.sink_resource t set delete_requested_at = null, delete_refused_at = null
where t.sink_id = $1 and t.delete_requested_at is not null and exists (
  select from etl.resource_key k join etl.resource_version v on v.id = k.id
   where k.source_id = $2 and k.resource_type = t.resource_type and k.fhir_id = t.fhir_id
     and v.content_hash is not null)";

/// What the sink certainly does not have.
const DROP_ABSENT: &str = "\
with absent as (
  delete from etl.sink_resource where sink_id = $1 and delete_requested_at is not null and not is_present and sending_hash is null
  returning resource_type, fhir_id)
update etl.sink_refusal r set resolved_at = now() from absent a
where r.sink_id = $1 and r.resource_type = a.resource_type and r.fhir_id = a.fhir_id and r.resolved_at is null";

/// Later types first: they refer to earlier ones.
const WANTED: &str = "\
with wanted as (
  select resource_type, fhir_id from etl.sink_resource
   where sink_id = $1 and delete_requested_at is not null and ($3 or delete_refused_at is null)
     and ($4 or sending_hash is null or sending_hash = '')
   order by array_position($2, resource_type) desc nulls first, resource_type, fhir_id limit $5),
noted as (
  update etl.sink_resource t set sending_hash = '', sent_hash = null from wanted w
   where t.sink_id = $1 and t.resource_type = w.resource_type and t.fhir_id = w.fhir_id
  returning t.resource_type, t.fhir_id)
select resource_type, fhir_id from noted
order by array_position($2, resource_type) desc nulls first, resource_type, fhir_id";

/// Which deletions are taken.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Also those that were refused.
    pub refused: bool,
    /// Also of resources of which another process may still be sending a version.
    pub at_risk: bool,
    /// At most so many.
    pub limit: i64,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

/// Takes deletions that the sink has yet to carry out, by types and ids, and notes that they
/// are about to be sent.
pub fn wanted_deletions(
    connection: &mut PgConnection,
    sink: &Sink,
    wanted: Wanted,
) -> QueryResult<Vec<(String, String)>> {
    connection.transaction(|connection| {
        crate::registry::share_source(connection, sink.source_id)?;
        sql_query(KEEP_LIVING)
            .bind::<SmallInt, _>(sink.id)
            .bind::<SmallInt, _>(sink.source_id)
            .execute(connection)?;
        sql_query(DROP_ABSENT).bind::<SmallInt, _>(sink.id).execute(connection)?;
        let taken: Vec<Named> = sql_query(WANTED)
            .bind::<SmallInt, _>(sink.id)
            .bind::<Array<Text>, _>(&sink.types)
            .bind::<Bool, _>(wanted.refused)
            .bind::<Bool, _>(wanted.at_risk)
            .bind::<BigInt, _>(wanted.limit)
            .load(connection)?;
        Ok(taken.into_iter().map(|Named { resource_type, fhir_id }| (resource_type, fhir_id)).collect())
    })
}
