//! A *worker* takes batches from the queue, maps their resources and loads
//! them over its own connection.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::{error, warn};

use super::eob_coverage;
use super::handover::{Handover, Tally};
use super::work::{Record, Work};
use crate::config::{EobCoverage, KeepBodies, ResourceTypes, Settings};
use crate::report::in_one_line;
use fhirmill_core::datatype::{MAX_INDEXED_BYTES, moment};
use fhirmill_core::fhir::{ResourceType, version_of};
use fhirmill_core::map::{Fingerprint, FullUrls, Input, MapError, MapSettings, Mapper, Plan, RowBatch};
use fhirmill_core::sink::{BatchId, Delete, Mode, Origin};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::failpoint::{self, Fault, Step};
use fhirmill_postgres::ledger::Account;
use fhirmill_postgres::load::{Bodies, Load, Loader, Reject};
use fhirmill_postgres::registry::{RunRegistry, UnchangedQuery};

/// What a worker loads batches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The run with that id.
    Run(i64),
    /// A remap of archived files.
    Remap,
}

impl Purpose {
    /// The mode of the batch with that number.
    fn mode(self, number: u64) -> Mode {
        match self {
            Purpose::Run(run) => Mode::Load(BatchId { run, number }),
            Purpose::Remap => Mode::Remap,
        }
    }
}

pub(super) struct Worker {
    purpose: Purpose,
    registry: Arc<RunRegistry>,
    mapper: Mapper,
    loader: Loader,
    batch: RowBatch,
    drops_coverage: bool,
    wanted: ResourceTypes,
    timezone: fhirmill_core::datatype::Timezone,
}

/// Of a batch of which the database refuses more, it is not the records'
/// fault: a table was changed, or a server is not as it should be.
const MOST_REFUSED: usize = 20;

/// What mapping a batch gave, besides its rows.
#[derive(Default)]
struct Mapped {
    origins: Vec<Origin>,
    /// Which record each resource is of.
    records: Vec<usize>,
    deletes: Vec<Delete>,
    rejects: Vec<Reject>,
    /// The file of each resource that is not wanted.
    skipped: Vec<usize>,
}

/// The records of a batch that the registry has just so already, which are
/// not mapped.
#[derive(Default)]
struct Known {
    /// By record; empty where nothing was asked.
    is_known: Vec<bool>,
    by_type: BTreeMap<&'static str, u64>,
}

impl Known {
    fn contains(&self, record: usize) -> bool {
        self.is_known.get(record).copied().unwrap_or(false)
    }
}

impl Worker {
    /// A worker of that run, with a connection of its own. The run makes sure that
    /// what is loaded survives a power failure before files leave the inbox.
    pub fn for_run(
        settings: &Settings,
        database: &Database,
        run_id: i64,
        registry: Arc<RunRegistry>,
    ) -> Result<Self, LoadError> {
        let mut worker = Worker::new(settings, database, Purpose::Run(run_id), registry)?;
        worker.loader.commit_asynchronously()?;
        Ok(worker)
    }

    /// A worker of a remap, with a connection of its own.
    pub fn for_remap(settings: &Settings, database: &Database) -> Result<Self, LoadError> {
        Worker::new(settings, database, Purpose::Remap, Arc::default())
    }

    fn new(
        settings: &Settings,
        database: &Database,
        purpose: Purpose,
        registry: Arc<RunRegistry>,
    ) -> Result<Self, LoadError> {
        let plan = Plan::built_in();
        let table_count = plan.tables.len();
        let timezone = settings.assume_timezone;
        let bodies = match settings.keep_bodies {
            KeepBodies::Database => Bodies::Store,
            KeepBodies::Archive => Bodies::Omit,
        };
        Ok(Worker {
            purpose,
            mapper: Mapper::new(Arc::clone(&plan), MapSettings { timezone }),
            loader: Loader::new(database.connect()?, plan, bodies, Arc::clone(&registry))?,
            registry,
            batch: RowBatch::new(table_count),
            drops_coverage: settings.eob_coverage == EobCoverage::Drop,
            wanted: settings.resource_types.clone(),
            timezone,
        })
    }

