//! The registry's *decision*: which records of a batch are new, newer, the same
//! or older than what the tables hold, by the version order.

use std::ops::Range;

use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::sink::{BatchId, KeyedBatch, Outcome, Outcomes};
use fhirmill_core::version::Place;
use rustc_hash::FxHashMap;

use super::candidate::{self, Candidate, Record};
use super::confirmations::Writing;
use super::expectations::Hint;
use super::lifeline::{Lifeline, lifelines};
use super::registration;
use super::stored::{self, Stored};
use super::verdict::{Action, Verdict, judge};
use crate::LoadError;
use crate::database::CopyTable;
use crate::ledger::FileRelations;

/// A session's own table, empty between transactions. `action` is 0 for new
/// resources, 1 for other contents, 2 for the same content.
pub(super) const TEMPORARY_TABLES: &str = "\
create temporary table if not exists batch_resource (
  id bigint, content_hash bytea,
  effective_at timestamptz, version_id text, last_updated timestamptz, file_id bigint, position bigint,
  member integer, byte_offset bigint, byte_length bigint, deleted_at timestamptz, is_id_generated boolean,
  full_url text, meta_source text, profile text[], tag jsonb, security jsonb, language text, first_file_id bigint,
  inherited_at timestamptz, inherited_version bigint, dated_file_id bigint, dated_position bigint,
  content_since timestamptz, content_file_id bigint, action smallint
) on commit delete rows";

/// In the same order in every transaction. A resource that another session has
/// inserted meanwhile is left out.
const INSERT: &str = "\
insert into etl.resource_version (
  id, content_hash, effective_at, version_id, last_updated,
  file_id, position, member, byte_offset, byte_length, deleted_at,
  is_id_generated, full_url, meta_source, profile, tag, security, language, first_file_id,
  inherited_at, inherited_version, dated_file_id, dated_position, content_since, content_file_id)
select
  id, content_hash, effective_at, version_id, last_updated,
  file_id, position, member, byte_offset, byte_length, deleted_at,
  is_id_generated, full_url, meta_source, profile, tag, security, language, first_file_id,
  inherited_at, inherited_version, dated_file_id, dated_position, content_since, content_file_id
from batch_resource where action = 0
order by id
on conflict do nothing";

const REPLACE: &str = "\
update etl.resource_version v set
  revision = v.revision + 1, content_hash = b.content_hash, effective_at = b.effective_at,
  version_id = b.version_id, last_updated = b.last_updated, file_id = b.file_id,
  position = b.position, member = b.member, byte_offset = b.byte_offset,
  byte_length = b.byte_length, loaded_at = now(), deleted_at = b.deleted_at,
  is_id_generated = b.is_id_generated, full_url = b.full_url,
  meta_source = b.meta_source, profile = b.profile, tag = b.tag,
  security = b.security, language = b.language,
  inherited_at = b.inherited_at, inherited_version = b.inherited_version, dated_file_id = b.dated_file_id,
  dated_position = b.dated_position, content_since = b.content_since, content_file_id = b.content_file_id
from batch_resource b where v.id = b.id and b.action = 1";

/// The same content again, later by the order: only its time, version and place
/// move forward, so that a record in between, which another session may still be
/// loading, is not taken for the newest.
const MOVE: &str = "\
update etl.resource_version v set
  effective_at = b.effective_at, version_id = b.version_id, last_updated = b.last_updated, file_id = b.file_id,
  position = b.position, member = b.member, byte_offset = b.byte_offset, byte_length = b.byte_length,
  deleted_at = b.deleted_at,
  inherited_at = b.inherited_at, inherited_version = b.inherited_version, dated_file_id = b.dated_file_id,
  dated_position = b.dated_position, content_since = b.content_since, content_file_id = b.content_file_id
from batch_resource b where v.id = b.id and b.action = 2";

/// What a version inherits from an earlier one that came after it.
const RAISE: &str = "\
update etl.resource_version v set
  inherited_at = b.inherited_at, inherited_version = b.inherited_version,
  dated_file_id = b.dated_file_id, dated_position = b.dated_position
from unnest($1, $2, $3, $4, $5) as b (id, inherited_at, inherited_version, dated_file_id, dated_position)
where v.id = b.id";

/// What was decided on a batch.
#[derive(Default)]
pub(crate) struct Decided {
    /// The outcome of each record.
    pub outcomes: Outcomes,
    /// The contents that resources of types with history went through.
    pub lifelines: Vec<Lifeline>,
    /// The numbers of resources whose content is the current one, and whose time
    /// or version is newer.
    pub moved: Vec<usize>,
    /// What this tells of files that are delivered again.
    pub relations: FileRelations,
}

/// How to decide.
#[derive(Clone, Copy)]
pub(crate) struct DecideContext<'d> {
    /// The turn to write.
    pub writing: &'d Writing<'d>,
    /// Whether to expect that all resources are new. Learns from the batch.
    pub new_resources: &'d Hint,
    /// The resource types whose superseded rows are kept.
    pub types_with_history: &'d [ResourceType],
    /// All batches that were read before this one are decided on.
    pub is_in_turn: bool,
}

