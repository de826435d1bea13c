//! One run: loads the files that a scan found, and completes what runs leave for
//! their end.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use fhirmill_postgres::database::Failure;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{self, Run, RunStatus, UnknownServer};
use fhirmill_postgres::load::lead_to_owners;
use fhirmill_postgres::registry::RunRegistry;
use tracing::field::Empty;
use tracing::{Span, info_span, warn};

use super::buffer_pool::BufferPool;
use super::error::PipelineError;
use super::groups::groups;
use super::hash_prefetch::HashPrefetch;
use super::input_batch::InputBatch;
use super::job::Job;
use super::load_run::LoadRun;
use super::open_rejects::OpenRejects;
use super::reader::Reader;
use super::run_state::RunState;
use super::worker::Worker;
use super::{indexes, objects, remap};
use crate::inbox::{InboxFile, Inboxes};
use crate::report::{Summary, TRACES, Unit, WorkStage};

/// How many threads hash objects of a store.
const REMOTE_HASHERS: usize = 8;

/// Loads these files of the inbox in a run of its own, whose command is recorded
/// in the ledger.
pub(super) fn load_files(
    job: &Job<'_>,
    command: &str,
    files: &[InboxFile],
    summary: &mut Summary,
) -> Result<(), PipelineError> {
    let mut run = Run::begin(job.database.connect()?, command)?;
    run.resource_types = job.settings.resource_types.names();
    summary.run_id = Some(run.id);
    job.progress.begin_run(run.id);
    let span =
        info_span!(target: TRACES, "run", run.id = run.id, run.command = command, otel.status_code = Empty);
    let in_span = span.enter();
    let loaded = load(job, &mut run, files, summary);
    if loaded.as_ref().is_err_and(|error| Failure::behind(error) == Some(Failure::LockTimeout)) {
        job.database.tell_who_holds_tables();
    }
    let broken_off = ledger::broken_off(run.connection())?;
    failpoint::passed(Step::Departed);
    let is_complete = loaded.is_ok() && !summary.is_interrupted;
    let completed = if is_complete { complete(job, &mut run, &broken_off, summary) } else { Ok(()) };
    drop(in_span);
    let is_failed = loaded.is_err() || completed.is_err() || summary.failed_files > 0;
    if is_failed {
        span.record("otel.status_code", "ERROR");
    }
    job.progress.activity().add_run(is_failed);
    completed?;
    failpoint::passed(Step::Complete);
    let status = RunStatus::of(loaded.is_ok() && summary.failed_files == 0);
    let ended = run.end(status, &summary.counts(), is_complete);
    loaded?;
    ended?;
    tell_unknown_servers(&mut run, summary)?;
    if is_complete {
        run.close(&broken_off)?;
    }
    job.database.give_back(run.into_connection());
    Ok(())
}

