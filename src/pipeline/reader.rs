//! The *reader* receives the frames of one file after the other and packs them
//! into batches of `BATCH_BYTES` for the workers. Small files share a batch.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio_util::sync::CancellationToken;

use super::handover::Handover;
use super::work::{Progress, Record, Work};
use crate::config::Settings;
use crate::inbox::{self, InboxFile};
use crate::report::RunProgress;
use fhirmill_core::read::{
    self, Companion, Document, DocumentFormat, Frame, Location, Payload, ReadDefect, ReadDefectReason,
    ReadError, ReadLimits, ResourceHandler, Stopped,
};
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::load::Reject;

/// So many small records fill a batch, however few bytes they are.
const MAX_RECORDS: usize = 20_000;

pub(super) struct Reader<'r> {
    sender: SyncSender<Work>,
    cancel: &'r CancellationToken,
    handover: &'r Handover,
    run_progress: &'r RunProgress,
    limits: ReadLimits,
    batch_bytes: usize,
    max_rejects: u64,
    work: Work,
    file: Option<File>,
}

/// The file that is being read.
struct File {
    progress: Arc<Progress>,
    /// Bytes of the files before it, and its own.
    bytes_before: u64,
    size: u64,
    document: String,
    forms: Vec<&'static str>,
    /// Records that were delivered, committed parts included.
    delivered: u64,
    /// Too many of its records were rejected.
    is_given_up: bool,
}

/// What was read of a file.
pub(super) struct Reading {
    /// How many records it has, as far as it was read.
    pub seen: u64,
    /// What it was found to be.
    pub form: String,
    pub outcome: Result<(), ReadError>,
}

impl<'r> Reader<'r> {
    pub fn new(
        settings: &Settings,
        sender: SyncSender<Work>,
        cancel: &'r CancellationToken,
        handover: &'r Handover,
        run_progress: &'r RunProgress,
    ) -> Self {
        Reader {
            sender,
            cancel,
            handover,
            run_progress,
            limits: super::limits(settings),
            batch_bytes: super::batch_bytes(settings),
            max_rejects: settings.limits.max_rejects_per_file,
            work: Work::new(0, handover.take_spare()),
            file: None,
        }
    }

    /// Reads a file. Its last records may wait for those of the next file
    /// until [`Reader::flush`]. Records before a fault are whole, and taken.
    /// Of a file with too many rejects the rest is left unread.
    pub fn read(
        &mut self,
        file: &InboxFile,
        progress: &Arc<Progress>,
        bytes_before: u64,
    ) -> Result<Reading, Stopped> {
        // A file that fits into one batch is not cut: its resources refer to
        // each other, and a batch waits for keys that another one is giving.
        let is_cut = |room: usize| file.size <= self.batch_bytes as u64 && file.size > room as u64;
        let is_other_source =
            self.work.source_id().is_some_and(|source_id| source_id != progress.file.source_id);
        if is_other_source || is_cut(self.batch_bytes.saturating_sub(self.work.byte_count())) {
            self.flush()?;
        }
        self.work.begin_file(progress);
        self.file = Some(File {
            progress: Arc::clone(progress),
            bytes_before,
            size: file.size,
            document: String::new(),
            forms: Vec::new(),
            delivered: 0,
            is_given_up: false,
        });
        let limits = self.limits.clone();
        let outcome = inbox::open(&file.path)
            .map_err(ReadError::Open)
            .and_then(|content| read::read_file(content, &limits, self));
        let (seen, form, is_given_up) = self
            .file
            .take()
            .map(|file| (file.delivered, file.forms.join(", "), file.is_given_up))
            .unwrap_or_default();
        self.work.end_file();
        self.run_progress.set(bytes_before + file.size);
        match outcome {
            Err(ReadError::Stopped(_)) if is_given_up => Ok(Reading { seen, form, outcome: Ok(()) }),
            Err(ReadError::Stopped(stopped)) => Err(stopped),
            outcome => Ok(Reading { seen, form, outcome }),
        }
    }

    /// Shows how much of the run is loaded.
    pub fn show_loaded(&self, files: u64, bytes: u64) {
        self.run_progress.set_loaded(files, bytes);
    }

    /// Sends what has been gathered.
    pub fn flush(&mut self) -> Result<(), Stopped> {
        if self.work.is_empty() {
            return Ok(());
        }
        let mut next = Work::new(self.work.number + 1, self.handover.take_spare());
        if let Some(file) = &self.file {
            next.begin_file(&file.progress);
        }
        self.sender.send(std::mem::replace(&mut self.work, next)).map_err(|_| Stopped)
    }

    fn file(&mut self) -> &mut File {
        self.file.as_mut().expect("frames come while a file is read")
    }

