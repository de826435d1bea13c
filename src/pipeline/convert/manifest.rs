//! The *manifest* of a conversion, which is written last: a folder without one is not a
//! conversion, or not a whole one. Its JSON is part of the interface
//! (`docs/schemas/convert.json`).

use fhirmill_arrow::Unfit;
use serde::{Deserialize, Serialize};

/// The name of the manifest in the folder.
pub(super) const NAME: &str = "manifest.json";

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// What the folder is: `conversion`.
    pub kind: String,
    /// The version of fhirmill that wrote it.
    pub fhirmill: String,
    /// The version of the tables: the newest migration that has the same columns.
    pub schema_version: String,
    /// When the conversion began, and when it ended.
    pub started_at: String,
    /// See `started_at`.
    pub finished_at: String,
    /// The format of the files.
    pub format: String,
    /// The source of all resources, whose name is part of their keys.
    pub source: String,
    /// The wanted resource types; none: all.
    pub resource_types: Option<Vec<String>>,
    /// Whether the tables have all versions of each resource, and not only the one that counts.
    pub all_versions: bool,
    /// The account of all files.
    pub account: Totals,
    /// The tables, by name.
    pub tables: Vec<TableOutput>,
}

/// Counts over all files. `seen` is the sum of those after it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Files that were read.
    pub files: u64,
    /// Files that could not be read to their end.
    pub failed_files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Records.
    pub seen: u64,
    /// Resources whose rows were written.
    pub inserted: u64,
    /// Always 0, since a conversion knows no earlier state.
    pub updated: u64,
    /// Further records with the content that was written.
    pub unchanged: u64,
    /// Versions older than the one that counts.
    pub stale: u64,
    /// Deletions that count.
    pub deleted: u64,
    /// Records that could not be read or mapped.
    pub rejected: u64,
    /// Records that are not wanted.
    pub skipped: u64,
}

impl Totals {
    /// Whether every record is accounted for.
    pub fn adds_up(&self) -> bool {
        let Totals { inserted, updated, unchanged, stale, deleted, rejected, skipped, .. } = *self;
        self.seen == inserted + updated + unchanged + stale + deleted + rejected + skipped
    }
}

/// The files of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableOutput {
    /// Its name, and that of its folder.
    pub name: String,
    /// Rows in all files.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// The files.
    pub files: Vec<FileOutput>,
    /// Columns with numbers that only the column of their digits holds.
    pub text_only: Vec<TextOnly>,
}

/// A file of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileOutput {
    /// Its path in the folder of the conversion.
    pub path: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: String,
}

/// Numbers of a column that no decimal of 38 digits, 18 of them after the point, holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TextOnly {
    /// The column.
    pub column: String,
    /// How many there are.
    pub values: u64,
}

impl From<Unfit> for TextOnly {
    fn from(Unfit { column, count }: Unfit) -> Self {
        TextOnly { column, values: count }
    }
}
