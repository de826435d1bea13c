//! The *certificate* for HTTPS: read from its files at start, and again when they change, so
//! that whoever renews it need not restart the service.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;
use fhirmill_postgres::lock::lock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::validity;
use crate::config::TlsFiles;

/// How often the files are looked at. Renewals are days before the end.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A certificate in use.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    config: RustlsConfig,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What the files held when they were last looked at, whether or not it could be used.
    seen: Contents,
    expires_at: Option<SystemTime>,
}

/// The bytes of both files.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// Reads the files.
    pub fn read(files: &TlsFiles) -> io::Result<Self> {
        let seen = Contents::read(files)?;
        let (config, expires_at) = seen.server_config()?;
        let state = Mutex::new(State { seen, expires_at });
        Ok(Certificate { files: files.clone(), config: RustlsConfig::from_config(config), state })
    }

    /// What servers need: it follows the files.
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// When the certificate in use expires, if that can be told.
    pub fn expires_at(&self) -> Option<SystemTime> {
        lock(&self.state).expires_at
    }

    /// Looks at the files from time to time, until the token is cancelled.
    pub async fn follow(self: Arc<Self>, cancel: CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let certificate = Arc::clone(&self);
            if tokio::task::spawn_blocking(move || certificate.look()).await.is_err() {
                error!("the files of the certificate cannot be looked at");
            }
        }
    }

    /// Takes what the files hold now, if it has changed and can be used. The two are
    /// replaced one after the other: a pair that does not match is looked at again only
    /// once it changes.
    fn look(&self) {
        let now = match Contents::read(&self.files) {
            Ok(now) => now,
            // While a file is being replaced there may be none.
            Err(_) => return,
        };
        let mut state = lock(&self.state);
        if now == state.seen {
            return;
        }
        match now.server_config() {
            Ok((config, expires_at)) => {
                self.config.reload_from_config(config);
                state.expires_at = expires_at;
                info!("the certificate for HTTPS was renewed: {}", self.files.certificate.display());
            }
            Err(failure) => error!(
                "{} and {} have changed and cannot be used; the certificate before stays in use: {failure}",
                self.files.certificate.display(),
                self.files.key.display()
            ),
        }
        state.seen = now;
    }
}

impl Contents {
    fn read(files: &TlsFiles) -> io::Result<Self> {
        Ok(Contents { certificate: std::fs::read(&files.certificate)?, key: std::fs::read(&files.key)? })
    }

    /// The configuration with this certificate, for HTTP/1.1 only, and when it expires.
    fn server_config(&self) -> io::Result<(Arc<rustls::ServerConfig>, Option<SystemTime>)> {
        let other = |failure: rustls::pki_types::pem::Error| io::Error::other(failure.to_string());
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<_, _>>().map_err(other)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(other)?;
        let expires_at = chain.first().and_then(|certificate| validity::expiry(certificate.as_ref()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok((Arc::new(config), expires_at))
    }
}
