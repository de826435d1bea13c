//! *Rejects by reason*, counted up to a bound, and the bytes of one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Timestamptz};

/// Where counting ends: a greater count is this number and one.
pub const BOUND: i64 = 10_000;

const OPEN: &str = "retried_at is null and resolved_at is null and dismissed_at is null";

/// A reason for which records are rejected and open.
#[derive(Clone, Debug, QueryableByName)]
pub struct OpenReason {
    /// The reason code.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// How many records, up to the bound and one.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
    /// The last of them.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last_id: Option<i64>,
    /// When that one was rejected.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_at: Option<DateTime<Utc>>,
    /// Its message.
    #[diesel(sql_type = Nullable<Text>)]
    pub message: Option<String>,
}

impl OpenReason {
    /// All reasons, the most frequent first.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<OpenReason>> {
        // Asked for by a range of reasons, Postgres does not search all rejects from the end.
        sql_query(format!(
            "\
with recursive reason as (
  (select reason from etl.rejected_record where {OPEN} order by reason limit 1)
  union all
  select (select n.reason from etl.rejected_record n where {OPEN} and n.reason > reason.reason order by n.reason limit 1)
    from reason where reason.reason is not null)
select reason.reason, last.id as last_id, last.created_at as last_at, last.message,
       (select count(*) from (select from etl.rejected_record n where {OPEN} and n.reason = reason.reason
                               limit {BOUND} + 1) bounded) as records
  from reason
  left join lateral (
    select n.id, n.created_at, n.message from etl.rejected_record n
     where {OPEN} and n.reason >= reason.reason and n.reason <= reason.reason
     order by n.reason desc, n.id desc limit 1) last on true
 where reason.reason is not null order by records desc, reason.reason"
        ))
        .load(connection)
    }
}

/// A reason for which records of a file were rejected.
#[derive(Clone, Debug, QueryableByName)]
pub struct FileReason {
    /// The reason code.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// How many of the file's first rejects, up to the bound, have it.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
}

impl FileReason {
    /// The reasons of a file, the most frequent first.
    pub fn list(connection: &mut PgConnection, file_id: i64) -> QueryResult<Vec<FileReason>> {
        sql_query(
            "select reason, count(*) as records \
               from (select reason from etl.rejected_record where file_id = $1 order by id limit $2) bounded \
              group by 1 order by 2 desc, 1",
        )
        .bind::<BigInt, _>(file_id)
        .bind::<BigInt, _>(BOUND)
        .load(connection)
    }
}

/// The bytes of a rejected record.
#[derive(Clone, Debug, QueryableByName)]
pub struct RawRecord {
    /// The first of them.
    #[diesel(sql_type = Nullable<Binary>)]
    pub beginning: Option<Vec<u8>>,
    /// How many are kept.
    #[diesel(sql_type = BigInt)]
    pub kept: i64,
}

impl RawRecord {
    /// The first bytes of a reject, at most `limit`.
    pub fn find(connection: &mut PgConnection, id: i64, limit: i32) -> QueryResult<Option<RawRecord>> {
        sql_query(
            "select substr(raw, 1, $2) as beginning, coalesce(octet_length(raw), 0)::bigint as kept \
               from etl.rejected_record where id = $1",
        )
        .bind::<BigInt, _>(id)
        .bind::<Integer, _>(limit)
        .get_result(connection)
        .optional()
    }
}
