//! *Feeds as they are listed*: what an operator wants to know of each.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Json, Nullable, Text, Timestamptz};
use serde::Serialize;

use super::advisory_lock::FEED_LOCK;
use super::export_file::DIFFERS;
use super::file::as_optional_text;

/// A feed, as the ledger lists it.
#[derive(Clone, Debug, QueryableByName, Serialize)]
pub struct FeedEntry {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// What it fetches from.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The source that its files belong to.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// When it runs.
    #[diesel(sql_type = Nullable<Text>)]
    pub schedule: Option<String>,
    /// Whether a process runs it now.
    #[diesel(sql_type = Bool)]
    pub is_running: bool,
    /// When it was paused, if it is.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub paused_at: Option<DateTime<Utc>>,
    /// When its last run began.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_started_at: Option<DateTime<Utc>>,
    /// When its last successful run ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_success_at: Option<DateTime<Utc>>,
    /// Why its last run failed, if it did.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// How many runs have failed since the last successful one.
    #[diesel(sql_type = Integer)]
    pub failed_runs: i32,
    /// When a run last failed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_failure_at: Option<DateTime<Utc>>,
    /// Why that run failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_failure: Option<String>,
    /// What helps against it.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_advice: Option<String>,
    /// When somebody asked for a run that has not begun.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub requested_at: Option<DateTime<Utc>>,
    /// When it runs next by its schedule.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub next_run_at: Option<DateTime<Utc>>,
    /// How many seconds ago its last success was; or when it was first seen, if it had none.
    #[diesel(sql_type = Double)]
    pub seconds_since_success: f64,
    /// The files that it has fetched, of all runs.
    #[diesel(sql_type = BigInt)]
    pub files: i64,
    /// Their bytes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// The records that were read in them.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
    /// How often a call failed and was made again.
    #[diesel(sql_type = BigInt)]
    pub retries: i64,
    /// How many records a feed that runs continuously is behind.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub lag_records: Option<i64>,
    /// How old the oldest record is that it has not loaded.
    #[diesel(sql_type = Nullable<Double>)]
    pub lag_seconds: Option<f64>,
    /// Where the next run continues.
    #[diesel(sql_type = Nullable<Text>)]
    pub position: Option<String>,
    /// Its last export.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub export_id: Option<i64>,
    /// How far that is.
    #[diesel(sql_type = Nullable<Text>)]
    pub export_status: Option<String>,
    /// What the server last said of its progress.
    #[diesel(sql_type = Nullable<Text>)]
    pub export_progress: Option<String>,
    /// Why the last call to the server failed, if it did.
    #[diesel(sql_type = Nullable<Text>)]
    pub export_error: Option<String>,
    /// When the next call is made.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub export_retry_at: Option<DateTime<Utc>>,
    /// The files of the export.
    #[diesel(sql_type = BigInt)]
    pub export_files: i64,
    /// Those that are fetched.
    #[diesel(sql_type = BigInt)]
    pub export_files_fetched: i64,
    /// Those that are loaded.
    #[diesel(sql_type = BigInt)]
    pub export_files_loaded: i64,
    /// The bytes that were fetched.
    #[diesel(sql_type = BigInt)]
    pub export_bytes: i64,
    /// The records that were read in its files.
    #[diesel(sql_type = BigInt)]
    pub export_records: i64,
    /// The files that have another number of resources than was announced.
    #[diesel(sql_type = BigInt)]
    pub export_count_differences: i64,
    /// The OperationOutcomes that the server gave about the export.
    #[diesel(sql_type = BigInt)]
    pub export_outcomes: i64,
    /// Offsets that topics of Kafka had deleted before they were read.
    #[diesel(sql_type = BigInt)]
    pub lost_offsets: i64,
    /// Its partitions, each a JSON object.
    #[diesel(sql_type = Json)]
    pub partitions: serde_json::Value,
}

impl FeedEntry {
    /// A feed that the ledger does not have yet.
    pub fn new(name: &str, kind: &str, source: &str, schedule: Option<String>) -> Self {
        FeedEntry {
            name: name.to_owned(),
            kind: kind.to_owned(),
            source: source.to_owned(),
            schedule,
            is_running: false,
            paused_at: None,
            last_started_at: None,
            last_success_at: None,
            last_error: None,
            failed_runs: 0,
            last_failure_at: None,
            last_failure: None,
            last_advice: None,
            requested_at: None,
            next_run_at: None,
            seconds_since_success: 0.0,
            files: 0,
            bytes: 0,
            records: 0,
            retries: 0,
            lag_records: None,
            lag_seconds: None,
            position: None,
            export_id: None,
            export_status: None,
            export_progress: None,
            export_error: None,
            export_retry_at: None,
            export_files: 0,
            export_files_fetched: 0,
            export_files_loaded: 0,
            export_bytes: 0,
            export_records: 0,
            export_count_differences: 0,
            export_outcomes: 0,
            lost_offsets: 0,
            partitions: serde_json::Value::Array(Vec::new()),
        }
    }

