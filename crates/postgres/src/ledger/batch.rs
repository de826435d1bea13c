//! What a batch writes to the ledger, in the transaction that writes its rows.

use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::Account;

/// The files of a batch, claimed by the run that loads it.
#[derive(Clone, Debug)]
pub struct BatchClaim {
    /// The run.
    pub run_id: i64,
    /// The files, each once.
    pub file_ids: Vec<i64>,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = BigInt)]
    _id: i64,
}

impl BatchClaim {
    /// Whether all files are still claimed by the run. Locks them for the rest of
    /// the transaction: a process that was presumed dead must not write beside the
    /// one that took its files over.
    pub fn is_held(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        let held: Vec<Held> = sql_query(
            "select id as _id from etl.load_file \
             where id = any($1) and load_run_id = $2 and status = 'loading' order by id for share",
        )
        .bind::<Array<BigInt>, _>(&self.file_ids)
        .bind::<BigInt, _>(self.run_id)
        .load(connection)?;
        Ok(held.len() == self.file_ids.len())
    }

    /// Marks the files as failed for that reason. They stay in the inbox.
    pub fn fail(&self, connection: &mut PgConnection, reason: &str) -> QueryResult<()> {
        sql_query(
            "update etl.load_file set status = 'failed', finished_at = now(), error = $3 \
             where id = any($1) and load_run_id = $2 and status = 'loading'",
        )
        .bind::<Array<BigInt>, _>(&self.file_ids)
        .bind::<BigInt, _>(self.run_id)
        .bind::<Text, _>(reason)
        .execute(connection)?;
        Ok(())
    }
}

/// A file's share of a batch: which of its records the batch holds, and their
/// outcomes.
#[derive(Clone, Copy, Debug)]
pub struct BatchPart {
    /// The file.
    pub file_id: i64,
    /// Positions of the first and the last record.
    pub positions: (u64, u64),
    /// The outcomes of these records.
    pub account: Account,
}

impl BatchPart {
    /// Records the parts of one batch.
    pub fn insert(connection: &mut PgConnection, parts: &[BatchPart]) -> QueryResult<()> {
        let column = |value: fn(&BatchPart) -> i64| parts.iter().map(value).collect::<Vec<i64>>();
        sql_query(
            "insert into etl.load_batch (file_id, first_position, last_position, \
             inserted, updated, unchanged, stale, deleted, rejected, skipped) \
             select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind::<Array<BigInt>, _>(column(|part| part.file_id))
        .bind::<Array<BigInt>, _>(column(|part| part.positions.0 as i64))
        .bind::<Array<BigInt>, _>(column(|part| part.positions.1 as i64))
        .bind::<Array<BigInt>, _>(column(|part| part.account.inserted as i64))
        .bind::<Array<BigInt>, _>(column(|part| part.account.updated as i64))
        .bind::<Array<BigInt>, _>(column(|part| part.account.unchanged as i64))
        .bind::<Array<BigInt>, _>(column(|part| part.account.stale as i64))
        .bind::<Array<BigInt>, _>(column(|part| part.account.deleted as i64))
        .bind::<Array<BigInt>, _>(column(|part| part.account.rejected as i64))
        .bind::<Array<BigInt>, _>(column(|part| part.account.skipped as i64))
        .execute(connection)?;
        Ok(())
    }
}

/// An element that no column holds: it is in the archive only.
#[derive(Clone, Copy, Debug)]
pub struct UnmappedElement<'e> {
    pub resource_type: &'e str,
    /// Its path in the resource.
    pub element: &'e str,
    /// The number of resources of the batch that have it.
    pub resources: u64,
    /// The file of the last of them.
    pub last_file_id: i64,
}

impl UnmappedElement<'_> {
    /// Adds the batch's count to the total.
    pub fn add(&self, connection: &mut PgConnection) -> QueryResult<()> {
        sql_query(
            "insert into etl.unmapped_element as u (resource_type, element, resources, last_file_id) \
             values ($1, $2, $3, $4) on conflict (resource_type, element) do update \
             set resources = u.resources + excluded.resources, last_file_id = excluded.last_file_id",
        )
        .bind::<Text, _>(self.resource_type)
        .bind::<Text, _>(self.element)
        .bind::<BigInt, _>(self.resources as i64)
        .bind::<BigInt, _>(self.last_file_id)
        .execute(connection)?;
        Ok(())
    }
}