    /// Counts in a record of so many bytes; false if an earlier run has
    /// committed it.
    fn deliver(&mut self, length: usize) -> Result<bool, Stopped> {
        if self.cancel.is_cancelled() || self.handover.is_aborted() {
            return Err(Stopped);
        }
        let is_full = self.work.byte_count() + length > self.batch_bytes;
        if is_full || self.work.record_count() >= MAX_RECORDS {
            self.flush()?;
        }
        let max_rejects = self.max_rejects;
        let file = self.file();
        let number = file.delivered + 1;
        // What an earlier run has committed is counted in before.
        let is_behind = || file.progress.file.done.iter().all(|(_, last)| *last < number);
        if file.progress.rejected() > max_rejects && is_behind() {
            file.is_given_up = true;
            return Err(Stopped);
        }
        file.delivered = number;
        if file.progress.file.done.iter().any(|(first, last)| (*first..=*last).contains(&number)) {
            self.flush()?;
            return Ok(false);
        }
        self.work.note_record(number);
        Ok(true)
    }

    fn place(&self, location: &Location) -> String {
        place(self.file.as_ref().map_or("", |file| &file.document), location)
    }

    fn reject(&mut self, position: u64, location: String, reason: &str, message: String, raw: &[u8]) {
        self.work.reject(Reject {
            file: 0,
            position,
            location,
            resource_type: None,
            fhir_id: None,
            reason: reason.to_owned(),
            message,
            raw: raw.to_vec(),
        });
    }
}

impl ResourceHandler for Reader<'_> {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        failpoint::passed(Step::Opened);
        let file = self.file();
        document.name.clone_into(&mut file.document);
        let form = form_name(&document.format);
        if !file.forms.contains(&form) {
            file.forms.push(form);
        }
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if !self.deliver(frame.bytes.len())? {
            return Ok(());
        }
        failpoint::passed(Step::Framed);
        let file = self.file();
        let read = (frame.offset + frame.bytes.len() as u64).min(file.size);
        let done = file.bytes_before + read;
        self.run_progress.set(done);
        match &frame.payload {
            Payload::None => self.work.skip(),
            Payload::Patch => {
                let location = self.place(&frame.location);
                let message = "PATCH changes what only the sender's server has; ask for the whole resource";
                self.reject(frame.position, location, "patch", message.to_owned(), frame.bytes);
            }
            Payload::Resource | Payload::Delete => {
                let location = self.place(&frame.location);
                self.work.push(Record::of(&frame, location), frame.bytes);
            }
        }
        Ok(())
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        if !self.deliver(defect.bytes.len())? {
            return Ok(());
        }
        let location = self.place(&defect.location);
        let message = format!("{}, at byte {} of the document", defect.reason, defect.detected_at);
        // No frame's number: a defect takes no part in the order of records.
        self.reject(0, location, reason_word(&defect.reason), message, defect.bytes);
        Ok(())
    }
}

/// A place in a file, for the ledger and for people.
pub(super) fn place(document: &str, location: &Location) -> String {
    if document.is_empty() { location.to_string() } else { format!("{document}, {location}") }
}

/// What a document was found to be, for the ledger and for people.
pub(crate) fn form_name(form: &DocumentFormat) -> &'static str {
    match form {
        DocumentFormat::Resource => "resource",
        DocumentFormat::Array => "array",
        DocumentFormat::Ndjson => "NDJSON",
        DocumentFormat::Sequence => "sequence of resources",
        DocumentFormat::Bundle => "Bundle",
        DocumentFormat::Companion(Companion::ExportLog) => "log of a bulk export",
        DocumentFormat::Companion(Companion::ExportManifest { .. }) => "manifest of a bulk export",
        DocumentFormat::Companion(Companion::Checksum) => "checksum",
        DocumentFormat::Companion(Companion::Marker) => "marker",
        DocumentFormat::Empty => "empty",
        DocumentFormat::Unreadable => "unreadable",
    }
}

/// A word for counting and filtering.
fn reason_word(reason: &ReadDefectReason) -> &'static str {
    match reason {
        ReadDefectReason::Truncated | ReadDefectReason::CompressedTruncated => "truncated",
        ReadDefectReason::Expected(_) | ReadDefectReason::Trailing => "unbalanced",
        ReadDefectReason::NotObject(_) | ReadDefectReason::NotJson(_) => "not_json",
        ReadDefectReason::TooLarge(_) | ReadDefectReason::ArchiveTooLarge(_) => "too_large",
        ReadDefectReason::TooDeep(_)
        | ReadDefectReason::BundleTooDeep(_)
        | ReadDefectReason::ArchiveTooDeep(_) => "too_deep",
        ReadDefectReason::CompressedDamaged
        | ReadDefectReason::Checksum
        | ReadDefectReason::Archive(_)
        | ReadDefectReason::Unlisted(_) => "damaged",
        ReadDefectReason::Encrypted => "encrypted",
        ReadDefectReason::UnsupportedCompression(_) => "unsupported_compression",
    }
}
