//! The *log* of what was staged: rows of all versions are written, and which of them count is
//! decided later, by whoever has the logs of all who read.
//!
//! Each record has a number, and so has each row that it has in any table.

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use fhirmill_arrow::Key;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{IdentifierKey, Identity, RowBatch};
use fhirmill_core::version::{Version, number_of};

use std::sync::Arc;

use super::Delete;
use fhirmill_core::version::Place;

/// The number of the record that a row of a staged table is of.
pub const RECORD: &str = "etl_record";

/// An identifier whose owner is known before anything is read.
#[derive(Clone, Debug)]
pub struct KnownOwner {
    pub identifier: IdentifierKey,
    pub resource_type: ResourceType,
    pub key: Key,
}

/// How to stage.
#[derive(Clone, Debug, Default)]
pub struct StageOptions {
    /// The number of the first record.
    pub first_record: i64,
    pub owners: Vec<KnownOwner>,
}

/// See the module.
pub struct Staging {
    next_record: i64,
    records: Records,
    contained: Contained,
    asked: Asked,
    count: usize,
}

/// What was staged.
pub struct Staged {
    /// The records, the resources that they contain, and the identifiers that they ask for.
    pub records: RecordBatch,
    pub contained: RecordBatch,
    pub asked: RecordBatch,
    /// The servers that are known now.
    pub base_urls: Vec<String>,
    /// Whether other servers could resolve further references.
    pub has_unresolved_urls: bool,
}

#[derive(Default)]
struct Records {
    record: Int64Builder,
    id: BinaryBuilder,
    resource_type: StringBuilder,
    fhir_id: StringBuilder,
    file: Int64Builder,
    position: Int64Builder,
    effective_at: Int64Builder,
    version_number: Int64Builder,
    version_id: StringBuilder,
    content_hash: BinaryBuilder,
    is_id_generated: BooleanBuilder,
    rows: Int64Builder,
}

#[derive(Default)]
struct Contained {
    record: Int64Builder,
    container: BinaryBuilder,
    id: BinaryBuilder,
    resource_type: StringBuilder,
}

#[derive(Default)]
struct Asked {
    record: Int64Builder,
    types: StringBuilder,
    system: StringBuilder,
    value: StringBuilder,
}

/// A batch whose rows are staged.
pub(super) struct StagedBatch<'b> {
    pub rows: &'b RowBatch,
    pub tables: usize,
    pub places: &'b [Place],
    pub deletes: &'b [Delete],
    pub keys: &'b [Key],
}

impl Staging {
    pub fn new(first_record: i64) -> Self {
        Staging {
            next_record: first_record,
            records: Records::default(),
            contained: Contained::default(),
            asked: Asked::default(),
            count: 0,
        }
    }

    /// Notes the records of a batch. Returns the number of its first resource; the others
    /// follow, and then deletions.
    pub(super) fn note(&mut self, batch: &StagedBatch<'_>) -> i64 {
        let first = self.next_record;
        let row_counts = row_counts(batch);
        for (number, (registration, place)) in batch.rows.resources().iter().zip(batch.places).enumerate() {
            let version_id = registration.version_id.as_deref();
            let version = Version {
                time: registration.effective_at,
                number: version_id.and_then(number_of),
                place: *place,
            };
            let key = &batch.keys[registration.target as usize];
            self.records.add(self.next_record, key, batch.rows.identity(number), &version);
            self.records.version_id.append_option(version_id);
            self.records.content_hash.append_option(registration.content_hash);
            self.records.is_id_generated.append_value(registration.is_id_generated);
            self.records.rows.append_value(row_counts[number]);
            self.next_record += 1;
        }
        for delete in batch.deletes {
            let key = &batch.keys[delete.target as usize];
            let identity = batch.rows.target_identity(delete.target);
            self.records.add(self.next_record, key, identity, &delete.version);
            self.records.version_id.append_null();
            self.records.content_hash.append_null();
            self.records.is_id_generated.append_value(false);
            self.records.rows.append_value(0);
            self.next_record += 1;
        }
        self.note_contained(batch, first);
        for (number, identifier) in batch.rows.unresolved() {
            self.asked.record.append_value(first + number as i64);
            self.asked.types.append_value(&identifier.types);
            self.asked.system.append_value(&identifier.system);
            self.asked.value.append_value(&identifier.value);
        }
        self.count += batch.places.len() + batch.deletes.len();
        first
    }

    fn note_contained(&mut self, batch: &StagedBatch<'_>, first: i64) {
        for (container, target) in batch.rows.contained() {
            let container_target = batch.rows.resources()[container].target;
            self.contained.record.append_value(first + container as i64);
            self.contained.container.append_value(batch.keys[container_target as usize]);
            self.contained.id.append_value(batch.keys[target as usize]);
            self.contained.resource_type.append_value(batch.rows.resource_type(target).name());
        }
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// The log is too large.
    pub fn finish(mut self, base_urls: &[String], has_unresolved_urls: bool) -> Result<Staged, ArrowError> {
        Ok(Staged {
            records: self.records.finish()?,
            contained: batch(vec![
                ("record", Arc::new(self.contained.record.finish())),
                ("container_id", Arc::new(self.contained.container.finish())),
                ("id", Arc::new(self.contained.id.finish())),
                ("resource_type", Arc::new(self.contained.resource_type.finish())),
            ])?,
            asked: batch(vec![
                ("record", Arc::new(self.asked.record.finish())),
                ("types", Arc::new(self.asked.types.finish())),
                ("system", Arc::new(self.asked.system.finish())),
                ("value", Arc::new(self.asked.value.finish())),
            ])?,
            base_urls: base_urls.to_vec(),
            has_unresolved_urls,
        })
    }
}

impl Records {
    /// The columns that resources and deletions have in common.
    fn add(&mut self, record: i64, key: &Key, identity: Identity<'_>, version: &Version) {
        self.record.append_value(record);
        self.id.append_value(key);
        self.resource_type.append_value(identity.resource_type.name());
        self.fhir_id.append_value(identity.fhir_id);
        self.file.append_value(version.place.file);
        self.position.append_value(version.place.position);
        self.effective_at.append_option(version.time);
        self.version_number.append_option(version.number);
    }

    fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        batch(vec![
            ("record", Arc::new(self.record.finish())),
            ("id", Arc::new(self.id.finish())),
            ("resource_type", Arc::new(self.resource_type.finish())),
            ("fhir_id", Arc::new(self.fhir_id.finish())),
            ("file", Arc::new(self.file.finish())),
            ("position", Arc::new(self.position.finish())),
            ("effective_at", Arc::new(self.effective_at.finish())),
            ("version_number", Arc::new(self.version_number.finish())),
            ("version_id", Arc::new(self.version_id.finish())),
            ("content_hash", Arc::new(self.content_hash.finish())),
            ("is_id_generated", Arc::new(self.is_id_generated.finish())),
            ("rows", Arc::new(self.rows.finish())),
        ])
    }
}

/// How many rows each resource of the batch has in all tables.
fn row_counts(batch: &StagedBatch<'_>) -> Vec<i64> {
    let mut counts = vec![0; batch.places.len()];
    for table in 0..batch.tables {
        for (resource, rows) in batch.rows.row_counts(table) {
            counts[resource] += rows as i64;
        }
    }
    counts
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, ArrowError> {
    let field =
        |(name, array): &(&str, ArrayRef)| Field::new(*name, DataType::clone(array.data_type()), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect())
}
