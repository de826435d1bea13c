//! Reading selected records of *archived files*, batch by batch: what a remap writes again
//! and what views are filled from.

use std::sync::Arc;

use fhirmill_core::read::{
    self, Document, Frame, Payload, ReadAt, ReadDefect, ReadError, ResourceHandler, Stopped,
};
use fhirmill_postgres::ledger::{ClaimedFile, RemapFile, RemapPositions};

use super::file_progress::FileProgress;
use super::input_batch::InputBatch;
use super::job::Job;
use crate::archive::{ArchiveError, Storage};

/// Whether archived files are proven to be what was loaded before they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The archive holds what was loaded.
    Archive,
    /// They are read twice: the first time to prove it.
    Nothing,
}

/// Opens the archived file.
pub(super) fn open(
    file: &RemapFile,
    storage: &Storage,
    trust: Trust,
) -> Result<Box<dyn ReadAt>, ArchiveError> {
    match trust {
        Trust::Archive => storage.open(&file.stored),
        Trust::Nothing => storage.open_proven(&file.stored, &mut |_| {}),
    }
}

/// With a batch, all selected records of the file up to that position are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadSoFar {
    pub position: u64,
    /// How many more than with the batch before.
    pub records: u64,
}

/// How the reading of a file ended.
#[derive(Debug)]
pub(super) struct FileEnd {
    /// How many of the selected records are not in the file.
    pub missing: u64,
    /// Why it was not read to its end.
    pub error: Option<ReadError>,
}

/// Passes on the records at these positions of a file, which was opened already. After an
/// error of the file, what was read before it is passed on, too.
///
/// # Errors
/// What `write` says; nothing is read after that.
pub(super) fn read_selected<E>(
    job: &Job<'_>,
    (file, archived): (&RemapFile, Box<dyn ReadAt>),
    positions: RemapPositions,
    write: &mut dyn FnMut(&mut InputBatch, ReadSoFar) -> Result<(), E>,
) -> Result<FileEnd, E> {
    let progress = Arc::new(FileProgress::new(ClaimedFile {
        id: file.file_id,
        source_id: file.source_id,
        base_urls: file.base_urls.clone(),
        done: Vec::new(),
        rejected: 0,
    }));
    let selected =
        Selected { left: positions.clone(), wanted: positions, next: 0, last: file.last_position() };
    let mut handler = Handler {
        write,
        batch_bytes: job.settings.max_batch_bytes(),
        progress: &progress,
        selected,
        batch: InputBatch::default(),
        found: 0,
        stop: None,
    };
    handler.batch.begin_file(&progress);
    let read = read::read_file(archived, &job.settings.read_limits(), &mut handler);
    if let Some(stop) = handler.stop.take() {
        return Err(stop);
    }
    handler.flush()?;
    let missing = file.resources.unsigned_abs().saturating_sub(handler.found);
    Ok(FileEnd { missing, error: read.err() })
}

/// The selected records of a file. They do not always come in the order of their positions.
struct Selected {
    wanted: RemapPositions,
    left: RemapPositions,
    /// All before that position are read.
    next: u64,
    last: u64,
}

impl Selected {
    /// How far the file is read with these.
    fn read(&mut self, positions: impl Iterator<Item = u64>) -> ReadSoFar {
        positions.for_each(|position| self.left.remove(position));
        let next = self.left.first_from(self.next).unwrap_or(self.last + 1);
        let passed = (self.next..next).filter(|position| self.wanted.contains(*position)).count();
        self.next = next;
        ReadSoFar { position: next.saturating_sub(1), records: passed as u64 }
    }
}

/// Gathers the selected records.
struct Handler<'h, E> {
    write: &'h mut dyn FnMut(&mut InputBatch, ReadSoFar) -> Result<(), E>,
    batch_bytes: usize,
    progress: &'h Arc<FileProgress>,
    selected: Selected,
    batch: InputBatch,
    /// How many of the selected records were found.
    found: u64,
    /// Why reading was stopped.
    stop: Option<E>,
}

impl<E> Handler<'_, E> {
    fn flush(&mut self) -> Result<(), E> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let positions = self.batch.records().iter().map(|record| record.origin.position);
        let read = self.selected.read(positions);
        (self.write)(&mut self.batch, read)?;
        let number = self.batch.number + 1;
        let mut bytes = std::mem::take(&mut self.batch).into_bytes();
        bytes.clear();
        self.batch = InputBatch::new(number, bytes);
        self.batch.begin_file(self.progress);
        Ok(())
    }
}

impl<E> ResourceHandler for Handler<'_, E> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload != Payload::Resource || !self.selected.wanted.contains(frame.position) {
            return Ok(());
        }
        if self.batch.byte_count() + frame.bytes.len() > self.batch_bytes
            && let Err(stop) = self.flush()
        {
            self.stop = Some(stop);
            return Err(Stopped);
        }
        self.found += 1;
        self.batch.note_record(frame.position);
        self.batch.push(&frame, String::new());
        Ok(())
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
