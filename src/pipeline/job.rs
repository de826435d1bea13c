//! What all work of the pipeline needs.

use fhirmill_postgres::database::Database;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::report::RunProgress;

/// The surroundings of a command that loads.
#[derive(Clone, Copy)]
pub struct Job<'j> {
    /// The settings.
    pub settings: &'j Settings,
    /// The database to load into.
    pub database: &'j Database,
    /// Cancelled when the work should stop.
    pub cancel: &'j CancellationToken,
    /// Where progress is reported.
    pub progress: &'j RunProgress,
}
