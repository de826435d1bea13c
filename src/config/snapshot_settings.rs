//! The settings of *snapshots*: pictures of the tables that are written as files.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::schedule::Schedule;
use super::storage_settings::StorageUrl;
use super::values::Expectation;

/// A snapshot that the settings file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSettings {
    /// Its name.
    pub name: String,
    /// When it is made; none if only by hand.
    pub schedule: Option<Schedule>,
    /// Where it is written, and what is.
    pub plan: SnapshotPlan,
}

/// Where a snapshot is written, and what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPlan {
    /// The folder that holds the snapshots.
    pub to: SnapshotTarget,
    /// The format of the files.
    pub format: SnapshotFormat,
    /// Only tables and views of these schemas; empty for all.
    pub schemas: Vec<String>,
    /// Only these tables and views, those of other schemas than `public` as `schema.table`;
    /// empty for all.
    pub tables: Vec<String>,
    /// Whether tables that have not changed are written anew.
    pub is_whole: bool,
    /// Which older ones stay.
    pub keep: Keep,
}

/// Where snapshots are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotTarget {
    /// In a folder, by its absolute path.
    Folder(PathBuf),
    /// In an object store.
    Store(StorageUrl),
}

impl fmt::Display for SnapshotTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotTarget::Folder(path) => write!(formatter, "{}", path.display()),
            SnapshotTarget::Store(url) => write!(formatter, "{url}"),
        }
    }
}

impl FromStr for SnapshotTarget {
    type Err = Expectation;

    fn from_str(text: &str) -> Result<Self, Expectation> {
        if text.contains("://") {
            let url = StorageUrl::parse(text).map_err(|expected| format!("a folder, or {expected}"))?;
            return match cfg!(feature = "storage") {
                true => Ok(SnapshotTarget::Store(url)),
                false => Err("a folder: this fhirmill was built without the feature `storage`".to_owned()),
            };
        }
        match std::path::absolute(text) {
            Ok(path) if path.exists() && !path.is_dir() => Err("a folder, and this is a file".to_owned()),
            Ok(path) => Ok(SnapshotTarget::Folder(path)),
            Err(_) => Err("a folder, or the URL of a bucket".to_owned()),
        }
    }
}

/// The format of a snapshot's files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SnapshotFormat {
    /// Parquet.
    #[default]
    Parquet,
    /// Arrow's IPC files.
    Arrow,
    /// Comma-separated values.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

impl SnapshotFormat {
    /// Its name, which is also the ending of the files.
    pub fn name(self) -> &'static str {
        match self {
            SnapshotFormat::Parquet => "parquet",
            SnapshotFormat::Arrow => "arrow",
            SnapshotFormat::Csv => "csv",
            SnapshotFormat::Ndjson => "ndjson",
        }
    }
}

impl FromStr for SnapshotFormat {
    type Err = Expectation;

    fn from_str(text: &str) -> Result<Self, Expectation> {
        match text {
            "parquet" => Ok(SnapshotFormat::Parquet),
            "arrow" => Ok(SnapshotFormat::Arrow),
            "csv" => Ok(SnapshotFormat::Csv),
            "ndjson" => Ok(SnapshotFormat::Ndjson),
            _ => Err("parquet, arrow, csv or ndjson".to_owned()),
        }
    }
}

/// Which of the older snapshots of a target stay. The newest complete one always does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// The newest ones, so many.
    pub number: Option<u32>,
    /// Those that are not older.
    pub age: Option<Duration>,
}
