//! The account of a batch, and its entry in the ledger.

use std::ops::AddAssign;

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

use super::{Load, LoadError, LoadFile, insert_rejects};
use crate::failpoint::{self, Step};
use crate::registry::decide::{Outcome, Outcomes};

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
    }
}

#[derive(QueryableByName)]
struct Claim {
    #[diesel(sql_type = BigInt)]
    _id: i64,
}

/// Makes sure that the files are still this run's: a process that was believed
/// dead must not write beside the one that took over.
pub(super) fn check_claims(connection: &mut PgConnection, load: &Load<'_>) -> Result<(), LoadError> {
    if load.is_remap {
        return Ok(());
    }
    let ids: Vec<i64> = load.files.iter().map(|file| file.id).collect();
    let claims: Vec<Claim> = sql_query(
        "select id as _id from etl.load_file \
         where id = any($1) and load_run_id = $2 and status = 'loading' order by id for share",
    )
    .bind::<Array<BigInt>, _>(&ids)
    .bind::<BigInt, _>(load.run_id)
    .load(connection)?;
    if claims.len() == ids.len() { Ok(()) } else { Err(LoadError::ClaimLost) }
}

/// Notes that the batch's files are failed, and why: what was found shows a
/// defect of the program, and the files stay where they are.
pub(super) fn fail(
    connection: &mut PgConnection,
    load: &Load<'_>,
    reason: &LoadError,
) -> Result<(), LoadError> {
    sql_query(
        "update etl.load_file set status = 'failed', finished_at = now(), error = $3 \
         where id = any($1) and load_run_id = $2 and status = 'loading'",
    )
    .bind::<Array<BigInt>, _>(load.files.iter().map(|file| file.id).collect::<Vec<i64>>())
    .bind::<BigInt, _>(load.run_id)
    .bind::<Text, _>(reason.to_string())
    .execute(connection)?;
    Ok(())
}

/// What became of the records of each of the batch's files.
pub(super) fn accounts(load: &Load<'_>, outcomes: &Outcomes) -> Vec<Account> {
    let not_loaded =
        |file: &LoadFile| Account { skipped: file.skipped, unchanged: file.known, ..Account::default() };
    let mut accounts: Vec<Account> = load.files.iter().map(not_loaded).collect();
    let of_resources = load.origins.iter().map(|origin| origin.file).zip(&outcomes.of_resources);
    let of_deletes = load.deletes.iter().map(|delete| delete.file).zip(&outcomes.of_deletes);
    for (file, outcome) in of_resources.chain(of_deletes) {
        let account = &mut accounts[file];
        match outcome {
            Outcome::Inserted(_) => account.inserted += 1,
            Outcome::Updated(_) => account.updated += 1,
            Outcome::Deleted(_) => account.deleted += 1,
            Outcome::Unchanged => account.unchanged += 1,
            Outcome::Stale => account.stale += 1,
        }
    }
    for reject in load.rejects {
        accounts[reject.file].rejected += 1;
    }
    accounts
}

/// Writes rejects, unmapped elements and each file's part of the account.
pub(super) fn record(
    connection: &mut PgConnection,
    load: &Load<'_>,
    accounts: &[Account],
) -> Result<(), LoadError> {
    insert_rejects(connection, load)?;
    for unmapped in load.batch.unmapped() {
        sql_query(
            "insert into etl.unmapped_element as u (resource_type, element, resources, last_file_id) \
             values ($1, $2, $3, $4) on conflict (resource_type, element) do update \
             set resources = u.resources + excluded.resources, last_file_id = excluded.last_file_id",
        )
        .bind::<Text, _>(unmapped.resource_type.name())
        .bind::<Text, _>(unmapped.element)
        .bind::<BigInt, _>(unmapped.resources as i64)
        .bind::<BigInt, _>(load.files[load.origins[unmapped.last_resource].file].id)
        .execute(connection)?;
    }
    let column = |value: fn(&LoadFile) -> i64| load.files.iter().map(value).collect::<Vec<i64>>();
    let count = |value: fn(&Account) -> u64| {
        accounts.iter().map(|account| value(account) as i64).collect::<Vec<i64>>()
    };
    sql_query(
        "insert into etl.load_batch (file_id, first_position, last_position, \
         inserted, updated, unchanged, stale, deleted, rejected, skipped) \
         select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind::<Array<BigInt>, _>(column(|file| file.id))
    .bind::<Array<BigInt>, _>(column(|file| file.records.0 as i64))
    .bind::<Array<BigInt>, _>(column(|file| file.records.1 as i64))
    .bind::<Array<BigInt>, _>(count(|account| account.inserted))
    .bind::<Array<BigInt>, _>(count(|account| account.updated))
    .bind::<Array<BigInt>, _>(count(|account| account.unchanged))
    .bind::<Array<BigInt>, _>(count(|account| account.stale))
    .bind::<Array<BigInt>, _>(count(|account| account.deleted))
    .bind::<Array<BigInt>, _>(count(|account| account.rejected))
    .bind::<Array<BigInt>, _>(count(|account| account.skipped))
    .execute(connection)?;
    failpoint::passed(Step::Accounted);
    Ok(())
}
