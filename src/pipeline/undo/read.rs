//! *Reading* an archived file whole, batch by batch, as when it was delivered.

use std::sync::Arc;

use fhirmill_core::read::{self, Document, Frame, Payload, ReadAt, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::ledger::ClaimedFile;
use fhirmill_postgres::undo::UndoFile;

use super::UndoError;
use crate::archive::Storage;
use crate::pipeline::file_progress::FileProgress;
use crate::pipeline::input_batch::InputBatch;
use crate::pipeline::job::Job;

/// The most records of a batch, however few bytes they are.
const MAX_RECORDS: usize = 20_000;

/// Opens the file in the archive, and proves that it is what was loaded.
pub(super) fn open(file: &UndoFile, storage: &Storage) -> Result<Box<dyn ReadAt>, UndoError> {
    let opened = storage.open_proven(&file.stored, &mut |_| {});
    opened.map_err(|source| UndoError::Archive { file_id: file.id, source })
}

/// A batch of a file's records, each with its number among all records of the file.
pub(super) struct Batch {
    pub input: InputBatch,
    pub numbers: Vec<u64>,
}

/// Passes on all records of a file that can be read; batches are numbered from `number`
/// on.
pub(super) fn read_batches(
    job: &Job<'_>,
    file: &UndoFile,
    archived: Box<dyn ReadAt>,
    number: &mut u64,
    take: &mut dyn FnMut(&mut Batch) -> Result<(), UndoError>,
) -> Result<(), UndoError> {
    let progress = Arc::new(FileProgress::new(ClaimedFile {
        id: file.id,
        source_id: file.source_id,
        base_urls: file.base_urls.clone(),
        done: Vec::new(),
        rejected: 0,
    }));
    let batch = Batch { input: InputBatch::new(*number, Vec::new()), numbers: Vec::new() };
    let mut handler = Handler { job, take, progress: &progress, batch, number, seen: 0, failure: None };
    handler.batch.input.begin_file(&progress);
    // What follows a place that cannot be read was not loaded either.
    let _ = read::read_file(archived, &job.settings.read_limits(), &mut handler);
    if let Some(failure) = handler.failure.take() {
        return Err(failure);
    }
    handler.flush()
}

/// Gathers the records of a file.
struct Handler<'h> {
    job: &'h Job<'h>,
    take: &'h mut dyn FnMut(&mut Batch) -> Result<(), UndoError>,
    progress: &'h Arc<FileProgress>,
    batch: Batch,
    number: &'h mut u64,
    /// How many records were read.
    seen: u64,
    /// Why reading was stopped.
    failure: Option<UndoError>,
}

impl Handler<'_> {
    fn flush(&mut self) -> Result<(), UndoError> {
        if self.batch.numbers.is_empty() {
            return Ok(());
        }
        (self.take)(&mut self.batch)?;
        *self.number += 1;
        let mut bytes = std::mem::take(&mut self.batch.input).into_bytes();
        bytes.clear();
        self.batch.input = InputBatch::new(*self.number, bytes);
        self.batch.input.begin_file(self.progress);
        self.batch.numbers.clear();
        Ok(())
    }

    /// Counts a record of that many bytes.
    fn note(&mut self, length: usize) -> Result<(), Stopped> {
        if self.job.cancel.is_cancelled() {
            self.failure = Some(UndoError::Interrupted);
            return Err(Stopped);
        }
        let input = &self.batch.input;
        let is_full = input.byte_count() + length > self.job.settings.max_batch_bytes();
        if is_full || input.record_count() >= MAX_RECORDS {
            self.flush().map_err(|failure| {
                self.failure = Some(failure);
                Stopped
            })?;
        }
        self.seen += 1;
        Ok(())
    }
}

impl ResourceHandler for Handler<'_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        self.note(frame.bytes.len())?;
        if matches!(frame.payload, Payload::Resource | Payload::Delete) {
            self.batch.input.note_record(self.seen);
            self.batch.input.push(&frame, String::new());
            self.batch.numbers.push(self.seen);
        }
        Ok(())
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        self.note(defect.bytes.len())
    }
}
