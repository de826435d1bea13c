//! The *pipeline* takes files along the whole road: scan, claim, open, frame,
//! map, load, record, move. One thread reads, `WORKERS` threads map and load,
//! a bounded queue holds the reader back; so memory is bounded by the
//! settings, whatever the files are.

mod eob_coverage;
mod handover;
mod reader;
mod remap;
mod worker;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::{Settings, Timezone};
use crate::database::{Database, DatabaseError};
use crate::inbox::{self, InboxFile};
use crate::kind;
use crate::ledger::{Claim, ClaimedFile, Run};
use crate::load::{Account, LoadError};
use crate::report::{ProgressMeter, Summary, Unit};
use crate::source::{Limits, ReadError};

use handover::Handover;
use reader::Reader;
pub(crate) use reader::form_name;
pub use remap::remap;
use worker::{Work, Worker};

/// Why a run could not go on. What was committed stays; the files in hand
/// stay in the inbox and are taken up again.
#[derive(Debug, Error)]
pub enum PipelineError {
    #[error("the inbox {path} cannot be read")]
    Inbox { path: String, source: std::io::Error },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the ledger cannot be written")]
    Ledger(#[from] diesel::result::Error),
    #[error("a batch cannot be loaded")]
    Load(#[from] LoadError),
    #[error("a loaded file cannot be moved to {folder}")]
    Move { folder: String, source: std::io::Error },
}

/// How far a file is, shared by the reader and the workers.
pub(crate) struct Progress {
    pub run_id: i64,
    pub file: ClaimedFile,
    /// Batches that were sent and are not committed, and what failed.
    state: Mutex<ProgressState>,
    changed: Condvar,
}

#[derive(Default)]
struct ProgressState {
    outstanding: usize,
    account: Account,
    by_type: BTreeMap<&'static str, u64>,
    failure: Option<LoadError>,
}

impl Progress {
    fn new(run_id: i64, file: ClaimedFile) -> Self {
        Progress { run_id, file, state: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ProgressState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent(&self) {
        self.lock().outstanding += 1;
    }

    fn done(&self, result: Result<(Account, BTreeMap<&'static str, u64>), LoadError>) {
        let mut state = self.lock();
        state.outstanding -= 1;
        match result {
            Ok((account, by_type)) => {
                state.account += account;
                for (name, count) in by_type {
                    *state.by_type.entry(name).or_default() += count;
                }
            }
            Err(failure) => state.failure = Some(failure),
        }
        self.changed.notify_all();
    }

    fn is_done(&self) -> bool {
        self.lock().outstanding == 0
    }

    fn wait(&self) {
        let mut state = self.lock();
        while state.outstanding > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A file that was read to its end (or as far as it could be).
struct ReadFile {
    file: InboxFile,
    progress: Arc<Progress>,
    seen: u64,
    form: String,
    error: Option<String>,
    is_interrupted: bool,
}

/// The settings in the terms of the source.
pub fn limits(settings: &Settings) -> Limits {
    Limits {
        resource_bytes: usize::try_from(settings.limits.max_resource_bytes).unwrap_or(usize::MAX),
        archive_members: u32::try_from(settings.limits.max_archive_members).unwrap_or(u32::MAX),
        archive_ratio: settings.limits.max_archive_ratio,
        archive_output_bytes: settings.limits.max_archive_bytes,
        ..Limits::default()
    }
}

/// The most bytes of JSON in a batch, unless one resource has more.
fn batch_bytes(settings: &Settings) -> usize {
    usize::try_from(settings.batch_bytes).unwrap_or(usize::MAX / 2)
}

/// The settings' time zone in the terms of the kinds.
pub fn timezone(settings: &Settings) -> kind::Timezone {
    match settings.assume_timezone {
        Timezone::Fixed(offset) => kind::Timezone::Offset(offset.local_minus_utc()),
        Timezone::Named(zone) => kind::Timezone::Named(zone),
    }
}

/// Loads all files of the inbox that are ready, and tells what became of
/// them. `command` is noted with the run.
pub fn load_inbox(
    settings: &Settings,
    database: &Database,
    cancel: &CancellationToken,
    command: &str,
    meter: &ProgressMeter,
) -> Result<Summary, PipelineError> {
    let started = Instant::now();
    let mut summary = Summary::default();
    std::fs::create_dir_all(&settings.inbox_dir)
        .and_then(|()| inbox::scan(&settings.inbox_dir, settings.settle))
        .map(|scan| {
            summary.settling = scan.settling;
            scan.ready
        })
        .map_err(|source| PipelineError::Inbox { path: settings.inbox_dir.display().to_string(), source })
        .and_then(|ready| {
            if ready.is_empty() {
                return Ok(());
            }
            load_files(settings, database, cancel, command, meter, &ready, &mut summary)
        })?;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

fn load_files(
    settings: &Settings,
    database: &Database,
    cancel: &CancellationToken,
    command: &str,
    meter: &ProgressMeter,
    ready: &[InboxFile],
    summary: &mut Summary,
) -> Result<(), PipelineError> {
    let mut run = Run::begin(database.connect()?, command)?;
    summary.run_id = Some(run.id);
    let workers = settings.workers.get();
    // One batch waits, so that a worker that is done finds work at once.
    let (sender, receiver) = sync_channel::<Work>(1);
    let handover = Handover::new(receiver, 2 * batch_bytes(settings));
    let mut ready_workers = Vec::with_capacity(workers);
    for _ in 0..workers {
        ready_workers.push(Worker::new(settings, database)?);
    }
    let result = std::thread::scope(|scope| {
        for mut worker in ready_workers {
            let handover = &handover;
            scope.spawn(move || worker.run(handover));
        }
        meter.begin("loading", ready.iter().map(|file| file.size).sum(), Unit::Bytes);
        let mut reading =
            Reading { settings, cancel, meter, run: &mut run, handover: &handover, in_flight: Vec::new() };
        let result = reading.files(ready, &sender, summary);
        meter.end();
        // The workers end when the last sender is gone.
        drop(sender);
        result
    });
    if result.is_ok() && summary.account.inserted + summary.account.updated > 0 && !cancel.is_cancelled() {
        summary.resolved_late = remap::resolve_late(settings, database, &mut run, meter)?;
    }
    let status = match &result {
        Ok(()) if summary.failed_files == 0 => "finished",
        _ => "failed",
    };
    let ended = run.end(status, &summary.counts());
    result?;
    ended?;
    Ok(())
}

/// The reading side of a run.
struct Reading<'r> {
    settings: &'r Settings,
    cancel: &'r CancellationToken,
    meter: &'r ProgressMeter,
    run: &'r mut Run,
    handover: &'r Handover,
    in_flight: Vec<ReadFile>,
}

impl Reading<'_> {
    fn files(
        &mut self,
        ready: &[InboxFile],
        sender: &std::sync::mpsc::SyncSender<Work>,
        summary: &mut Summary,
    ) -> Result<(), PipelineError> {
        let mut bytes_before = 0;
        for file in ready {
            if self.cancel.is_cancelled() || self.handover.is_aborted() {
                summary.is_interrupted = self.cancel.is_cancelled();
                break;
            }
            self.file(file, bytes_before, sender, summary)?;
            self.finish_those_done(summary)?;
            bytes_before += file.size;
            self.meter.set(bytes_before);
        }
        self.finish_all(summary)
    }

    fn finish_all(&mut self, summary: &mut Summary) -> Result<(), PipelineError> {
        for read in std::mem::take(&mut self.in_flight) {
            read.progress.wait();
            self.finish(read, summary)?;
        }
        Ok(())
    }

    fn finish_those_done(&mut self, summary: &mut Summary) -> Result<(), PipelineError> {
        let (done, waiting) =
            std::mem::take(&mut self.in_flight).into_iter().partition(|read| read.progress.is_done());
        self.in_flight = waiting;
        for read in done {
            self.finish(read, summary)?;
        }
        Ok(())
    }

    /// Claims a file and reads it to its end, or moves it away if it is
    /// loaded already.
    fn file(
        &mut self,
        file: &InboxFile,
        bytes_before: u64,
        sender: &std::sync::mpsc::SyncSender<Work>,
        summary: &mut Summary,
    ) -> Result<(), PipelineError> {
        let sha256 = match inbox::fingerprint(&file.path) {
            Ok(sha256) => sha256,
            Err(error) => {
                warn!("{} cannot be read and stays in the inbox: {error}", file.relative);
                summary.unreadable_files += 1;
                return Ok(());
            }
        };
        let mut claim = self.run.claim(file, sha256)?;
        if matches!(claim, Claim::InFlight) {
            // Two files of one content in one inbox: the first one decides.
            self.finish_all(summary)?;
            claim = self.run.claim(file, sha256)?;
        }
        let claimed = match claim {
            Claim::Load(claimed) => claimed,
            Claim::Taken | Claim::InFlight => {
                info!("{} is being loaded by another process", file.relative);
                return Ok(());
            }
            Claim::Loaded { id } => {
                let shelved = self.archive(file, &sha256)?;
                self.run.note_moved(id, &shelved)?;
                summary.duplicate_files += 1;
                info!(file.id = id, "{} is loaded already; moved to the archive", file.relative);
                return Ok(());
            }
        };
        summary.bytes += file.size;
        let progress = Arc::new(Progress::new(self.run.id, claimed));
        let done = |bytes: u64| self.meter.set(bytes_before + bytes.min(file.size));
        let mut reader =
            Reader::new(Arc::clone(&progress), self.settings, sender, self.cancel, self.handover, &done);
        let outcome = crate::source::read(&file.path, &limits(self.settings), &mut reader)
            .and_then(|()| reader.flush().map_err(ReadError::Stopped));
        let mut is_interrupted = false;
        let error = match outcome {
            Ok(()) => None,
            Err(ReadError::Stopped(_)) => {
                is_interrupted = true;
                None
            }
            Err(error) => {
                // What was framed before the fault is whole, and is loaded.
                let _ = reader.flush();
                Some(error.to_string())
            }
        };
        let (seen, form) = (reader.seen(), reader.form());
        self.in_flight.push(ReadFile { file: file.clone(), progress, seen, form, error, is_interrupted });
        Ok(())
    }

    /// Closes the account of a file and moves it where it belongs.
    fn finish(&mut self, read: ReadFile, summary: &mut Summary) -> Result<(), PipelineError> {
        let ReadFile { file, progress, seen, form, error, is_interrupted } = read;
        let state = std::mem::take(&mut *progress.lock());
        let claimed = &progress.file;
        match state.failure {
            Some(LoadError::ClaimLost) => {
                warn!(file.id = claimed.id, "{} was taken over by another process", file.relative);
                return Ok(());
            }
            Some(failure) => return Err(failure.into()),
            None if is_interrupted => {
                summary.is_interrupted = true;
                return Ok(());
            }
            None => {}
        }
        let (account, adds_up) = self.run.finish_file(claimed, seen, &form, error.as_deref())?;
        summary.seen += seen;
        summary.account += Account { rows: state.account.rows, ..account };
        for (name, count) in state.by_type {
            *summary.by_type.entry(name).or_default() += count;
        }
        if !adds_up {
            error!(
                file.id = claimed.id,
                seen,
                accounted = account.total(),
                "the account of {} does not add up; it stays in the inbox",
                file.relative
            );
            summary.failed_files += 1;
            return Ok(());
        }
        // Nothing of it could be used: it is for the sender to mend.
        let is_rejected = error.is_some() || (seen > 0 && account.rejected == seen);
        let shelved = if is_rejected {
            summary.rejected_files += 1;
            let report = reject_report(&file, claimed.id, seen, &account, error.as_deref());
            inbox::reject(&self.settings.rejects_dir, &file, &claimed.sha256, &report)
                .map_err(|source| moving(&self.settings.rejects_dir, source))?
                .display()
                .to_string()
        } else {
            summary.loaded_files += 1;
            self.archive(&file, &claimed.sha256)?
        };
        self.run.note_moved(claimed.id, &shelved)?;
        info!(
            file.id = claimed.id,
            seen,
            account.inserted,
            account.updated,
            account.unchanged,
            account.stale,
            account.deleted,
            account.rejected,
            account.skipped,
            bytes = file.size,
            "{} {}",
            if is_rejected { "rejected" } else { "loaded" },
            file.relative
        );
        Ok(())
    }

    fn archive(&self, file: &InboxFile, sha256: &[u8; 32]) -> Result<String, PipelineError> {
        inbox::archive(&self.settings.archive_dir, file, sha256)
            .map(|path| path.display().to_string())
            .map_err(|source| moving(&self.settings.archive_dir, source))
    }
}

fn moving(folder: &Path, source: std::io::Error) -> PipelineError {
    PipelineError::Move { folder: folder.display().to_string(), source }
}

fn reject_report(file: &InboxFile, id: i64, seen: u64, account: &Account, error: Option<&str>) -> String {
    let reason = match error {
        Some(error) => format!("The file could not be read to its end: {error}\n"),
        None => "No record of the file could be read.\n".to_owned(),
    };
    format!(
        "{}\n\n{reason}\nRecords seen: {seen}, of them rejected: {}.\n\
         Each with its place and reason: fhirmill rejects --file {id}\n\
         After a fix, drop the mended file into the inbox again.\n",
        file.relative, account.rejected
    )
}
