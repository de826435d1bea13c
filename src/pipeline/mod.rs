//! The *pipeline* takes files from the inbox to the tables: scan, claim, open,
//! frame, map, load, record, move. One thread reads, `WORKERS` threads map and
//! load, and a bounded queue holds the reader back, so that memory is bounded by
//! the settings, whatever the files are.

mod archive_check;
mod archived_records;
mod batch_mapper;
mod buffer_pool;
mod conditions;
#[cfg(feature = "lake")]
pub mod convert;
mod departures;
pub(crate) mod eob_coverage;
pub mod erase;
mod error;
mod file_progress;
mod finish;
mod full_records;
mod groups;
mod hash_prefetch;
pub mod indexes;
mod input_batch;
mod job;
mod known_servers;
mod load_files;
mod load_run;
mod objects;
mod open_rejects;
pub mod put_back;
mod reader;
mod refused_records;
mod reject_report;
mod remap;
mod run_state;
mod skipped_records;
mod unchanged_records;
pub mod undo;
pub mod updates;
mod views;
mod worker;

use std::time::Instant;

use fhirmill_postgres::ledger;

pub use archive_check::{ArchiveCheck, ArchiveFinding, check_archive};
pub use error::PipelineError;
pub use job::Job;
pub use remap::{Remapped, remap, resolve};
pub use views::{FillEnd, fill_pending, fill_view, follow_definitions, read_definition, verify_view};

use crate::inbox::{self, Inboxes, Patience, Unreadable};
use crate::report::{Summary, WorkStage};

/// Whether to complete what runs that broke off have left to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Even if the inbox has no files: for the first scan of a process, and the
    /// first after a failure.
    Always,
    /// Only if there are files to load.
    WithFiles,
}

/// Loads all files of the inbox that are ready, in several runs if they are more than one scan
/// takes, and returns the summary of all.
pub fn load_all(job: &Job<'_>, command: &str, recovery: Recovery) -> Result<Summary, PipelineError> {
    let mut all = load_inbox(job, command, recovery)?;
    while all.has_more && !all.is_interrupted && !job.cancel.is_cancelled() {
        all.add(load_inbox(job, command, Recovery::WithFiles)?);
    }
    Ok(all)
}

/// Loads the files of the inbox that one scan takes, and returns the summary.
/// `command` is recorded with the run. A store that is away is waited for when all else is loaded.
pub fn load_inbox(job: &Job<'_>, command: &str, recovery: Recovery) -> Result<Summary, PipelineError> {
    let (mut summary, mut unreadable) = load_scan(job, command, recovery, Patience::OnceListed)?;
    if unreadable.as_ref().is_some_and(Unreadable::is_away) && !job.cancel.is_cancelled() {
        // The second scan finds these once more.
        summary.settling = 0;
        summary.unreadable_files = 0;
        summary.skipped_paths.clear();
        let (more, still) = load_scan(job, command, Recovery::WithFiles, Patience::Much)?;
        summary.add(more);
        unreadable = still;
    }
    readable(summary, unreadable)
}

/// As [`load_inbox`], but a store that is away is waited for some seconds at most.
pub fn load_at_hand(job: &Job<'_>, command: &str, recovery: Recovery) -> Result<Summary, PipelineError> {
    let (summary, unreadable) = load_scan(job, command, recovery, Patience::Little)?;
    readable(summary, unreadable)
}

/// The summary, if all inboxes could be read.
fn readable(summary: Summary, unreadable: Option<Unreadable>) -> Result<Summary, PipelineError> {
    match unreadable {
        Some(Unreadable { address, error }) => Err(PipelineError::Inbox { path: address, source: error }),
        None => Ok(summary),
    }
}

/// Loads what one scan finds, and tells which inbox cannot be read.
fn load_scan(
    job: &Job<'_>,
    command: &str,
    recovery: Recovery,
    patience: Patience,
) -> Result<(Summary, Option<Unreadable>), PipelineError> {
    let started = Instant::now();
    let mut summary = Summary::default();
    let inbox_dir = &job.settings.inbox_dir;
    if inbox_dir.join(updates::UPDATES_FOLDER).is_dir() {
        updates::land_left(inbox_dir, &mut job.database.connect()?)?;
    }
    let stage = job.progress.activity().begin(WorkStage::Scan);
    let inboxes = Inboxes::with_patience(job.settings, patience);
    let (scan, unreadable) = inboxes.scan(job.settings.settle, true);
    drop(stage);
    summary.settling = scan.settling;
    summary.has_more = scan.has_more;
    summary.skip_all(scan.skipped.clone());
    if !scan.ready.is_empty() {
        load_files::load_files(job, command, &scan.ready, &mut summary)?;
    } else if recovery == Recovery::Always {
        let connection = &mut job.database.connect()?;
        if ledger::broken_off(connection)?.is_empty() {
            indexes::complete_and_note(job, connection, &mut summary);
        } else {
            load_files::load_files(job, command, &[], &mut summary)?;
        }
    }
    if recovery == Recovery::Always {
        // After files that were left half loaded, which an erasure would wait for.
        erase::recover(job)?;
    }
    if let Some(after) = job.settings.empty_folder_age {
        summary.skip_all(inbox::remove_empty_folders(inbox_dir, &scan, after));
    }
    summary.seconds = started.elapsed().as_secs_f64();
    // What the other inbox has is loaded all the same.
    Ok((summary, unreadable))
}
