//! The *manifest*: what is in a snapshot. It is written last.

use chrono::{DateTime, SecondsFormat, Utc};
use fhirmill_postgres::picture::{Relation, RelationColumn, RelationKind};
use serde::{Deserialize, Serialize, Serializer};

/// Its name in the folder of the snapshot.
pub const MANIFEST: &str = "manifest.json";
/// The version of this document.
pub const FORMAT_VERSION: u32 = 1;

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this document.
    pub format_version: u32,
    /// Who has written it.
    pub program_version: String,
    /// The name of the snapshot's folder.
    pub name: String,
    /// The time of the picture: what was committed before is in it, what came later is not.
    #[serde(serialize_with = "as_text")]
    pub taken_at: DateTime<Utc>,
    /// The last migration of the database.
    pub schema_version: String,
    /// The format of the files.
    pub format: String,
    /// The rows of all tables.
    pub rows: u64,
    /// The bytes of all files.
    pub bytes: u64,
    /// The database, by the numbers of its cluster and of itself.
    pub database: String,
    /// The oldest transaction that was in progress: what the snapshot does not show is of this
    /// one or of a later one.
    pub oldest_transaction: i64,
    /// A random number that the database has, too.
    pub token: String,
    /// The tables and views, by schema and name.
    pub tables: Vec<ManifestTable>,
}

fn as_text<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// A table or view of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `table` or `view`.
    pub kind: String,
    /// What a row is, for people.
    pub comment: String,
    /// Its rows.
    pub rows: u64,
    /// The bytes of its files.
    pub bytes: u64,
    /// Whether it has the files of the snapshot before, because nothing has changed.
    pub is_reused: bool,
    /// The number of the table in the database.
    pub oid: u32,
    /// Its files, in order.
    pub files: Vec<ManifestFile>,
    /// Its columns, in order. In the files, each number is followed by a text column with its
    /// digits as written.
    pub columns: Vec<ManifestColumn>,
    /// How many numbers had too many digits for the column of numbers; they are in the text
    /// column beside it only.
    pub numbers_as_text_only: u64,
}

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its path in the snapshot's folder.
    pub path: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: String,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestColumn {
    /// Its name.
    pub name: String,
    /// Its type in the database.
    #[serde(rename = "type")]
    pub sql_type: String,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// What it holds, for people.
    pub comment: String,
    /// Its number in the database.
    pub number: i16,
}

impl Manifest {
    /// The table of that schema and name.
    pub fn table(&self, schema: &str, name: &str) -> Option<&ManifestTable> {
        self.tables.iter().find(|table| table.schema == schema && table.name == name)
    }

    /// The text of the file.
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Reads a manifest; none if it is not one of this version.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let manifest: Manifest = serde_json::from_slice(text).ok()?;
        (manifest.format_version == FORMAT_VERSION).then_some(manifest)
    }
}

impl ManifestTable {
    /// Of a relation, without files.
    pub fn of(relation: &Relation) -> Self {
        ManifestTable {
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            kind: match relation.kind {
                RelationKind::Table => "table".to_owned(),
                RelationKind::View => "view".to_owned(),
            },
            comment: relation.comment.clone(),
            rows: 0,
            bytes: 0,
            is_reused: false,
            oid: relation.oid,
            files: Vec::new(),
            columns: relation.columns.iter().map(ManifestColumn::of).collect(),
            numbers_as_text_only: 0,
        }
    }

    /// The folder of its files in that of the snapshot.
    pub fn folder(relation: &Relation) -> String {
        match relation.schema.as_str() {
            "public" => relation.name.clone(),
            schema => format!("{schema}/{}", relation.name),
        }
    }
}

impl ManifestColumn {
    fn of(column: &RelationColumn) -> Self {
        let RelationColumn { name, number, sql_type, is_nullable, comment, .. } = column.clone();
        ManifestColumn { name, sql_type, is_nullable, comment, number }
    }
}