    /// Works until the queue is closed; `connect` makes the worker when there is
    /// work for it. After a failure of the database the rest of the queue is
    /// left unloaded: its files are taken again later.
    pub fn run(handover: &Handover, registry: &RunRegistry, connect: impl Fn() -> Result<Worker, LoadError>) {
        let mut worker = None;
        while let Some(mut work) = handover.receive() {
            if handover.is_aborted() {
                continue;
            }
            // A worker that died would leave the reader waiting.
            let attempt = catch_unwind(AssertUnwindSafe(|| {
                let worker = match &mut worker {
                    Some(worker) => worker,
                    nobody => nobody.insert(connect()?),
                };
                worker.work(&mut work)
            }));
            match attempt.unwrap_or(Err(LoadError::Panicked)) {
                Ok((_, tally)) => handover.add(tally),
                Err(LoadError::ClaimLost) => warn!("another process has taken over a file of a batch"),
                Err(failure) => {
                    error!("a batch could not be loaded: {}", in_one_line(&failure));
                    handover.abort(failure);
                }
            }
            registry.finish(work.number);
            handover.give_spare(std::mem::take(&mut work.bytes));
        }
    }

    /// Maps and loads one batch; gives each file's account. Records that the
    /// database refuses, for whatever reason, are rejected alone.
    pub fn work(&mut self, work: &mut Work) -> Result<(Vec<Account>, Tally), LoadError> {
        let Some(source_id) = work.source_id() else { return Ok(Default::default()) };
        if self.drops_coverage {
            drop_coverage(work);
        }
        self.mapper.identifiers().begin_source(source_id);
        let mut known = self.known(work, source_id)?;
        match self.load(work, source_id, &known) {
            Err(error) if error.is_data_error() && self.purpose != Purpose::Remap => {
                let refused = self.refused(work, source_id)?;
                if refused.is_empty() {
                    return Err(error);
                }
                for (record, refusal) in refused.into_iter().rev() {
                    self.reject_refused(work, record, &refusal);
                    if !known.is_known.is_empty() {
                        known.is_known.remove(record);
                    }
                }
                self.load(work, source_id, &known)
            }
            other => other,
        }
    }

    fn load(
        &mut self,
        work: &mut Work,
        source_id: i16,
        known: &Known,
    ) -> Result<(Vec<Account>, Tally), LoadError> {
        let mut mapped = self.map_with_numbers(work, source_id, &|record| known.contains(record))?;
        failpoint::passed(Step::Mapped);
        let mut by_type = known.by_type.clone();
        for resource in 0..self.batch.resources().len() {
            *by_type.entry(self.batch.identity(resource).resource_type.name()).or_default() += 1;
        }
        let mut files = work.files();
        for file in std::mem::take(&mut mapped.skipped) {
            files[file].skipped += 1;
        }
        for (record, _) in work.records.iter().zip(&known.is_known).filter(|(_, is_known)| **is_known) {
            files[record.origin.file].unchanged += 1;
        }
        let already_rejected = work.rejects.len();
        work.rejects.append(&mut mapped.rejects);
        let bodies = bodies(work, &mapped);
        let loaded = self.loader.load(&mut Load {
            mode: self.purpose.mode(work.number),
            source_id,
            files: &files,
            rows: &mut self.batch,
            origins: &mapped.origins,
            bodies: &bodies,
            deletes: &mapped.deletes,
            rejects: &work.rejects,
        });
        // What is mapped once more is rejected once more.
        work.rejects.truncate(already_rejected);
        let loaded = loaded?;
        work.is_loaded(&loaded.accounts);
        let unchanged: u64 = loaded.accounts.iter().map(|account| account.unchanged).sum();
        self.registry.expectations().unchanged_records.set(2 * unchanged > work.records.len() as u64);
        let mut by_version = BTreeMap::new();
        for unmapped in self.batch.unmapped() {
            if let Some(version) = version_of(unmapped.resource_type, unmapped.element) {
                *by_version.entry(version).or_default() += unmapped.resources;
            }
        }
        Ok((loaded.accounts, Tally { rows: loaded.rows, by_type, by_version }))
    }

