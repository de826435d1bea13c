//! *Skipped records*: those whose type RESOURCE_TYPES leaves out, by file and type.
//! They stay in the archived file, and can be loaded from there.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};

use super::Account;
use super::source::BASE_URLS;
use super::stored_file::{STORED_FILE, StoredFile};

/// Skipped records of one type in a part of a file.
#[derive(Clone, Copy, Debug)]
pub struct SkippedRange<'r> {
    /// The file.
    pub file_id: i64,
    /// Numbers of the first and the last record of the part.
    pub records: (u64, u64),
    /// The type.
    pub resource_type: &'r str,
    /// How many records of the part are of this type.
    pub count: u64,
}

/// A part of a file, and the types that were skipped in it.
#[derive(Debug, QueryableByName)]
pub struct SkippedPart {
    /// The number of its first record.
    #[diesel(sql_type = BigInt)]
    pub first: i64,
    /// The number of its last record.
    #[diesel(sql_type = BigInt)]
    pub last: i64,
    /// The types that are asked for.
    #[diesel(sql_type = Array<Text>)]
    pub resource_types: Vec<String>,
}

/// A file with skipped records.
#[derive(Debug, QueryableByName)]
pub struct SkippedFile {
    /// Its number in the ledger.
    #[diesel(sql_type = BigInt)]
    pub file_id: i64,
    /// The sender's number.
    #[diesel(sql_type = SmallInt)]
    pub source_id: i16,
    /// The base URLs of the sender's FHIR servers, with a trailing slash.
    #[diesel(sql_type = Array<Text>)]
    pub base_urls: Vec<String>,
    /// Where it lies.
    #[diesel(embed)]
    pub stored: StoredFile,
    /// How many of its records are of the types that are asked for.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
}

/// The number of skipped records of a type.
#[derive(QueryableByName)]
struct TypeCount {
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = BigInt)]
    records: i64,
}

const INSERT: &str = "\
insert into etl.skipped_range (file_id, first_position, last_position, resource_type, records)
select * from unnest($1, $2, $3, $4, $5)";

/// Moves the records of a part from skipped to their outcomes, if they are as many
/// as were skipped.
const SETTLE: &str = "\
with taken as (
  delete from etl.skipped_range where file_id = $1 and first_position = $2 and resource_type = any($3)
  returning records)
update etl.load_file set
  inserted = inserted + $4, updated = updated + $5, unchanged = unchanged + $6, stale = stale + $7,
  deleted = deleted + $8, rejected = rejected + $9, skipped = skipped - $10
where id = $1 and (select sum(records) from taken) = $10";

/// A null array stands for all types.
const IS_WANTED: &str = "($1::text[] is null or r.resource_type = any($1))";

impl SkippedRange<'_> {
    /// Notes the skipped records of one batch.
    pub fn insert(connection: &mut PgConnection, ranges: &[SkippedRange<'_>]) -> QueryResult<()> {
        if ranges.is_empty() {
            return Ok(());
        }
        let column = |value: fn(&SkippedRange<'_>) -> u64| {
            ranges.iter().map(|range| value(range) as i64).collect::<Vec<i64>>()
        };
        sql_query(INSERT)
            .bind::<Array<BigInt>, _>(ranges.iter().map(|range| range.file_id).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(column(|range| range.records.0))
            .bind::<Array<BigInt>, _>(column(|range| range.records.1))
            .bind::<Array<Text>, _>(ranges.iter().map(|range| range.resource_type).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(column(|range| range.count))
            .execute(connection)?;
        Ok(())
    }

    /// Notes that the skipped records of these types in the part of a file that
    /// begins with that record are loaded now, with these outcomes. False, and
    /// nothing is to be kept of the transaction, if others were skipped.
    pub fn settle(
        connection: &mut PgConnection,
        (file_id, first): (i64, u64),
        resource_types: &[&str],
        account: &Account,
    ) -> QueryResult<bool> {
        let count = |number: u64| number as i64;
        let settled = sql_query(SETTLE)
            .bind::<BigInt, _>(file_id)
            .bind::<BigInt, _>(count(first))
            .bind::<Array<Text>, _>(resource_types)
            .bind::<BigInt, _>(count(account.inserted))
            .bind::<BigInt, _>(count(account.updated))
            .bind::<BigInt, _>(count(account.unchanged))
            .bind::<BigInt, _>(count(account.stale))
            .bind::<BigInt, _>(count(account.deleted))
            .bind::<BigInt, _>(count(account.rejected))
            .bind::<BigInt, _>(count(account.total() - account.skipped))
            .execute(connection)?;
        Ok(settled == 1)
    }

    /// The number of skipped records of each type, in all files.
    pub fn by_type(connection: &mut PgConnection) -> QueryResult<BTreeMap<String, i64>> {
        let query = "select resource_type, sum(records)::bigint as records from etl.skipped_range group by 1";
        let counts: Vec<TypeCount> = sql_query(query).load(connection)?;
        Ok(counts.into_iter().map(|count| (count.resource_type, count.records)).collect())
    }
}

impl SkippedFile {
    /// The files that have skipped records of these types, or of any, in the order
    /// in which they were read.
    pub fn list(
        connection: &mut PgConnection,
        resource_types: Option<&[String]>,
    ) -> QueryResult<Vec<SkippedFile>> {
        sql_query(format!(
            "\
select f.id as file_id, f.source_id, f.status, {STORED_FILE}, s.records,
       array(select b.base_url from {BASE_URLS} b where b.source_id = f.source_id) as base_urls
from (select r.file_id, sum(r.records)::bigint as records from etl.skipped_range r where {IS_WANTED} group by 1) s
join etl.load_file f on f.id = s.file_id
where f.status in ('loaded', 'rejected')
order by 1"
        ))
        .bind::<Nullable<Array<Text>>, _>(resource_types)
        .load(connection)
    }

    /// Its parts with skipped records of these types, in their order.
    pub fn parts(
        &self,
        connection: &mut PgConnection,
        resource_types: Option<&[String]>,
    ) -> QueryResult<Vec<SkippedPart>> {
        sql_query(format!(
            "select r.first_position as first, r.last_position as last, array_agg(r.resource_type) as resource_types \
             from etl.skipped_range r where {IS_WANTED} and r.file_id = $2 group by 1, 2 order by 1"
        ))
        .bind::<Nullable<Array<Text>>, _>(resource_types)
        .bind::<BigInt, _>(self.file_id)
        .load(connection)
    }
}

/// A condition that holds if the file `of` has skipped records of the types in the
/// array `types`; null stands for all types.
pub(super) fn has_skipped(of: &str, types: &str) -> String {
    format!(
        "exists (select from etl.skipped_range k where k.file_id = {of} \
          and ({types}::text[] is null or k.resource_type = any({types})))"
    )
}
