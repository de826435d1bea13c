//! *Work* is a batch on its way from the reader to a worker: records of one
//! file or of many small ones, which are loaded in one transaction.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use fhirmill_core::read::{Bundle, Frame, Payload};
use fhirmill_core::sink::Origin;
use fhirmill_postgres::ledger::{Account, ClaimedFile};
use fhirmill_postgres::load::{FilePart, Reject};

/// How far a file is, shared by the reader and the workers.
pub(super) struct Progress {
    pub file: ClaimedFile,
    parts: Mutex<Parts>,
    changed: Condvar,
}

#[derive(Default)]
struct Parts {
    /// Parts that are in the works.
    outstanding: usize,
    /// Whether one of them is not loaded, and is not going to be.
    is_lost: bool,
    /// Records of committed parts that were rejected.
    rejected: u64,
}

impl Progress {
    pub fn new(file: ClaimedFile) -> Self {
        let parts = Parts { rejected: file.rejected, ..Parts::default() };
        Progress { file, parts: Mutex::new(parts), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records were rejected, as far as is committed.
    pub fn rejected(&self) -> u64 {
        self.lock().rejected
    }

    /// Whether no part is in the works.
    pub fn is_settled(&self) -> bool {
        self.lock().outstanding == 0
    }

    /// Waits until no part is in the works; tells whether all are loaded.
    pub fn wait(&self) -> bool {
        let mut parts = self.lock();
        while parts.outstanding > 0 {
            parts = self.changed.wait(parts).unwrap_or_else(PoisonError::into_inner);
        }
        !parts.is_lost
    }
}

/// A file's part in a batch. A part that goes without having been loaded, by
/// whatever failure, is told to the file's progress.
pub(super) struct Part {
    pub progress: Arc<Progress>,
    /// Numbers of the first and the last record; `None` where there is none.
    numbers: Option<(u64, u64)>,
    pub skipped: u64,
    is_loaded: bool,
}

impl Part {
    fn new(progress: Arc<Progress>) -> Self {
        progress.lock().outstanding += 1;
        Part { progress, numbers: None, skipped: 0, is_loaded: false }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut parts = self.progress.lock();
        parts.outstanding -= 1;
        parts.is_lost |= !self.is_loaded && self.numbers.is_some();
        self.progress.changed.notify_all();
    }
}

/// A record that waits to be mapped.
pub(super) struct Record {
    pub bytes: Range<usize>,
    /// What is to be deleted, as a DELETE entry says it.
    pub delete: Option<String>,
    pub origin: Origin,
    pub location: String,
    pub full_url: Option<String>,
    last_modified: Option<String>,
    pub bundle: Option<Arc<Bundle>>,
}

impl Record {
    pub fn of(frame: &Frame<'_>, location: String) -> Self {
        let url = || frame.request.as_ref().map(|request| request.url.clone().into_owned());
        let delete = (frame.payload == Payload::Delete).then(|| url().unwrap_or_default());
        Record {
            bytes: 0..0,
            delete,
            origin: Origin {
                file: 0,
                position: frame.position,
                member: frame.member,
                offset: frame.offset,
                length: frame.bytes.len() as u64,
            },
            location,
            full_url: frame.full_url.clone().map(Cow::into_owned),
            last_modified: frame.last_modified.clone().map(Cow::into_owned),
            bundle: frame.bundle.cloned(),
        }
    }

    /// When the record took effect, as its Bundle or entry says it.
    pub fn effective_at(&self) -> Option<&str> {
        let of_bundle = || self.bundle.as_ref()?.timestamp();
        self.last_modified.as_deref().or_else(of_bundle)
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Work {
    /// Batches of a run are numbered from 0 as they are read.
    pub number: u64,
    parts: Vec<Part>,
    pub bytes: Vec<u8>,
    pub records: Vec<Record>,
    pub rejects: Vec<Reject>,
    rejected_bytes: usize,
}

impl Work {
    /// Empty; `bytes` is memory to use.
    pub fn new(number: u64, bytes: Vec<u8>) -> Self {
        Work { number, bytes, ..Work::default() }
    }

    /// What comes until `end_file` is of that file.
    pub fn begin_file(&mut self, progress: &Arc<Progress>) {
        self.parts.push(Part::new(Arc::clone(progress)));
    }

    /// The file has no more records.
    pub fn end_file(&mut self) {
        self.parts.pop_if(|part| part.numbers.is_none());
    }

    fn part(&mut self) -> &mut Part {
        self.parts.last_mut().expect("a file was begun")
    }

    /// Counts in a record by its number in its file.
    pub fn note_record(&mut self, number: u64) {
        let numbers = &mut self.part().numbers;
        let first = numbers.map_or(number, |(first, _)| first);
        *numbers = Some((first, number));
    }

    /// Adds a record that was noted.
    pub fn push(&mut self, record: Record, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let origin = Origin { file: self.parts.len() - 1, ..record.origin };
        self.records.push(Record { bytes: start..self.bytes.len(), origin, ..record });
    }

    /// Adds a record that was noted and cannot be used.
    pub fn reject(&mut self, reject: Reject) {
        self.rejected_bytes += reject.raw.len();
        self.rejects.push(Reject { file: self.parts.len() - 1, ..reject });
    }

    /// A record that was noted is not wanted.
    pub fn skip(&mut self) {
        self.part().skipped += 1;
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.numbers.is_none())
    }

    /// The server behind that source.
    pub fn base_url(&self) -> Option<&str> {
        self.parts.first()?.progress.file.base_url.as_deref()
    }

    /// The source of all of its files.
    pub fn source_id(&self) -> Option<i16> {
        self.parts.first().map(|part| part.progress.file.source_id)
    }

    /// Its files in the loader's terms. Only the last can be without records.
    pub fn files(&self) -> Vec<FilePart> {
        let of = |part: &Part| {
            let records = part.numbers?;
            Some(FilePart { file_id: part.progress.file.id, records, skipped: part.skipped, unchanged: 0 })
        };
        self.parts.iter().filter_map(of).collect()
    }

    /// Its records are in the tables; each file's account says how.
    pub fn is_loaded(&mut self, accounts: &[Account]) {
        for part in &mut self.parts {
            part.is_loaded = true;
        }
        let with_records = self.parts.iter().filter(|part| part.numbers.is_some());
        for (part, account) in with_records.zip(accounts) {
            part.progress.lock().rejected += account.rejected;
        }
    }

    /// The bytes of all records that are held, rejected ones too.
    pub fn byte_count(&self) -> usize {
        self.bytes.len() + self.rejected_bytes
    }

    pub fn record_count(&self) -> usize {
        self.records.len() + self.rejects.len()
    }
}
