//! A *remap* writes rows again from archived files: all of them after the tables
//! have changed, or those of resources whose references can be resolved only now.

use std::sync::Arc;

use diesel::PgConnection;
use tracing::warn;

use super::error::PipelineError;
use super::file_progress::FileProgress;
use super::input_batch::InputBatch;
use super::job::Job;
use super::worker::{LoadedBatch, Worker};
use crate::archive::{ArchiveError, Location, Storage};
use crate::report::{Unit, in_one_line};
use fhirmill_core::read::{self, Document, Frame, Payload, ReadAt, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{self, ClaimedFile, RemapFile, RemapPositions, Run};

/// What a remap wrote.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remapped {
    /// Resources that were mapped again.
    pub resources: u64,
    /// Rows that were written.
    pub rows: u64,
    /// Files that could not be opened in the archive: their resources keep the
    /// rows they have.
    pub missing_files: u64,
}

/// Maps resources again whose references can be resolved now; returns their
/// number.
pub(super) fn resolve_late(job: &Job<'_>, run: &mut Run) -> Result<u64, PipelineError> {
    Ok(resolve(job, run.connection())?.resources)
}

/// A file that is not in the archive is no error here: another process may have
/// loaded it and not moved it yet, and resolves its references itself.
/// Maps resources again whose references can be resolved now.
pub fn resolve(job: &Job<'_>, connection: &mut PgConnection) -> Result<Remapped, PipelineError> {
    let files = ledger::select_resolvable(connection)?;
    let (remapped, _) = remap_files(job, connection, &files)?;
    Ok(remapped)
}

/// Maps all current resources again, or those of some types. Fails if none of
/// their files is in the archive.
pub fn remap(job: &Job<'_>, resource_types: &[String]) -> Result<Remapped, PipelineError> {
    let mut connection = job.database.connect()?;
    let files = ledger::select_current(&mut connection, resource_types)?;
    let (remapped, first_missing) = remap_files(job, &mut connection, &files)?;
    if let Some(source) = first_missing
        && remapped.missing_files == files.len() as u64
    {
        return Err(PipelineError::Archive { files: remapped.missing_files, source });
    }
    // References to identifiers whose owners were written after them.
    resolve(job, &mut connection)?;
    Ok(remapped)
}

/// Maps the resources again that were selected over the connection, which are in
/// these files. Returns also why the first of the missing files is missing.
fn remap_files(
    job: &Job<'_>,
    connection: &mut PgConnection,
    files: &[RemapFile],
) -> Result<(Remapped, Option<ArchiveError>), PipelineError> {
    let mut remapped = Remapped::default();
    if files.is_empty() {
        return Ok((remapped, None));
    }
    let resources: i64 = files.iter().map(|file| file.resources).sum();
    job.progress.begin("remapping", resources as u64, Unit::Items("resources"));
    let storage = Storage::of(job.settings);
    let mut first_missing = None;
    let mut worker = Worker::for_remap(job)?;
    for file in files {
        match open(file, &storage) {
            Ok(archived) => {
                let positions = file.positions(connection)?;
                remap_file(job, &mut worker, file, archived, &positions, &mut remapped)?;
            }
            Err(error) => {
                warn!(file.id = file.file_id, "{}; its resources keep their rows", in_one_line(&error));
                remapped.missing_files += 1;
                first_missing.get_or_insert(error);
            }
        }
    }
    job.progress.end();
    Ok((remapped, first_missing))
}

fn open(file: &RemapFile, storage: &Storage) -> Result<Box<dyn ReadAt>, ArchiveError> {
    match &file.archive_path {
        Some(stored) => storage.of_status(&file.status).open(&Location::stored(stored)),
        None => Err(ArchiveError::NotYet { path: file.path.clone() }),
    }
}

/// Maps the resources at these positions of an archived file again.
fn remap_file(
    job: &Job<'_>,
    worker: &mut Worker,
    file: &RemapFile,
    archived: Box<dyn ReadAt>,
    positions: &RemapPositions,
    remapped: &mut Remapped,
) -> Result<(), PipelineError> {
    let progress = Arc::new(FileProgress::new(ClaimedFile {
        id: file.file_id,
        source_id: file.source_id,
        base_urls: file.base_urls.clone(),
        done: Vec::new(),
        rejected: 0,
    }));
    let (batch, progress) = (InputBatch::default(), &progress);
    let mut handler = RemapHandler { job, worker, progress, positions, batch, remapped, failure: None };
    handler.batch.begin_file(progress);
    let read = read::read_file(archived, &job.settings.read_limits(), &mut handler);
    if let Some(failure) = handler.failure.take() {
        return Err(failure.into());
    }
    if let Err(error) = read {
        // Its frames before the error were loaded, and are mapped again.
        warn!(file.id = file.file_id, "the archived file cannot be read to its end: {error}");
    }
    Ok(handler.flush()?)
}

/// Maps the wanted resources of a file again.
struct RemapHandler<'a> {
    job: &'a Job<'a>,
    worker: &'a mut Worker,
    progress: &'a Arc<FileProgress>,
    positions: &'a RemapPositions,
    batch: InputBatch,
    remapped: &'a mut Remapped,
    /// Why reading was stopped.
    failure: Option<LoadError>,
}

impl RemapHandler<'_> {
    /// Loads what has been gathered.
    fn flush(&mut self) -> Result<(), LoadError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let LoadedBatch { accounts, statistics } = self.worker.load(&mut self.batch)?;
        failpoint::passed(Step::WrittenAnew);
        self.remapped.resources += accounts.iter().map(|account| account.updated).sum::<u64>();
        self.remapped.rows += statistics.rows;
        self.job.progress.set(self.remapped.resources);
        let number = self.batch.number + 1;
        let mut bytes = std::mem::take(&mut self.batch).into_bytes();
        bytes.clear();
        self.batch = InputBatch::new(number, bytes);
        self.batch.begin_file(self.progress);
        Ok(())
    }
}

impl ResourceHandler for RemapHandler<'_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload != Payload::Resource || !self.positions.contains(frame.position) {
            return Ok(());
        }
        if self.batch.byte_count() + frame.bytes.len() > self.job.settings.max_batch_bytes()
            && let Err(failure) = self.flush()
        {
            self.failure = Some(failure);
            return Err(Stopped);
        }
        self.batch.note_record(frame.position);
        self.batch.push(&frame, String::new());
        Ok(())
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
