//! *Retention*: once a day, rows that were kept for long enough are removed from the tables
//! of the server, a batch at a time.

use std::sync::Arc;
use std::time::Duration;

use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::ledger::Kept;
use tracing::{error, info};

use super::state::ServerState;
use crate::report::in_one_line;

const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How soon it is tried again if the database was away.
const AFTER_FAILURE: Duration = Duration::from_secs(10 * 60);
/// Between two batches, so that others have their turn.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
enum RetentionError {
    #[error("the database is unavailable")]
    Connect(#[from] DatabaseError),
    #[error("the database refused to remove them")]
    Query(#[from] diesel::result::Error),
}

/// Prunes at start and once a day, until the service ends.
pub async fn keep_short(state: Arc<ServerState>) {
    loop {
        let pruned = tokio::select! {
            () = state.cancel.cancelled() => return,
            pruned = prune_all(&state) => pruned,
        };
        let pause = match pruned {
            Ok(()) => EVERY,
            Err(failure) => {
                error!("old rows could not be removed: {}", in_one_line(&failure));
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = state.cancel.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn prune_all(state: &ServerState) -> Result<(), RetentionError> {
    let settings = &state.settings.server;
    let all = [
        (Kept::AuditEvents, settings.audit_retention, "calls from the audit table"),
        (Kept::Uploads, settings.upload_retention, "uploads that had ended"),
        (Kept::Tokens, Some(Duration::ZERO), "access tokens that had expired"),
        (Kept::Proofs, Some(Duration::ZERO), "proofs that had expired"),
    ];
    for (kept, time, what) in all {
        let Some(time) = time else { continue };
        let mut removed = 0;
        loop {
            let pruned =
                state.pool.run(move |connection| kept.prune(connection, time).map_err(RetentionError::from));
            let (count, has_more) = pruned.await?;
            removed += count;
            if !has_more {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if removed > 0 {
            info!(removed, "removed {removed} {what}");
        }
    }
    Ok(())
}
