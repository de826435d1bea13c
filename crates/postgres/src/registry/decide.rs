//! The registry's *decision*: which records of a batch are new, newer, the same
//! or older than what the tables hold.

use diesel::sql_types::{Array, BigInt, Bool, Integer};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::sink::{BatchId, KeyedBatch, Outcome, Outcomes};
use rustc_hash::FxHashMap;

use super::candidate::{self, Candidate};
use super::confirmations::Writing;
use super::expectations::Hint;
use super::registration;
use crate::LoadError;
use crate::database::CopyTable;

/// A session's own table, empty between transactions.
pub(super) const TEMPORARY_TABLES: &str = "\
create temporary table if not exists batch_resource (
  id bigint, content_hash bytea,
  effective_at timestamptz, version_id text, last_updated timestamptz, file_id bigint, position bigint,
  member integer, byte_offset bigint, byte_length bigint, deleted_at timestamptz, is_id_generated boolean,
  full_url text, meta_source text, profile text[], tag jsonb, security jsonb, language text, first_file_id bigint
) on commit delete rows";

/// One statement looks up, locks and decides. Rows are in the same order in
/// every transaction, so that two of them never wait for each other in a circle.
const DECIDE: &str = "\
insert into etl.resource_version as v (
  id, content_hash, effective_at, version_id, last_updated,
  file_id, position, member, byte_offset, byte_length, deleted_at,
  is_id_generated, full_url, meta_source, profile, tag, security, language, first_file_id)
select
  id, content_hash, effective_at, version_id, last_updated,
  file_id, position, member, byte_offset, byte_length, deleted_at,
  is_id_generated, full_url, meta_source, profile, tag, security, language, first_file_id
from batch_resource
order by id
on conflict (id) do update set
  revision = v.revision + 1, content_hash = excluded.content_hash, effective_at = excluded.effective_at,
  version_id = excluded.version_id, last_updated = excluded.last_updated, file_id = excluded.file_id,
  position = excluded.position, member = excluded.member, byte_offset = excluded.byte_offset,
  byte_length = excluded.byte_length, loaded_at = now(), deleted_at = excluded.deleted_at,
  is_id_generated = excluded.is_id_generated, full_url = excluded.full_url,
  meta_source = excluded.meta_source, profile = excluded.profile, tag = excluded.tag,
  security = excluded.security, language = excluded.language
where (v.content_hash is distinct from excluded.content_hash
       or (excluded.deleted_at is not null and v.deleted_at is null))
  and case
    when excluded.effective_at <> v.effective_at then excluded.effective_at > v.effective_at
    when excluded.version_id <> v.version_id and excluded.version_id ~ '^[0-9]{1,18}$' and v.version_id ~ '^[0-9]{1,18}$'
      then excluded.version_id::bigint > v.version_id::bigint
    else (excluded.file_id, excluded.position) > (v.file_id, v.position) end
returning v.id, v.revision";

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Integer)]
    revision: i32,
}

/// How the registry's versions compare with those that it did not apply.
const REMAINDER: &str = "\
select b.id, (v.content_hash is not distinct from b.content_hash) as is_same
from batch_resource b join etl.resource_version v using (id)
where b.id <> all($1)";

#[derive(QueryableByName)]
struct Remaining {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Bool)]
    is_same: bool,
}

/// The same content again, later by the rule: only its time, version and place
/// move forward, so that a record in between, which another session may still be
/// loading, is not taken for the newest. If the sender gave both time and version
/// and they are equal, it is the same record, and stays.
const MOVE_FORWARD: &str = "\
update etl.resource_version v set
  effective_at = b.effective_at, version_id = b.version_id, last_updated = b.last_updated, file_id = b.file_id,
  position = b.position, member = b.member, byte_offset = b.byte_offset, byte_length = b.byte_length,
  deleted_at = b.deleted_at
from batch_resource b
where v.id = b.id and v.content_hash is not distinct from b.content_hash and b.id <> all($1)
  and (b.effective_at > v.effective_at
    or (v.effective_at is null and b.effective_at is not null)
    or (b.effective_at is not distinct from v.effective_at and b.version_id <> v.version_id
        and case when b.version_id ~ '^[0-9]{1,18}$' and v.version_id ~ '^[0-9]{1,18}$'
                 then b.version_id::bigint > v.version_id::bigint end)
    or (b.effective_at is not distinct from v.effective_at and b.version_id is not distinct from v.version_id
        and (b.effective_at is null or b.version_id is null)
        and (b.file_id, b.position) > (v.file_id, v.position)))";

