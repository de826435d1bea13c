//! The tables that tell of a conversion: its files with their accounts, the resources with
//! where each stands, and the rejects.

use fhirmill_arrow::{Column, ColumnType, Key, SchemaError, TableSchema};
use fhirmill_core::map::{Identity, Registration};
use fhirmill_core::rows::RowBuffer;
use fhirmill_core::sink::{Delete, Origin};
use fhirmill_postgres::ledger::Account;
use fhirmill_postgres::load::Reject;

use ColumnType::{BigInt, Boolean, Bytes, Integer, Jsonb, Text, TextArray, Timestamptz};

type Declared = (&'static str, ColumnType, bool, &'static str);

const FILE: &[Declared] = &[
    ("id", BigInt, false, "number of the file in the conversion, in the order of reading"),
    ("source", Text, false, "source that the file is of"),
    ("path", Text, false, "path as it was given, or below the folder that was given"),
    ("bytes", BigInt, false, "size of the file"),
    ("format", Text, true, "formats of its documents"),
    ("seen", BigInt, false, "records in the file; the sum of the following counts"),
    ("inserted", BigInt, false, "resources whose rows are in the tables"),
    ("updated", BigInt, false, "always 0: a conversion knows no earlier state"),
    ("unchanged", BigInt, false, "further records with the content that is in the tables"),
    ("stale", BigInt, false, "versions older than the one that counts"),
    ("deleted", BigInt, false, "deletions that count"),
    ("rejected", BigInt, false, "records that could not be read or mapped; see etl_reject"),
    ("skipped", BigInt, false, "records of types that are not wanted, and entries without a resource"),
    ("error", Text, true, "why the file could not be read to its end; null if it was"),
];

const RESOURCE: &[Declared] = &[
    ("id", ColumnType::Key, false, "key of the resource, in all tables"),
    ("source", Text, false, "source that the resource is of"),
    ("resource_type", Text, false, "resource type"),
    ("fhir_id", Text, false, "logical id as the source gave it"),
    ("is_deleted", Boolean, false, "whether the source has deleted it; it has no rows then"),
    ("version_id", Text, true, "meta.versionId"),
    ("last_updated", Timestamptz, true, "meta.lastUpdated"),
    (
        "effective_at",
        Timestamptz,
        true,
        "when the version took effect: meta.lastUpdated, else what the Bundle says",
    ),
    ("content_hash", Bytes, true, "SHA-256 of the canonical form of the resource; null if it is deleted"),
    ("file_id", BigInt, false, "file that the version is from: etl_file"),
    ("position", BigInt, false, "position of the record in the file"),
    ("member", Integer, true, "number of the member in an archive, from 0"),
    ("byte_offset", BigInt, true, "first byte of the record in the member, from 0"),
    ("byte_length", BigInt, true, "length of the record in bytes"),
    ("full_url", Text, true, "fullUrl of its Bundle entry, unless it merely repeats the id"),
    ("is_id_generated", Boolean, false, "whether the resource came without an id"),
    ("meta_source", Text, true, "meta.source"),
    ("profiles", TextArray, true, "meta.profile"),
    ("tags", Jsonb, true, "meta.tag"),
    ("security", Jsonb, true, "meta.security"),
    ("language", Text, true, "language"),
];

const REJECT: &[Declared] = &[
    ("file_id", BigInt, false, "file that the record is in: etl_file"),
    ("position", BigInt, false, "position of the record in the file; 0 if it has none"),
    ("location", Text, false, "where the record stands in the file, for people"),
    ("resource_type", Text, true, "resource type, if it could be read"),
    ("fhir_id", Text, true, "logical id, if it could be read"),
    ("reason", Text, false, "word for the reason"),
    ("message", Text, false, "the reason for people, without values of the record"),
];

/// The table of resources.
pub(super) fn resource_table() -> Result<TableSchema, SchemaError> {
    declared(
        "etl_resource",
        "a resource with the version that the tables have, and where it stands",
        RESOURCE,
    )
}

/// The table of rejects.
pub(super) fn reject_table() -> Result<TableSchema, SchemaError> {
    declared("etl_reject", "a record that could not be read or mapped", REJECT)
}

/// The table of files.
pub(super) fn file_table() -> Result<TableSchema, SchemaError> {
    declared("etl_file", "a file that was read, with the account of its records", FILE)
}