/// Loads the files: this thread reads, and others hash, map and load.
fn load(
    job: &Job<'_>,
    run: &mut Run,
    files: &[InboxFile],
    summary: &mut Summary,
) -> Result<(), PipelineError> {
    // One batch waits, so that a worker that is done finds work at once.
    let (sender, receiver) = sync_channel::<InputBatch>(1);
    let state = RunState::new(receiver);
    let pool = BufferPool::new(2 * job.settings.max_batch_bytes());
    indexes::postpone_keys(run.connection(), files.iter().map(|file| file.size).sum());
    let registry = Arc::new(RunRegistry::begin(run.connection())?);
    let open_rejects = Arc::new(OpenRejects::load(run.connection())?);
    let last_reject = ledger::last_reject(run.connection())?;
    let run_id = run.id;
    let connect = || Worker::for_run(job, run_id, (Arc::clone(&registry), Arc::clone(&open_rejects)));
    objects::recognize(run, files)?;
    let prefetch = HashPrefetch::new(groups(files));
    let span = Span::current();
    let loaded = thread::scope(|scope| {
        let workers = job.settings.workers.get();
        for _ in 0..workers {
            scope.spawn(|| {
                let connection = span.in_scope(|| Worker::run(&state, &pool, &registry, connect));
                connection.map(|connection| job.database.give_back(connection))
            });
        }
        // Hashing an object waits for its store most of the time.
        let is_any_remote = files.iter().any(|file| file.place.path().is_none());
        let hashers = if is_any_remote { workers.max(REMOTE_HASHERS) } else { workers };
        for _ in 0..hashers {
            scope.spawn(|| prefetch.run());
        }
        job.progress.begin("loading", files.iter().map(|file| file.size).sum(), Unit::Bytes);
        // The workers end when the reader is dropped, which has the sender.
        let reader = Reader::new(job.into(), sender, &state, &pool);
        let loaded = LoadRun::new(job, run, reader, summary, prefetch.hashes()).load();
        job.progress.end();
        loaded
    });
    let statistics = state.take_statistics();
    summary.rows = statistics.rows;
    summary.by_type = statistics.by_type;
    summary.skipped_by_type = statistics.skipped;
    summary.contained = statistics.contained;
    for (version, elements) in &statistics.by_version {
        warn!(elements, "found resources of FHIR {version}; only the elements that R4 defines are loaded");
    }
    summary.by_version = statistics.by_version;
    summary.absolute_references = statistics.absolute.count;
    summary.unresolved_absolute_references = statistics.absolute.unresolved;
    // Further items of a list are no fault of the sender's.
    for (deviation, elements) in
        statistics.deviations.iter().filter(|(deviation, _)| **deviation != "further")
    {
        let resources: u64 = elements.values().sum();
        warn!(
            resources,
            elements = elements.len(),
            "elements are not written as FHIR R4 defines them ({deviation}): see etl.deviating_element"
        );
    }
    summary.deviations = statistics.deviations;
    match state.take_failure() {
        Some(failure) => loaded.and(Err(failure.into())),
        None => loaded.and_then(|()| {
            run.resolve_mended(&statistics.mended)?;
            // Rejects of this run that the run itself has mended.
            run.resolve_superseded(last_reject)?;
            Ok(())
        }),
    }
}

/// Tells how to make servers known that most absolute references name in vain.
fn tell_unknown_servers(run: &mut Run, summary: &mut Summary) -> Result<(), PipelineError> {
    if 2 * summary.unresolved_absolute_references <= summary.absolute_references {
        return Ok(());
    }
    for server in UnknownServer::list(run.connection())? {
        let advice = server.advice();
        warn!("{advice}");
        summary.unknown_servers.push(advice);
    }
    Ok(())
}

/// What is done when all files are loaded, also for runs that broke off.
pub(super) fn complete(
    job: &Job<'_>,
    run: &mut Run,
    broken_off: &[i64],
    summary: &mut Summary,
) -> Result<(), PipelineError> {
    let runs: Vec<i64> = broken_off.iter().copied().chain([run.id]).collect();
    // Rows are looked up by them from here on.
    indexes::complete_keys(job, run.connection(), summary);
    let stage = job.progress.activity().begin(WorkStage::Resolve);
    let plan = super::views::plan(run.connection())?;
    lead_to_owners(run.connection(), || plan, &runs)?;
    ledger::unlock_views(run.connection())?;
    if summary.account.inserted + summary.account.updated + summary.learned_servers > 0
        || !broken_off.is_empty()
    {
        summary.resolved_late = remap::resolve_late(job, run)?;
    }
    if !broken_off.is_empty() {
        // What these runs had learned of mended rejects is lost.
        run.resolve_superseded(0)?;
    }
    summary.unresolved_references = ledger::count_unresolved(run.connection())?;
    drop(stage);
    // Those of their files that are in the inbox under any name were taken over.
    let inboxes = Inboxes::of(job.settings);
    run.give_up_lost(&|relative| inboxes.is_there(relative))?;
    indexes::complete_and_note(job, run.connection(), summary);
    Ok(())
}