/// Registers the batch and returns the outcome of each record. If all resources
/// are expected to be new, tries to copy them into the registry at once.
pub(super) fn decide(
    connection: &mut PgConnection,
    batch: &KeyedBatch<'_>,
    id: BatchId,
    writing: &Writing<'_>,
    new_resources: &Hint,
) -> Result<Outcomes, LoadError> {
    let mut outcomes = Outcomes::all_stale(batch.origins.len(), batch.deletes.len());
    let mut candidates = candidate::newest(batch, &mut outcomes);
    candidates.retain(|candidate| {
        let confirmed = writing.confirmed_after(id.number, candidate.key);
        confirmed.is_none_or(|confirmed| candidate.is_newer_than_confirmed(confirmed))
    });
    let rows = registration::rows(batch, &candidates);
    if new_resources.holds() {
        let registry = CopyTable::new("etl.resource_version", registration::COLUMNS);
        if registry.copy_if_new(connection, &rows)? {
            for candidate in &candidates {
                *candidate.record.outcome(&mut outcomes) = candidate.applied(1);
            }
            return Ok(outcomes);
        }
    }
    CopyTable::new("batch_resource", registration::COLUMNS).copy_buffer(connection, &rows)?;
    let by_key: FxHashMap<i64, &Candidate> =
        candidates.iter().map(|candidate| (candidate.key, candidate)).collect();
    let applied = apply(connection, batch, &by_key, &mut outcomes)?;
    new_resources.set(outcomes.replaced.is_empty() && applied.len() == candidates.len());
    let mut answered = applied.len();
    if answered < candidates.len() {
        answered += compare(connection, &applied, &by_key, &mut outcomes)?;
    }
    if answered != candidates.len() {
        return Err(LoadError::RegistryIncomplete { asked: candidates.len(), answered });
    }
    Ok(outcomes)
}

/// Applies what is new or newer, and returns its keys.
fn apply(
    connection: &mut PgConnection,
    batch: &KeyedBatch<'_>,
    by_key: &FxHashMap<i64, &Candidate>,
    outcomes: &mut Outcomes,
) -> Result<Vec<i64>, LoadError> {
    let applied: Vec<Applied> = sql_query(DECIDE).load(connection)?;
    for Applied { id, revision } in &applied {
        let Some(candidate) = by_key.get(id) else { continue };
        if *revision > 1 {
            outcomes.replaced.push((batch.rows.resource_type(candidate.target), *id));
        }
        *candidate.record.outcome(outcomes) = candidate.applied(*revision);
    }
    Ok(applied.into_iter().map(|Applied { id, .. }| id).collect())
}

/// Compares what was not applied, and returns its number.
fn compare(
    connection: &mut PgConnection,
    applied: &[i64],
    by_key: &FxHashMap<i64, &Candidate>,
    outcomes: &mut Outcomes,
) -> Result<usize, LoadError> {
    let remaining: Vec<Remaining> =
        sql_query(REMAINDER).bind::<Array<BigInt>, _>(applied).load(connection)?;
    let mut has_same = false;
    for Remaining { id, is_same } in &remaining {
        let Some(candidate) = by_key.get(id) else { continue };
        has_same |= is_same;
        *candidate.record.outcome(outcomes) = if *is_same { Outcome::Unchanged } else { Outcome::Stale };
    }
    if has_same {
        sql_query(MOVE_FORWARD).bind::<Array<BigInt>, _>(applied).execute(connection)?;
    }
    Ok(remaining.len())
}

#[derive(QueryableByName)]
struct Current {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Integer)]
    revision: i32,
}

/// The outcomes of a remap, whose batches have one file each: resources whose
/// current version is the record at that position of the file are written
/// again, and the registry stays as it is.
pub(super) fn decide_remap(
    connection: &mut PgConnection,
    batch: &KeyedBatch<'_>,
) -> Result<Outcomes, LoadError> {
    let mut outcomes = Outcomes::all_stale(batch.origins.len(), batch.deletes.len());
    let Some(file_id) = batch.file_ids.first() else { return Ok(outcomes) };
    let positions: Vec<i64> = batch.origins.iter().map(|origin| origin.position as i64).collect();
    let current: Vec<Current> = sql_query(
        "select id, position, revision from etl.resource_version \
         where file_id = $1 and position = any($2) and content_hash is not null \
         order by id for update",
    )
    .bind::<BigInt, _>(file_id)
    .bind::<Array<BigInt>, _>(&positions)
    .load(connection)?;
    let by_position: FxHashMap<i64, usize> =
        positions.iter().enumerate().map(|(resource, position)| (*position, resource)).collect();
    for Current { id, position, revision } in current {
        let Some(&resource) = by_position.get(&position) else { continue };
        if batch.keys[batch.rows.resources()[resource].target as usize] == id {
            outcomes.of_resources[resource] = Outcome::Updated { key: id, revision };
            outcomes.replaced.push((batch.rows.identity(resource).resource_type, id));
        }
    }
    Ok(outcomes)
}
