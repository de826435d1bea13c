//! The *handover* is what the reader and the workers of a run share: the queue
//! of batches, what the workers have done, the word that the run is given up,
//! and the memory of batches that are done, which the next ones take: large
//! blocks that go to and fro between threads would else leave holes in the
//! heap.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::work::Work;
use fhirmill_postgres::LoadError;

/// What the workers of a run have done.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Rows that were written.
    pub rows: u64,
    /// Resources that were mapped.
    pub by_type: BTreeMap<&'static str, u64>,
    /// Elements that only another version of FHIR defines.
    pub by_version: BTreeMap<&'static str, u64>,
}

pub(super) struct Handover {
    queue: Mutex<Receiver<Work>>,
    tally: Mutex<Tally>,
    is_aborted: AtomicBool,
    /// What made the run be given up.
    failure: Mutex<Option<LoadError>>,
    spare: Mutex<Vec<Vec<u8>>>,
    spare_bytes: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handover {
    /// Memory of more than `spare_bytes`, which a huge resource needed, is not
    /// kept.
    pub fn new(queue: Receiver<Work>, spare_bytes: usize) -> Self {
        Handover {
            queue: Mutex::new(queue),
            tally: Mutex::default(),
            is_aborted: AtomicBool::new(false),
            failure: Mutex::default(),
            spare: Mutex::default(),
            spare_bytes,
        }
    }

    /// The next batch; `None` when the reader has ended.
    pub fn receive(&self) -> Option<Work> {
        lock(&self.queue).recv().ok()
    }

    /// Adds what a batch became.
    pub fn add(&self, tally: Tally) {
        let mut sum = lock(&self.tally);
        sum.rows += tally.rows;
        for (name, count) in tally.by_type {
            *sum.by_type.entry(name).or_default() += count;
        }
        for (version, count) in tally.by_version {
            *sum.by_version.entry(version).or_default() += count;
        }
    }

    pub fn take_tally(&self) -> Tally {
        std::mem::take(&mut lock(&self.tally))
    }

    pub fn is_aborted(&self) -> bool {
        self.is_aborted.load(Ordering::Relaxed)
    }

    /// Gives the run up; the first failure is the one that is told.
    pub fn abort(&self, failure: LoadError) {
        lock(&self.failure).get_or_insert(failure);
        self.is_aborted.store(true, Ordering::Relaxed);
    }

    pub fn take_failure(&self) -> Option<LoadError> {
        lock(&self.failure).take()
    }

    /// Memory for a batch's bytes, empty.
    pub fn take_spare(&self) -> Vec<u8> {
        lock(&self.spare).pop().unwrap_or_default()
    }

    /// Gives a batch's memory back.
    pub fn give_spare(&self, mut bytes: Vec<u8>) {
        if bytes.capacity() <= self.spare_bytes {
            bytes.clear();
            lock(&self.spare).push(bytes);
        }
    }
}
