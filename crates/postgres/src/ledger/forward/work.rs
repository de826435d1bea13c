//! Taking *work* from the outbox: which records of its batches are current, and not sent yet.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, SmallInt, Text};

use super::Sink;
use crate::ledger::source::BASE_URLS;
use crate::ledger::stored_file::{STORED_FILE, StoredFile};

/// A table of the session: the records of the batches that are being sent.
const TEMPORARY_TABLE: &str = "\
create temporary table if not exists sink_work (
  batch_id bigint, phase smallint, resource_type text collate \"C\", fhir_id text collate \"C\", file_id bigint, position bigint,
  content_hash bytea, is_at_risk boolean);
truncate sink_work";

/// Batches whose files have all left the inbox; of the earliest type that is not done yet, the
/// oldest ones first.
const TAKE: &str = "\
with ready as materialized (
  select b.id, b.phase, b.resources from etl.sink_batch b
   where b.sink_id = $1 and b.acknowledged_at is null and b.id <> all($2)
     and not exists (select from unnest(b.file_ids) f (id) join etl.load_file l on l.id = f.id
                       where l.archive_path is null and l.status <> 'erased')),
first as (
  select id, phase, sum(resources) over (order by id) - resources as before
    from ready where phase = (select min(phase) from ready))
select id, phase from first where before < $3 order by id limit 5000";

const MARK_DELETED: &str = "\
update etl.sink_resource t set delete_requested_at = coalesce(t.delete_requested_at, now())
from etl.sink_batch b
cross join lateral unnest(b.file_ids, b.first_positions, b.last_positions) as p (file_id, first, last)
join etl.resource_version v on v.file_id = p.file_id and v.position between p.first and p.last and v.content_hash is null
join etl.resource_key k on k.id = v.id
where b.id = any($2) and b.phase = 0
  and t.sink_id = $1 and t.resource_type = k.resource_type and t.fhir_id = k.fhir_id";

const PLACES: &str = "\
select b.id as batch_id, b.phase, v.id, v.file_id, v.position, v.content_hash
from etl.sink_batch b
cross join lateral unnest(b.file_ids, b.first_positions, b.last_positions) as p (file_id, first, last)
join etl.resource_version v on v.file_id = p.file_id and v.position between p.first and p.last
where b.id = any($2) and v.content_hash is not null
union all
select b.id, b.phase, v.id, v.file_id, v.position, v.content_hash
from etl.sink_batch b
cross join lateral unnest(b.resource_ids) as r (id)
join etl.resource_version v on v.id = r.id
join etl.load_file l on l.id = v.file_id and l.archive_path is not null
where b.id = any($2) and v.content_hash is not null";

fn fill() -> String {
    format!(
        "\
insert into sink_work
select p.batch_id, t.phase, k.resource_type, k.fhir_id, p.file_id, p.position, p.content_hash,
       s.sending_hash is not null and s.sending_hash <> p.content_hash and not $4
from ({PLACES}) p
join etl.resource_key k on k.id = p.id
cross join lateral (select (array_position($3, k.resource_type) - 1)::smallint as phase) t
left join etl.sink_resource s on s.sink_id = $1 and s.resource_type = k.resource_type and s.fhir_id = k.fhir_id
where t.phase >= p.phase
  and s.sent_hash is distinct from p.content_hash and s.refused_hash is distinct from p.content_hash"
    )
}

/// What is about to be sent: its answer is not known until it is noted.
const NOTE_SENDING: &str = "\
insert into etl.sink_resource as s (sink_id, resource_type, fhir_id, sending_hash)
select distinct on (resource_type, fhir_id) $1, resource_type, fhir_id, content_hash
from sink_work where phase = $2 and not is_at_risk order by resource_type, fhir_id
on conflict (sink_id, resource_type, fhir_id) do update
set sending_hash = excluded.sending_hash, sent_hash = null, delete_requested_at = null, delete_refused_at = null";

const PENDING: &str = "\
select distinct file_id, position, fhir_id, content_hash from sink_work
where phase = $1 and not is_at_risk order by file_id, position, fhir_id";

fn files() -> String {
    format!(
        "\
select f.id, f.source_id, f.status, {STORED_FILE},
       array(select b.base_url from {BASE_URLS} b where b.source_id = f.source_id) as base_urls
from etl.load_file f where f.id in (select file_id from sink_work where phase = $1 and not is_at_risk) order by f.id"
    )
}

/// On to the next type that they have records of, or done.
const FINISH: &str = "\
update etl.sink_batch b
   set phase = coalesce(w.phase, b.phase), acknowledged_at = case when w.phase is null then now() end
  from unnest($1) as i (id)
  left join (select batch_id, min(phase) as phase from sink_work where phase > $2 or is_at_risk group by 1) w on w.batch_id = i.id
 where b.id = i.id";

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SmallInt)]
    phase: i16,
}

#[derive(QueryableByName)]
struct Truth {
    #[diesel(sql_type = Bool)]
    is: bool,
}

