//! Reading the *selected* resources of an archived file, batch by batch.

use std::sync::Arc;

use fhirmill_core::read::{self, Document, Frame, Payload, ReadAt, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::ledger::{ClaimedFile, RemapFile, RemapPositions};

use crate::pipeline::file_progress::FileProgress;
use crate::pipeline::input_batch::InputBatch;
use crate::pipeline::job::Job;

/// With a batch, all selected resources of the file up to that position are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled {
    pub position: u64,
    /// How many more than with the batch before.
    pub resources: u64,
}

/// Passes on the resources at these positions of a file. The inner error says why some
/// were not found.
pub(super) fn read_selected<E>(
    job: &Job<'_>,
    (file, archived): (&RemapFile, Box<dyn ReadAt>),
    positions: RemapPositions,
    write: &mut dyn FnMut(&mut InputBatch, Filled) -> Result<(), E>,
) -> Result<Result<(), String>, E> {
    let progress = Arc::new(FileProgress::new(ClaimedFile {
        id: file.file_id,
        source_id: file.source_id,
        base_urls: file.base_urls.clone(),
        done: Vec::new(),
        rejected: 0,
    }));
    let unfilled =
        Unfilled { left: positions.clone(), wanted: positions, next: 0, last: file.last_position() };
    let mut handler = Handler {
        write,
        batch_bytes: job.settings.max_batch_bytes(),
        progress: &progress,
        unfilled,
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
    if handler.found < file.resources.unsigned_abs() {
        let why = read.err().map(|error| format!(" ({error})")).unwrap_or_default();
        return Ok(Err(format!("{} has changed since it was loaded{why}", file.path)));
    }
    Ok(Ok(()))
}

/// The resources of a file that are to be filled. They do not always come in the order of
/// their positions.
struct Unfilled {
    wanted: RemapPositions,
    left: RemapPositions,
    /// All before that position are filled.
    next: u64,
    last: u64,
}

impl Unfilled {
    /// How many more are filled with these, one after the other, and up to which position.
    fn filled(&mut self, positions: impl Iterator<Item = u64>) -> (u64, u64) {
        positions.for_each(|position| self.left.remove(position));
        let next = self.left.first_from(self.next).unwrap_or(self.last + 1);
        let passed = (self.next..next).filter(|position| self.wanted.contains(*position)).count();
        self.next = next;
        (next.saturating_sub(1), passed as u64)
    }
}

/// Gathers the selected resources.
struct Handler<'h, E> {
    write: &'h mut dyn FnMut(&mut InputBatch, Filled) -> Result<(), E>,
    batch_bytes: usize,
    progress: &'h Arc<FileProgress>,
    unfilled: Unfilled,
    batch: InputBatch,
    /// How many of the wanted resources were found.
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
        let (position, resources) = self.unfilled.filled(positions);
        (self.write)(&mut self.batch, Filled { position, resources })?;
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
        if frame.payload != Payload::Resource || !self.unfilled.wanted.contains(frame.position) {
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
