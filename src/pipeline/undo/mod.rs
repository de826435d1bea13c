//! *Undo*: takes back what files brought, and brings it back; see
//! [`fhirmill_postgres::undo`].

mod affected;
mod read;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_core::fhir::ResourceType;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::failpoint::{self, UndoStep};
use fhirmill_postgres::ledger::{Account, Run, RunStatus, forward};
use fhirmill_postgres::load::lead_to_owners;
use fhirmill_postgres::undo::{self, ChangedResources, Promotion, SkippedTypes, TableRows, UndoFile, Undone};
use serde::Serialize;
use thiserror::Error;
use tracing::info;

use super::error::PipelineError;
use super::job::Job;
use super::remap::resolve;
use super::worker::Worker;
use crate::archive::{ArchiveError, Storage};
use crate::report::Unit;
pub(super) use affected::{Affected, files_to_replay};
use read::{open, read_batches};

/// How long an undo waits for files of the source that are being loaded.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Why nothing was undone.
#[derive(Debug, Error)]
pub enum UndoError {
    #[error("the database is unavailable")]
    Database(#[from] DatabaseError),
    #[error("the ledger cannot be written")]
    Ledger(#[from] diesel::result::Error),
    #[error("the other files cannot be loaded again")]
    Load(#[from] LoadError),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The archive lacks a file.
    #[error(
        "nothing was changed: file {file_id} is needed, and the archive does not have it as it was loaded"
    )]
    Archive { file_id: i64, source: ArchiveError },
    /// A file of the same source is being loaded.
    #[error(
        "nothing was changed: file {0} of the same source is still being loaded; try again when it is loaded"
    )]
    Loading(i64),
    /// A file of the same source was left by a run that died.
    #[error(
        "nothing was changed: file {0} of the same source was left half loaded by a run that broke off; \
         `fhirmill once` completes it"
    )]
    BrokenOff(i64),
    /// The ledger no longer has all files that brought the resources.
    #[error(
        "nothing was changed: its resources were first loaded by files of which the ledger has no rows any more \
         (LEDGER_KEEP)"
    )]
    Pruned,
    #[error("interrupted; nothing was changed")]
    Interrupted,
}

/// What is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Bring back instead of taking back.
    pub is_redo: bool,
    /// Change nothing, and tell what would change.
    pub is_dry_run: bool,
}

/// A file that was taken back or brought back.
#[derive(Clone, Debug, Serialize)]
pub struct FileChange {
    /// Its number.
    pub id: i64,
    /// The sender.
    pub source: String,
    /// The path it had in the inbox.
    pub path: String,
    /// A later delivery of the same bytes, which counts instead while the file is undone.
    pub counts_instead: Option<i64>,
}

/// What an undo changed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Changes {
    /// The number of its run; none of a dry run.
    pub run_id: Option<i64>,
    /// The files that were taken back or brought back.
    pub files: Vec<FileChange>,
    /// The resources, by type.
    pub resources: Vec<ChangedResources>,
    /// The rows, by table.
    pub tables: BTreeMap<String, TableRows>,
    /// The number of files that were read again.
    pub files_read: u64,
    /// Rejects of the files: dismissed by an undo, open again after a redo.
    pub dismissed_rejects: u64,
    /// Rejects that the files had resolved: open again after an undo, resolved by a redo.
    pub reopened_rejects: u64,
}

impl Changes {
    fn counts(&self) -> BTreeMap<&'static str, u64> {
        let sum =
            |of: fn(&ChangedResources) -> i64| self.resources.iter().map(of).sum::<i64>().unsigned_abs();
        BTreeMap::from([
            ("files", self.files.len() as u64),
            ("files_read", self.files_read),
            ("removed_resources", sum(|of| of.removed)),
            ("replaced_resources", sum(|of| of.replaced)),
            ("revived_resources", sum(|of| of.revived)),
            ("added_resources", sum(|of| of.added)),
            ("deleted_resources", sum(|of| of.deleted)),
        ])
    }

    fn add(&mut self, other: Changes) {
        self.files.extend(other.files);
        for of_type in other.resources {
            match self.resources.iter_mut().find(|known| known.resource_type == of_type.resource_type) {
                Some(known) => {
                    known.removed += of_type.removed;
                    known.replaced += of_type.replaced;
                    known.revived += of_type.revived;
                    known.added += of_type.added;
                    known.deleted += of_type.deleted;
                    known.unchanged += of_type.unchanged;
                }
                None => self.resources.push(of_type),
            }
        }
        self.resources.sort_by(|one, other| one.resource_type.cmp(&other.resource_type));
        for (table, rows) in other.tables {
            let known = self.tables.entry(table).or_default();
            known.removed += rows.removed;
            known.written += rows.written;
        }
        self.files_read += other.files_read;
        self.dismissed_rejects += other.dismissed_rejects;
        self.reopened_rejects += other.reopened_rejects;
    }
}

