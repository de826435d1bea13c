//! The *reader* receives a file's frames and packs them into batches of
//! `BATCH_BYTES` for the workers.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio_util::sync::CancellationToken;

use super::Progress;
use super::handover::Handover;
use super::worker::{Record, Work};
use crate::config::Settings;
use crate::load::{LoadError, Reject};
use crate::source::{Companion, Content, Defect, Document, Form, Frame, Reason, Sink, Stopped};

/// So many small records fill a batch, however few bytes they are.
const MAX_RECORDS: usize = 20_000;

pub(super) struct Reader<'r> {
    progress: Arc<Progress>,
    sender: &'r SyncSender<Work>,
    cancel: &'r CancellationToken,
    handover: &'r Handover,
    /// Told how far in the file the reading is.
    done: &'r dyn Fn(u64),
    batch_bytes: usize,
    document: String,
    forms: Vec<&'static str>,
    /// Records that were delivered, committed parts included.
    delivered: u64,
    work: Work,
}

impl<'r> Reader<'r> {
    pub fn new(
        progress: Arc<Progress>,
        settings: &Settings,
        sender: &'r SyncSender<Work>,
        cancel: &'r CancellationToken,
        handover: &'r Handover,
        done: &'r dyn Fn(u64),
    ) -> Self {
        Reader {
            work: Work::new(Arc::clone(&progress), handover.take_spare()),
            progress,
            sender,
            cancel,
            handover,
            done,
            batch_bytes: super::batch_bytes(settings),
            document: String::new(),
            forms: Vec::new(),
            delivered: 0,
        }
    }

    /// How many records the file has, as far as it was read.
    pub fn seen(&self) -> u64 {
        self.delivered
    }

    /// What the file was found to be.
    pub fn form(&self) -> String {
        self.forms.join(", ")
    }

    /// Sends what has been gathered.
    pub fn flush(&mut self) -> Result<(), Stopped> {
        if self.work.is_empty() {
            return Ok(());
        }
        let next = Work::new(Arc::clone(&self.progress), self.handover.take_spare());
        let work = std::mem::replace(&mut self.work, next);
        self.progress.sent();
        self.sender.send(work).map_err(|_| {
            self.progress.done(Err(LoadError::Abandoned));
            Stopped
        })
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
        self.delivered += 1;
        let number = self.delivered;
        if self.progress.file.done.iter().any(|(first, last)| (*first..=*last).contains(&number)) {
            self.flush()?;
            return Ok(false);
        }
        self.work.note_record(number);
        Ok(true)
    }

    fn place(&self, location: &dyn std::fmt::Display) -> String {
        if self.document.is_empty() { location.to_string() } else { format!("{}, {location}", self.document) }
    }

    fn reject(&mut self, position: u64, location: String, reason: &str, message: String, raw: &[u8]) {
        self.work.reject(Reject {
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

impl Sink for Reader<'_> {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        document.name.clone_into(&mut self.document);
        let form = form_name(&document.form);
        if !self.forms.contains(&form) {
            self.forms.push(form);
        }
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if !self.deliver(frame.bytes.len())? {
            return Ok(());
        }
        (self.done)(frame.offset + frame.bytes.len() as u64);
        match &frame.content {
            Content::None => self.work.skipped += 1,
            Content::Patch => {
                let location = self.place(&frame.location);
                let message = "PATCH changes what only the sender's server has; ask for the whole resource";
                self.reject(frame.position, location, "patch", message.to_owned(), frame.bytes);
            }
            Content::Resource | Content::Delete => {
                let location = self.place(&frame.location);
                self.work.push(Record::of(&frame, location), frame.bytes);
            }
        }
        Ok(())
    }

    fn defect(&mut self, defect: Defect<'_>) -> Result<(), Stopped> {
        if !self.deliver(defect.bytes.len())? {
            return Ok(());
        }
        let location = self.place(&defect.location);
        let message = format!("{}, at byte {} of the document", defect.reason, defect.seen_at);
        // No frame's number: a defect takes no part in the order of records.
        self.reject(0, location, reason_word(&defect.reason), message, defect.bytes);
        Ok(())
    }
}

/// What a document was found to be, for the ledger and for people.
pub(crate) fn form_name(form: &Form) -> &'static str {
    match form {
        Form::Resource => "resource",
        Form::Array => "array",
        Form::Ndjson => "NDJSON",
        Form::Sequence => "sequence of resources",
        Form::Bundle => "Bundle",
        Form::Companion(Companion::ExportLog) => "log of a bulk export",
        Form::Companion(Companion::ExportManifest { .. }) => "manifest of a bulk export",
        Form::Companion(Companion::Checksum) => "checksum",
        Form::Companion(Companion::Marker) => "marker",
        Form::Empty => "empty",
        Form::Unreadable => "unreadable",
    }
}

/// A word for counting and filtering.
fn reason_word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Truncated | Reason::CompressedTruncated => "truncated",
        Reason::Expected(_) | Reason::Trailing => "unbalanced",
        Reason::NotObject(_) | Reason::NotJson(_) => "not_json",
        Reason::TooLarge(_) | Reason::ArchiveTooLarge(_) => "too_large",
        Reason::TooDeep(_) | Reason::BundleTooDeep(_) | Reason::ArchiveTooDeep(_) => "too_deep",
        Reason::CompressedDamaged | Reason::Checksum | Reason::Archive(_) => "damaged",
        Reason::Encrypted => "encrypted",
        Reason::UnsupportedCompression(_) => "unsupported_compression",
    }
}
