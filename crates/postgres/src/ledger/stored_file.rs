//! A *stored file*: where the ledger says that a file lies, and what proves that what lies
//! there is what was loaded.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamptz};

/// See the module; a part of rows that tell more of a file.
#[derive(Clone, Debug, QueryableByName)]
pub struct StoredFile {
    /// The path it had in the inbox.
    #[diesel(sql_type = Text)]
    pub path: String,
    /// Its status, which says whether it lies in the archive or among the rejects; of a
    /// delivery that was taken back, the status before.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// Its location there, once it has left the inbox.
    #[diesel(sql_type = Nullable<Text>)]
    pub archive_path: Option<String>,
    /// When retention removed it from there.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub removed_at: Option<DateTime<Utc>>,
    /// Its size in bytes.
    #[diesel(sql_type = BigInt)]
    size_bytes: i64,
    /// The hash of its bytes.
    #[diesel(sql_type = Binary)]
    pub sha256: Vec<u8>,
}

/// The columns of a stored file but its status, of `f`, which is `etl.load_file`.
pub(crate) const STORED_FILE: &str =
    "f.path, f.archive_path, f.archive_removed_at as removed_at, f.size_bytes, f.sha256";

impl StoredFile {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size_bytes.unsigned_abs()
    }
}
