//! The registry's answer: which resources of a batch are new, newer, the same
//! or older than what the tables have.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::sql_types::{Array, BigInt, Bool, Integer};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use rustc_hash::FxHashMap;

use super::known::{Confirmation, Writing};
use crate::LoadError;
use crate::database::CopyTable;
use crate::load::Load;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::rows::{RowBuffer, Target};

/// A session's own table, empty between transactions.
pub(crate) const TEMPORARY_TABLES: &str = "\
create temporary table if not exists batch_resource (
  id bigint, content_hash bytea,
  effective_at timestamptz, version_id text, last_updated timestamptz, file_id bigint, position bigint,
  member integer, byte_offset bigint, byte_length bigint, deleted_at timestamptz, is_id_generated boolean,
  full_url text, meta_source text, profile text[], tag jsonb, security jsonb, language text, first_file_id bigint
) on commit delete rows";

/// What a batch brings of each resource, in the order of `registrations`.
const COLUMNS: [&str; 19] = [
    "id",
    "content_hash",
    "effective_at",
    "version_id",
    "last_updated",
    "file_id",
    "position",
    "member",
    "byte_offset",
    "byte_length",
    "deleted_at",
    "is_id_generated",
    "full_url",
    "meta_source",
    "profile",
    "tag",
    "security",
    "language",
    "first_file_id",
];

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Inserted(i64),
    Updated(i64),
    Deleted(i64),
    Unchanged,
    Stale,
}

impl Outcome {
    /// Whether the resource's rows are to be written.
    pub fn is_applied(self) -> bool {
        matches!(self, Outcome::Inserted(_) | Outcome::Updated(_))
    }
}

/// What became of a batch.
pub(crate) struct Outcomes {
    pub of_resources: Vec<Outcome>,
    pub of_deletes: Vec<Outcome>,
    /// Resources whose rows of an earlier version must go.
    replaced: Vec<(ResourceType, i64)>,
}

impl Outcomes {
    fn all_stale(load: &Load<'_>) -> Self {
        Outcomes {
            of_resources: vec![Outcome::Stale; load.origins.len()],
            of_deletes: vec![Outcome::Stale; load.deletes.len()],
            replaced: Vec::new(),
        }
    }

    fn of(&mut self, place: Place) -> &mut Outcome {
        match place {
            Place::Resource(resource) => &mut self.of_resources[resource],
            Place::Delete(delete) => &mut self.of_deletes[delete],
        }
    }

    pub fn replaced_by_type(&self) -> Vec<(ResourceType, Vec<i64>)> {
        let mut by_type: std::collections::BTreeMap<ResourceType, Vec<i64>> = Default::default();
        for (resource_type, key) in &self.replaced {
            by_type.entry(*resource_type).or_default().push(*key);
        }
        by_type.into_iter().collect()
    }

    /// Keys of the replaced resources of that type.
    pub fn replaced(&self, resource_type: ResourceType) -> Vec<i64> {
        self.replaced.iter().filter(|(of, _)| *of == resource_type).map(|(_, key)| *key).collect()
    }
}

/// One statement probes, locks and decides. The order of rows is the same in
/// every transaction, so that two of them never wait for each other in a
/// circle.
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

/// What the registry has of records that it did not apply.
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
/// move forward, so that a record in between, which may still be under way in
/// another session, does not come out as the newest. Where the sender gave both
/// time and version and they are equal, it is the same record, and stays.
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

/// A record of the batch, as the order rule sees it.
struct Candidate {
    key: i64,
    target: Target,
    effective_at: Option<i64>,
    version: Option<i64>,
    /// File and position.
    origin: (usize, u64),
    content_hash: Option<[u8; 32]>,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Resource(usize),
    Delete(usize),
}

impl Candidate {
    /// Whether this one takes effect after `other`, by the rule that `DECIDE`
    /// applies to what is in the registry.
    fn is_newer_than(&self, other: &Self) -> bool {
        self.is_later(other.effective_at, other.version).unwrap_or(self.origin > other.origin)
    }

    /// The same for one that was read after this one.
    fn is_newer_by_its_word_than(&self, again: Confirmation) -> bool {
        self.is_later(again.effective_at, again.version).unwrap_or(false)
    }

