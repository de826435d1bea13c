//! The *settings* that the program works with: typed and checked.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use fhirmill_core::datatype::Timezone;
use fhirmill_core::read::ReadLimits;
use fhirmill_postgres::database::{DatabaseSettings, DatabaseUrl};
use fhirmill_postgres::deidentified::Deidentification;
use tracing_subscriber::filter::Targets;

use super::complaint::{Complaint, SettingsError};
use super::feed_settings::FeedSettings;
use super::keep_settings::{ArchiveCompression, KeepSettings};
use super::schedule::Schedule;
use super::sink_settings::SinkSettings;
use super::snapshot_settings::SnapshotSettings;
use super::storage_settings::StorageSettings;

/// Everything that can be set, checked. Paths are absolute. `Debug` shows no
/// secrets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server to fill; none for the private server in `data_dir`.
    pub database_url: Option<DatabaseUrl>,
    /// The folder of the private server's binaries; none to search for it.
    pub server_binaries_dir: Option<PathBuf>,
    /// Where files arrive.
    pub inbox_dir: PathBuf,
    /// Set if the folder that INBOX_DIR names does not exist. The default is created.
    pub missing_inbox: Option<Complaint>,
    /// Where loaded files are kept.
    pub archive_dir: PathBuf,
    /// Where rejected files are kept.
    pub rejects_dir: PathBuf,
    /// The folder with definitions of views; none to have only those that are applied by hand.
    pub views_dir: Option<PathBuf>,
    /// Which of these are in an object store.
    pub storage: StorageSettings,
    /// Where the private server keeps its data.
    pub data_dir: PathBuf,
    /// When the inbox is scanned.
    pub schedule: Schedule,
    /// Whether and how new files trigger a scan.
    pub watch: Watch,
    /// How long a file must be unchanged before it is loaded.
    pub settle: Duration,
    /// How long a folder must have been empty before it is removed; `None`: empty
    /// folders stay.
    pub empty_folder_age: Option<Duration>,
    /// How many threads map and load.
    pub workers: NonZeroUsize,
    /// How many bytes of resources one transaction loads.
    pub batch_bytes: u64,
    /// How loaded files are kept.
    pub archive_compression: ArchiveCompression,
    /// How long things are kept.
    pub keep: KeepSettings,
    /// Where the JSON of each resource is kept.
    pub keep_bodies: KeepBodies,
    /// Which resource types are loaded.
    pub resource_types: ResourceTypes,
    /// What happens to the payer's Coverage references of an
    /// ExplanationOfBenefit.
    pub eob_coverage: EobCoverage,
    /// The zone of times without one, in the data and in `schedule`.
    pub assume_timezone: Timezone,
    /// Limits for each file.
    pub limits: Limits,
    /// How data are taken over the network.
    pub server: ServerSettings,
    /// Where log lines go.
    pub log: LogSettings,
    /// Who is told what happened.
    pub notify: NotifySettings,
    /// The copy without what identifies people.
    pub deidentified: DeidentifiedSettings,
    /// The sources that the settings file describes.
    pub sources: Vec<SourceSettings>,
    /// The feeds that the settings file declares.
    pub feeds: Vec<FeedSettings>,
    /// The snapshots that the settings file declares.
    pub snapshots: Vec<SnapshotSettings>,
    /// The sinks that the settings file declares.
    pub sinks: Vec<SinkSettings>,
    /// The texts of all of these, for people.
    pub shown: Vec<ShownSetting>,
}

/// A setting as it was given, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting {
    /// The name of the variable.
    pub name: &'static str,
    /// What it does.
    pub help: &'static str,
    /// What it is set to; none if it is not set and has no default. The value of a secret
    /// is left out.
    pub value: Option<String>,
    /// Whether that is the default.
    pub is_default: bool,
}

impl Settings {
    /// Refuses an inbox that was chosen and is not there: it may be misspelled, or a
    /// share that is not mounted.
    pub fn require_inbox(&self) -> Result<(), SettingsError> {
        match &self.missing_inbox {
            Some(complaint) => Err(SettingsError { complaints: vec![complaint.clone()] }),
            None => Ok(()),
        }
    }

    /// What is needed to open the database.
    pub fn database(&self) -> DatabaseSettings {
        DatabaseSettings {
            url: self.database_url.clone(),
            data_dir: self.data_dir.clone(),
            server_binaries_dir: self.server_binaries_dir.clone(),
            workers: self.workers.get(),
            tell: |line| eprintln!("{line}"),
        }
    }

    /// The limits for reading a file.
    pub fn read_limits(&self) -> ReadLimits {
        ReadLimits {
            resource_bytes: usize::try_from(self.limits.max_resource_bytes).unwrap_or(usize::MAX),
            archive_members: u32::try_from(self.limits.max_archive_members).unwrap_or(u32::MAX),
            archive_ratio: self.limits.max_archive_ratio,
            archive_output_bytes: self.limits.max_archive_bytes,
            ..ReadLimits::default()
        }
    }