fn declared(name: &str, comment: &str, columns: &[Declared]) -> Result<TableSchema, SchemaError> {
    let column = |(name, column_type, is_nullable, comment): &Declared| Column {
        name: (*name).to_owned(),
        column_type: *column_type,
        is_nullable: *is_nullable,
        comment: (*comment).to_owned(),
    };
    TableSchema::new(name, comment, columns.iter().map(column).collect())
}

/// A file that was read.
#[derive(Debug, Default)]
pub(super) struct FileEntry {
    pub id: i64,
    pub path: String,
    pub bytes: u64,
    pub format: String,
    pub seen: u64,
    pub account: Account,
    pub error: Option<String>,
}

impl FileEntry {
    pub fn write(&self, source: &str, rows: &mut RowBuffer) {
        let Account { inserted, updated, unchanged, stale, deleted, rejected, skipped } = self.account;
        rows.begin_row(FILE.len() as i16);
        rows.bigint(self.id);
        rows.text(source);
        rows.text(&self.path);
        rows.bigint(self.bytes as i64);
        rows.optional_text(Some(self.format.as_str()).filter(|format| !format.is_empty()));
        for count in [self.seen, inserted, updated, unchanged, stale, deleted, rejected, skipped] {
            rows.bigint(count as i64);
        }
        rows.optional_text(self.error.as_deref());
    }
}

/// What the row of a resource or of a deletion begins with.
fn begin(rows: &mut RowBuffer, source: &str, key: &Key, identity: Identity<'_>, is_deleted: bool) {
    rows.begin_row(RESOURCE.len() as i16);
    rows.bytes(key);
    rows.text(source);
    rows.text(identity.resource_type.name());
    rows.text(identity.fhir_id);
    rows.boolean(is_deleted);
}

fn optional_time(rows: &mut RowBuffer, time: Option<i64>) {
    match time {
        Some(time) => rows.timestamptz(time),
        None => rows.null(),
    }
}

/// The row of a resource.
pub(super) fn write_resource(
    rows: &mut RowBuffer,
    (source, key, identity): (&str, &Key, Identity<'_>),
    registration: &Registration,
    (file_id, origin): (i64, &Origin),
) {
    begin(rows, source, key, identity, false);
    rows.optional_text(registration.version_id.as_deref());
    optional_time(rows, registration.last_updated);
    optional_time(rows, registration.effective_at);
    match &registration.content_hash {
        Some(hash) => rows.bytes(hash),
        None => rows.null(),
    }
    rows.bigint(file_id);
    rows.bigint(origin.position as i64);
    rows.integer(i32::try_from(origin.member).unwrap_or(i32::MAX));
    rows.bigint(origin.offset as i64);
    rows.bigint(origin.length as i64);
    rows.optional_text(registration.full_url.as_deref());
    rows.boolean(registration.is_id_generated);
    rows.optional_text(registration.meta_source.as_deref());
    if registration.profiles.is_empty() {
        rows.null();
    } else {
        rows.text_array(&registration.profiles.iter().map(Some).collect::<Vec<_>>());
    }
    for json in [&registration.tags, &registration.security] {
        match json {
            Some(json) => rows.jsonb(&[json]),
            None => rows.null(),
        }
    }
    rows.optional_text(registration.language.as_deref());
}

/// The row of a deletion.
pub(super) fn write_delete(
    rows: &mut RowBuffer,
    (source, key, identity): (&str, &Key, Identity<'_>),
    (file_id, delete): (i64, &Delete),
) {
    begin(rows, source, key, identity, true);
    rows.optional_text(delete.version.map(|version| version.to_string()).as_deref());
    rows.null();
    optional_time(rows, delete.effective_at);
    rows.null();
    rows.bigint(file_id);
    rows.bigint(delete.position as i64);
    rows.nulls(4);
    rows.boolean(false);
    rows.nulls(5);
}

/// The row of a reject.
pub(super) fn write_reject(rows: &mut RowBuffer, file_id: i64, reject: &Reject) {
    rows.begin_row(REJECT.len() as i16);
    rows.bigint(file_id);
    rows.bigint(reject.position as i64);
    rows.text(&reject.location);
    rows.optional_text(reject.resource_type.as_deref());
    rows.optional_text(reject.fhir_id.as_deref());
    rows.text(&reject.reason);
    rows.text(&reject.message);
}