    /// What becomes of it as that revision of its resource.
    fn applied(&self, revision: i32) -> Outcome {
        match self.place {
            Place::Delete(_) => Outcome::Deleted(self.key),
            Place::Resource(_) if revision > 1 => Outcome::Updated(self.key),
            Place::Resource(_) => Outcome::Inserted(self.key),
        }
    }

    /// What the senders say; `None` where that leaves it open.
    fn is_later(&self, effective_at: Option<i64>, version: Option<i64>) -> Option<bool> {
        let by_time = self.effective_at.zip(effective_at).filter(|(own, others)| own != others);
        let by_version = || self.version.zip(version).filter(|(own, others)| own != others);
        by_time.or_else(by_version).map(|(own, others)| own > others)
    }
}

/// Registers the batch, whose targets have these keys, and tells what became
/// of each record. Where all resources are likely to be new, they are copied
/// into the registry at once.
pub(crate) fn decide(
    connection: &mut PgConnection,
    load: &Load<'_>,
    keys: &[i64],
    confirmed: &Writing<'_>,
    expects_new: &AtomicBool,
) -> Result<Outcomes, LoadError> {
    let mut outcomes = Outcomes::all_stale(load);
    let mut winners = winners(load, keys, &mut outcomes);
    winners.retain(|winner| {
        let again = confirmed.after(load.batch_number, winner.key);
        again.is_none_or(|again| winner.is_newer_by_its_word_than(again))
    });
    let by_key: FxHashMap<i64, &Candidate> = winners.iter().map(|winner| (winner.key, winner)).collect();
    let rows = registrations(load, &winners);
    if expects_new.load(Ordering::Relaxed)
        && CopyTable::new("etl.resource_version", COLUMNS).copy_if_new(connection, &rows)?
    {
        for winner in &winners {
            *outcomes.of(winner.place) = winner.applied(1);
        }
        return Ok(outcomes);
    }
    CopyTable::new("batch_resource", COLUMNS).copy_buffer(connection, &rows)?;

    let applied: Vec<Applied> = sql_query(DECIDE).load(connection)?;
    let mut applied_ids = Vec::with_capacity(applied.len());
    let mut answered = applied.len();
    for Applied { id, revision } in applied {
        applied_ids.push(id);
        let Some(winner) = by_key.get(&id) else { continue };
        if revision > 1 {
            outcomes.replaced.push((load.batch.resource_type(winner.target), id));
        }
        *outcomes.of(winner.place) = winner.applied(revision);
    }
    let are_all_new = outcomes.replaced.is_empty() && answered == winners.len();
    expects_new.store(are_all_new, Ordering::Relaxed);
    if answered < winners.len() {
        let remaining: Vec<Remaining> =
            sql_query(REMAINDER).bind::<Array<BigInt>, _>(&applied_ids).load(connection)?;
        answered += remaining.len();
        let mut has_same = false;
        for Remaining { id, is_same } in remaining {
            let Some(winner) = by_key.get(&id) else { continue };
            has_same |= is_same;
            *outcomes.of(winner.place) = if is_same { Outcome::Unchanged } else { Outcome::Stale };
        }
        if has_same {
            sql_query(MOVE_FORWARD).bind::<Array<BigInt>, _>(&applied_ids).execute(connection)?;
        }
    }
    if answered != winners.len() {
        return Err(LoadError::RegistryIncomplete { asked: winners.len(), answered });
    }
    Ok(outcomes)
}

/// Of several records of one resource in the batch only the newest is for the
/// registry; the others are stale, or unchanged if they say the same.
fn winners(load: &Load<'_>, keys: &[i64], outcomes: &mut Outcomes) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::with_capacity(load.origins.len() + load.deletes.len());
    for (resource, registration) in load.batch.resources().iter().enumerate() {
        candidates.push(Candidate {
            key: keys[registration.target as usize],
            target: registration.target,
            effective_at: registration.effective_at,
            version: registration.version_id.as_deref().and_then(|version| version.parse().ok()),
            origin: (load.origins[resource].file, load.origins[resource].position),
            content_hash: registration.content_hash,
            place: Place::Resource(resource),
        });
    }
    for (index, delete) in load.deletes.iter().enumerate() {
        candidates.push(Candidate {
            key: keys[delete.target as usize],
            target: delete.target,
            effective_at: delete.effective_at,
            version: None,
            origin: (delete.file, delete.position),
            content_hash: None,
            place: Place::Delete(index),
        });
    }
    candidates.sort_unstable_by_key(|candidate| (candidate.key, candidate.origin));
    let mut winners: Vec<Candidate> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Some(last) = winners.last_mut().filter(|last| last.key == candidate.key) else {
            winners.push(candidate);
            continue;
        };
        let is_newer = candidate.is_newer_than(last);
        let loser = if is_newer { std::mem::replace(last, candidate) } else { candidate };
        if loser.content_hash == last.content_hash {
            *outcomes.of(loser.place) = Outcome::Unchanged;
        }
    }
    winners
}

