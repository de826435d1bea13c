//! The *pipeline* takes files along the whole road: scan, claim, open, frame,
//! map, load, record, move. One thread reads, `WORKERS` threads map and load,
//! a bounded queue holds the reader back; so memory is bounded by the
//! settings, whatever the files are.

mod contents;
mod delivery;
mod eob_coverage;
mod handover;
pub mod indexes;
mod reader;
mod remap;
pub mod whole;
mod work;
mod worker;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use diesel::PgConnection;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::archive::ArchiveError;
use crate::config::Settings;
use crate::inbox::{self, InboxFile};
use crate::report::{RunProgress, Summary, Unit};
use fhirmill_core::read::ReadLimits;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::{Database, DatabaseError, Failure};
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{self, Run};
use fhirmill_postgres::registry::RunRegistry;

use contents::Contents;
use delivery::Delivery;
use handover::Handover;
use reader::Reader;
pub(crate) use reader::form_name;
pub use remap::remap;
use work::Work;
use worker::Worker;

/// Why a run could not go on. What was committed stays; the files in hand
/// stay in the inbox and are taken up again.
#[derive(Debug, Error)]
pub enum PipelineError {
    #[error("the inbox {path} cannot be read")]
    Inbox { path: String, source: std::io::Error },
    #[error("the database cannot be had")]
    Database(#[from] DatabaseError),
    #[error("the ledger cannot be written")]
    Ledger(#[from] diesel::result::Error),
    #[error("a batch cannot be loaded")]
    Load(#[from] LoadError),
    #[error("a loaded file cannot be moved to {folder}")]
    Move { folder: String, source: std::io::Error },
    #[error("none of the archived files to map again can be read ({files})")]
    Archive { files: u64, source: ArchiveError },
}

/// The settings in the terms of the source.
pub fn limits(settings: &Settings) -> ReadLimits {
    ReadLimits {
        resource_bytes: usize::try_from(settings.limits.max_resource_bytes).unwrap_or(usize::MAX),
        archive_members: u32::try_from(settings.limits.max_archive_members).unwrap_or(u32::MAX),
        archive_ratio: settings.limits.max_archive_ratio,
        archive_output_bytes: settings.limits.max_archive_bytes,
        ..ReadLimits::default()
    }
}

/// The most bytes of JSON in a batch, unless one resource has more.
fn batch_bytes(settings: &Settings) -> usize {
    usize::try_from(settings.batch_bytes).unwrap_or(usize::MAX / 2)
}

/// Loads all files of the inbox that are ready, and tells what became of
/// them. `command` is noted with the run. The first look of a process also
/// does what runs left that broke off, whether or not it finds files.
pub fn load_inbox(
    settings: &Settings,
    database: &Database,
    cancel: &CancellationToken,
    command: &str,
    progress: &RunProgress,
    is_first: bool,
) -> Result<Summary, PipelineError> {
    let started = Instant::now();
    let mut summary = Summary::default();
    std::fs::create_dir_all(&settings.inbox_dir)
        .and_then(|()| inbox::scan(&settings.inbox_dir, settings.settle))
        .map(|scan| {
            summary.settling = scan.settling;
            summary.unreadable_files = scan.unreadable;
            scan.ready
        })
        .map_err(|source| PipelineError::Inbox { path: settings.inbox_dir.display().to_string(), source })
        .and_then(|ready| {
            if ready.is_empty() {
                if !is_first {
                    return Ok(());
                }
                let connection = &mut database.connect()?;
                if ledger::broken_off(connection)?.is_empty() {
                    complete_indexes(settings, database, connection, cancel, progress, &mut summary);
                    return Ok(());
                }
            }
            load_files(settings, database, cancel, command, progress, &ready, &mut summary)
        })?;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

/// Builds the secondary indexes that are missing, and notes them in the
/// summary; asks over `connection` whether there are any.
fn complete_indexes(
    settings: &Settings,
    database: &Database,
    connection: &mut PgConnection,
    cancel: &CancellationToken,
    progress: &RunProgress,
    summary: &mut Summary,
) {
    let indexing = Instant::now();
    summary.indexes_built = indexes::complete(database, connection, settings.workers.get(), cancel, progress);
    summary.index_seconds = indexing.elapsed().as_secs_f64();
}

fn load_files(
    settings: &Settings,
    database: &Database,
    cancel: &CancellationToken,
    command: &str,
    progress: &RunProgress,
    ready: &[InboxFile],
    summary: &mut Summary,
) -> Result<(), PipelineError> {
    let mut run = Run::begin(database.connect()?, command)?;
    summary.run_id = Some(run.id);
    progress.begin_run(run.id);
    // One batch waits, so that a worker that is done finds work at once.
    let (sender, receiver) = sync_channel::<Work>(1);
    let handover = Handover::new(receiver, 2 * batch_bytes(settings));
    let registry = Arc::new(RunRegistry::begin(run.connection())?);
    let run_id = run.id;
    let connect = || Worker::for_run(settings, database, run_id, Arc::clone(&registry));
    let contents = Contents::new(delivery::groups(ready));
    let mut result = std::thread::scope(|scope| {
        for _ in 0..settings.workers.get() {
            scope.spawn(|| Worker::run(&handover, &registry, connect));
            scope.spawn(|| contents.read_ahead());
        }
        progress.begin("loading", ready.iter().map(|file| file.size).sum(), Unit::Bytes);
        // The workers end when the reader, which has the sender, is gone.
        let reader = Reader::new(settings, sender, cancel, &handover, progress);
        let result = Delivery::new(settings, &mut run, reader, summary, contents.taker()).take();
        progress.end();
        result
    });
    let tally = handover.take_tally();
    summary.rows = tally.rows;
    summary.by_type = tally.by_type;
    for (version, elements) in &tally.by_version {
        warn!(
            elements,
            "resources of FHIR {version} came; they are loaded as far as R4 defines their elements"
        );
    }
    summary.by_version = tally.by_version;
    if let Some(failure) = handover.take_failure() {
        result = result.and(Err(failure.into()));
    }
    if result.as_ref().is_err_and(|error| Failure::behind(error) == Some(Failure::LockTimeout)) {
        database.tell_who_holds_tables();
    }
    let broken_off = ledger::broken_off(run.connection())?;
    let has_news = summary.account.inserted + summary.account.updated > 0 || !broken_off.is_empty();
    failpoint::passed(Step::Departed);
    if result.is_ok() && has_news && !summary.is_interrupted {
        summary.resolved_late = remap::resolve_late(settings, database, &mut run, progress)?;
    }
    if result.is_ok() && !summary.is_interrupted {
        // What of them was in the inbox under any name was taken over by now.
        run.give_up_lost(&|relative| inbox::is_there(&settings.inbox_dir, relative))?;
        complete_indexes(settings, database, run.connection(), cancel, progress, summary);
    }
    failpoint::passed(Step::Complete);
    let status = match &result {
        Ok(()) if summary.failed_files == 0 => "finished",
        _ => "failed",
    };
    let is_at_its_end = result.is_ok() && !summary.is_interrupted;
    let ended = run.end(status, &summary.counts(), is_at_its_end);
    result?;
    ended?;
    if is_at_its_end {
        run.close(&broken_off)?;
    }
    Ok(())
}
