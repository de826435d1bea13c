//! Loading archived records *again*: as when they were delivered, but only those that
//! whoever takes files back wants.

use std::sync::Arc;

use diesel::PgConnection;
use diesel::data_types::PgTimestamp;
use fhirmill_core::fhir::{Address, ResourceType};
use fhirmill_core::map::Plan;
use fhirmill_core::sink::{KeyedBatch, Outcomes};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::load::{Loader, Reject, date};

use super::{LoadedBatch, Purpose, Worker};
use crate::config::ResourceTypes;
use crate::pipeline::batch_mapper::Mapped;
use crate::pipeline::conditions::{self, Redirect};
use crate::pipeline::input_batch::InputBatch;
use crate::pipeline::job::Job;
use crate::pipeline::refused_records;
use crate::pipeline::unchanged_records::UnchangedRecords;

/// The type and the id of a resource.
pub(crate) type Named = (ResourceType, String);

/// Which records of a batch are loaded again, by number, type and id.
pub(crate) type IsWanted<'w> = dyn Fn(usize, ResourceType, &str) -> bool + 'w;

impl Worker {
    /// A worker of an undo, with a connection of its own.
    pub fn for_undo(job: &Job<'_>) -> Result<Self, LoadError> {
        let mut worker = Worker::new(job, Purpose::Undo, Arc::default())?;
        worker.mapper.want(ResourceTypes::All);
        Ok(worker)
    }

    /// The plan that it maps by, with all tables.
    pub fn plan_tables(&self) -> Arc<Plan> {
        self.loader.plan()
    }

    /// The loader, between two batches.
    pub fn loader(&mut self) -> &mut Loader {
        &mut self.loader
    }

    /// What each record of the batch is, if it can be read; and what its conditional
    /// requests lead to.
    pub fn named(&mut self, batch: &mut InputBatch) -> Result<(Vec<Option<Named>>, Vec<Named>), LoadError> {
        let Some(source_id) = batch.source_id() else { return Ok((Vec::new(), Vec::new())) };
        self.begin(batch, source_id)?;
        self.follow_conditions(batch, source_id)?;
        let redirects = self.mapper.redirects.iter();
        let led_to = redirects.flat_map(|((resource_type, id), redirect)| {
            redirect.ids().chain([id.as_str()]).map(|id| (*resource_type, id.to_owned()))
        });
        let led_to = led_to.collect();
        Ok(((0..batch.records().len()).map(|number| self.name(batch, number)).collect(), led_to))
    }

    /// The id of the resource that a conditional request of the batch leads to, instead of this
    /// one; of the batch that was named last.
    pub fn led_to(&self, named: &Named) -> Option<&str> {
        self.mapper.redirects.get(named).map(Redirect::id)
    }

    /// What a record is whose conditional request was followed.
    fn name(&mut self, batch: &InputBatch, number: usize) -> Option<Named> {
        let record = &batch.records()[number];
        if let Some(url) = &record.delete {
            let Address::Rest { resource_type, id, .. } = Address::parse(url.split('#').next()?) else {
                return None;
            };
            return Some((resource_type, id.into_owned()));
        }
        let fingerprint = self.mapper.fingerprint(batch, record)?;
        Some((fingerprint.resource_type, fingerprint.fhir_id))
    }

    /// Loads the wanted records of a batch as when they were delivered, which was at that
    /// time. It is part of the transaction that its loader is in.
    pub fn replay(
        &mut self,
        batch: &mut InputBatch,
        delivered_at: PgTimestamp,
        is_wanted: &IsWanted<'_>,
    ) -> Result<LoadedBatch, LoadError> {
        let Some(source_id) = batch.source_id() else { return Ok(LoadedBatch::default()) };
        self.loader.deliver_at(delivered_at)?;
        self.begin(batch, source_id)?;
        let existing = self.follow_conditions(batch, source_id)?;
        let mut left_out: Vec<bool> = (0..batch.records().len())
            .map(|number| {
                let named = self.name(batch, number);
                !named.is_some_and(|(resource_type, id)| is_wanted(number, resource_type, &id))
            })
            .collect();
        existing.into_iter().for_each(|(record, _)| left_out[record] = true);
        let loaded = match left_out.iter().all(|is| *is) {
            true => LoadedBatch::default(),
            false => self.replay_without(batch, source_id, left_out, delivered_at)?,
        };
        self.finish(batch.number);
        Ok(loaded)
    }

    /// Loads what is not left out; what the database refuses is left out, too.
    fn replay_without(
        &mut self,
        batch: &mut InputBatch,
        source_id: i16,
        left_out: Vec<bool>,
        delivered_at: PgTimestamp,
    ) -> Result<LoadedBatch, LoadError> {
        let mut last_word = |connection: &mut PgConnection,
                             _: &Mapped,
                             _: &[&Reject],
                             (_, outcomes): (&KeyedBatch<'_>, &Outcomes)| {
            date(connection, outcomes, delivered_at)
        };
        let mut unchanged = UnchangedRecords::left_out(left_out);
        let loaded = match self.load_all(batch, source_id, &unchanged, &mut last_word) {
            Err(error) if error.is_data_error() => {
                self.loader.end_batch()?;
                let count = batch.records().len();
                let refused = refused_records::find(count, |records| {
                    let is_left_out =
                        |record: usize| unchanged.contains(record) || !records.contains(&record);
                    let refusal = self.refusal(batch, source_id, &is_left_out);
                    self.loader.end_batch()?;
                    refusal
                })?;
                if refused.is_empty() {
                    return Err(error);
                }
                for record in &refused {
                    unchanged.leave_out(record.number);
                }
                self.load_all(batch, source_id, &unchanged, &mut last_word)?
            }
            other => other?,
        };
        self.loader.end_batch()?;
        Ok(loaded)
    }

    /// Whether the batch has conditional requests, or parts of Bundles that have.
    pub fn has_conditions(batch: &InputBatch) -> bool {
        conditions::are_in(batch)
    }
}
