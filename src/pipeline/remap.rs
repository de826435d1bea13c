//! A *remap* writes rows again from archived files: all of them after the tables
//! have changed, or those of resources whose references can be resolved only now.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::PgConnection;
use tracing::warn;

use super::error::PipelineError;
use super::file_progress::FileProgress;
use super::input_batch::InputBatch;
use super::job::Job;
use super::skipped_records;
use super::worker::{LoadedBatch, Worker};
use crate::archive::{ArchiveError, Storage, StoredFile};
use crate::report::{Unit, in_one_line};
use fhirmill_core::read::{self, Document, Frame, Payload, ReadAt, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{self, Account, ClaimedFile, RemapFile, RemapPositions, Run};

/// What a remap wrote.
#[derive(Debug, Default)]
pub struct Remapped {
    /// Resources that were mapped again.
    pub resources: u64,
    /// Rows that were written.
    pub rows: u64,
    /// Files that are not in the archive as they were loaded: their resources keep
    /// the rows they have.
    pub missing_files: u64,
    /// Files in which not all of the resources were found.
    pub incomplete_files: u64,
    /// The outcomes of records that were skipped when they were delivered, and are
    /// loaded now.
    pub loaded: Account,
    /// Rows that were written for these.
    pub loaded_rows: u64,
    /// Why the first of the missing files is missing.
    pub first_missing: Option<ArchiveError>,
}

impl Remapped {
    /// Notes that a file is missing.
    pub(super) fn note_missing(&mut self, error: ArchiveError) {
        self.missing_files += 1;
        self.first_missing.get_or_insert(error);
    }

    /// Whether anything was left as it was because of the archive.
    pub fn is_incomplete(&self) -> bool {
        self.missing_files + self.incomplete_files > 0
    }

    /// The counts that the ledger keeps of the run that loaded skipped records.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let loaded = &self.loaded;
        BTreeMap::from([
            ("seen", loaded.total()),
            ("inserted", loaded.inserted),
            ("updated", loaded.updated),
            ("unchanged", loaded.unchanged),
            ("stale", loaded.stale),
            ("deleted", loaded.deleted),
            ("rejected", loaded.rejected),
            ("rows", self.loaded_rows),
        ])
    }
}

/// Maps resources again whose references can be resolved now; returns their
/// number.
pub(super) fn resolve_late(job: &Job<'_>, run: &mut Run) -> Result<u64, PipelineError> {
    Ok(resolve(job, run.connection())?.resources)
}

/// Maps resources again whose references can be resolved now. A file that is not in
/// the archive is no error here: another process may have loaded it and not moved it
/// yet, and resolves its references itself.
pub fn resolve(job: &Job<'_>, connection: &mut PgConnection) -> Result<Remapped, PipelineError> {
    let files = ledger::select_resolvable(connection)?;
    let mut remapped = Remapped::default();
    remap_files(job, connection, &files, (Trust::Archive, &mut remapped))?;
    Ok(remapped)
}

/// Maps all current resources again, or those of some types; then loads records of
/// wanted types that were skipped when they were delivered. If types are given, they
/// are wanted whatever the settings say. Fails if none of the files is in the
/// archive.
pub fn remap(job: &Job<'_>, resource_types: &[String]) -> Result<Remapped, PipelineError> {
    let mut connection = job.database.connect()?;
    let files = ledger::select_current(&mut connection, resource_types)?;
    let mut remapped = Remapped::default();
    remap_files(job, &mut connection, &files, (Trust::Nothing, &mut remapped))?;
    let of_settings = job.settings.resource_types.names();
    let wanted = if resource_types.is_empty() { of_settings.as_deref() } else { Some(resource_types) };
    skipped_records::load(job, wanted, &mut remapped)?;
    let is_anything_done = remapped.resources + remapped.loaded.total() > 0;
    if let Some(source) = remapped.first_missing.take_if(|_| !is_anything_done) {
        return Err(PipelineError::Archive { files: remapped.missing_files, source });
    }
    // References to identifiers whose owners were written after them.
    resolve(job, &mut connection)?;
    Ok(remapped)
}

/// Whether archived files are proven to be what was loaded before they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The archive holds what was loaded.
    Archive,
    /// They are read twice: the first time to prove it.
    Nothing,
}

/// Maps the resources again that were selected over the connection, which are in
/// these files.
fn remap_files(
    job: &Job<'_>,
    connection: &mut PgConnection,
    files: &[RemapFile],
    (trust, remapped): (Trust, &mut Remapped),
) -> Result<(), PipelineError> {
    if files.is_empty() {
        return Ok(());
    }
    let mut worker = Worker::for_remap(job)?;
    let resources: i64 = files.iter().map(|file| file.resources).sum();
    job.progress.begin("remapping", resources as u64, Unit::Items("resources"));
    let storage = Storage::of(job.settings);
    for file in files {
        match open(file, &storage, trust) {
            Ok(archived) => {
                let positions = file.positions(connection)?;
                remap_file(job, &mut worker, (file, archived), &positions, remapped)?;
            }
            Err(error) => {
                warn!(file.id = file.file_id, "{}; its resources keep their rows", in_one_line(&error));
                remapped.note_missing(error);
            }
        }
    }
    job.progress.end();
    Ok(())
}

pub(super) fn open(
    file: &RemapFile,
    storage: &Storage,
    trust: Trust,
) -> Result<Box<dyn ReadAt>, ArchiveError> {
    let stored = StoredFile {
        path: &file.path,
        status: &file.status,
        archive_path: file.archive_path.as_deref(),
        size: file.size_bytes as u64,
        sha256: &file.sha256,
    };
    match trust {
        Trust::Archive => storage.open(&stored),
        Trust::Nothing => storage.open_proven(&stored, &mut |_| {}),
    }
}

/// Maps the resources at these positions of an archived file again.
fn remap_file(
    job: &Job<'_>,
    worker: &mut Worker,
    (file, archived): (&RemapFile, Box<dyn ReadAt>),
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
    let mut handler =
        RemapHandler { job, worker, progress, positions, batch, remapped, found: 0, failure: None };
    handler.batch.begin_file(progress);
    let read = read::read_file(archived, &job.settings.read_limits(), &mut handler);
    if let Some(failure) = handler.failure.take() {
        return Err(failure.into());
    }
    if let Err(error) = read {
        // Its frames before the error were loaded, and are mapped again.
        warn!(file.id = file.file_id, "the archived file cannot be read to its end: {error}");
    }
    handler.flush()?;
    let missing = (file.resources as u64).saturating_sub(handler.found);
    if missing > 0 {
        let resources = if missing == 1 { "1 resource" } else { "resources" };
        warn!(
            file.id = file.file_id,
            missing, "{resources} could not be found in the archived file {}, and keep their rows", file.path
        );
        remapped.incomplete_files += 1;
    }
    Ok(())
}

/// Maps the wanted resources of a file again.
struct RemapHandler<'a> {
    job: &'a Job<'a>,
    worker: &'a mut Worker,
    progress: &'a Arc<FileProgress>,
    positions: &'a RemapPositions,
    batch: InputBatch,
    remapped: &'a mut Remapped,
    /// How many of the wanted resources were found in the file.
    found: u64,
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
        self.found += 1;
        self.batch.note_record(frame.position);
        self.batch.push(&frame, String::new());
        Ok(())
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
