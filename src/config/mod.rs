//! Settings, in two stages.
//!
//! [`RawSettings`] is text, given by flags, the environment and `.env`.
//! [`Settings`] is what the program works with: typed, checked against each
//! other, secrets wrapped. [`RawSettings::check`] leads from one to the other.
//! It also reads the optional settings file `fhirmill.toml`, and collects every
//! complaint before it gives up.
//!
//! [`VARIABLES`] is the one list of what can be set.

mod check;
mod check_deidentified;
mod check_server;
mod check_storage;
mod complaint;
mod env_file;
mod export_feed;
mod feed;
mod feed_settings;
mod fields;
mod file;
mod kafka_feed;
mod kafka_settings;
mod keep_settings;
mod raw;
mod resource_type;
mod schedule;
mod settings;
mod sink;
mod sink_settings;
mod snapshot;
mod snapshot_settings;
mod source;
mod storage_settings;
pub(crate) mod values;
mod variables;

pub use complaint::{Complaint, Place, SettingsError};
pub use env_file::{EnvFileError, load_env_file};
pub use feed_settings::{
    ExportAuthorization, ExportLevel, ExportMethod, ExportSettings, FeedKind, FeedSettings, Secret,
    SmartSettings,
};
pub use kafka_settings::{KafkaSecurity, KafkaSettings, KafkaStart, OnLost, TopicSettings};
pub use keep_settings::{ArchiveCompression, KeepSettings};
pub use raw::RawSettings;
pub use resource_type::{nearest_name, resource_type};
pub use schedule::Schedule;
pub use settings::{
    DeidentifiedSettings, EobCoverage, KeepBodies, Limits, LogFormat, LogLevel, LogSettings,
    LogStandardOutput, NotifySettings, ResourceTypes, ServerSettings, Settings, ShownSetting, SourceSettings,
    TlsFiles, Watch, Webhook,
};
pub use sink_settings::{SinkAuthorization, SinkSettings};
pub use snapshot_settings::{Keep, SnapshotFormat, SnapshotPlan, SnapshotSettings, SnapshotTarget};
pub use storage_settings::{StorageSettings, StorageUrl, StoreKind};
pub use variables::{VARIABLES, Variable};

pub use fhirmill_core::datatype::Timezone;