    /// Which records the database refuses, when it has refused the batch: by
    /// trying halves. None where it takes each alone, or refuses so many that
    /// it is hardly their fault.
    fn refused(&mut self, work: &Work, source_id: i16) -> Result<Vec<(usize, String)>, LoadError> {
        let mut refused = Vec::new();
        let (middle, end) = (work.records.len() / 2, work.records.len());
        let mut waiting = vec![middle..end, 0..middle];
        while let Some(records) = waiting.pop() {
            if records.is_empty() {
                continue;
            }
            let Some(refusal) = self.refusal(work, source_id, &records)? else { continue };
            if records.len() == 1 {
                refused.push((records.start, refusal));
                if refused.len() > MOST_REFUSED {
                    return Ok(Vec::new());
                }
                continue;
            }
            let middle = records.start + records.len() / 2;
            waiting.extend([middle..records.end, records.start..middle]);
        }
        Ok(refused)
    }

    fn refusal(
        &mut self,
        work: &Work,
        source_id: i16,
        records: &Range<usize>,
    ) -> Result<Option<String>, LoadError> {
        let mapped = self.map_with_numbers(work, source_id, &|record| !records.contains(&record))?;
        self.loader.refusal(&mut Load {
            mode: self.purpose.mode(work.number),
            source_id,
            files: &work.files(),
            rows: &mut self.batch,
            origins: &mapped.origins,
            bodies: &bodies(work, &mapped),
            deletes: &mapped.deletes,
            rejects: &[],
        })
    }

    /// Makes a record that the database refuses a reject.
    fn reject_refused(&mut self, work: &mut Work, record: usize, refusal: &str) {
        let fingerprint = self.mapper.fingerprint(&input(work, &work.records[record], &self.wanted));
        let record = work.records.remove(record);
        warn!(
            file = record.origin.file,
            position = record.origin.position,
            "the database refuses a record, which is rejected"
        );
        work.rejects.push(Reject {
            file: record.origin.file,
            position: record.origin.position,
            location: record.location,
            resource_type: fingerprint
                .as_ref()
                .map(|fingerprint| fingerprint.resource_type.name().to_owned()),
            fhir_id: fingerprint.map(|fingerprint| fingerprint.fhir_id),
            reason: "refused_by_database".to_owned(),
            message: format!("Postgres refuses a row of it ({refusal})"),
            raw: work.bytes[record.bytes].to_vec(),
        });
    }

    /// Asks the registry for records that it has already, where it is likely
    /// to have many: each has to be read twice if it has not.
    fn known(&mut self, work: &Work, source_id: i16) -> Result<Known, LoadError> {
        let mut known = Known::default();
        // What a delete does to the resource is for the order rule to say.
        let has_deletes = work.records.iter().any(|record| record.delete.is_some());
        let Mode::Load(id) = self.purpose.mode(work.number) else { return Ok(known) };
        let Some(file) = work.files().last().copied() else { return Ok(known) };
        if has_deletes || !self.registry.expectations().unchanged_records.holds() {
            return Ok(known);
        }
        let fingerprints: Vec<Option<Fingerprint>> = work
            .records
            .iter()
            .map(|record| self.mapper.fingerprint(&input(work, record, &self.wanted)))
            .collect();
        let query = UnchangedQuery { id, source_id, file_id: file.file_id };
        known.is_known = self.loader.unchanged(query, &fingerprints)?;
        for (fingerprint, _) in fingerprints.iter().zip(&known.is_known).filter(|(_, is_known)| **is_known) {
            if let Some(fingerprint) = fingerprint {
                *known.by_type.entry(fingerprint.resource_type.name()).or_default() += 1;
            }
        }
        Ok(known)
    }

