//! Loading *one batch*: what its conditional requests mean, which of its records are
//! unchanged, mapping and storing the others, and rejecting those that the database
//! refuses.

use std::collections::BTreeMap;

use diesel::PgConnection;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{Fingerprint, IdentifierCache};
use fhirmill_core::sink::{BatchId, KeyedBatch, Mode, Outcomes};
use fhirmill_core::version::Place;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{FileRelations, MendedRecord};
use fhirmill_postgres::load::{Delivery, FilePart, Load, Loaded, Reject, SkippedType};
use fhirmill_postgres::registry::{ByIdentifier, UnchangedQuery};
use tracing::warn;

use super::{LoadedBatch, Purpose, Worker};
use crate::config::EobCoverage;
use crate::pipeline::batch_mapper::Mapped;
use crate::pipeline::conditions::{self, Conditions};
use crate::pipeline::eob_coverage;
use crate::pipeline::input_batch::{InputBatch, Record};
use crate::pipeline::refused_records::{self, RefusedRecord};
use crate::pipeline::run_state::BatchStatistics;
use crate::pipeline::unchanged_records::UnchangedRecords;
use crate::report::WorkStage;

/// Is told the keys of the resources of a batch whose rows are written.
pub type NoteWritten<'n> = dyn FnMut(&mut PgConnection, &[i64]) -> Result<(), LoadError> + 'n;

/// Has the last word on a batch, which was mapped so, and has these rejects: see
/// [`LastWord`](fhirmill_postgres::load::LastWord).
pub(super) type MappedLastWord<'w> = dyn FnMut(&mut PgConnection, &Mapped, &[&Reject], (&KeyedBatch<'_>, &Outcomes)) -> Result<(), LoadError>
    + 'w;

/// A batch that was loaded, as it was mapped.
pub(super) struct Stored {
    mapped: Mapped,
    files: Vec<FilePart>,
    loaded: Loaded,
}

impl Worker {
    /// Maps and loads one batch. Records that the database refuses, for whatever
    /// reason, are rejected alone.
    pub fn load(&mut self, batch: &mut InputBatch) -> Result<LoadedBatch, LoadError> {
        self.load_with(batch, &mut |_, _, _, _| Ok(()))
    }

    /// As `load`, if the last word is to commit it. The last word is called again if the
    /// batch is tried again.
    pub(super) fn load_with(
        &mut self,
        batch: &mut InputBatch,
        last_word: &mut MappedLastWord<'_>,
    ) -> Result<LoadedBatch, LoadError> {
        let Some(source_id) = batch.source_id() else { return Ok(LoadedBatch::default()) };
        self.give_way(batch.number)?;
        self.begin(batch, source_id)?;
        if self.purpose == Purpose::Remap || !conditions::are_in(batch) {
            return self.load_conditional(batch, source_id, last_word);
        }
        // An owner may come at the same moment, over another connection.
        self.registry.wait_for_earlier(batch.number);
        self.loader.lock_source(source_id)?;
        let loaded = self.load_conditional(batch, source_id, last_word);
        let unlocked = self.loader.unlock_source(source_id);
        let loaded = loaded?;
        unlocked?;
        Ok(loaded)
    }

    /// Writes the rows of one batch of archived records into the table of a view. Within
    /// the transaction, `note` is told which resources have their rows.
    pub fn fill(&mut self, batch: &mut InputBatch, note: &mut NoteWritten<'_>) -> Result<(), LoadError> {
        let Some(source_id) = batch.source_id() else { return Ok(()) };
        self.begin(batch, source_id)?;
        self.follow_conditions(batch, source_id)?;
        self.store(
            batch,
            source_id,
            &UnchangedRecords::default(),
            &mut |connection, _, _, (_, outcomes)| {
                let written = outcomes.of_resources.iter().filter_map(|outcome| outcome.applied_key());
                note(connection, &written.collect::<Vec<_>>())
            },
        )?;
        Ok(())
    }

    /// Begins with a batch of that source.
    pub(super) fn begin(&mut self, batch: &mut InputBatch, source_id: i16) -> Result<(), LoadError> {
        let may_declare_views = self.may_declare_views(source_id)?;
        self.mapper.allow_views(may_declare_views);
        if self.eob_coverage == EobCoverage::Drop {
            batch.rewrite(eob_coverage::without);
        }
        if self.purpose == Purpose::Remap {
            self.mapper.earlier.clear();
            // Owners change between the batches of a remap.
            *self.mapper.identifiers() = IdentifierCache::default();
        }
        self.mapper.identifiers().begin_source(source_id);
        self.by_identifier = ByIdentifier::default();
        Ok(())
    }

