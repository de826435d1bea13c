//! What was *refused* and is sent again: by hand, or because what it refers to has arrived.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, SmallInt, Text};

use super::Sink;

/// Refused versions are sent again as a batch of the outbox, and refused deletions are asked
/// for again.
fn release(which: &str) -> String {
    format!(
        "\
with released as (
  update etl.sink_refusal r set awaits = '{{}}' where r.sink_id = $1 and r.resolved_at is null and {which}
  returning r.resource_type, r.fhir_id, r.method),
forgiven as (
  update etl.sink_resource s set refused_hash = null, delete_refused_at = null from released r
   where s.sink_id = $1 and s.resource_type = r.resource_type and s.fhir_id = r.fhir_id),
noted as (
  insert into etl.sink_batch (sink_id, resource_ids, resources)
  select $1, array_agg(k.id), count(*)
    from (select r.*, row_number() over () as number from released r where r.method = 'PUT') r
    join etl.sink s on s.id = $1
    join etl.resource_key k on k.source_id = s.source_id and k.resource_type = r.resource_type and k.fhir_id = r.fhir_id
   group by r.number / 20000)
select count(*) as count from released"
    )
}

/// All that it awaits is there.
const IS_COMPLETE: &str = "\
r.awaits <> '{}' and not exists (
  select from unnest(r.awaits) a where not exists (
    select from etl.sink_resource s
     where s.sink_id = $1 and s.resource_type = split_part(a, '/', 1)
       and s.fhir_id = substr(a, strpos(a, '/') + 1) and s.sent_hash is not null))";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Has refused resources sent again for which the sink has by now all that they refer to.
/// Returns their number.
pub fn release_awaited(connection: &mut PgConnection, sink: &Sink) -> QueryResult<u64> {
    let query = sql_query(release(IS_COMPLETE)).bind::<SmallInt, _>(sink.id);
    query.get_result(connection).map(|Count { count }| count.unsigned_abs())
}

/// Has all refused resources sent again, and returns their number.
pub fn retry_refused(connection: &mut PgConnection, sink: &Sink) -> QueryResult<u64> {
    let query = sql_query(release("true")).bind::<SmallInt, _>(sink.id);
    query.get_result(connection).map(|Count { count }| count.unsigned_abs())
}

const MISSING: &str = "\
select u.resource_type || '/' || u.fhir_id as name
from (select distinct * from unnest($2, $3) as u (resource_type, fhir_id)) u
where u.resource_type = any($4) and not exists (
  select from etl.sink_resource s
   where s.sink_id = $1 and s.resource_type = u.resource_type and s.fhir_id = u.fhir_id and s.sent_hash is not null)
order by 1 limit 100";

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Those of the resources, given by types and ids, that the sink is yet to get, as `Type/id`.
/// Types that it does not get are not among them.
pub fn missing_on_sink(
    connection: &mut PgConnection,
    sink: &Sink,
    resources: &[(String, String)],
) -> QueryResult<Vec<String>> {
    if resources.is_empty() {
        return Ok(Vec::new());
    }
    let types: Vec<&str> = resources.iter().map(|(resource_type, _)| resource_type.as_str()).collect();
    let ids: Vec<&str> = resources.iter().map(|(_, fhir_id)| fhir_id.as_str()).collect();
    let missing: Vec<Name> = sql_query(MISSING)
        .bind::<SmallInt, _>(sink.id)
        .bind::<Array<Text>, _>(types)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Text>, _>(&sink.types)
        .load(connection)?;
    Ok(missing.into_iter().map(|Name { name }| name).collect())
}
