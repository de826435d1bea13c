//! The *state*: what all handlers share.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::auth::Authentication;
use super::call::Audit;
use super::fhir::UpdateService;
use super::page::PageState;
use super::pool::Pool;
use super::{ServerError, SharedDatabase};
use crate::config::Settings;
use crate::report::RunProgress;
use crate::upload::Uploads;

/// How many files may be put together at once: it takes memory and disk.
const COMPLETIONS: usize = 4;

/// What all handlers share, cheap to use from anywhere.
#[derive(Debug)]
pub struct ServerState {
    /// The settings of the program.
    pub settings: Settings,
    /// Sessions of the database, for work that blocks.
    pub pool: Pool,
    /// Updates, stored when answered.
    pub updates: UpdateService,
    /// The one core of all uploads.
    pub uploads: Uploads,
    /// Who calls.
    pub authentication: Authentication,
    /// What was answered.
    pub audit: Audit,
    /// Held while an upload is completed.
    pub completions: Semaphore,
    /// Of the operator's page.
    pub page: PageState,
    /// Cancelled when the service ends.
    pub cancel: CancellationToken,
}

/// The state as handlers get it.
pub type Shared = Arc<ServerState>;

impl ServerState {
    /// The state of a service with these settings. Called within the runtime.
    pub fn new(
        settings: &Settings,
        (database, progress): (&SharedDatabase, &Arc<RunProgress>),
        cancel: &CancellationToken,
    ) -> Result<Self, ServerError> {
        let pool = Pool::new(Arc::clone(database));
        Ok(ServerState {
            uploads: Uploads::open(settings).map_err(ServerError::Spool)?,
            authentication: Authentication::new(settings)?,
            audit: Audit::start(pool.clone()),
            updates: UpdateService::start(settings, database, cancel).map_err(ServerError::Updates)?,
            page: PageState::new(Arc::clone(progress)),
            pool,
            settings: settings.clone(),
            completions: Semaphore::new(COMPLETIONS),
            cancel: cancel.clone(),
        })
    }
}
