//! Loading *updates*: as any batch, but whoever sent a record waits to be told what became
//! of it, and may set conditions that decide whether the batch is committed.

use std::sync::Arc;

use diesel::PgConnection;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::sink::{KeyedBatch, Outcome, Outcomes};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::load::Reject;
use fhirmill_postgres::registry::{RunRegistry, Wanted};

use super::{Purpose, Worker};
use crate::pipeline::batch_mapper::Mapped;
use crate::pipeline::conditions;
use crate::pipeline::input_batch::InputBatch;
use crate::pipeline::open_rejects::OpenRejects;
use crate::pipeline::run_state::BatchStatistics;
use crate::pipeline::unchanged_records::UnchangedRecords;

/// What a record did to its resource, as far as the transaction has come.
#[derive(Clone, Debug)]
pub struct RecordOutcome {
    /// Its position in the file.
    pub position: u64,
    /// The resource's type.
    pub resource_type: ResourceType,
    /// The resource's id.
    pub fhir_id: String,
    /// The resource's key; `None` where the resource is known by its identifier only.
    pub key: Option<i64>,
    /// What was decided.
    pub outcome: Outcome,
    /// The resource was deleted before, and is there again.
    pub is_revived: bool,
}

/// What is decided on updates.
pub struct Decided<'d> {
    /// Of all records that could be mapped, in no particular order.
    pub outcomes: Vec<RecordOutcome>,
    /// The records that could not.
    pub rejects: &'d [Reject],
}

/// Has the last word on updates: see [`LastWord`](fhirmill_postgres::load::LastWord).
pub type UpdatesLastWord<'w> = dyn FnMut(&mut PgConnection, &Decided<'_>) -> Result<(), LoadError> + 'w;

/// Has the last word on messages, given all that are rejected.
pub type MessagesLastWord<'w> = dyn FnMut(&mut PgConnection, &[&Reject]) -> Result<(), LoadError> + 'w;

impl Worker {
    /// From the next batch on, works for this run.
    pub fn follow(&mut self, run_id: i64, registry: Arc<RunRegistry>, open_rejects: Arc<OpenRejects>) {
        self.purpose = Purpose::Run(run_id);
        self.registry = Arc::clone(&registry);
        self.loader.follow(registry);
        self.open_rejects = open_rejects;
    }

    /// For each identifier the ids of the resources of the source that have it.
    pub fn owners(&mut self, source_id: i16, wanted: &[Wanted]) -> Result<Vec<Vec<String>>, LoadError> {
        self.loader.owners(source_id, wanted)
    }

    /// Maps and loads one batch if the last word is to commit it.
    pub fn load_updates(
        &mut self,
        batch: &mut InputBatch,
        last_word: &mut UpdatesLastWord<'_>,
    ) -> Result<BatchStatistics, LoadError> {
        let Some(source_id) = batch.source_id() else { return Ok(BatchStatistics::default()) };
        self.give_way(batch.number)?;
        self.begin(batch, source_id)?;
        if !conditions::are_in(batch) {
            return self.load_conditional_updates(batch, source_id, last_word);
        }
        self.loader.lock_source(source_id)?;
        let loaded = self.load_conditional_updates(batch, source_id, last_word);
        let unlocked = self.loader.unlock_source(source_id);
        let loaded = loaded?;
        unlocked?;
        Ok(loaded)
    }

    /// Maps and loads one batch of messages if the last word is to commit it, given all
    /// records that are rejected.
    pub fn load_messages(
        &mut self,
        batch: &mut InputBatch,
        last_word: &mut MessagesLastWord<'_>,
    ) -> Result<BatchStatistics, LoadError> {
        let loaded =
            self.load_with(batch, &mut |connection, _, rejects, _| last_word(connection, rejects))?;
        Ok(loaded.statistics)
    }

    fn load_conditional_updates(
        &mut self,
        batch: &mut InputBatch,
        source_id: i16,
        last_word: &mut UpdatesLastWord<'_>,
    ) -> Result<BatchStatistics, LoadError> {
        let mut unchanged = UnchangedRecords::default();
        let mut existing = Vec::new();
        for (number, resource_type) in self.follow_conditions(batch, source_id)? {
            unchanged.mark(number, batch.records().len(), resource_type);
            let record = &batch.records()[number];
            existing.push(RecordOutcome {
                position: record.origin.position,
                resource_type,
                fhir_id: record.id.clone().unwrap_or_default(),
                key: None,
                outcome: Outcome::Unchanged,
                is_revived: false,
            });
        }
        let mut on_mapped = |connection: &mut PgConnection,
                             mapped: &Mapped,
                             _: &[&Reject],
                             (batch, outcomes): (&KeyedBatch<'_>, &Outcomes)| {
            let mut of_records = outcomes_of(batch, outcomes);
            of_records.extend_from_slice(&existing);
            last_word(connection, &Decided { outcomes: of_records, rejects: &mapped.rejects })
        };
        let stored = self.store(batch, source_id, &unchanged, &mut on_mapped)?;
        Ok(self.settle(batch, source_id, &unchanged, &stored))
    }
}

/// The outcomes of the records that were mapped.
fn outcomes_of(batch: &KeyedBatch<'_>, outcomes: &Outcomes) -> Vec<RecordOutcome> {
    let outcome = |target: u32, position: u64, outcome: Outcome| {
        let identity = batch.rows.target_identity(target);
        let key = batch.keys[target as usize];
        RecordOutcome {
            position,
            resource_type: identity.resource_type,
            fhir_id: identity.fhir_id.to_owned(),
            key: Some(key),
            outcome,
            is_revived: outcomes.revived.contains(&key),
        }
    };
    let resources = batch.rows.resources().iter().zip(batch.origins).zip(&outcomes.of_resources);
    let of_resources =
        resources.map(|((registration, origin), of)| outcome(registration.target, origin.position, *of));
    let deletes = batch.deletes.iter().zip(&outcomes.of_deletes);
    let of_deletes = deletes.map(|(delete, of)| outcome(delete.target, delete.position, *of));
    of_resources.chain(of_deletes).collect()
}
