//! The *progress* of a file that is being loaded, shared by the reader and the
//! workers.

use std::sync::{Arc, Condvar, Mutex};

use fhirmill_postgres::ledger::ClaimedFile;
use fhirmill_postgres::lock::{lock, wait_while};

/// How far a file is. A file is loaded in parts, one in each batch that has
/// records of it.
pub(super) struct FileProgress {
    pub file: ClaimedFile,
    parts: Mutex<Parts>,
    changed: Condvar,
}

#[derive(Default)]
struct Parts {
    /// Parts that are being loaded, or wait for it.
    in_progress: usize,
    /// Whether a part was given up.
    is_any_lost: bool,
    /// Records of committed parts that were rejected.
    rejected: u64,
}

/// What became of a file's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartsState {
    /// Some are not loaded yet.
    InProgress,
    /// All are committed.
    AllLoaded,
    /// Some were given up after a failure.
    SomeLost,
}

impl Parts {
    fn state(&self) -> PartsState {
        match (self.in_progress, self.is_any_lost) {
            (0, false) => PartsState::AllLoaded,
            (0, true) => PartsState::SomeLost,
            _ => PartsState::InProgress,
        }
    }
}

impl FileProgress {
    /// Of a file that is not being read yet.
    pub fn new(file: ClaimedFile) -> Self {
        let parts = Parts { rejected: file.rejected, ..Parts::default() };
        FileProgress { file, parts: Mutex::new(parts), changed: Condvar::new() }
    }

    /// How many records were rejected in what is committed.
    pub fn rejected(&self) -> u64 {
        lock(&self.parts).rejected
    }

    /// What became of the parts so far.
    pub fn state(&self) -> PartsState {
        lock(&self.parts).state()
    }

    /// Waits until no part is in progress.
    pub fn wait(&self) -> PartsState {
        let parts = lock(&self.parts);
        wait_while(&self.changed, parts, |parts| parts.state() == PartsState::InProgress).state()
    }
}

/// A file's part in a batch. One that is dropped without having been marked as
/// loaded is lost, whatever the reason.
pub(super) struct Part {
    progress: Arc<FileProgress>,
    /// Numbers of the first and the last record; `None` if it has none.
    pub numbers: Option<(u64, u64)>,
    /// How many of its records are not wanted.
    pub skipped: u64,
    is_loaded: bool,
}

impl Part {
    /// An empty part of that file.
    pub fn new(progress: Arc<FileProgress>) -> Self {
        lock(&progress.parts).in_progress += 1;
        Part { progress, numbers: None, skipped: 0, is_loaded: false }
    }

    /// The file.
    pub fn file(&self) -> &ClaimedFile {
        &self.progress.file
    }

    /// Notes that the part is committed, with that many rejected records.
    pub fn mark_loaded(&mut self, rejected: u64) {
        self.is_loaded = true;
        lock(&self.progress.parts).rejected += rejected;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut parts = lock(&self.progress.parts);
        parts.in_progress -= 1;
        parts.is_any_lost |= !self.is_loaded && self.numbers.is_some();
        self.progress.changed.notify_all();
    }
}
