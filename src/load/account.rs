//! The account of a batch, and its entry in the ledger.

use std::ops::AddAssign;

use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

use super::registry::{Outcome, Outcomes};
use super::{Load, LoadError, insert_rejects};

/// What became of records. Every record is in exactly one of the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    pub inserted: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub stale: u64,
    pub deleted: u64,
    pub rejected: u64,
    pub skipped: u64,
    /// Rows that were written, of all tables.
    pub rows: u64,
}

impl Account {
    /// The records that are accounted for.
    pub fn total(&self) -> u64 {
        self.inserted
            + self.updated
            + self.unchanged
            + self.stale
            + self.deleted
            + self.rejected
            + self.skipped
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.stale += other.stale;
        self.deleted += other.deleted;
        self.rejected += other.rejected;
        self.skipped += other.skipped;
        self.rows += other.rows;
    }
}

#[derive(QueryableByName)]
struct Claim {
    #[diesel(sql_type = BigInt)]
    _id: i64,
}

/// Makes sure that the file is still this run's: a process that was believed
/// dead must not write beside the one that took over.
pub(super) fn check_claim(connection: &mut PgConnection, load: &Load<'_>) -> Result<(), LoadError> {
    if load.is_remap {
        return Ok(());
    }
    let claims: Vec<Claim> = sql_query(
        "select id as _id from etl.load_file \
         where id = $1 and load_run_id = $2 and status = 'loading' for share",
    )
    .bind::<BigInt, _>(load.file_id)
    .bind::<BigInt, _>(load.run_id)
    .load(connection)?;
    if claims.is_empty() { Err(LoadError::ClaimLost) } else { Ok(()) }
}

/// Writes rejects, unmapped elements and the batch's part of the account.
pub(super) fn record(
    connection: &mut PgConnection,
    load: &Load<'_>,
    outcomes: &Outcomes,
    rows: u64,
) -> Result<Account, LoadError> {
    let mut account =
        Account { rejected: load.rejects.len() as u64, skipped: load.skipped, rows, ..Account::default() };
    for outcome in outcomes.of_resources.iter().chain(&outcomes.of_deletes) {
        match outcome {
            Outcome::Inserted(_) => account.inserted += 1,
            Outcome::Updated(_) => account.updated += 1,
            Outcome::Deleted(_) => account.deleted += 1,
            Outcome::Unchanged => account.unchanged += 1,
            Outcome::Stale => account.stale += 1,
        }
    }
    if load.is_remap {
        return Ok(account);
    }
    insert_rejects(connection, load.file_id, load.rejects)?;
    let mut unmapped: Vec<(&str, &str, u64)> = load
        .batch
        .unmapped()
        .map(|(resource_type, element, count)| (resource_type.name(), element, count))
        .collect();
    unmapped.sort_unstable();
    for (resource_type, element, count) in unmapped {
        sql_query(
            "insert into etl.unmapped_element as u (resource_type, element, resources, last_file_id) \
             values ($1, $2, $3, $4) on conflict (resource_type, element) do update \
             set resources = u.resources + excluded.resources, last_file_id = excluded.last_file_id",
        )
        .bind::<Text, _>(resource_type)
        .bind::<Text, _>(element)
        .bind::<BigInt, _>(count as i64)
        .bind::<BigInt, _>(load.file_id)
        .execute(connection)?;
    }
    sql_query(
        "insert into etl.load_batch (file_id, first_position, last_position, \
         inserted, updated, unchanged, stale, deleted, rejected, skipped) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind::<BigInt, _>(load.file_id)
    .bind::<BigInt, _>(load.records.0 as i64)
    .bind::<BigInt, _>(load.records.1 as i64)
    .bind::<BigInt, _>(account.inserted as i64)
    .bind::<BigInt, _>(account.updated as i64)
    .bind::<BigInt, _>(account.unchanged as i64)
    .bind::<BigInt, _>(account.stale as i64)
    .bind::<BigInt, _>(account.deleted as i64)
    .bind::<BigInt, _>(account.rejected as i64)
    .bind::<BigInt, _>(account.skipped as i64)
    .execute(connection)?;
    Ok(account)
}
