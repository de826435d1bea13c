//! *Runs* as the ledger lists them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Double, Jsonb, Nullable, Text, Timestamptz};
use serde::Serialize;

use super::Account;
use super::advisory_lock::living;
use super::schema::load_run;

/// Which runs are listed, or which files by the same properties.
#[derive(Clone, Copy, Debug)]
pub struct RunFilter<'f> {
    /// Only those with one of these statuses; all if there is none.
    pub statuses: &'f [String],
    /// Only those begun then or later.
    pub since: Option<DateTime<Utc>>,
    /// Only those begun before then.
    pub until: Option<DateTime<Utc>>,
    /// Only those with smaller numbers.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// A run. Times are in UTC.
#[derive(Debug, Serialize)]
pub struct RunEntry {
    /// Its number.
    pub id: i64,
    /// The command that ran: `run`, `once` or `retry`.
    pub command: String,
    /// `running`, `finished` or `failed`.
    pub status: String,
    /// When it began.
    pub started_at: String,
    /// When it ended, unless it is running or broke off.
    pub finished_at: Option<String>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// Whether its process is gone and it never came to its end.
    pub is_broken_off: bool,
    /// The version of fhirmill.
    pub program_version: String,
    /// The senders of its files.
    pub sources: Vec<String>,
    /// The number of its files by status. A file that a later run took over is that
    /// run's.
    pub file_counts: BTreeMap<String, i64>,
    /// The number of records rejected in its files, by reason.
    pub rejected_by_reason: BTreeMap<String, i64>,
    /// Its account and other counts, once it has ended.
    pub counts: BTreeMap<String, i64>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    command: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    started: String,
    #[diesel(sql_type = Nullable<Text>)]
    finished: Option<String>,
    #[diesel(sql_type = Nullable<Double>)]
    seconds: Option<f64>,
    #[diesel(sql_type = Bool)]
    is_broken_off: bool,
    #[diesel(sql_type = Text)]
    program_version: String,
    #[diesel(sql_type = Array<Text>)]
    sources: Vec<String>,
    #[diesel(sql_type = Jsonb)]
    file_counts: serde_json::Value,
    #[diesel(sql_type = Jsonb)]
    reasons: serde_json::Value,
    #[diesel(sql_type = Jsonb)]
    counts: serde_json::Value,
}

impl RunEntry {
    /// The runs that the filter selects, newest first.
    pub fn list(connection: &mut PgConnection, filter: &RunFilter<'_>) -> QueryResult<Vec<RunEntry>> {
        Self::select(connection, None, filter)
    }

    /// The run of that number.
    pub fn of(connection: &mut PgConnection, id: i64) -> QueryResult<RunEntry> {
        let all = RunFilter { statuses: &[], since: None, until: None, before: None, limit: 1 };
        Self::select(connection, Some(id), &all)?.pop().ok_or(diesel::NotFound)
    }

    fn select(
        connection: &mut PgConnection,
        id: Option<i64>,
        filter: &RunFilter<'_>,
    ) -> QueryResult<Vec<RunEntry>> {
        let rows: Vec<Row> = sql_query(query())
            .bind::<Nullable<BigInt>, _>(id)
            .bind::<Array<Text>, _>(filter.statuses)
            .bind::<Nullable<Timestamptz>, _>(filter.since)
            .bind::<Nullable<Timestamptz>, _>(filter.until)
            .bind::<BigInt, _>(filter.limit)
            .bind::<Nullable<BigInt>, _>(filter.before)
            .load(connection)?;
        Ok(rows.into_iter().map(RunEntry::from).collect())
    }

    /// One of its counts.
    pub fn count(&self, name: &str) -> Option<i64> {
        self.counts.get(name).copied()
    }

    /// What became of its records, once it has ended.
    pub fn account(&self) -> Option<Account> {
        Account::of_counts(&self.counts)
    }
}

impl From<Row> for RunEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            command: row.command,
            status: row.status,
            started_at: row.started,
            finished_at: row.finished,
            seconds: row.seconds,
            is_broken_off: row.is_broken_off,
            program_version: row.program_version,
            sources: row.sources,
            file_counts: numbers(&row.file_counts),
            rejected_by_reason: numbers(&row.reasons),
            counts: numbers(&row.counts),
        }
    }
}

/// The members of an object that are whole numbers.
pub(super) fn numbers(object: &serde_json::Value) -> BTreeMap<String, i64> {
    let members = object.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_i64()?))).collect()
}

/// Runs are chosen first, and only theirs are the files that are counted.
fn query() -> String {
    let living = living();
    format!(
        "\
with run as (
  select * from etl.load_run
   where ($1 is null or id = $1) and (cardinality($2) = 0 or status = any($2))
     and ($3 is null or started_at >= $3) and ($4 is null or started_at < $4)
     and ($6 is null or id < $6)
   order by id desc limit $5),
file as (select f.load_run_id, f.id, f.status, s.code
  from etl.load_file f join etl.source s on s.id = f.source_id
 where f.load_run_id in (select id from run)),
status as (select load_run_id, status, count(*) as files from file group by 1, 2),
reason as (select f.load_run_id, r.reason, count(*) as records
  from file f join etl.rejected_record r on r.file_id = f.id group by 1, 2)
select r.id, r.command, r.status, r.program_version,
       to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as started,
       to_char(r.finished_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as finished,
       extract(epoch from r.finished_at - r.started_at)::float8 as seconds,
       r.finished_at is null and r.id not in ({living}) as is_broken_off,
       array(select distinct code from file where load_run_id = r.id order by 1) as sources,
       coalesce((select jsonb_object_agg(status, files) from status where load_run_id = r.id), '{{}}') as file_counts,
       coalesce((select jsonb_object_agg(reason, records) from reason where load_run_id = r.id), '{{}}') as reasons,
       coalesce(r.counts, '{{}}') as counts
  from run r order by r.id desc"
    )
}

/// Whether the ledger has a run of that number.
pub fn has_run(connection: &mut PgConnection, id: i64) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(load_run::table.find(id))).get_result(connection)
}
