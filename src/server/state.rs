//! The *state*: what all handlers share.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::auth::Authentication;
use super::call::Audit;
use super::fhir::UpdateService;
use super::metrics::HttpMetrics;
use super::page::PageState;
use super::pool::Pool;
use super::{ServerError, Service, SharedDatabase};
use crate::config::Settings;
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
    /// Which hosts submitted manifests and their files may be on.
    #[cfg(feature = "feeds")]
    pub bulk_guard: crate::feeds::http::Guard,
    /// Told when a manifest was submitted.
    #[cfg(feature = "feeds")]
    pub submissions: tokio::sync::Notify,
    /// Cancelled when the service ends.
    pub cancel: CancellationToken,
    /// The service that this is a part of.
    pub service: Service,
    /// How the calls went.
    pub http: Arc<HttpMetrics>,
}

/// The state as handlers get it.
pub type Shared = Arc<ServerState>;

impl ServerState {
    /// The state of a service with these settings. Called within the runtime.
    pub fn new(
        settings: &Settings,
        database: &SharedDatabase,
        service: &Service,
        http: Arc<HttpMetrics>,
    ) -> Result<Self, ServerError> {
        let pool = Pool::new(Arc::clone(database));
        Ok(ServerState {
            uploads: Uploads::open(settings, Arc::clone(&service.wake)).map_err(ServerError::Spool)?,
            authentication: Authentication::new(settings)?,
            audit: Audit::start(pool.clone()),
            updates: UpdateService::start(settings, database, service).map_err(ServerError::Updates)?,
            page: PageState::new(Arc::clone(&service.progress)),
            pool,
            #[cfg(feature = "feeds")]
            bulk_guard: bulk_guard(settings),
            #[cfg(feature = "feeds")]
            submissions: tokio::sync::Notify::new(),
            settings: settings.clone(),
            completions: Semaphore::new(COMPLETIONS),
            cancel: service.cancel.clone(),
            service: service.clone(),
            http,
        })
    }
}

/// The guard of the hosts that the operator allows; the settings are checked already.
#[cfg(feature = "feeds")]
fn bulk_guard(settings: &Settings) -> crate::feeds::http::Guard {
    use crate::feeds::http::{AllowedHost, Guard};
    Guard::new(settings.server.bulk_submit_hosts.iter().filter_map(|host| AllowedHost::parse(host)).collect())
}
