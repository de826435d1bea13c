//! The *state of a run* that its reader and its workers share: the queue of
//! batches, what the workers have done, and whether the run was given up.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use fhirmill_core::fhir::version_of;
use fhirmill_core::map::{AbsoluteReferences, RowBatch};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::ledger::MendedRecord;
use fhirmill_postgres::lock::lock;

use super::input_batch::InputBatch;
use crate::report::Deviations;

/// Counts of what was loaded: of a batch, or of all batches of a run.
#[derive(Debug, Default)]
pub(super) struct BatchStatistics {
    /// Rows that were written.
    pub rows: u64,
    /// Resources that were mapped or found unchanged, by type.
    pub by_type: BTreeMap<&'static str, u64>,
    /// Records that mend rejects.
    pub mended: Vec<MendedRecord>,
    /// Resources that are not wanted, by type.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Contained resources that were mapped with their containers, by type.
    pub contained: BTreeMap<&'static str, u64>,
    /// Elements that only another version of FHIR defines, by version.
    pub by_version: BTreeMap<&'static str, u64>,
    /// References by absolute URL.
    pub absolute: AbsoluteReferences,
    /// Resources with elements that deviate from R4, by deviation and element.
    pub deviations: Deviations,
}

impl BatchStatistics {
    /// Of the resources in `rows`; `unchanged` counts those that were not mapped,
    /// by type.
    pub fn of(rows: &RowBatch, unchanged: &BTreeMap<&'static str, u64>) -> Self {
        let mut by_type = unchanged.clone();
        for resource in 0..rows.resources().len() {
            *by_type.entry(rows.identity(resource).resource_type.name()).or_default() += 1;
        }
        let mut contained = BTreeMap::new();
        for (_, target) in rows.contained() {
            *contained.entry(rows.resource_type(target).name()).or_default() += 1;
        }
        let mut by_version = BTreeMap::new();
        for unmapped in rows.unmapped() {
            if let Some(version) = version_of(unmapped.resource_type, unmapped.element) {
                *by_version.entry(version).or_default() += unmapped.resources;
            }
        }
        let mut deviations = Deviations::default();
        for deviant in rows.deviations() {
            let element = format!("{}.{}", deviant.resource_type.name(), deviant.element);
            let of_deviation = deviations.entry(deviant.deviation.name()).or_default();
            *of_deviation.entry(element).or_default() += deviant.resources;
        }
        let absolute = rows.absolute_references();
        BatchStatistics { by_type, contained, by_version, absolute, deviations, ..BatchStatistics::default() }
    }

    /// Adds the counts of another batch.
    pub fn add(&mut self, other: BatchStatistics) {
        self.rows += other.rows;
        self.mended.extend(other.mended);
        self.absolute.count += other.absolute.count;
        self.absolute.unresolved += other.absolute.unresolved;
        for (name, count) in other.by_type {
            *self.by_type.entry(name).or_default() += count;
        }
        for (name, count) in other.skipped {
            *self.skipped.entry(name).or_default() += count;
        }
        for (name, count) in other.contained {
            *self.contained.entry(name).or_default() += count;
        }
        for (version, count) in other.by_version {
            *self.by_version.entry(version).or_default() += count;
        }
        for (deviation, elements) in other.deviations {
            let own = self.deviations.entry(deviation).or_default();
            for (element, count) in elements {
                *own.entry(element).or_default() += count;
            }
        }
    }
}

/// See the module.
pub(super) struct RunState {
    queue: Mutex<Receiver<InputBatch>>,
    statistics: Mutex<BatchStatistics>,
    is_aborted: AtomicBool,
    /// Why the run was given up.
    failure: Mutex<Option<LoadError>>,
}

impl RunState {
    /// Of a run that begins.
    pub fn new(queue: Receiver<InputBatch>) -> Self {
        RunState {
            queue: Mutex::new(queue),
            statistics: Mutex::default(),
            is_aborted: AtomicBool::new(false),
            failure: Mutex::default(),
        }
    }

    /// The next batch; `None` when the reader has ended.
    pub fn receive(&self) -> Option<InputBatch> {
        lock(&self.queue).recv().ok()
    }

    /// Adds the counts of a batch.
    pub fn add(&self, statistics: BatchStatistics) {
        lock(&self.statistics).add(statistics);
    }

    /// The counts of all batches so far.
    pub fn take_statistics(&self) -> BatchStatistics {
        std::mem::take(&mut lock(&self.statistics))
    }

    /// Whether the run was given up.
    pub fn is_aborted(&self) -> bool {
        self.is_aborted.load(Ordering::Relaxed)
    }

    /// Gives up; why is kept elsewhere.
    #[cfg(feature = "lake")]
    pub fn give_up(&self) {
        self.is_aborted.store(true, Ordering::Relaxed);
    }

    /// Gives the run up; its first failure is the one that is reported.
    pub fn abort(&self, failure: LoadError) {
        lock(&self.failure).get_or_insert(failure);
        self.is_aborted.store(true, Ordering::Relaxed);
    }

    /// Why the run was given up, if it was.
    pub fn take_failure(&self) -> Option<LoadError> {
        lock(&self.failure).take()
    }
}