fn registrations(load: &Load<'_>, winners: &[Candidate]) -> RowBuffer {
    let mut buffer = RowBuffer::default();
    for winner in winners {
        let (file_id, position) = (load.files[winner.origin.0].id, winner.origin.1 as i64);
        buffer.begin_row(19);
        buffer.bigint(winner.key);
        match &winner.content_hash {
            Some(hash) => buffer.bytes(hash),
            None => buffer.null(),
        }
        optional_time(&mut buffer, winner.effective_at);
        match winner.place {
            Place::Resource(resource) => {
                let registration = &load.batch.resources()[resource];
                let origin = &load.origins[resource];
                buffer.optional_text(registration.version_id.as_deref());
                optional_time(&mut buffer, registration.last_updated);
                buffer.bigint(file_id);
                buffer.bigint(position);
                buffer.integer(origin.member as i32);
                buffer.bigint(origin.offset as i64);
                buffer.bigint(origin.length as i64);
                buffer.null();
                buffer.boolean(registration.is_id_generated);
                buffer.optional_text(registration.full_url.as_deref());
                buffer.optional_text(registration.meta_source.as_deref());
                if registration.profiles.is_empty() {
                    buffer.null();
                } else {
                    let profiles: Vec<Option<&str>> =
                        registration.profiles.iter().map(|profile| Some(profile.as_str())).collect();
                    buffer.text_array(&profiles);
                }
                for json in [&registration.tags, &registration.security] {
                    match json {
                        Some(json) => buffer.jsonb(&[json]),
                        None => buffer.null(),
                    }
                }
                buffer.optional_text(registration.language.as_deref());
                buffer.bigint(file_id);
            }
            Place::Delete(_) => {
                buffer.nulls(2);
                buffer.bigint(file_id);
                buffer.bigint(position);
                buffer.nulls(3);
                buffer.timestamptz(winner.effective_at.unwrap_or_else(now));
                buffer.boolean(false);
                buffer.nulls(6);
                buffer.bigint(file_id);
            }
        }
    }
    buffer
}

fn optional_time(buffer: &mut RowBuffer, time: Option<i64>) {
    match time {
        Some(time) => buffer.timestamptz(time),
        None => buffer.null(),
    }
}

/// Microseconds since 2000-01-01 UTC.
fn now() -> i64 {
    chrono::Utc::now().timestamp_micros() - 946_684_800_000_000
}

#[derive(QueryableByName)]
struct Current {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// For a remap, which takes one file at a time: the resources whose current content is the one of this file
/// and position are written anew, and nothing else is touched.
pub(crate) fn remapped(
    connection: &mut PgConnection,
    load: &Load<'_>,
    keys: &[i64],
) -> Result<Outcomes, LoadError> {
    let mut outcomes = Outcomes::all_stale(load);
    let positions: Vec<i64> = load.origins.iter().map(|origin| origin.position as i64).collect();
    let current: Vec<Current> = sql_query(
        "select id, position from etl.resource_version \
         where file_id = $1 and position = any($2) and content_hash is not null \
         order by id for update",
    )
    .bind::<BigInt, _>(load.files[0].id)
    .bind::<Array<BigInt>, _>(&positions)
    .load(connection)?;
    let by_position: FxHashMap<i64, usize> =
        positions.iter().enumerate().map(|(resource, position)| (*position, resource)).collect();
    for Current { id, position } in current {
        let Some(&resource) = by_position.get(&position) else { continue };
        if keys[load.batch.resources()[resource].target as usize] == id {
            outcomes.of_resources[resource] = Outcome::Updated(id);
            outcomes.replaced.push((load.batch.identity(resource).resource_type, id));
        }
    }
    Ok(outcomes)
}
