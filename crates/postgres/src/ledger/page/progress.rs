//! *Progress* of the runs of all processes, as the ledger knows it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use crate::ledger::advisory_lock::living;

/// A run whose process is alive.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct RunInProgress {
    /// The number of the run.
    #[diesel(sql_type = BigInt)]
    pub run_id: i64,
    /// The command that runs.
    #[diesel(sql_type = Text)]
    pub command: String,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// How many files it is loading.
    #[diesel(sql_type = BigInt)]
    pub files: i64,
    /// The first of these.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub file_id: Option<i64>,
    /// That file's path in the inbox.
    #[diesel(sql_type = Nullable<Text>)]
    pub path: Option<String>,
    /// How many records of these files are committed.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
}

impl RunInProgress {
    /// All of them, oldest first.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<RunInProgress>> {
        sql_query(format!(
            "\
with run as (
  select id, command, started_at from etl.load_run where id = any(array({living})) and finished_at is null),
file as (
  select f.load_run_id, f.id, f.path, b.records
    from etl.load_file f
    left join lateral (
      select sum(inserted + updated + unchanged + stale + deleted + rejected + skipped) as records
        from etl.load_batch where file_id = f.id) b on true
   where f.status = 'loading' and f.load_run_id in (select id from run))
select r.id as run_id, r.command, r.started_at, count(f.id) as files, min(f.id) as file_id,
       (array_agg(f.path order by f.id))[1] as path, coalesce(sum(f.records), 0)::bigint as records
  from run r left join file f on f.load_run_id = r.id
 group by r.id, r.command, r.started_at order by r.id",
            living = living()
        ))
        .load(connection)
    }
}