/// Takes the files back, or brings them back; each source in a transaction of its own.
pub fn undo(job: &Job<'_>, files: &[UndoFile], action: Action) -> Result<Changes, UndoError> {
    let mut run = match action.is_dry_run {
        true => None,
        false => Some(Run::begin(job.database.connect()?, if action.is_redo { "redo" } else { "undo" })?),
    };
    let mut changes = Changes { run_id: run.as_ref().map(|run| run.id), ..Changes::default() };
    let mut done = Ok(());
    let mut of_sources: BTreeMap<i16, Vec<&UndoFile>> = BTreeMap::new();
    files.iter().for_each(|file| of_sources.entry(file.source_id).or_default().push(file));
    for (source_id, files) in of_sources {
        match of_source(job, (source_id, &files), action, changes.run_id) {
            Ok(of_source) => changes.add(of_source),
            Err(error) => {
                done = Err(error);
                break;
            }
        }
    }
    if let Some(run) = &mut run {
        let ended = done.and_then(|()| {
            resolve(job, run.connection())?;
            Ok(())
        });
        run.end(RunStatus::of(ended.is_ok()), &changes.counts(), true)?;
        done = ended;
    }
    done.map(|()| changes)
}

/// The files of one source.
fn of_source(
    job: &Job<'_>,
    (source_id, files): (i16, &[&UndoFile]),
    action: Action,
    run_id: Option<i64>,
) -> Result<Changes, UndoError> {
    let mut worker = Worker::for_undo(job)?;
    begin(job, &mut worker, source_id)?;
    let changed = change(job, &mut worker, (source_id, files), (action.is_redo, run_id));
    match changed {
        Ok(changes) if !action.is_dry_run => {
            failpoint::passed(UndoStep::Recorded);
            worker.loader().commit()?;
            failpoint::passed(UndoStep::Committed);
            Ok(changes)
        }
        other => {
            worker.loader().roll_back()?;
            other
        }
    }
}

