//! The forms of a batch after mapping: with keys, and accepted.

use super::outcome::{Outcome, Outcomes};
use crate::map::{Identity, Registration, RowBatch};
use crate::model::Table;
use crate::rows::Target;

/// A batch's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    /// The run that loads it.
    pub run: i64,
    /// Its number in the run, from 0, in the order of reading.
    pub number: u64,
}

/// Why a batch is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its records were delivered, and are loaded for the first time.
    Load(BatchId),
    /// Its records are the current versions already, and their rows are written
    /// again, after the tables changed or references could be resolved. Keys,
    /// revisions and accounts stay. It has no name; a sink outside of the
    /// arbiter's transaction has to be told by other means.
    Remap,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, by its place among the batch's files.
    pub file: usize,
    /// Unique in the file. Records of a file take effect in this order.
    pub position: u64,
    /// The number of the container's member that it is in, from 0.
    pub member: u32,
    /// The first byte of the record in the member, from 0.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// A deletion, as a sender ordered it.
#[derive(Clone, Copy, Debug)]
pub struct Delete {
    /// The file, by its place among the batch's files.
    pub file: usize,
    /// The resource, as a target of the batch.
    pub target: Target,
    /// Unique in the file, as of [`Origin::position`].
    pub position: u64,
    /// In microseconds since 2000-01-01 UTC, if the sender gave a time.
    pub effective_at: Option<i64>,
    /// The number of the version that the deletion makes, if the sender gave one.
    pub version: Option<i64>,
}

/// A mapped batch whose targets have keys: what the arbiter decides on.
#[derive(Clone, Debug)]
pub struct KeyedBatch<'b> {
    /// Why it is loaded.
    pub mode: Mode,
    /// The sender of all its files.
    pub source_id: i16,
    /// The ids of its files, in the order in which they were read.
    pub file_ids: Vec<i64>,
    /// The rows, with the keys filled in.
    pub rows: &'b RowBatch,
    /// The key of each of the rows' targets.
    pub keys: &'b [i64],
    /// Where each resource of `rows` stands.
    pub origins: &'b [Origin],
    /// The JSON of each resource of `rows`, as received.
    pub bodies: &'b [&'b [u8]],
    /// The batch's deletions.
    pub deletes: &'b [Delete],
}

/// A batch on which the arbiter has decided: what a [`Sink`](super::Sink)
/// stores.
pub struct AcceptedBatch<'b> {
    /// The batch as it was decided on.
    pub batch: KeyedBatch<'b>,
    /// What was decided.
    pub outcomes: &'b Outcomes,
    tables: &'b [Table],
    is_applied: Box<dyn Fn(usize) -> bool + Send + Sync + 'b>,
}

/// The rows that a batch adds to one table.
pub struct AcceptedTable<'a> {
    /// The table with its columns, in the order of the rows' fields.
    pub table: &'a Table,
    /// The number of rows in `runs`.
    pub row_count: usize,
    number: usize,
    rows: &'a RowBatch,
    is_applied: &'a dyn Fn(usize) -> bool,
}

/// A resource of a batch, with what was decided.
#[derive(Clone, Copy, Debug)]
pub struct AcceptedResource<'a> {
    /// Its type and id.
    pub identity: Identity<'a>,
    /// What was decided.
    pub outcome: Outcome,
    /// Its version, times, profiles and tags.
    pub registration: &'a Registration,
    /// Where it stands.
    pub origin: Origin,
    /// Its JSON as received.
    pub body: &'a [u8],
}

/// A resource that stands in another one of a batch, its container, and is
/// stored, replaced and deleted with it.
#[derive(Clone, Copy, Debug)]
pub struct AcceptedContained<'a> {
    /// Its type, and `ContainerType/containerId#localId`.
    pub identity: Identity<'a>,
    /// Its key.
    pub key: i64,
    /// The container's key.
    pub container_key: i64,
}

/// A deletion of a batch, with what was decided.
#[derive(Clone, Copy, Debug)]
pub struct AcceptedDelete<'a> {
    /// Type and id of the resource.
    pub identity: Identity<'a>,
    /// What was decided.
    pub outcome: Outcome,
    /// In microseconds since 2000-01-01 UTC, if the sender gave a time.
    pub effective_at: Option<i64>,
}

impl<'b> AcceptedBatch<'b> {
    /// The batch with its outcomes. `tables` are those of the plan that its rows
    /// were mapped by.
    pub fn new(batch: KeyedBatch<'b>, outcomes: &'b Outcomes, tables: &'b [Table]) -> Self {
        let is_applied = Box::new(|resource: usize| outcomes.of_resources[resource].is_applied());
        AcceptedBatch { batch, outcomes, tables, is_applied }
    }

    /// The rows to store, table by table in the order of the plan. Tables
    /// without rows are among them.
    pub fn tables(&self) -> impl Iterator<Item = AcceptedTable<'_>> {
        let (rows, is_applied) = (self.batch.rows, &*self.is_applied);
        self.tables.iter().enumerate().map(move |(number, table)| {
            let row_count = rows.row_count(number, &is_applied);
            AcceptedTable { table, row_count, number, rows, is_applied }
        })
    }

    /// All resources of the batch, in their order, whatever their outcome.
    pub fn resources(&self) -> impl Iterator<Item = AcceptedResource<'_>> {
        let KeyedBatch { rows, origins, bodies, .. } = self.batch;
        let resources = rows.resources().iter().zip(origins).zip(bodies).zip(&self.outcomes.of_resources);
        resources.enumerate().map(|(number, (((registration, origin), body), outcome))| AcceptedResource {
            identity: rows.identity(number),
            outcome: *outcome,
            registration,
            origin: *origin,
            body,
        })
    }

    /// The contained resources whose rows are among those to store.
    pub fn contained(&self) -> impl Iterator<Item = AcceptedContained<'_>> {
        let KeyedBatch { rows, keys, .. } = self.batch;
        rows.contained().filter_map(|(container, target)| {
            Some(AcceptedContained {
                identity: rows.target_identity(target),
                key: keys[target as usize],
                container_key: self.outcomes.of_resources[container].applied_key()?,
            })
        })
    }

    /// All deletions of the batch, in their order, whatever their outcome.
    pub fn deletes(&self) -> impl Iterator<Item = AcceptedDelete<'_>> {
        let deletes = self.batch.deletes.iter().zip(&self.outcomes.of_deletes);
        deletes.map(|(delete, outcome)| AcceptedDelete {
            identity: self.batch.rows.target_identity(delete.target),
            outcome: *outcome,
            effective_at: delete.effective_at,
        })
    }
}

impl<'a> AcceptedTable<'a> {
    /// The rows, many at a time, in the binary format of Postgres' COPY without
    /// header and trailer.
    pub fn runs(&self) -> impl Iterator<Item = &'a [u8]> {
        self.rows.runs(self.number, self.is_applied)
    }
}
