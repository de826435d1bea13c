//! The *manifest* of a backup says what belongs to it. It is written last.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The name of its file.
pub const MANIFEST: &str = "manifest.json";
/// The folder of the target that has a folder for each backup.
pub const BACKUPS: &str = "backups";
/// The folder of a backup that `pg_dump` wrote.
pub const DATABASE: &str = "database";
/// The file that has the roles.
pub const ROLES: &str = "roles.json";
/// The file that lists the files of the archive, of the rejects and of the inbox.
pub const FILE_LIST: &str = "files.ndjson";

/// The version of this layout.
pub const FORMAT_VERSION: u32 = 1;

/// See the module. Members that a later version adds are ignored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Manifest {
    /// The version of the layout.
    pub format_version: u32,
    /// The version of fhirmill that took the backup.
    pub program_version: String,
    /// Its name.
    pub name: String,
    /// When the picture of the database was taken.
    pub taken_at: DateTime<Utc>,
    /// The newest migration of the database.
    pub schema_version: String,
    /// The major version of the server.
    pub server_version: u32,
    /// The major version of `pg_dump`.
    pub dump_version: u32,
    /// The encoding of the database.
    pub encoding: String,
    /// The numbers of rows of some tables.
    pub rows: BTreeMap<String, i64>,
    /// The files of the backup's own folder.
    pub parts: Vec<Part>,
    /// How many files of archive, rejects and inbox belong to it.
    pub files: u64,
    /// How many bytes these have.
    pub file_bytes: u64,
    /// Paths of files that the ledger names, and that were not there.
    pub missing: Vec<String>,
}

/// A file of the backup's own folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its path in the backup's folder.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The hash of its bytes.
    pub sha256: String,
}

impl Manifest {
    /// The path of a backup's folder in the target.
    pub fn folder(name: &str) -> String {
        format!("{BACKUPS}/{name}")
    }

    /// The bytes of the backup's own files.
    pub fn part_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}
