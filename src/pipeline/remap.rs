//! A *remap* writes rows again from archived files: all of them after the tables
//! have changed, or those of resources whose references can be resolved only now.

use std::collections::BTreeMap;

use diesel::PgConnection;
use tracing::warn;

use super::archived_records::{Trust, open, read_selected};
use super::error::PipelineError;
use super::job::Job;
use super::skipped_records;
use super::worker::{LoadedBatch, Worker};
use crate::archive::{ArchiveError, Storage};
use crate::report::{Unit, in_one_line};
use fhirmill_core::read::ReadAt;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{self, Account, RemapFile, RemapPositions, Run};

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
                remap_file(job, &mut worker, (file, archived), positions, remapped)?;
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

/// Maps the resources at these positions of an archived file again.
fn remap_file(
    job: &Job<'_>,
    worker: &mut Worker,
    (file, archived): (&RemapFile, Box<dyn ReadAt>),
    positions: RemapPositions,
    remapped: &mut Remapped,
) -> Result<(), PipelineError> {
    let end = read_selected(job, (file, archived), positions, &mut |batch, _| {
        let LoadedBatch { accounts, statistics } = worker.load(batch)?;
        failpoint::passed(Step::WrittenAnew);
        remapped.resources += accounts.iter().map(|account| account.updated).sum::<u64>();
        remapped.rows += statistics.rows;
        job.progress.set(remapped.resources);
        Ok::<_, LoadError>(())
    })?;
    if let Some(error) = end.error {
        // Its frames before the error were loaded, and are mapped again.
        warn!(file.id = file.file_id, "the archived file cannot be read to its end: {error}");
    }
    let missing = end.missing;
    if missing > 0 {
        let resources = if missing == 1 { "1 resource" } else { "resources" };
        warn!(
            file.id = file.file_id,
            missing,
            "{resources} could not be found in the archived file {}, and keep their rows",
            file.stored.path
        );
        remapped.incomplete_files += 1;
    }
    Ok(())
}
