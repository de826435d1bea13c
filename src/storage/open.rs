//! *Opening* a store: its client, with the credentials of the usual chain.

use std::env;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3CopyIfNotExists};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::HttpConnector;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::PaginatedListStore;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};

use super::copy_parts::PartCopier;
use super::credentials::{of_files, setting};
use super::error::io_error;
use super::http::Connector;
use crate::config::{StorageSettings, StorageUrl, StoreKind};

/// How long a call is tried again. Signed requests are good for five minutes.
const RETRY: Duration = Duration::from_secs(180);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long nothing may come before a call counts as failed.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a call may take: one range or one part.
const CALL: Duration = Duration::from_secs(600);

/// What is needed of the client of a store.
pub(super) trait Backend: ObjectStore + PaginatedListStore {}

impl<Client: ObjectStore + PaginatedListStore> Backend for Client {}

/// The client for a bucket or container, and what copies objects in parts where one call does not.
#[derive(Clone)]
pub(super) struct Client {
    pub backend: Arc<dyn Backend>,
    pub copier: Option<Arc<PartCopier>>,
}

/// The client for a bucket or container.
pub(super) fn client(url: &StorageUrl, settings: &StorageSettings) -> io::Result<Client> {
    let bucket = StorageUrl { prefix: String::new(), ..url.clone() };
    let connector = Connector { bucket: bucket.to_string() };
    let options = options(settings.allow_http)?;
    let retry = RetryConfig {
        backoff: BackoffConfig { max_backoff: LONGEST_PAUSE, ..BackoffConfig::default() },
        max_retries: 1000,
        retry_timeout: RETRY,
    };
    let whole = |backend| Client { backend, copier: None };
    let opened: object_store::Result<Client> = match url.kind {
        StoreKind::S3 => {
            let http = connector.connect(&options);
            let built = amazon()
                .with_bucket_name(&url.bucket)
                .with_client_options(options)
                .with_retry(retry)
                .with_disable_bulk_delete(true)
                .with_copy_if_not_exists(S3CopyIfNotExists::Header(
                    "if-none-match".to_owned(),
                    "*".to_owned(),
                ))
                .with_http_connector(connector)
                .build();
            built.and_then(|store| {
                let (store, bucket) = (Arc::new(store), url.bucket.clone());
                let copier = PartCopier { bucket, store: Arc::clone(&store), http: http? };
                Ok(Client { backend: store, copier: Some(Arc::new(copier)) })
            })
        }
        StoreKind::Azure => azure()
            .with_container_name(&url.bucket)
            .with_client_options(options)
            .with_retry(retry)
            .with_http_connector(connector)
            .build()
            .map(|client| whole(Arc::new(client))),
        StoreKind::Google => google()
            .with_bucket_name(&url.bucket)
            .with_client_options(options)
            .with_retry(retry)
            .with_http_connector(connector)
            .build()
            .map(|client| whole(Arc::new(client))),
    };
    opened.map_err(|error| io_error(&url.to_string(), &error))
}

fn options(allow_http: bool) -> io::Result<ClientOptions> {
    let mut options = ClientOptions::new()
        .with_allow_http(allow_http)
        .with_timeout(CALL)
        .with_read_timeout(SILENCE)
        .with_connect_timeout(Duration::from_secs(10));
    if let Some(path) = setting("AWS_CA_BUNDLE") {
        let unreadable = |error| io::Error::other(format!("AWS_CA_BUNDLE names {path}: {error}"));
        let bundle = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&bundle);
        for certificate in certificates.map_err(|_| unreadable("it has no certificates".to_owned()))? {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}

/// The environment comes before the shared files. What is set to nothing counts as not set, because
/// that is what Compose passes on.
fn amazon() -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::new();
    let from_environment = |name: &str| setting(name).is_some();
    let has_credentials = [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
    .into_iter()
    .any(from_environment);
    for (name, value) in of_files() {
        let is_wanted = match name {
            "region" => !from_environment("AWS_REGION") && !from_environment("AWS_DEFAULT_REGION"),
            "endpoint_url" => true,
            _ => !has_credentials,
        };
        if let Some(key) = name.parse::<AmazonS3ConfigKey>().ok().filter(|_| is_wanted) {
            builder = builder.with_config(key, value);
        }
    }
    configured("AWS_", builder, AmazonS3Builder::with_config)
}

fn azure() -> MicrosoftAzureBuilder {
    let mut builder = MicrosoftAzureBuilder::new();
    if let Some(endpoint) = setting("IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(endpoint);
    }
    configured("AZURE_", builder, MicrosoftAzureBuilder::with_config)
}

fn google() -> GoogleCloudStorageBuilder {
    let mut builder = GoogleCloudStorageBuilder::new();
    if let Some(path) = setting("SERVICE_ACCOUNT") {
        builder = builder.with_service_account_path(path);
    }
    configured("GOOGLE_", builder, GoogleCloudStorageBuilder::with_config)
}

/// The builder with what the environment sets by variables that begin like this, and that it knows.
/// They are sorted, so that AWS_REGION comes after AWS_DEFAULT_REGION.
fn configured<Builder, Key: FromStr>(
    prefix: &str,
    builder: Builder,
    with: fn(Builder, Key, String) -> Builder,
) -> Builder {
    let mut variables: Vec<(String, String)> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| name.starts_with(prefix) && !value.is_empty())
        .collect();
    variables.sort();
    variables.into_iter().fold(builder, |builder, (name, value)| {
        match name.to_ascii_lowercase().parse::<Key>() {
            Ok(key) => with(builder, key, value),
            Err(_) => builder,
        }
    })
}
