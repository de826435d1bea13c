//! A *sink* stores accepted batches. The arbiter (Postgres with its registry)
//! decides once which version of every resource counts; a sink stores what was
//! decided and decides nothing itself.
//!
//! A batch passes three forms. Mapping gives a [`RowBatch`](crate::map::RowBatch).
//! When its resources have keys ([`Keys`](crate::map::Keys)) it is a
//! [`KeyedBatch`]. The arbiter adds an [`Outcome`] for every record, and it is
//! an [`AcceptedBatch`].

mod batch;
mod outcome;

pub use batch::{
    AcceptedBatch, AcceptedContained, AcceptedDelete, AcceptedResource, AcceptedTable, BatchId, Delete,
    KeyedBatch, Mode, Origin,
};
pub use outcome::{Outcome, Outcomes};

/// Stores accepted batches, such as in Postgres, in Parquet files or on a FHIR
/// server.
///
/// # What a sink does with a batch
///
/// In this order:
///
/// 1. Remove the rows of the resources in [`Outcomes::replaced`]: an earlier
///    version of them was stored, and its rows are void, as are those of the
///    resources that it contained. An append-only sink writes tombstones with the
///    key and the revision instead.
/// 2. Store the rows of [`AcceptedBatch::tables`]: for each table its columns and
///    the rows of applied resources and of what they contain, keys filled in. They
///    come in the binary format of Postgres' COPY, without header and trailer.
///    [`AcceptedBatch::contained`] says which resource contains which.
/// 3. Store or send resources as a whole, if that is what the sink is for:
///    [`AcceptedBatch::resources`] gives each resource's body as it was received,
///    [`AcceptedBatch::deletes`] what was deleted. A FHIR server takes these as
///    `PUT Type/id` and `DELETE Type/id`, a Parquet sink as a column of JSON.
///
/// Records with the outcomes [`Outcome::Unchanged`] and [`Outcome::Stale`] need
/// nothing: the sink holds the same or a newer version already.
///
/// # Delivery: at least once
///
/// A batch is delivered at least once. It is named by its run and its number in
/// the run ([`BatchId`]), and the same name always means the same records; a
/// sink acknowledges and deduplicates by it. Writing a batch twice must leave
/// the same state as writing it once.
///
/// # Order
///
/// Batches are numbered as they were read, are loaded by several workers, and
/// may arrive in another order. Where two batches change one resource, the one
/// with the higher revision ([`Outcome::revision`]) counts: the arbiter gives
/// revisions in the order of its decisions, from 1. A sink that writes within the
/// arbiter's transaction sees them in that order.
///
/// # Accepted and durable
///
/// `Ok` with [`Durability::Accepted`] means that the batch is stored if what
/// surrounds the write succeeds: the transaction, or the file that is still
/// open. [`Durability::Durable`] means that it would survive a power failure; only
/// then may whoever delivers the batch forget it.
///
/// An error means that nothing is known of the batch: it may be stored in part,
/// and is delivered again.
///
/// # Who calls it
///
/// The arbiter's own sink is called within the transaction that decides, so that
/// decision and rows commit together. It may be called again with the same batch
/// after a rollback. Other sinks get the same batch after the commit, and never
/// a batch that was not committed. Bodies and rows are borrowed for the call.
pub trait Sink {
    /// Why a batch could not be stored.
    type Error;

    /// Stores the batch; see the trait for what that means.
    fn write(&mut self, batch: &AcceptedBatch<'_>) -> Result<Receipt, Self::Error>;
}

/// A sink's answer for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The number of rows stored, over all tables.
    pub rows: u64,
    /// How safe they are.
    pub durability: Durability,
}

/// How safe a stored batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is lost if the process, the transaction or the server fails now.
    Accepted,
    /// It survives a power failure.
    Durable,
}

#[cfg(test)]
mod tests;
