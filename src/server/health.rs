//! Whether the service is *ready*: for probes, at each address that has them.

use std::time::Duration;

use diesel::{RunQueryDsl, sql_query};
use fhirmill_postgres::database::DatabaseError;

use super::Service;
use super::pool::Pool;

/// What a process that answers says.
pub const LIVE: &str = "live\n";

/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("the database is unavailable")]
    Connect(#[from] DatabaseError),
    #[error("the database refused a query")]
    Query(#[from] diesel::result::Error),
}

/// Why calls cannot be answered, or what they bring cannot be loaded; none if all is well:
/// the service is not ending, the database answers, the heartbeat beats, and the last scan
/// of the inbox succeeded. The sentence is for anybody; the log has the causes.
pub async fn complaint(pool: &Pool, service: &Service) -> Option<String> {
    if service.cancel.is_cancelled() {
        return Some("the service is ending".to_owned());
    }
    let ask = pool.run(|connection| sql_query("select 1").execute(connection).map_err(AskError::from));
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(_)) => service.pulse.complaint(),
        Ok(Err(failure)) => Some(failure.to_string()),
        Err(_) => Some("the database does not answer".to_owned()),
    }
}