    /// The names of the sources whose ViewDefinitions are applied.
    pub fn view_sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().filter(|source| source.views).map(|source| source.name.as_str())
    }

    /// The most bytes of JSON in a batch, unless one resource has more.
    pub fn max_batch_bytes(&self) -> usize {
        usize::try_from(self.batch_bytes).unwrap_or(usize::MAX / 2)
    }
}

/// The copy without what identifies people.
#[derive(Debug, Clone, Default)]
pub struct DeidentifiedSettings {
    /// What it is to be; none for no copy.
    pub copy: Option<Deidentification>,
    /// Whether its tables are refreshed after runs that have loaded files.
    pub follows_runs: bool,
}

/// Who is told of failed and rejected files, rejected records and silent sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotifySettings {
    /// What is called; none for nothing.
    pub webhook: Option<Webhook>,
    /// The program that is run; none for none.
    pub command: Option<PathBuf>,
}

/// A URL that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub url: String,
    /// The file of the secret that signs the calls.
    pub secret_file: PathBuf,
}

/// Whether and how new files trigger a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// By events of the operating system.
    Native,
    /// By polling.
    Poll,
    /// Not at all.
    Off,
}

/// Where the JSON of each resource is kept as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepBodies {
    /// Only in the archived file.
    Archive,
    /// In the database as well.
    Database,
}

/// What happens to the payer's Coverage references of an
/// ExplanationOfBenefit before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EobCoverage {
    /// They are stored.
    Keep,
    /// They are removed.
    Drop,
}

/// Which resource types are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceTypes {
    /// All of them.
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl ResourceTypes {
    /// The names of the types that are loaded; `None`: all.
    pub fn names(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Only(types) => Some(types.iter().cloned().collect()),
        }
    }

    /// Whether resources of this type are loaded.
    pub fn contains(&self, resource_type: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(types) => types.contains(resource_type),
        }
    }
}

/// What one file may contain at most, so that none can fill memory or disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one resource.
    pub max_resource_bytes: u64,
    /// Files in a zip archive.
    pub max_archive_members: u64,
    /// Decompressed bytes for each compressed byte.
    pub max_archive_ratio: u64,
    /// Decompressed bytes altogether.
    pub max_archive_bytes: u64,
    /// Rejected records.
    pub max_rejects_per_file: u64,
}

/// How data are taken over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address to listen at; none for no HTTP.
    pub http_address: Option<SocketAddr>,
    /// The address to take S3 calls at; none for no S3.
    pub s3_address: Option<SocketAddr>,
    /// The address to serve metrics at; none for no metrics.
    pub metrics_address: Option<SocketAddr>,
    /// The certificate chain and its private key; none for plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The URL by which senders reach the server, without a slash at its end.
    pub public_url: Option<String>,
    /// How many connections may be open.
    pub connections: usize,
    /// How long an upload may stay incomplete.
    pub upload_expiry: Duration,
    /// How long uploads that have ended stay in the ledger; none for good.
    pub upload_retention: Option<Duration>,
    /// How long calls stay in the audit table; none for good.
    pub audit_retention: Option<Duration>,
    /// The most bytes of a file that is uploaded in parts.
    pub max_upload_bytes: u64,
    /// The most bytes of a file that is the body of one call.
    pub max_post_bytes: u64,
    /// How many files of a sender may wait to be loaded.
    pub max_queued_files: u64,
    /// How many updates may wait to be stored before they are queued as files.
    pub max_waiting_updates: usize,
    /// The hosts that submitted manifests and their files may be on.
    pub bulk_submit_hosts: Vec<String>,
    /// The file of the key that encrypts secrets of senders.
    pub secrets_key_file: PathBuf,
}

/// The files for HTTPS, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Where log lines go and what they look like, and where traces go.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSettings {
    /// The folder of the daily log files.
    pub dir: PathBuf,
    /// Which lines are written.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
    /// How many daily files are kept.
    pub days: usize,
    /// Whether lines also go to standard output.
    pub standard_output: LogStandardOutput,
    /// The collector that traces are sent to; none for no traces.
    pub otlp_endpoint: Option<String>,
}

/// A level, or a list of target=level, as understood by the log filter.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLevel(pub(super) Targets);

impl LogLevel {
    /// The levels of all targets.
    pub fn targets(&self) -> &Targets {
        &self.0
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// Whether log lines also go to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStandardOutput {
    /// For the service only.
    Auto,
    /// For every command.
    On,
    /// Never.
    Off,
}

/// A source that the settings file describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSettings {
    /// Its name, that of its folder in the inbox.
    pub name: String,
    /// What it is, for people.
    pub description: Option<String>,
    /// How often it is expected to deliver; none to learn it from what it delivered.
    pub interval: Option<Duration>,
    /// What the keys of its objects begin with, below INBOX_URL: names that each end with `/`. None
    /// for its name.
    pub prefix: Option<String>,
    /// Whether its ViewDefinitions are applied.
    pub views: bool,
}