    /// As `load`, when nobody else loads what its conditional requests may mean.
    fn load_conditional(
        &mut self,
        batch: &mut InputBatch,
        source_id: i16,
        last_word: &mut MappedLastWord<'_>,
    ) -> Result<LoadedBatch, LoadError> {
        // Who has the source to itself asks nothing that waits for other batches to be
        // written, because these wait for the source.
        let has_source = conditions::are_in(batch);
        let existing = self.follow_conditions(batch, source_id)?;
        let mut unchanged =
            if has_source { UnchangedRecords::default() } else { self.unchanged(batch, source_id)? };
        for (record, resource_type) in existing {
            unchanged.mark(record, batch.records().len(), resource_type);
        }
        match self.load_all(batch, source_id, &unchanged, last_word) {
            Err(error) if error.is_data_error() && self.purpose != Purpose::Remap => {
                let count = batch.records().len();
                let refused = refused_records::find(count, |records| {
                    self.refusal(batch, source_id, &|record| !records.contains(&record))
                })?;
                if refused.is_empty() {
                    return Err(error);
                }
                for record in refused.iter().rev() {
                    self.reject_refused(batch, record);
                    unchanged.remove(record.number);
                }
                self.load_all(batch, source_id, &unchanged, last_word)
            }
            other => other,
        }
    }

    /// Finds what the conditional requests of the batch mean. Returns the records that
    /// create what exists already, with their types.
    pub(super) fn follow_conditions(
        &mut self,
        batch: &mut InputBatch,
        source_id: i16,
    ) -> Result<Vec<(usize, ResourceType)>, LoadError> {
        self.mapper.redirects.clear();
        if !conditions::are_in(batch) {
            return Ok(Vec::new());
        }
        let is_remap = self.purpose == Purpose::Remap;
        let Conditions { redirects, ids, existing, deletes, by_identifier } =
            conditions::resolve(batch, source_id, &mut self.loader)?;
        self.mapper.redirects = redirects;
        self.by_identifier = by_identifier;
        if is_remap {
            self.recall_references(batch)?;
        }
        for (record, id) in ids {
            let position = batch.records()[record].origin.position;
            let before = self.mapper.earlier.get(&position).map(|earlier| earlier.fhir_id.clone());
            batch.set_id(record, before.unwrap_or(id));
        }
        for (record, url) in deletes {
            batch.set_delete(record, url);
        }
        let of_type =
            |record: usize| Some((record, batch.records()[record].condition.as_ref()?.resource_type));
        Ok(existing.into_iter().filter(|_| !is_remap).filter_map(of_type).collect())
    }

    /// Loads all records of the batch but for the unchanged ones.
    pub(super) fn load_all(
        &mut self,
        batch: &mut InputBatch,
        source_id: i16,
        unchanged: &UnchangedRecords,
        last_word: &mut MappedLastWord<'_>,
    ) -> Result<LoadedBatch, LoadError> {
        let stored = self.store(batch, source_id, unchanged, last_word)?;
        let accounts = stored.loaded.accounts.clone();
        Ok(LoadedBatch { statistics: self.settle(batch, source_id, unchanged, &stored), accounts })
    }

