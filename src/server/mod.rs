//! HTTP: health systems push their data, and read what became of them.
//!
//! `fhirmill run` serves it where HTTP_ADDRESS is set. Whatever arrives becomes a file
//! in the inbox (see [`crate::upload`]), so that every door ends in the same pipeline.
//!
//! - [`state`]: what all handlers share: settings, database sessions, uploads
//! - [`pool`]: database work on threads that may block
//! - [`auth`]: who calls, and what they may do
//! - [`call`]: what is noted of each call: request id, sender, bytes; and the audit
//! - [`body`]: bodies, within limits of time and size
//! - [`error`]: answers that are errors
//! - [`fhir`]: updates of single resources, by FHIR's calls
//! - [`receive`]: a body on its way into an upload
//! - [`rest`]: the calls of REST
//! - [`page`]: the operator's page
//! - [`s3`]: the calls of S3
//! - [`metrics`]: what Prometheus reads
//! - [`health`]: whether the service is ready
//! - [`unfinished`]: uploads of single calls that break off
//! - `submissions`: manifests that senders submit
//! - [`listen`]: connections and the end
//! - [`places`]: how many connections there may be
//! - [`linger`]: connections that are closed while the client still sends
//! - [`certificate`], [`validity`]: TLS

pub mod auth;
pub mod body;
pub mod call;
pub mod certificate;
pub mod error;
pub mod fhir;
pub mod health;
pub mod linger;
pub mod listen;
pub mod metrics;
pub mod page;
pub mod places;
pub mod pool;
pub mod receive;
pub mod rest;
pub mod s3;
pub mod state;
#[cfg(feature = "feeds")]
pub mod submissions;
pub mod unfinished;
pub mod validity;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::ledger::Queue;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::{ServerSettings, Settings};
use crate::report::{Pulse, RunProgress, in_one_line};
use crate::upload::UploadError;
use certificate::Certificate;
use listen::{Listening, Terms};
use metrics::{HttpMetrics, Metrics};
use state::ServerState;

/// How often expired uploads are looked for.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(30);

/// The database of the service; replaced when its private server was started again.
pub type SharedDatabase = Arc<Mutex<Database>>;

/// The service that this is a part of. Clones are the same.
#[derive(Clone, Debug)]
pub struct Service {
    /// How its scans go.
    pub pulse: Pulse,
    /// What it loads, and has loaded.
    pub progress: Arc<RunProgress>,
    /// Notified when there is something in the inbox.
    pub wake: Arc<Notify>,
    /// Notified when feeds are to look at the ledger.
    pub wake_feeds: Arc<Notify>,
    /// Cancelled when it ends.
    pub cancel: CancellationToken,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("HTTP_ADDRESS, S3_ADDRESS or METRICS_ADDRESS: {address} cannot be listened at")]
    Bind { address: std::net::SocketAddr, source: std::io::Error },
    #[error("HTTP_TLS_CERTIFICATE or HTTP_TLS_KEY cannot be used")]
    Tls(#[source] std::io::Error),
    #[error("the folder for unfinished uploads cannot be created in the inbox")]
    Spool(#[source] std::io::Error),
    #[error("the threads that store updates cannot be started")]
    Updates(#[source] std::io::Error),
    #[error("SECRETS_KEY_FILE cannot be used")]
    Key(#[from] auth::secrets::KeyError),
    #[error("the client that fetches the public keys of senders cannot be created")]
    Client(#[source] reqwest::Error),
    #[error("the metrics of calls cannot be kept")]
    Metrics(#[from] prometheus::Error),
}

/// A server that runs until its token is cancelled.
#[derive(Debug)]
pub struct Server {
    listening: Vec<Listening>,
    /// None if there are metrics only.
    state: Option<Arc<ServerState>>,
}

impl Server {
    /// Starts what the settings ask for; nothing if there is no address to listen at.
    pub fn start(
        settings: &Settings,
        database: &SharedDatabase,
        runtime: &Handle,
        service: &Service,
    ) -> Result<Option<Server>, ServerError> {
        let ServerSettings { http_address, s3_address, metrics_address, .. } = settings.server;
        if (http_address, s3_address, metrics_address) == (None, None, None) {
            return Ok(None);
        }
        let _context = runtime.enter();
        let certificate = settings.server.tls.as_ref().map(Certificate::read).transpose();
        let certificate = certificate.map_err(ServerError::Tls)?.map(Arc::new);
        let http = Arc::new(HttpMetrics::new()?);
        let takes_data = http_address.is_some() || s3_address.is_some();
        let state = takes_data.then(|| ServerState::new(settings, database, service, Arc::clone(&http)));
        let state = state.transpose()?.map(Arc::new);
        listen::raise_file_limit();
        let tls = certificate.as_ref().map(|certificate| certificate.config());
        let terms = Terms { connections: settings.server.connections, tls };
        let mut server = Server { listening: Vec::new(), state: state.clone() };
        if let (Some(address), Some(state)) = (http_address, &state) {
            server.listen(address, ("", rest::router(Arc::clone(state))), &terms, service)?;
        }
        if let (Some(address), Some(state)) = (s3_address, &state) {
            server.listen(address, (" for S3", s3::router(Arc::clone(state))), &terms, service)?;
        }
        if let Some(address) = metrics_address {
            let uploads = state.as_ref().map(|state| state.uploads.clone());
            let metrics = Metrics::new(settings, database, service, (http, uploads, certificate.clone()));
            server.listen(address, (" with metrics", metrics::router(metrics)), &terms, service)?;
        }
        if let Some(state) = state {
            #[cfg(feature = "feeds")]
            submissions::start(&state, database, runtime);
            runtime.spawn(tend(Arc::clone(&state)));
        }
        if let Some(certificate) = certificate {
            runtime.spawn(certificate.follow(service.cancel.clone()));
        }
        Ok(Some(server))
    }

    /// Serves the router at one more address.
    fn listen(
        &mut self,
        address: SocketAddr,
        (what, router): (&str, Router),
        terms: &Terms,
        service: &Service,
    ) -> Result<(), ServerError> {
        let listening = Listening::start(address, terms, router, &service.cancel)?;
        let scheme = if terms.tls.is_some() { "https" } else { "http" };
        info!("listening{what} at {scheme}://{}", listening.address);
        self.listening.push(listening);
        Ok(())
    }

    /// Waits until the calls in progress have ended, or their time is over, and the audit is
    /// written.
    pub async fn ended(self) {
        for listening in self.listening {
            listening.ended().await;
        }
        if let Some(state) = self.state {
            let updates = Arc::clone(&state);
            // It is only waiting.
            let _ = tokio::task::spawn_blocking(move || updates.updates.end()).await;
            state.audit.flush().await;
        }
    }
}

/// Finishes what a process before left behind, and removes expired uploads from time to
/// time.
async fn tend(state: Arc<ServerState>) {
    loop {
        let uploads = state.uploads.clone();
        let tended = state.pool.run(move |connection| {
            uploads.recover(connection)?;
            uploads.abandon(connection)?;
            uploads.expire(connection)?;
            Queue::shorten(connection)?;
            Ok::<_, UploadError>(())
        });
        if let Err(failure) = tended.await {
            error!("unfinished uploads could not be looked after: {}", in_one_line(&failure));
        }
        tokio::select! {
            () = state.cancel.cancelled() => return,
            () = tokio::time::sleep(EXPIRY_INTERVAL) => {}
        }
    }
}