    /// The database knows who bears the numbers that references name; the
    /// batch is mapped again with what it says, and remembers it.
    fn map_with_numbers(
        &mut self,
        work: &Work,
        source_id: i16,
        is_left_out: &dyn Fn(usize) -> bool,
    ) -> Result<Mapped, LoadError> {
        let mut mapped = self.map(work, is_left_out);
        if self.loader.learn_identifiers(source_id, self.mapper.identifiers())? {
            mapped = self.map(work, is_left_out);
            self.mapper.identifiers().take_asked();
        }
        Ok(mapped)
    }

    fn map(&mut self, work: &Work, is_left_out: &dyn Fn(usize) -> bool) -> Mapped {
        self.batch.clear();
        let mut mapped = Mapped::default();
        for (index, record) in work.records.iter().enumerate() {
            if is_left_out(index) {
                continue;
            }
            let bytes = &work.bytes[record.bytes.clone()];
            if failpoint::has(Fault::RecordDropped) {
                continue;
            }
            if let Some(url) = &record.delete {
                match self.delete(url, record) {
                    Some(delete) => mapped.deletes.push(delete),
                    None => mapped.rejects.push(Reject {
                        file: record.origin.file,
                        position: record.origin.position,
                        location: record.location.clone(),
                        resource_type: None,
                        fhir_id: None,
                        reason: "conditional_delete".to_owned(),
                        message: "DELETE does not name one resource as Type/id".to_owned(),
                        raw: bytes.to_vec(),
                    }),
                }
                continue;
            }
            match self.mapper.map(&input(work, record, &self.wanted), &mut self.batch) {
                Ok(()) => {
                    mapped.origins.push(record.origin);
                    mapped.records.push(index);
                }
                Err(MapError::NotWanted) => mapped.skipped.push(record.origin.file),
                Err(error) => {
                    let (resource_type, fhir_id) = error.resource();
                    mapped.rejects.push(Reject {
                        file: record.origin.file,
                        position: record.origin.position,
                        location: record.location.clone(),
                        resource_type: resource_type.map(str::to_owned),
                        fhir_id: fhir_id.map(str::to_owned),
                        reason: error.reason().to_owned(),
                        message: error.to_string(),
                        raw: bytes.to_vec(),
                    });
                }
            }
        }
        mapped
    }

    /// What a DELETE entry's url names, if it is one resource.
    fn delete(&mut self, url: &str, record: &Record) -> Option<Delete> {
        let (name, fhir_id) = url.rsplit_once('/')?;
        let name = name.rsplit('/').next()?;
        let resource_type = ResourceType::named(name)?;
        if fhir_id.is_empty() || fhir_id.len() > MAX_INDEXED_BYTES || fhir_id.contains(['?', '#']) {
            return None;
        }
        let effective_at = record
            .effective_at()
            .and_then(|written| moment::date_time(written, self.timezone))
            .map(|span| span.start);
        Some(Delete {
            file: record.origin.file,
            target: self.batch.target(resource_type, fhir_id),
            position: record.origin.position,
            effective_at,
        })
    }
}

/// The JSON of each resource that was mapped.
fn bodies<'w>(work: &'w Work, mapped: &Mapped) -> Vec<&'w [u8]> {
    mapped.records.iter().map(|record| &work.bytes[work.records[*record].bytes.clone()]).collect()
}

/// A record as the mapper takes it.
fn input<'w>(work: &'w Work, record: &'w Record, wanted: &'w ResourceTypes) -> Input<'w> {
    Input {
        bytes: &work.bytes[record.bytes.clone()],
        full_url: record.full_url.as_deref(),
        full_urls: record.bundle.as_deref().map(|bundle| bundle as &dyn FullUrls),
        base_url: work.base_url(),
        effective_at: record.effective_at(),
        wanted: match wanted {
            ResourceTypes::All => None,
            ResourceTypes::Only(types) => Some(types),
        },
    }
}

/// Rewrites the batch's ExplanationOfBenefits without their coverages.
fn drop_coverage(work: &mut Work) {
    for record in &mut work.records {
        if let Some(without) = eob_coverage::without(&work.bytes[record.bytes.clone()]) {
            let start = work.bytes.len();
            work.bytes.extend_from_slice(&without);
            record.bytes = start..work.bytes.len();
        }
    }
}
