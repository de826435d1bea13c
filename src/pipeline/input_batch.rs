//! An *input batch* is the records on their way from the reader to a worker:
//! those of one file or of many small ones, loaded in one transaction.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use fhirmill_core::datatype::Timezone;
use fhirmill_core::fhir::Condition;
use fhirmill_core::read::{Bundle, Frame, Payload, effective_at};
use fhirmill_core::sink::Origin;
use fhirmill_postgres::ledger::Account;
use fhirmill_postgres::load::{FilePart, Reject};

use super::file_progress::{FileProgress, Part};

/// A record that waits to be mapped.
pub(super) struct Record {
    /// Where its JSON stands in the batch's bytes.
    bytes: Range<usize>,
    /// The URL of a DELETE entry; `None` for a resource.
    pub delete: Option<String>,
    /// Where it stands among the batch's files.
    pub origin: Origin,
    /// Where it stands in its file, for people.
    pub location: String,
    /// The id that its entry gives it, if not its own.
    pub id: Option<String>,
    /// The identifier by which its request names the resource.
    pub condition: Option<Condition>,
    /// `entry.fullUrl`.
    pub full_url: Option<String>,
    last_modified: Option<String>,
    /// The Bundle around it.
    pub bundle: Option<Arc<Bundle>>,
}

impl Record {
    /// When the record took effect, as its entry or Bundle has it.
    pub fn effective_at(&self, timezone: Timezone) -> Option<&str> {
        effective_at(self.last_modified.as_deref(), self.bundle.as_ref(), timezone)
    }

