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
//! - [`unfinished`]: uploads of single calls that break off
//! - [`listen`]: connections, TLS and the end
//! - [`places`]: how many connections there may be
//! - [`linger`]: connections that are closed while the client still sends

pub mod auth;
pub mod body;
pub mod call;
pub mod error;
pub mod fhir;
pub mod linger;
pub mod listen;
pub mod page;
pub mod places;
pub mod pool;
pub mod receive;
pub mod rest;
pub mod s3;
pub mod state;
pub mod unfinished;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fhirmill_postgres::database::Database;
use fhirmill_postgres::ledger::Queue;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::Settings;
use crate::report::{RunProgress, in_one_line};
use crate::upload::UploadError;
use listen::Listening;
use state::ServerState;

/// How often expired uploads are looked for.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(30);

/// The database of the service; replaced when its private server was started again.
pub type SharedDatabase = Arc<Mutex<Database>>;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("HTTP_ADDRESS or S3_ADDRESS: {address} cannot be listened at")]
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
}

/// A server that runs until its token is cancelled.
#[derive(Debug)]
pub struct Server {
    listening: Vec<Listening>,
    state: Arc<ServerState>,
}

impl Server {
    /// Starts what the settings ask for; nothing if there is neither HTTP_ADDRESS nor
    /// S3_ADDRESS.
    pub fn start(
        settings: &Settings,
        (database, progress): (&SharedDatabase, &Arc<RunProgress>),
        runtime: &Handle,
        cancel: &CancellationToken,
    ) -> Result<Option<Server>, ServerError> {
        let addresses = (settings.server.http_address, settings.server.s3_address);
        if addresses == (None, None) {
            return Ok(None);
        }
        let _context = runtime.enter();
        let state = Arc::new(ServerState::new(settings, (database, progress), cancel)?);
        listen::raise_file_limit();
        let scheme = if settings.server.tls.is_some() { "https" } else { "http" };
        let mut listening = Vec::new();
        if let Some(address) = addresses.0 {
            let http = Listening::start(address, settings, rest::router(Arc::clone(&state)), cancel)?;
            info!("listening at {scheme}://{}", http.address);
            listening.push(http);
        }
        if let Some(address) = addresses.1 {
            let s3 = Listening::start(address, settings, s3::router(Arc::clone(&state)), cancel)?;
            info!("listening for S3 at {scheme}://{}", s3.address);
            listening.push(s3);
        }
        runtime.spawn(tend(Arc::clone(&state)));
        Ok(Some(Server { listening, state }))
    }

    /// Waits until the calls in progress have ended, or their time is over, and the audit is
    /// written.
    pub async fn ended(self) {
        for listening in self.listening {
            listening.ended().await;
        }
        let state = Arc::clone(&self.state);
        // It is only waiting.
        let _ = tokio::task::spawn_blocking(move || state.updates.end()).await;
        self.state.audit.flush().await;
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
