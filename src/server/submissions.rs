//! The manifests of *submissions* on their way into the inbox: threads of the server fetch
//! them, by the client of exports, from the hosts that the operator allows.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use diesel::PgConnection;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::ledger::{ExportJob, Feed, SubmittedManifest};
use fhirmill_postgres::lock::lock;
use tokio::runtime::Handle;
use tracing::{error, info, warn};

use super::state::Shared;
use crate::config::ExportSettings;
use crate::feeds::export::{ExportOf, ExportRun, Loads};
use crate::feeds::http::{Failure, HttpClient};
use crate::report::{RunProgress, in_one_line};

/// How many manifests are fetched at once.
const THREADS: usize = 2;
/// How often a thread looks for manifests that a process before has left.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The waits and calls for a host that fails; after that the sender is told.
const RETRY_WAIT: Duration = Duration::from_secs(5);
const RETRIES: u32 = 6;

/// Starts the threads. They end when the server ends.
pub fn start(state: &Shared, database: &Arc<Mutex<Database>>, runtime: &Handle) {
    if state.settings.server.bulk_submit_hosts.is_empty() {
        return;
    }
    for _ in 0..THREADS {
        let (state, database, runtime) = (Arc::clone(state), Arc::clone(database), runtime.clone());
        let thread = std::thread::Builder::new().name("submissions".to_owned());
        if let Err(failure) = thread.spawn(move || work(&state, &database, &runtime)) {
            error!("submitted manifests are not fetched: {failure}");
        }
    }
}

fn work(state: &Shared, database: &Arc<Mutex<Database>>, runtime: &Handle) {
    loop {
        // A defect ends one fetch and not the thread.
        let fetched = std::panic::catch_unwind(AssertUnwindSafe(|| fetch_next(state, database, runtime)));
        let fetched =
            fetched.unwrap_or_else(|_| Err(Failure::Permanent("a defect; the log says where".to_owned())));
        match fetched {
            Ok(true) => continue,
            Ok(false) => {}
            Err(Failure::Cancelled) => return,
            Err(failure) => warn!("submitted manifests could not be fetched: {}", in_one_line(&failure)),
        }
        let is_ending = runtime.block_on(async {
            tokio::select! {
                biased;
                () = state.cancel.cancelled() => true,
                () = state.submissions.notified() => false,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            }
        });
        if is_ending {
            return;
        }
    }
}

/// Fetches the next manifest that no other thread has. False if there is none.
fn fetch_next(state: &Shared, database: &Arc<Mutex<Database>>, runtime: &Handle) -> Result<bool, Failure> {
    let Ok(mut connection) = lock(database).clone().connect() else { return Ok(false) };
    for manifest in SubmittedManifest::list_open(&mut connection)? {
        let name = format!("submitted manifest {}", manifest.id);
        if !Feed::lock(&mut connection, &name)? {
            continue;
        }
        let job = ExportJob::find(&mut connection, manifest.job_id)?;
        let is_early = job.retry_at.is_some_and(|at| at > Utc::now());
        if is_early || matches!(job.status.as_str(), "finished" | "failed" | "abandoned") {
            Feed::unlock(&mut connection, &name)?;
            continue;
        }
        match fetch((state, runtime), connection, &manifest, job) {
            Ok(()) => info!("submitted manifest {} is loaded", manifest.id),
            Err(Failure::Waiting) => {}
            Err(failure @ (Failure::Cancelled | Failure::File(_) | Failure::Ledger(_))) => {
                return Err(failure);
            }
            Err(failure) => {
                warn!("submitted manifest {} failed: {failure}", manifest.id);
                let Ok(mut connection) = lock(database).clone().connect() else { return Ok(false) };
                ExportJob::end(&mut connection, manifest.job_id, "failed", &failure.to_string())?;
            }
        }
        return Ok(true);
    }
    Ok(false)
}

/// Fetches a manifest and its files, over the session that has its lock.
fn fetch(
    (state, runtime): (&Shared, &Handle),
    connection: PgConnection,
    manifest: &SubmittedManifest,
    job: ExportJob,
) -> Result<(), Failure> {
    let export = ExportSettings {
        delete_export: false,
        retry_wait: RETRY_WAIT,
        retries: RETRIES,
        ..ExportSettings::of(manifest.manifest_url.clone())
    };
    let http = HttpClient::new(Some(state.bulk_guard.clone()), runtime, &state.cancel)?;
    let of = ExportOf { settings: &state.settings, export: &export, source: &manifest.source, feed: None };
    let progress = RunProgress::default();
    let run = ExportRun::new(of, http, connection, Loads::Elsewhere, &progress)?;
    run.of_submission(headers(state, manifest)?).go_on_with(job)
}

/// The headers for the calls of a manifest.
fn headers(state: &Shared, manifest: &SubmittedManifest) -> Result<Vec<(String, String)>, Failure> {
    let Some(sealed) = &manifest.headers else { return Ok(Vec::new()) };
    let clear = state.authentication.key.decrypt(sealed);
    clear.and_then(|clear| serde_json::from_slice(&clear).ok()).ok_or_else(|| {
        Failure::Settings(
            "the headers of a manifest cannot be decrypted: SECRETS_KEY_FILE is another".to_owned(),
        )
    })
}