    /// It as a reject, without the resource's type and id.
    pub fn reject(&self, reason: &str, message: String, raw: &[u8]) -> Reject {
        Reject {
            file: self.origin.file,
            position: self.origin.position,
            location: self.location.clone(),
            resource_type: None,
            fhir_id: None,
            reason: reason.to_owned(),
            message,
            raw: raw.to_vec(),
        }
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct InputBatch {
    /// Batches of a run are numbered from 0 as they are read.
    pub number: u64,
    parts: Vec<Part>,
    bytes: Vec<u8>,
    records: Vec<Record>,
    rejects: Vec<Reject>,
    rejected_bytes: usize,
    /// The servers of its source that became known since its files were claimed.
    learned_base_urls: Vec<String>,
}

impl InputBatch {
    /// An empty batch that reuses the memory of `bytes`, which is empty.
    pub fn new(number: u64, bytes: Vec<u8>) -> Self {
        InputBatch { number, bytes, ..InputBatch::default() }
    }

    /// All records until `end_file` are of that file.
    pub fn begin_file(&mut self, progress: &Arc<FileProgress>) {
        self.parts.push(Part::new(Arc::clone(progress)));
    }

    /// The file has no more records.
    pub fn end_file(&mut self) {
        self.parts.pop_if(|part| part.numbers.is_none());
    }

    fn part(&mut self) -> &mut Part {
        self.parts.last_mut().expect("a file was begun")
    }

    /// Adds a record's number in its file; then `push`, `reject` or `skip` says
    /// what it is.
    pub fn note_record(&mut self, number: u64) {
        let numbers = &mut self.part().numbers;
        let first = numbers.map_or(number, |(first, _)| first);
        *numbers = Some((first, number));
    }

    /// The noted record is a resource or a DELETE entry.
    pub fn push(&mut self, frame: &Frame<'_>, location: String) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(frame.bytes);
        let url = || frame.request.as_ref().map(|request| request.url.clone().into_owned());
        self.records.push(Record {
            bytes: start..self.bytes.len(),
            delete: (frame.payload == Payload::Delete).then(|| url().unwrap_or_default()),
            origin: Origin {
                file: self.parts.len() - 1,
                position: frame.position,
                member: frame.member,
                offset: frame.offset,
                length: frame.bytes.len() as u64,
            },
            location,
            condition: frame.condition.clone(),
            id: frame.id.clone().map(Cow::into_owned),
            full_url: frame.full_url.clone().map(Cow::into_owned),
            last_modified: frame.last_modified.clone().map(Cow::into_owned),
            bundle: frame.bundle.cloned(),
        });
    }

    /// The noted record cannot be used. Its position is 0 if it is none of the
    /// file's frames.
    pub fn reject(&mut self, position: u64, location: String, reason: &str, message: String, raw: &[u8]) {
        self.rejected_bytes += raw.len();
        self.rejects.push(Reject {
            file: self.parts.len() - 1,
            position,
            location,
            resource_type: None,
            fhir_id: None,
            reason: reason.to_owned(),
            message,
            raw: raw.to_vec(),
        });
    }

    /// The noted record is not wanted.
    pub fn skip(&mut self) {
        self.part().skipped += 1;
    }

    /// Whether no record was noted.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.numbers.is_none())
    }

    /// The records to map, in the order of reading.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Gives the record of that number its id.
    pub fn set_id(&mut self, record: usize, id: String) {
        self.records[record].id = Some(id);
    }

    /// The DELETE entry of that number deletes what this URL names.
    pub fn set_delete(&mut self, record: usize, url: String) {
        self.records[record].delete = Some(url);
    }

    /// The JSON of a record.
    pub fn bytes(&self, record: &Record) -> &[u8] {
        &self.bytes[record.bytes.clone()]
    }

    /// Gives the records other JSON where `rewrite` does.
    pub fn rewrite(&mut self, rewrite: impl Fn(&[u8]) -> Option<Vec<u8>>) {
        for record in &mut self.records {
            if let Some(rewritten) = rewrite(&self.bytes[record.bytes.clone()]) {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(&rewritten);
                record.bytes = start..self.bytes.len();
            }
        }
    }

    /// Removes the record of that number, and rejects it.
    pub fn reject_record(&mut self, record: usize, reject: impl FnOnce(&Record, &[u8]) -> Reject) {
        let record = self.records.remove(record);
        let reject = reject(&record, &self.bytes[record.bytes.clone()]);
        self.rejects.push(reject);
    }

    /// The records that were rejected before they were mapped.
    pub fn rejects(&self) -> &[Reject] {
        &self.rejects
    }

    /// The base URLs of the servers behind the source of its files.
    pub fn base_urls(&self) -> &[String] {
        if self.learned_base_urls.is_empty() {
            return self.parts.first().map_or(&[], |part| &part.file().base_urls);
        }
        &self.learned_base_urls
    }

    /// Sets the base URLs of all servers of the source, as far as they are known by
    /// now.
    pub fn set_base_urls(&mut self, base_urls: Vec<String>) {
        self.learned_base_urls = base_urls;
    }

    /// The source of all of its files; `None` if it has none.
    pub fn source_id(&self) -> Option<i16> {
        self.parts.first().map(|part| part.file().source_id)
    }

    /// Its files as the loader takes them. Only the last can be without records.
    pub fn files(&self) -> Vec<FilePart> {
        let of = |part: &Part| {
            let records = part.numbers?;
            Some(FilePart { file_id: part.file().id, records, skipped: part.skipped, unchanged: 0 })
        };
        self.parts.iter().filter_map(of).collect()
    }

    /// Notes that the batch is committed, with an account for each of `files`.
    pub fn mark_loaded(&mut self, accounts: &[Account]) {
        let mut accounts = accounts.iter();
        for part in &mut self.parts {
            let account = part.numbers.and_then(|_| accounts.next());
            part.mark_loaded(account.map_or(0, |account| account.rejected));
        }
    }

    /// The number of bytes of all records, rejected ones included.
    pub fn byte_count(&self) -> usize {
        self.bytes.len() + self.rejected_bytes
    }

    /// The number of records, rejected ones included.
    pub fn record_count(&self) -> usize {
        self.records.len() + self.rejects.len()
    }

    /// Its memory, for another batch. Parts that are not marked as loaded are
    /// lost with it.
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}
