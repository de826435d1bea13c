//! The check of the settings for the network.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::check::Check;
use super::settings::{NotifySettings, ServerSettings, TlsFiles, Webhook};
use super::values::{self, Expectation};

impl Check<'_> {
    /// The settings for the network, whether or not fhirmill serves it.
    pub(super) fn server(&mut self) -> Option<ServerSettings> {
        let http_address = self.address("HTTP_ADDRESS");
        let s3_address = self.address("S3_ADDRESS");
        let metrics_address = self.address("METRICS_ADDRESS");
        if s3_address.is_some() && s3_address == http_address {
            self.complain_of("S3_ADDRESS", "must not be HTTP_ADDRESS");
        }
        // The port 0 is another one each time.
        if metrics_address.is_some_and(|address| address.port() != 0)
            && (metrics_address == http_address || metrics_address == s3_address)
        {
            self.complain_of("METRICS_ADDRESS", "must be neither HTTP_ADDRESS nor S3_ADDRESS");
        }
        let tls = self.tls();
        let public_url = self.optional("HTTP_PUBLIC_URL", values::public_url);
        let connections = self.value("HTTP_CONNECTIONS", values::whole_number(1, 100_000));
        let upload_expiry = self.value("UPLOAD_EXPIRY", values::duration);
        let upload_retention = self.value("UPLOAD_RETENTION", values::retention);
        let audit_retention = self.value("AUDIT_RETENTION", values::retention);
        let max_upload_bytes = self.value("MAX_UPLOAD_BYTES", values::size(1 << 10, 1 << 50));
        let max_post_bytes = self.value("MAX_POST_BYTES", values::size(1 << 10, 1 << 40));
        let max_queued_files = self.value("MAX_QUEUED_FILES", values::whole_number(1, 100_000_000));
        let max_waiting_updates = self.value("MAX_WAITING_UPDATES", values::whole_number(0, 1_000_000));
        let bulk_submit_hosts = self.optional("BULK_SUBMIT_HOSTS", values::hosts);
        let secrets_key_file = self.value("SECRETS_KEY_FILE", file);
        Some(ServerSettings {
            http_address,
            s3_address,
            metrics_address,
            tls,
            public_url,
            connections: connections? as usize,
            upload_expiry: upload_expiry?,
            upload_retention: upload_retention?,
            audit_retention: audit_retention?,
            max_upload_bytes: max_upload_bytes?,
            max_post_bytes: max_post_bytes?,
            max_queued_files: max_queued_files?,
            max_waiting_updates: max_waiting_updates? as usize,
            bulk_submit_hosts: bulk_submit_hosts.unwrap_or_default(),
            secrets_key_file: secrets_key_file?,
        })
    }

    /// Who is told what happened.
    pub(super) fn notify(&mut self) -> NotifySettings {
        let url = self.optional("NOTIFY_URL", values::web_url);
        let secret_file = self.optional("NOTIFY_SECRET_FILE", existing_file);
        let command = self.optional("NOTIFY_COMMAND", existing_file);
        if url.is_some() && !cfg!(feature = "feeds") {
            self.complain_of(
                "NOTIFY_URL",
                "is set, but this fhirmill was built without the feature `feeds`: build it with \
                 `make binary FEATURES=feeds`",
            );
        }
        if url.is_some() && secret_file.is_none() {
            self.complain_of("NOTIFY_URL", "is set, but NOTIFY_SECRET_FILE is not, or is wrong");
        }
        let webhook = url.zip(secret_file).map(|(url, secret_file)| Webhook { url, secret_file });
        NotifySettings { webhook, command }
    }

    /// An address to listen at, which takes the feature `server`.
    fn address(&mut self, name: &'static str) -> Option<SocketAddr> {
        let address = self.optional(name, values::socket_address);
        if address.is_some() && !cfg!(feature = "server") {
            self.complain_of(
                name,
                "is set, but this fhirmill was built without the feature `server`: build it with \
                 `make binary FEATURES=server`",
            );
        }
        address
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        let certificate = self.optional("HTTP_TLS_CERTIFICATE", existing_file);
        let key = self.optional("HTTP_TLS_KEY", existing_file);
        match (certificate, key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (Some(_), None) => {
                self.complain_of("HTTP_TLS_CERTIFICATE", "is set, but HTTP_TLS_KEY is not, or is wrong");
                None
            }
            (None, Some(_)) => {
                self.complain_of("HTTP_TLS_KEY", "is set, but HTTP_TLS_CERTIFICATE is not, or is wrong");
                None
            }
            (None, None) => None,
        }
    }
}

/// An absolute path that is no folder.
fn file(text: &str) -> Result<PathBuf, Expectation> {
    let path = std::path::absolute(text).map_err(|_| "a path".to_owned())?;
    if path.is_dir() { Err("a file, and this is a folder".to_owned()) } else { Ok(path) }
}

/// The absolute path of a file that exists.
fn existing_file(text: &str) -> Result<PathBuf, Expectation> {
    let path = file(text)?;
    if path.is_file() { Ok(path) } else { Err("an existing file".to_owned()) }
}