    /// All feeds that were ever registered, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<FeedEntry>> {
        Self::find(connection, None, i64::MAX)
    }

    /// The first feeds by name, or the one of that name.
    pub fn find(connection: &mut PgConnection, name: Option<&str>, most: i64) -> QueryResult<Vec<FeedEntry>> {
        sql_query(query()).bind::<Nullable<Text>, _>(name).bind::<BigInt, _>(most).load(connection)
    }

    /// Its state in a word: `paused`, `running`, `failed` or `waiting`.
    pub fn state(&self) -> &'static str {
        match self {
            FeedEntry { paused_at: Some(_), .. } => "paused",
            FeedEntry { is_running: true, .. } => "running",
            FeedEntry { last_error: Some(_), .. } => "failed",
            _ => "waiting",
        }
    }
}

fn query() -> String {
    format!(
        "\
select f.name, f.kind, f.source, f.schedule, f.paused_at, f.last_started_at, f.last_success_at, f.last_error,
       f.failed_runs, f.last_failure_at, f.last_failure, f.last_advice,
       case when f.requested_at > coalesce(f.last_started_at, '-infinity') then f.requested_at end as requested_at,
       f.next_run_at, extract(epoch from now() - coalesce(f.last_success_at, f.registered_at))::float8
         as seconds_since_success,
       f.files, f.bytes, f.records, f.retries, coalesce(o.lag, f.lag_records) as lag_records,
       coalesce(o.lag_seconds, f.lag_seconds) as lag_seconds, f.position,
       exists (select from pg_locks l where l.locktype = 'advisory' and l.granted and l.classid::bigint = {FEED_LOCK}
                  and l.objid::bigint = hashtext(f.name)::bigint & 4294967295
                  and l.database = (select oid from pg_database where datname = current_database())) as is_running,
       j.id as export_id, j.status as export_status, j.progress as export_progress, j.last_error as export_error,
       j.retry_at as export_retry_at, e.files as export_files, e.fetched as export_files_fetched,
       e.loaded as export_files_loaded, e.bytes as export_bytes, e.records as export_records, e.differences as export_count_differences,
       e.outcomes as export_outcomes, o.lost as lost_offsets, o.partitions
  from etl.feed f
  left join lateral (select * from etl.export_job j where j.feed_id = f.id order by j.id desc limit 1) j on true
  cross join lateral (
    select count(*) as files, count(*) filter (where e.status not in ('waiting', 'landing')) as fetched,
           count(*) filter (where e.status in ('loaded', 'empty', 'kept')) as loaded,
           coalesce(sum(e.size_bytes), 0)::bigint as bytes,
           coalesce(sum(e.seen_count) filter (where e.kind <> 'outcome'), 0)::bigint as records, count(*) filter (where {DIFFERS}) as differences,
           coalesce(sum(e.seen_count) filter (where e.kind = 'outcome'), 0)::bigint as outcomes
      from etl.export_file e where e.job_id = j.id) e
  cross join lateral (
    select sum(o.lag)::bigint as lag,
           case when sum(o.lag) = 0 then 0
                else extract(epoch from now() - min(o.message_at) filter (where o.lag > 0)) end::float8 as lag_seconds,
           coalesce(sum(o.lost_offsets), 0)::bigint as lost,
           coalesce(json_agg(json_build_object(
             'topic', o.topic, 'partition', o.partition, 'next_offset', o.next_offset, 'end_offset', o.end_offset,
             'lag', o.lag, 'messages', o.messages, 'rejected', o.rejected, 'lost_offsets', o.lost_offsets,
             'lost_at', o.lost_at, 'message_at', o.message_at, 'moved_at', o.moved_at)
             order by o.topic, o.partition), '[]') as partitions
      from (select *, case when end_offset is not null then greatest(end_offset - next_offset, 0) end as lag
              from etl.feed_offset) o where o.feed_id = f.id) o
 where $1 is null or f.name = $1
 order by f.name limit $2"
    )
}
