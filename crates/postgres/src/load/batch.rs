//! What is loaded in one transaction, and the result.

use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{Plan, RowBatch};
use fhirmill_core::sink::{AcceptedBatch, Delete, KeyedBatch, Mode, Origin, Outcomes};

use crate::ledger::{Account, FileRelations};
use crate::registry::ByIdentifier;

/// A record that could not be read or mapped.
#[derive(Clone, Debug)]
pub struct Reject {
    /// The file, by its place among the batch's files.
    pub file: usize,
    /// Its position in the file; 0 if it has none.
    pub position: u64,
    /// Where it stands in the file, for people.
    pub location: String,
    /// Its resource type, if it has one.
    pub resource_type: Option<String>,
    /// Its id, if it has one.
    pub fhir_id: Option<String>,
    /// The reason code.
    pub reason: String,
    /// The reason, for people. Never quotes values.
    pub message: String,
    /// The record as received, or its beginning.
    pub raw: Vec<u8>,
}

/// A file's part in a batch.
#[derive(Clone, Copy, Debug)]
pub struct FilePart {
    /// The file.
    pub file_id: i64,
    /// Numbers of the first and the last record, in the order of delivery.
    pub records: (u64, u64),
    /// How many records are not wanted.
    pub skipped: u64,
    /// How many records were found unchanged before they were mapped.
    pub unchanged: u64,
}

/// Records of a file's part that are of a type that is not wanted.
#[derive(Clone, Copy, Debug)]
pub struct SkippedType {
    /// The file, by its place among the batch's files.
    pub file: usize,
    /// The type.
    pub resource_type: ResourceType,
    /// The number of records.
    pub records: u64,
}

/// How the records of a load came.
#[derive(Clone, Copy, Debug)]
pub enum Delivery<'l> {
    /// In files that are claimed by the batch's run.
    Claimed,
    /// In one archived file. Its records of these types were skipped when it was
    /// delivered, and are loaded now.
    Archived {
        /// The types; none to try the batch, without an account.
        resource_types: &'l [&'l str],
    },
    /// In one archived file, which was accounted for when it was delivered.
    Replayed,
}

/// What is loaded in one transaction: a mapped batch, and what the ledger must
/// know of it.
pub struct Load<'l> {
    /// Why it is loaded.
    pub mode: Mode,
    /// The sender of all its files.
    pub source_id: i16,
    /// In the order in which they were read.
    pub files: &'l [FilePart],
    /// The rows; the loader fills in the keys.
    pub rows: &'l mut RowBatch,
    /// Where each resource of `rows` stands.
    pub origins: &'l [Origin],
    /// The JSON of each resource of `rows`, as received.
    pub bodies: &'l [&'l [u8]],
    /// The batch's deletions.
    pub deletes: &'l [Delete],
    /// Its records that could not be read or mapped.
    pub rejects: &'l [&'l Reject],
    /// Its records that are not wanted, by type.
    pub skipped: &'l [SkippedType],
    /// How they came.
    pub delivery: Delivery<'l>,
    /// What its requests by identifier mean.
    pub by_identifier: &'l ByIdentifier,
    /// What the records that were found unchanged before they were mapped tell of
    /// files.
    pub relations: &'l FileRelations,
}

/// The result of a load.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The key of each of the batch's targets.
    pub keys: Vec<i64>,
    /// What the registry decided.
    pub outcomes: Outcomes,
    /// One for each file of the batch.
    pub accounts: Vec<Account>,
    /// The number of rows written, over all tables.
    pub rows: u64,
}

impl Load<'_> {
    /// The batch with these keys, which its rows already have.
    pub(super) fn keyed<'k>(&'k self, keys: &'k [i64]) -> KeyedBatch<'k> {
        KeyedBatch {
            mode: self.mode,
            source_id: self.source_id,
            file_ids: self.files.iter().map(|file| file.file_id).collect(),
            rows: self.rows,
            keys,
            origins: self.origins,
            bodies: self.bodies,
            deletes: self.deletes,
        }
    }

    /// The batch as it was accepted and committed, for sinks other than Postgres.
    /// `loaded` is its result and `plan` the one that it was mapped by.
    pub fn accepted<'a>(&'a self, loaded: &'a Loaded, plan: &'a Plan) -> AcceptedBatch<'a> {
        AcceptedBatch::new(self.keyed(&loaded.keys), &loaded.outcomes, &plan.tables)
    }
}