/// Registers the batch and returns the outcome of each record. If all resources
/// are expected to be new, tries to copy them into the registry at once.
pub(super) fn decide(
    connection: &mut PgConnection,
    batch: &KeyedBatch<'_>,
    id: BatchId,
    context: DecideContext<'_>,
) -> Result<Decided, LoadError> {
    let candidates = candidate::candidates(batch);
    if !context.is_in_turn && candidates.iter().any(|candidate| candidate.version.needs_order()) {
        return Err(LoadError::OutOfTurn);
    }
    let groups = groups(&candidates);
    let mut decision = Decision { batch, id, context, candidates: &candidates, groups: &groups };
    if context.new_resources.holds() {
        let (verdicts, relations) = decision.judge(&FxHashMap::default())?;
        let rows = registration::rows(batch, &candidates, &verdicts, registration::COLUMNS.len());
        let registry = CopyTable::new("etl.resource_version", registration::COLUMNS);
        if registry.copy_if_new(connection, &rows)? {
            return Ok(decision.decided(&verdicts, relations));
        }
    }
    let keys: Vec<i64> = groups.iter().map(|numbers| candidates[numbers.start].key).collect();
    let stored = stored::lock(connection, &keys)?;
    let (verdicts, relations) = decision.judge(&stored)?;
    register(connection, batch, &candidates, &verdicts)?;
    context.new_resources.set(stored.is_empty());
    Ok(decision.decided(&verdicts, relations))
}

/// The candidates of each resource.
fn groups(candidates: &[Candidate]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::with_capacity(candidates.len());
    for (number, candidate) in candidates.iter().enumerate() {
        match groups.last_mut() {
            Some(last) if candidates[last.start].key == candidate.key => last.end = number + 1,
            _ => groups.push(number..number + 1),
        }
    }
    groups
}

/// What a decision is made on.
struct Decision<'d> {
    batch: &'d KeyedBatch<'d>,
    id: BatchId,
    context: DecideContext<'d>,
    candidates: &'d [Candidate],
    groups: &'d [Range<usize>],
}

impl Decision<'_> {
    /// The verdicts, given what is stored.
    fn judge(&self, stored: &FxHashMap<i64, Stored>) -> Result<(Vec<Verdict>, FileRelations), LoadError> {
        let mut relations = FileRelations::default();
        let verdict = |numbers: &Range<usize>| {
            let key = self.candidates[numbers.start].key;
            let confirmed = self.context.writing.confirmed_after(self.id.number, key);
            let is_in_turn = self.context.is_in_turn;
            let stored = stored.get(&key).copied();
            judge(self.candidates, numbers.clone(), stored, confirmed, is_in_turn, &mut relations)
        };
        let verdicts = self.groups.iter().map(verdict).collect::<Result<_, _>>()?;
        Ok((verdicts, relations))
    }

    fn decided(&mut self, verdicts: &[Verdict], relations: FileRelations) -> Decided {
        let mut outcomes = Outcomes::all_stale(self.batch.origins.len(), self.batch.deletes.len());
        let mut moved = Vec::new();
        for (verdict, numbers) in verdicts.iter().zip(self.groups) {
            verdict.note(self.batch, self.candidates, numbers.clone(), &mut outcomes);
            let winner = verdict.winner.filter(|_| verdict.action == Action::Move);
            if let Some(Record::Resource(number)) = winner.map(|winner| self.candidates[winner].record) {
                moved.push(number);
            }
        }
        let lifelines = lifelines(self.batch, self.candidates, verdicts, self.context.types_with_history);
        Decided { outcomes, lifelines, moved, relations }
    }
}

/// Writes the verdicts into the registry.
fn register(
    connection: &mut PgConnection,
    batch: &KeyedBatch<'_>,
    candidates: &[Candidate],
    verdicts: &[Verdict],
) -> Result<(), LoadError> {
    let rows = registration::rows(batch, candidates, verdicts, registration::COLUMNS.len() + 1);
    let columns = registration::COLUMNS.into_iter().chain(["action"]);
    CopyTable::new("batch_resource", columns).copy_buffer(connection, &rows)?;
    let count = |action: Action| verdicts.iter().filter(|verdict| verdict.action == action).count();
    for (action, statement) in [(Action::Insert, INSERT), (Action::Replace, REPLACE), (Action::Move, MOVE)] {
        let asked = count(action);
        if asked == 0 {
            continue;
        }
        let answered = sql_query(statement).execute(connection)?;
        if answered != asked {
            return Err(match action {
                Action::Insert => LoadError::Overtaken,
                _ => LoadError::RegistryIncomplete { asked, answered },
            });
        }
    }
    raise(connection, verdicts)
}

fn raise(connection: &mut PgConnection, verdicts: &[Verdict]) -> Result<(), LoadError> {
    let raised: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.action == Action::Raise).collect();
    if raised.is_empty() {
        return Ok(());
    }
    let place = |of: fn(Place) -> i64| raised.iter().map(move |verdict| verdict.order.time_place.map(of));
    sql_query(RAISE)
        .bind::<Array<BigInt>, _>(raised.iter().map(|verdict| verdict.key).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(
            raised.iter().map(|verdict| verdict.order.inherited_time.map(PgTimestamp)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<BigInt>>, _>(
            raised.iter().map(|verdict| verdict.order.inherited_number).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<BigInt>>, _>(place(|place| place.file).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(place(|place| place.position).collect::<Vec<_>>())
        .execute(connection)?;
    Ok(())
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