    /// Maps and stores all records of the batch but for the unchanged ones, if the last
    /// word is to commit it.
    pub(super) fn store(
        &mut self,
        batch: &InputBatch,
        source_id: i16,
        unchanged: &UnchangedRecords,
        last_word: &mut MappedLastWord<'_>,
    ) -> Result<Stored, LoadError> {
        let activity = self.activity.clone();
        let stage = activity.begin(WorkStage::Map);
        let mapped = self.map(batch, source_id, &|record| unchanged.contains(record))?;
        drop(stage);
        failpoint::passed(Step::Mapped);
        let mut files = batch.files();
        for (file, records) in mapped.skipped_in_files() {
            files[file].skipped += records;
        }
        let skipped = skipped_types(&mapped);
        unchanged.count_in(batch, &mut files);
        let rejects: Vec<&Reject> = batch.rejects().iter().chain(&mapped.rejects).collect();
        let mut load = Load {
            mode: self.mode(batch),
            source_id,
            files: &files,
            rows: &mut self.mapper.rows,
            origins: &mapped.origins,
            bodies: &mapped.bodies(batch),
            deletes: &mapped.deletes,
            rejects: &rejects,
            skipped: &skipped,
            delivery: delivery(self.purpose, &self.skipped_types),
            by_identifier: &self.by_identifier,
            relations: &unchanged.relations,
        };
        let stage = activity.begin(WorkStage::Load);
        let loaded = self.loader.load_if(&mut load, &mut |connection, batch, outcomes| {
            last_word(connection, &mapped, &rejects, (batch, outcomes))
        })?;
        drop(stage);
        activity.add_rows(source_id, loaded.rows);
        for fault in self.mapper.rows.view_faults() {
            warn!(
                resources = fault.resources,
                "{} has no rows of resources that do not fit it: {}", fault.table, fault.first
            );
        }
        Ok(Stored { mapped, files, loaded })
    }

    /// Notes that the batch is committed; returns its counts.
    pub(super) fn settle(
        &self,
        batch: &mut InputBatch,
        source_id: i16,
        unchanged: &UnchangedRecords,
        Stored { mapped, files, loaded }: &Stored,
    ) -> BatchStatistics {
        batch.mark_loaded(&loaded.accounts);
        let count: u64 = loaded.accounts.iter().map(|account| account.unchanged).sum();
        self.registry.expectations().unchanged_records.set(2 * count > batch.records().len() as u64);
        BatchStatistics {
            rows: loaded.rows,
            skipped: by_type(mapped),
            mended: self.mended(source_id, (mapped, files), unchanged),
            ..BatchStatistics::of(&self.mapper.rows, unchanged.by_type())
        }
    }

    /// The records of a batch that mend rejects.
    fn mended(
        &self,
        source_id: i16,
        (mapped, files): (&Mapped, &[FilePart]),
        unchanged: &UnchangedRecords,
    ) -> Vec<MendedRecord> {
        let of_rows = mapped.origins.iter().enumerate().map(|(resource, origin)| {
            let identity = self.mapper.rows.identity(resource);
            (files[origin.file].file_id, identity.resource_type, identity.fhir_id)
        });
        let of_unchanged = unchanged
            .identities
            .iter()
            .map(|(file, resource_type, fhir_id)| (*file, *resource_type, fhir_id.as_str()));
        self.open_rejects.mended(source_id, of_rows.chain(of_unchanged))
    }

    fn mode(&self, batch: &InputBatch) -> Mode {
        match self.purpose {
            Purpose::Run(run) | Purpose::Skipped(run) => Mode::Load(BatchId { run, number: batch.number }),
            // Batches are numbered for the worker's own registry only.
            Purpose::Undo => Mode::Load(BatchId { run: 0, number: batch.number }),
            Purpose::Remap => Mode::Remap,
        }
    }

    /// Why the database refuses the records that are not left out; `None` if it
    /// takes them. Stores nothing.
    pub(super) fn refusal(
        &mut self,
        batch: &InputBatch,
        source_id: i16,
        is_left_out: &dyn Fn(usize) -> bool,
    ) -> Result<Option<String>, LoadError> {
        let mapped = self.map(batch, source_id, is_left_out)?;
        self.loader.refusal(&mut Load {
            mode: self.mode(batch),
            source_id,
            files: &batch.files(),
            rows: &mut self.mapper.rows,
            origins: &mapped.origins,
            bodies: &mapped.bodies(batch),
            deletes: &mapped.deletes,
            rejects: &[],
            skipped: &[],
            delivery: delivery(self.purpose, &[]),
            by_identifier: &ByIdentifier::default(),
            relations: &FileRelations::default(),
        })
    }

    /// Makes a record that the database refuses a reject.
    fn reject_refused(&mut self, batch: &mut InputBatch, refused: &RefusedRecord) {
        let fingerprint = self.mapper.fingerprint(batch, &batch.records()[refused.number]);
        let message = format!("Postgres refused one of its rows ({})", refused.refusal);
        batch.reject_record(refused.number, |record, bytes| {
            let (file, position) = (record.origin.file, record.origin.position);
            warn!(file, position, "the database refused a record; it is rejected");
            Reject {
                resource_type: fingerprint.as_ref().map(|known| known.resource_type.name().to_owned()),
                fhir_id: fingerprint.map(|known| known.fhir_id),
                ..record.reject("refused_by_database", message, bytes)
            }
        });
    }

