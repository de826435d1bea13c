//! The settings of *feeds*: what fetches files from elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use super::kafka_settings::KafkaSettings;
use super::schedule::Schedule;

/// A feed that the settings file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// Its name.
    pub name: String,
    /// The source that its files belong to.
    pub source: String,
    /// When it runs; none if only by hand. A feed of Kafka has none, and runs all the time.
    pub schedule: Option<Schedule>,
    /// What it fetches from.
    pub kind: FeedKind,
}

/// What a feed fetches from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedKind {
    /// A FHIR server with Bulk Data `$export`.
    Export(Box<ExportSettings>),
    /// Topics of Kafka.
    Kafka(Box<KafkaSettings>),
}

impl FeedKind {
    /// Its name in the settings file.
    pub fn name(&self) -> &'static str {
        match self {
            FeedKind::Export(_) => "export",
            FeedKind::Kafka(_) => "kafka",
        }
    }
}

/// A secret, which is read when it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// The content of a file.
    File(PathBuf),
    /// The value of a variable of the environment.
    Environment(String),
}

/// Whose data are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportLevel {
    /// All.
    System,
    /// Those of all patients.
    Patient,
    /// Those of the members of the group with that id.
    Group(String),
}

/// How an export is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportMethod {
    /// By GET; by POST where that is not allowed, or where parameters need it.
    Auto,
    /// By GET.
    Get,
    /// By POST.
    Post,
}

/// How fhirmill proves to a FHIR server who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportAuthorization {
    /// Not at all.
    None,
    /// By a token that the operator has.
    Token(Secret),
    /// By SMART Backend Services.
    Smart(SmartSettings),
}

/// What SMART Backend Services needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartSettings {
    /// The client that the server knows fhirmill as.
    pub client_id: String,
    /// Its private key, PEM.
    pub private_key: Secret,
    /// The id of the key in the client's key set.
    pub key_id: Option<String>,
    /// The token endpoint; none to ask the server for it.
    pub token_url: Option<String>,
    /// The scopes that are asked for; none for read access to what is exported.
    pub scope: Option<String>,
}

/// An export: of which server, of what, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSettings {
    /// The base of the FHIR server, or the whole URL of an export.
    pub url: String,
    /// Whose data.
    pub level: ExportLevel,
    /// `_type`; empty for all.
    pub types: Vec<String>,
    /// `_typeFilter`.
    pub type_filters: Vec<String>,
    /// `_elements`.
    pub elements: Vec<String>,
    /// `patient`.
    pub patients: Vec<String>,
    /// `includeAssociatedData`.
    pub include_associated_data: Vec<String>,
    /// `organizeOutputBy`.
    pub organize_output_by: Option<String>,
    /// The `_since` of the first export.
    pub since: Option<String>,
    /// Whether the exports of a feed continue where the last one ended.
    pub incremental: bool,
    /// How it is asked for.
    pub method: ExportMethod,
    /// How fhirmill proves who it is.
    pub authorization: ExportAuthorization,
    /// How many files are fetched at once.
    pub downloads: usize,
    /// How long it waits after a first failure; after further ones twice, four and eight
    /// times as long.
    pub retry_wait: Duration,
    /// How many calls in a row may fail.
    pub retries: u32,
    /// How long the server may take.
    pub give_up_after: Duration,
    /// Whether the server is asked to delete the export afterwards.
    pub delete_export: bool,
}

impl ExportSettings {
    /// Everything on this server, as a stranger, with default patience.
    pub fn of(url: String) -> Self {
        ExportSettings {
            url,
            level: ExportLevel::System,
            types: Vec::new(),
            type_filters: Vec::new(),
            elements: Vec::new(),
            patients: Vec::new(),
            include_associated_data: Vec::new(),
            organize_output_by: None,
            since: None,
            incremental: true,
            method: ExportMethod::Auto,
            authorization: ExportAuthorization::None,
            downloads: 4,
            retry_wait: Duration::from_secs(60),
            retries: 12,
            give_up_after: Duration::from_secs(3 * 24 * 60 * 60),
            delete_export: true,
        }
    }
}
