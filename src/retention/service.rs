//! The service prunes at its start and once a day.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fhirmill_postgres::database::{Database, DatabaseError};
use fhirmill_postgres::ledger::try_lock_archive;
use fhirmill_postgres::lock::lock;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::prune::{PruneError, Pruned, prune};
use crate::background_threads::BackgroundThreads;
use crate::config::Settings;
use crate::report::in_one_line;

const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How soon it is tried again if the database was away, or another process prunes.
const AFTER_FAILURE: Duration = Duration::from_secs(10 * 60);
/// How long the end of the service waits for the batch that is being removed.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum ServiceError {
    #[error("the database is unavailable")]
    Connect(#[from] DatabaseError),
    #[error(transparent)]
    Prune(#[from] PruneError),
}

/// The thread that prunes. Dropping it waits for the batch that it removes.
pub struct Pruner {
    cancel: CancellationToken,
    threads: BackgroundThreads,
}

impl Pruner {
    /// Begins, until the token is cancelled.
    pub fn start(
        settings: &Settings,
        database: &Arc<Mutex<Database>>,
        (runtime, cancel): (&Handle, &CancellationToken),
    ) -> Self {
        let (settings, database) = (settings.clone(), Arc::clone(database));
        let (runtime, cancel) = (runtime.clone(), cancel.child_token());
        let token = cancel.clone();
        let work = move || {
            while !token.is_cancelled() {
                let pause = if prune_once(&settings, &database, &token) { EVERY } else { AFTER_FAILURE };
                // The time-out needs the runtime when it is made.
                let _ = runtime.block_on(async { tokio::time::timeout(pause, token.cancelled()).await });
            }
        };
        let mut threads = BackgroundThreads::default();
        threads.start("retention".to_owned(), work);
        Pruner { cancel, threads }
    }
}

impl Drop for Pruner {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.threads.wait(PATIENCE);
    }
}

/// Prunes; whether that is enough for today.
fn prune_once(settings: &Settings, database: &Mutex<Database>, cancel: &CancellationToken) -> bool {
    let pruned = || -> Result<Option<Pruned>, ServiceError> {
        let mut connection = lock(database).clone().connect()?;
        if !try_lock_archive(&mut connection).map_err(PruneError::from)? {
            return Ok(None);
        }
        Ok(Some(prune(settings, &mut connection, false, cancel)?))
    };
    match pruned() {
        Ok(Some(pruned)) => {
            if pruned.is_anything() {
                let (files, bytes) = (
                    pruned.archive.files + pruned.rejects.files,
                    pruned.archive.bytes + pruned.rejects.bytes,
                );
                let rows: u64 = pruned.rows.values().sum();
                info!(files, bytes, rows, "retention removed {files} files and {rows} rows");
            }
            true
        }
        Ok(None) => false,
        Err(failure) => {
            warn!("what was kept for long enough could not be removed: {}", in_one_line(&failure));
            false
        }
    }
}