    /// Asks the registry for unchanged records if it is likely to have many:
    /// records that have changed are read twice then.
    fn unchanged(&mut self, batch: &InputBatch, source_id: i16) -> Result<UnchangedRecords, LoadError> {
        // The order rule decides what a delete does to the resource.
        let has_deletes = batch.records().iter().any(|record| record.delete.is_some());
        let is_likely =
            matches!(self.purpose, Purpose::Run(_)) && self.registry.expectations().unchanged_records.holds();
        let (Mode::Load(id), Some(file)) = (self.mode(batch), batch.files().last().copied()) else {
            return Ok(UnchangedRecords::default());
        };
        if has_deletes || !is_likely {
            return Ok(UnchangedRecords::default());
        }
        let records = batch.records().iter();
        let fingerprints: Vec<Option<Fingerprint>> =
            records.map(|record| self.mapper.fingerprint(batch, record)).collect();
        if fingerprints.iter().flatten().any(|fingerprint| fingerprint.is_deleted) {
            return Ok(UnchangedRecords::default());
        }
        let files = batch.files();
        let place = |record: &Record| Place {
            file: files[record.origin.file].file_id,
            position: record.origin.position as i64,
        };
        let places: Vec<Place> = batch.records().iter().map(place).collect();
        let query = UnchangedQuery { id, source_id, file_id: file.file_id, places: &places };
        let activity = self.activity.clone();
        let stage = activity.begin(WorkStage::Load);
        let answer = self.loader.unchanged(query, &fingerprints)?;
        drop(stage);
        let mut unchanged = UnchangedRecords::new(answer, &fingerprints);
        if self.open_rejects.is_any() {
            unchanged.note_identities(&places, fingerprints);
        }
        Ok(unchanged)
    }

    /// Finds out what the references of a remapped batch, which is of one file, led to
    /// when its rows were written.
    fn recall_references(&mut self, batch: &InputBatch) -> Result<(), LoadError> {
        let Some(file) = batch.files().first().copied() else { return Ok(()) };
        let positions: Vec<i64> =
            batch.records().iter().map(|record| record.origin.position as i64).collect();
        self.mapper.earlier = self.loader.earlier_references(file.file_id, &positions)?;
        Ok(())
    }

    /// Maps the records that are not left out. If references name identifiers
    /// whose owners only the database knows, maps them again with the owners,
    /// which are remembered.
    fn map(
        &mut self,
        batch: &InputBatch,
        source_id: i16,
        is_left_out: &dyn Fn(usize) -> bool,
    ) -> Result<Mapped, LoadError> {
        let mapped = self.mapper.map(batch, is_left_out);
        if self.purpose == Purpose::Remap {
            if !self.loader.recall_identifiers(source_id, self.mapper.identifiers())? {
                return Ok(mapped);
            }
            if self.mapper.earlier.is_empty() {
                self.recall_references(batch)?;
            }
            return Ok(self.mapper.map(batch, is_left_out));
        }
        if !self.loader.learn_identifiers(source_id, self.mapper.identifiers())? {
            return Ok(mapped);
        }
        let mapped = self.mapper.map(batch, is_left_out);
        self.mapper.identifiers().take_asked();
        Ok(mapped)
    }
}

fn delivery<'t>(purpose: Purpose, resource_types: &'t [&'static str]) -> Delivery<'t> {
    match purpose {
        Purpose::Skipped(_) => Delivery::Archived { resource_types },
        Purpose::Undo => Delivery::Replayed,
        Purpose::Run(_) | Purpose::Remap => Delivery::Claimed,
    }
}

/// The records of a batch that are not wanted, by file and type.
fn skipped_types(mapped: &Mapped) -> Vec<SkippedType> {
    let of = |(&(file, resource_type), &records): (&(usize, ResourceType), &u64)| SkippedType {
        file,
        resource_type,
        records,
    };
    mapped.skipped.iter().map(of).collect()
}

/// The number of records of a batch that are not wanted, by type.
fn by_type(mapped: &Mapped) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for ((_, resource_type), records) in &mapped.skipped {
        *counts.entry(resource_type.name()).or_default() += records;
    }
    counts
}
