//! What a batch writes to the ledger, in the transaction that writes its rows.

use std::sync::OnceLock;

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use diesel::upsert::excluded;

use super::Account;
use super::forward::{BatchNote, NOTE_BATCH};
use super::schema::{load_file, unmapped_element};

/// The files of a batch, claimed by the run that loads it.
#[derive(Clone, Debug)]
pub struct BatchClaim {
    /// The run.
    pub run_id: i64,
    /// The files, each once.
    pub file_ids: Vec<i64>,
}

impl BatchClaim {
    /// Whether all files are still claimed by the run. Locks them for the rest of
    /// the transaction: a process that was presumed dead must not write beside the
    /// one that took its files over.
    pub fn is_held(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        let held: Vec<i64> = load_file::table
            .select(load_file::id)
            .filter(load_file::id.eq_any(&self.file_ids))
            .filter(load_file::load_run_id.eq(self.run_id))
            .filter(load_file::status.eq("loading"))
            .order(load_file::id)
            .for_share()
            .load(connection)?;
        Ok(held.len() == self.file_ids.len())
    }

    /// Marks the files as failed for that reason. They stay in the inbox.
    pub fn fail(&self, connection: &mut PgConnection, reason: &str) -> QueryResult<()> {
        let claimed = load_file::table
            .filter(load_file::id.eq_any(&self.file_ids))
            .filter(load_file::load_run_id.eq(self.run_id))
            .filter(load_file::status.eq("loading"));
        let failed =
            (load_file::status.eq("failed"), load_file::finished_at.eq(now), load_file::error.eq(reason));
        diesel::update(claimed).set(failed).execute(connection)?;
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

/// Arrays keep this one prepared statement, however many files a batch has. It also notes the
/// batch for sinks, so that where there are none this costs no call.
fn insert_statement() -> &'static str {
    static STATEMENT: OnceLock<String> = OnceLock::new();
    STATEMENT.get_or_init(|| {
        format!(
            "\
with part as (
  insert into etl.load_batch (file_id, first_position, last_position,
    inserted, updated, unchanged, stale, deleted, rejected, skipped)
  select * from unnest($1, $2, $3, $8, $9, $10, $11, $12, $13, $14))
{NOTE_BATCH}"
        )
    })
}

impl BatchPart {
    /// Records the parts of one batch, and notes it for the sinks of its source.
    pub fn insert(connection: &mut PgConnection, parts: &[BatchPart], note: BatchNote) -> QueryResult<()> {
        let column = |value: fn(&BatchPart) -> i64| parts.iter().map(value).collect::<Vec<i64>>();
        sql_query(insert_statement())
            .bind::<Array<BigInt>, _>(column(|part| part.file_id))
            .bind::<Array<BigInt>, _>(column(|part| part.positions.0 as i64))
            .bind::<Array<BigInt>, _>(column(|part| part.positions.1 as i64))
            .bind::<SmallInt, _>(note.source_id)
            .bind::<BigInt, _>(note.run_id)
            .bind::<BigInt, _>(note.number as i64)
            .bind::<BigInt, _>(note.resources as i64)
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
    /// The FHIR type of the resources.
    pub resource_type: &'e str,
    /// Its path in the resource.
    pub element: &'e str,
    /// The number of resources of the batch that have it.
    pub resources: u64,
    /// The file of the last of them.
    pub last_file_id: i64,
}

/// An element that deviates from R4, and how.
#[derive(Clone, Copy, Debug)]
pub struct DeviatingElement<'e> {
    /// The FHIR type of the resources.
    pub resource_type: &'e str,
    /// Its path in the resource.
    pub element: &'e str,
    /// A word for the deviation.
    pub deviation: &'e str,
    /// The number of resources of the batch that have it.
    pub resources: u64,
    /// The file of the last of them.
    pub last_file_id: i64,
}

const ADD_DEVIATIONS: &str = "\
insert into etl.deviating_element as counted (resource_type, element, deviation, resources, last_file_id)
select * from unnest($1, $2, $3, $4, $5)
on conflict (resource_type, element, deviation) do update
set resources = counted.resources + excluded.resources, last_file_id = excluded.last_file_id";

impl DeviatingElement<'_> {
    /// Adds the batch's counts to the totals. `elements` are sorted, so that
    /// batches cannot deadlock.
    pub fn add(connection: &mut PgConnection, elements: &[DeviatingElement<'_>]) -> QueryResult<()> {
        if elements.is_empty() {
            return Ok(());
        }
        fn texts<'e>(
            elements: &[DeviatingElement<'e>],
            text: fn(&DeviatingElement<'e>) -> &'e str,
        ) -> Vec<&'e str> {
            elements.iter().map(text).collect()
        }
        let numbers =
            |number: fn(&DeviatingElement<'_>) -> i64| elements.iter().map(number).collect::<Vec<i64>>();
        sql_query(ADD_DEVIATIONS)
            .bind::<Array<Text>, _>(texts(elements, |element| element.resource_type))
            .bind::<Array<Text>, _>(texts(elements, |element| element.element))
            .bind::<Array<Text>, _>(texts(elements, |element| element.deviation))
            .bind::<Array<BigInt>, _>(numbers(|element| element.resources as i64))
            .bind::<Array<BigInt>, _>(numbers(|element| element.last_file_id))
            .execute(connection)?;
        Ok(())
    }
}

impl UnmappedElement<'_> {
    /// Adds the batch's count to the total.
    pub fn add(&self, connection: &mut PgConnection) -> QueryResult<()> {
        use unmapped_element::{element, last_file_id, resource_type, resources};
        diesel::insert_into(unmapped_element::table)
            .values((
                resource_type.eq(self.resource_type),
                element.eq(self.element),
                resources.eq(self.resources as i64),
                last_file_id.eq(self.last_file_id),
            ))
            .on_conflict((resource_type, element))
            .do_update()
            .set((resources.eq(resources + excluded(resources)), last_file_id.eq(excluded(last_file_id))))
            .execute(connection)?;
        Ok(())
    }
}