/// Begins a transaction in which nobody else loads records of the source. Waits until its
/// files are loaded.
pub(super) fn begin(job: &Job<'_>, worker: &mut Worker, source_id: i16) -> Result<(), UndoError> {
    let since = Instant::now();
    loop {
        worker.loader().begin()?;
        undo::hold(worker.connection(), source_id)?;
        let Some(unfinished) = UndoFile::unfinished(worker.connection(), source_id)? else { return Ok(()) };
        worker.loader().roll_back()?;
        if !unfinished.is_alive {
            return Err(UndoError::BrokenOff(unfinished.id));
        }
        if since.elapsed() > LONGEST_WAIT {
            return Err(UndoError::Loading(unfinished.id));
        }
        if job.cancel.is_cancelled() {
            return Err(UndoError::Interrupted);
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// Does all of it within the worker's transaction.
fn change(
    job: &Job<'_>,
    worker: &mut Worker,
    (source_id, files): (i16, &[&UndoFile]),
    (is_redo, run_id): (bool, Option<i64>),
) -> Result<Changes, UndoError> {
    let mut number = 0;
    undo::begin(worker.connection())?;
    if is_redo {
        undo::restore(worker.connection(), source_id)?;
    }
    let read: Vec<&UndoFile> = files.iter().filter(|file| file.is_any_accepted).copied().collect();
    let mut affected = affected::of_files(job, worker, &read, &mut number)?;
    let ids: Vec<i64> = files.iter().map(|file| file.id).collect();
    let undone = note(worker.connection(), run_id, files, is_redo)?;
    let certain =
        if is_redo { ids } else { undone.promoted.iter().map(|promoted| promoted.file_id).collect() };
    let mut changes = Changes {
        run_id,
        files: files.iter().map(|file| file_change(file, &undone)).collect(),
        dismissed_rejects: undone.dismissed_rejects,
        reopened_rejects: undone.reopened_rejects,
        ..Changes::default()
    };
    if read.is_empty() {
        return Ok(changes);
    }
    let again = files_to_replay(job, worker, (source_id, &certain), &mut affected, &mut number)?;
    if UndoFile::has_pruned(worker.connection(), source_id)? {
        return Err(UndoError::Pruned);
    }
    failpoint::passed(UndoStep::Scanned);
    let plan = worker.plan_tables();
    undo::collect_keys(worker.connection(), &plan.tables)?;
    let mut tables = undo::clear(worker.connection(), &plan)?;
    failpoint::passed(UndoStep::Cleared);
    replay(job, worker, &again, (&affected, &undone.promoted))?;
    undo::written(worker.connection(), &plan, &mut tables)?;
    changes.tables = tables;
    changes.resources = ChangedResources::list(worker.connection())?;
    changes.files_read = again.len() as u64;
    forward::note_undone(worker.connection(), source_id, run_id)?;
    undo::remove_unused(worker.connection(), source_id, &plan.tables)?;
    if let Some(run_id) = run_id {
        lead_to_owners(worker.connection(), || plan, &[run_id])?;
    }
    Ok(changes)
}

fn file_change(file: &UndoFile, undone: &Undone) -> FileChange {
    let promoted = undone.promoted.iter().find(|promoted| promoted.of == file.id);
    FileChange {
        id: file.id,
        source: file.source.clone(),
        path: file.stored.path.clone(),
        counts_instead: promoted.map(|promoted| promoted.file_id),
    }
}

/// Notes it in the ledger. A dry run has no run; what it notes is rolled back.
fn note(
    connection: &mut PgConnection,
    run_id: Option<i64>,
    files: &[&UndoFile],
    is_redo: bool,
) -> Result<Undone, UndoError> {
    let run_id = match run_id {
        Some(run_id) => run_id,
        None => undo::any_run(connection)?,
    };
    let ids: Vec<i64> = files.iter().map(|file| file.id).collect();
    Ok(match is_redo {
        true => undo::note_redone(connection, run_id, &ids)?,
        false => undo::note_undone(connection, run_id, files)?,
    })
}

/// Loads the affected resources again from the files, in their order.
pub(super) fn replay(
    job: &Job<'_>,
    worker: &mut Worker,
    files: &[UndoFile],
    (affected, promoted): (&Affected, &[Promotion]),
) -> Result<(), UndoError> {
    // The worker's registry waits for batches in their order.
    let mut number = 0;
    job.progress.begin("loading again", files.len() as u64, Unit::Items("files"));
    let storage = Storage::of(job.settings);
    for (done, file) in files.iter().enumerate() {
        let skipped = SkippedTypes::of(worker.connection(), file.id)?;
        let is_skipped = |number: u64, resource_type: ResourceType| {
            skipped.iter().any(|part| {
                (part.first..=part.last).contains(&(number as i64))
                    && part.resource_type == resource_type.name()
            })
        };
        let mut account = Account::default();
        let archived = open(file, &storage)?;
        read_batches(job, file, archived, &mut number, &mut |batch| {
            let numbers = &batch.numbers;
            let is_wanted = |record: usize, resource_type: ResourceType, id: &str| {
                affected.contains(resource_type, id) && !is_skipped(numbers[record], resource_type)
            };
            let loaded = worker.replay(&mut batch.input, file.loaded_at, &is_wanted)?;
            loaded.accounts.into_iter().for_each(|of_batch| account += of_batch);
            failpoint::passed(UndoStep::Replayed);
            Ok(())
        })?;
        if let Some(promotion) = promoted.iter().find(|promotion| promotion.file_id == file.id) {
            undo::settle_promoted(worker.connection(), *promotion, &account)?;
        }
        info!(file.id = file.id, "read file {} again", file.id);
        job.progress.set(done as u64 + 1);
    }
    job.progress.end();
    Ok(())
}