/// A resource that is to be sent.
#[derive(Clone, Debug, QueryableByName)]
pub struct PendingResource {
    /// The file that has the version.
    #[diesel(sql_type = BigInt)]
    pub file_id: i64,
    /// The number of its record there.
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    /// Its id.
    #[diesel(sql_type = Text)]
    pub fhir_id: String,
    /// The hash of its content.
    #[diesel(sql_type = Binary)]
    pub content_hash: Vec<u8>,
}

/// A file that has such resources.
#[derive(Debug, QueryableByName)]
pub struct ForwardFile {
    /// Its number in the ledger.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The sender's number.
    #[diesel(sql_type = SmallInt)]
    pub source_id: i16,
    /// Where it lies.
    #[diesel(embed)]
    pub stored: StoredFile,
    /// The base URLs of the sender's FHIR servers, with a slash at the end.
    #[diesel(sql_type = Array<Text>)]
    pub base_urls: Vec<String>,
}

/// Batches of the outbox that are sent together, as far as they have resources of one type.
#[derive(Debug)]
pub struct Unit {
    /// The number of the type.
    phase: i16,
    batches: Vec<i64>,
    /// The type.
    pub resource_type: String,
}

/// What of a unit is to be sent.
#[derive(Debug)]
pub struct ForwardWork {
    /// The files.
    pub files: Vec<ForwardFile>,
    /// By file the resources, by their positions.
    pub resources: BTreeMap<i64, Vec<PendingResource>>,
    /// Whether some are left for later, because another process may still be sending another
    /// version of them.
    pub has_risks: bool,
}

/// How work is taken.
#[derive(Clone, Copy, Debug)]
pub struct Taking<'t> {
    /// Batches that are left to a later turn, because of the risk in [`ForwardWork::has_risks`].
    pub held: &'t [i64],
    /// About so many resources at a time.
    pub resources: i64,
    /// Whether nothing that another process has sent can still arrive.
    pub is_safe: bool,
}

impl Sink {
    /// Takes the oldest batches of the outbox that can be sent. What is returned is noted as
    /// being sent. None if there is nothing to do.
    pub fn take(
        &self,
        connection: &mut PgConnection,
        taking: Taking<'_>,
    ) -> QueryResult<Option<(Unit, ForwardWork)>> {
        connection.batch_execute("set statement_timeout = 0")?;
        connection.transaction(|connection| {
            connection.batch_execute(TEMPORARY_TABLE)?;
            // What an undo or an erasure is about to change is not sent meanwhile.
            crate::registry::share_source(connection, self.source_id)?;
            let taken: Vec<Taken> = sql_query(TAKE)
                .bind::<SmallInt, _>(self.id)
                .bind::<Array<BigInt>, _>(taking.held)
                .bind::<BigInt, _>(taking.resources)
                .load(connection)?;
            let Some(phase) = taken.first().map(|taken| taken.phase) else { return Ok(None) };
            let batches: Vec<i64> = taken.iter().map(|taken| taken.id).collect();
            sql_query(MARK_DELETED)
                .bind::<SmallInt, _>(self.id)
                .bind::<Array<BigInt>, _>(&batches)
                .execute(connection)?;
            sql_query(fill())
                .bind::<SmallInt, _>(self.id)
                .bind::<Array<BigInt>, _>(&batches)
                .bind::<Array<Text>, _>(&self.types)
                .bind::<Bool, _>(taking.is_safe)
                .execute(connection)?;
            sql_query(NOTE_SENDING)
                .bind::<SmallInt, _>(self.id)
                .bind::<SmallInt, _>(phase)
                .execute(connection)?;
            let resource_type = self.types.get(phase as usize).cloned().unwrap_or_default();
            Ok(Some((Unit { phase, batches, resource_type }, work(connection, phase)?)))
        })
    }

    /// The unit is sent: its batches go on to their next type, or are done.
    pub fn finish(&self, connection: &mut PgConnection, unit: &Unit) -> QueryResult<()> {
        sql_query(FINISH)
            .bind::<Array<BigInt>, _>(&unit.batches)
            .bind::<SmallInt, _>(unit.phase)
            .execute(connection)?;
        Ok(())
    }
}

impl Unit {
    /// The numbers of its batches in the outbox.
    pub fn batches(&self) -> &[i64] {
        &self.batches
    }
}

fn work(connection: &mut PgConnection, phase: i16) -> QueryResult<ForwardWork> {
    let files = sql_query(files()).bind::<SmallInt, _>(phase).load(connection)?;
    let pending: Vec<PendingResource> = sql_query(PENDING).bind::<SmallInt, _>(phase).load(connection)?;
    let mut resources: BTreeMap<i64, Vec<PendingResource>> = BTreeMap::new();
    for resource in pending {
        resources.entry(resource.file_id).or_default().push(resource);
    }
    let risks = "select exists (select from sink_work where phase = $1 and is_at_risk) as is";
    let Truth { is: has_risks } = sql_query(risks).bind::<SmallInt, _>(phase).get_result(connection)?;
    Ok(ForwardWork { files, resources, has_risks })
}
