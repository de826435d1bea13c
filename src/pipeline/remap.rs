//! A *remap* writes rows anew from archived files: all of them after the model
//! has grown, or those of resources whose references can be resolved only now.

use std::sync::Arc;

use diesel::PgConnection;
use tracing::warn;

use super::work::{Progress, Record, Work};
use super::worker::Worker;
use super::{PipelineError, limits};
use crate::archive::{ArchiveError, Location, Storage};
use crate::config::Settings;
use crate::report::{RunProgress, Unit, in_one_line};
use fhirmill_core::read::{self, Document, Frame, Payload, ReadAt, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{self, ClaimedFile, RemapFile, RemapPositions, Run};

fn open(file: &RemapFile, storage: &Storage) -> Result<Box<dyn ReadAt>, ArchiveError> {
    match &file.archive_path {
        Some(stored) => storage.of_status(&file.status).open(&Location::stored(stored)),
        None => Err(ArchiveError::NotYet { path: file.path.clone() }),
    }
}

/// What a remap wrote.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remapped {
    pub resources: u64,
    pub rows: u64,
    /// Files that could not be opened in the archive: their resources keep the
    /// rows they have.
    pub missing_files: u64,
}

/// Writes the rows of resources anew whose references can be resolved now;
/// gives their number.
pub(super) fn resolve_late(
    settings: &Settings,
    database: &Database,
    run: &mut Run,
    run_progress: &RunProgress,
) -> Result<u64, PipelineError> {
    Ok(resolve(settings, database, run.connection(), run_progress)?.resources)
}

fn resolve(
    settings: &Settings,
    database: &Database,
    connection: &mut PgConnection,
    run_progress: &RunProgress,
) -> Result<Remapped, PipelineError> {
    let files = ledger::select_resolvable(connection)?;
    write_anew(settings, database, connection, &files, run_progress)
}

/// Writes the rows of all current resources anew, or of those of some types.
pub fn remap(
    settings: &Settings,
    database: &Database,
    resource_types: &[String],
    run_progress: &RunProgress,
) -> Result<Remapped, PipelineError> {
    let mut connection = database.connect()?;
    let files = ledger::select_current(&mut connection, resource_types)?;
    let remapped = write_anew(settings, database, &mut connection, &files, run_progress)?;
    // References to identifiers whose owners were written after them.
    resolve(settings, database, &mut connection, run_progress)?;
    Ok(remapped)
}

/// Writes the rows of the resources anew that were selected over the connection.
fn write_anew(
    settings: &Settings,
    database: &Database,
    connection: &mut PgConnection,
    files: &[RemapFile],
    run_progress: &RunProgress,
) -> Result<Remapped, PipelineError> {
    let mut remapped = Remapped::default();
    if files.is_empty() {
        return Ok(remapped);
    }
    let resources: i64 = files.iter().map(|file| file.resources).sum();
    run_progress.begin("writing anew", resources as u64, Unit::Items("resources"));
    let storage = Storage::of(settings);
    let mut first_missing = None;
    let mut worker = Worker::for_remap(settings, database)?;
    for file in files {
        let archived = match open(file, &storage) {
            Ok(archived) => archived,
            Err(error) => {
                warn!(file.id = file.file_id, "{}; its resources keep their rows", in_one_line(&error));
                remapped.missing_files += 1;
                first_missing.get_or_insert(error);
                continue;
            }
        };
        let positions = file.positions(connection)?;
        let claimed = ClaimedFile {
            id: file.file_id,
            source_id: file.source_id,
            sha256: [0; 32],
            base_url: file.base_url.clone(),
            done: Vec::new(),
            rejected: 0,
        };
        let progress = Arc::new(Progress::new(claimed));
        let mut again = Again {
            worker: &mut worker,
            progress: &progress,
            positions: &positions,
            work: Work::default(),
            batch_bytes: super::batch_bytes(settings),
            run_progress,
            remapped,
            failure: None,
        };
        again.work.begin_file(&progress);
        let read = read::read_file(archived, &limits(settings), &mut again);
        if let Some(failure) = again.failure.take() {
            return Err(failure.into());
        }
        if let Err(error) = read {
            // Its frames before the fault were loaded, and are written anew.
            warn!(file.id = file.file_id, "the archived file cannot be read to its end: {error}");
        }
        again.flush()?;
        remapped = again.remapped;
    }
    run_progress.end();
    match first_missing {
        Some(source) if remapped.missing_files == files.len() as u64 => {
            Err(PipelineError::Archive { files: remapped.missing_files, source })
        }
        _ => Ok(remapped),
    }
}

/// Takes the wanted resources of a file again.
struct Again<'a> {
    worker: &'a mut Worker,
    progress: &'a Arc<Progress>,
    positions: &'a RemapPositions,
    work: Work,
    batch_bytes: usize,
    run_progress: &'a RunProgress,
    remapped: Remapped,
    /// Why the reading was stopped.
    failure: Option<LoadError>,
}

impl Again<'_> {
    fn flush(&mut self) -> Result<(), LoadError> {
        if self.work.is_empty() {
            return Ok(());
        }
        let (accounts, tally) = self.worker.work(&mut self.work)?;
        failpoint::passed(Step::WrittenAnew);
        self.remapped.resources += accounts.iter().map(|account| account.updated).sum::<u64>();
        self.remapped.rows += tally.rows;
        self.run_progress.set(self.remapped.resources);
        let mut bytes = std::mem::take(&mut self.work.bytes);
        bytes.clear();
        self.work = Work::new(0, bytes);
        self.work.begin_file(self.progress);
        Ok(())
    }
}

impl ResourceHandler for Again<'_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload != Payload::Resource || !self.positions.contains(frame.position) {
            return Ok(());
        }
        if self.work.byte_count() + frame.bytes.len() > self.batch_bytes
            && let Err(failure) = self.flush()
        {
            self.failure = Some(failure);
            return Err(Stopped);
        }
        self.work.note_record(frame.position);
        self.work.push(Record::of(&frame, String::new()), frame.bytes);
        Ok(())
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
