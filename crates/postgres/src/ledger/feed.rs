//! *Feeds*: what fetches files from elsewhere, how far each is, and how its runs go.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use serde::Serialize;

use super::advisory_lock::FEED_LOCK;
use super::file::as_optional_text;

/// A feed as the settings declare it.
#[derive(Clone, Copy, Debug)]
pub struct NewFeed<'f> {
    /// Its name.
    pub name: &'f str,
    /// What it fetches from.
    pub kind: &'f str,
    /// The source that its files belong to.
    pub source: &'f str,
    /// Its cron expression; none if it runs only by hand.
    pub schedule: Option<&'f str>,
}

/// A feed in the ledger.
#[derive(Clone, Debug, QueryableByName)]
pub struct Feed {
    /// Its number.
    #[diesel(sql_type = Integer)]
    pub id: i32,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// When it was paused, if it is.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub paused_at: Option<DateTime<Utc>>,
    /// When its last run began.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_started_at: Option<DateTime<Utc>>,
    /// Where the next run continues.
    #[diesel(sql_type = Nullable<Text>)]
    pub position: Option<String>,
    /// What `position` belongs to.
    #[diesel(sql_type = Nullable<Text>)]
    pub request_hash: Option<String>,
}

const COLUMNS: &str = "id, name, paused_at, last_started_at, position, request_hash";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

impl Feed {
    /// Enters a feed, or what the settings say of one that is known.
    pub fn register(connection: &mut PgConnection, new: &NewFeed<'_>) -> QueryResult<Feed> {
        sql_query(format!(
            "insert into etl.feed (name, kind, source, schedule) values ($1, $2, $3, $4) \
             on conflict (name) do update set kind = $2, source = $3, schedule = $4 returning {COLUMNS}"
        ))
        .bind::<Text, _>(new.name)
        .bind::<Text, _>(new.kind)
        .bind::<Text, _>(new.source)
        .bind::<Nullable<Text>, _>(new.schedule)
        .get_result(connection)
    }

    /// Pauses the feed, or lets it run again.
    pub fn pause(connection: &mut PgConnection, id: i32, is_paused: bool) -> QueryResult<()> {
        sql_query(
            "update etl.feed set paused_at = case when $2 then coalesce(paused_at, now()) end where id = $1",
        )
        .bind::<Integer, _>(id)
        .bind::<Bool, _>(is_paused)
        .execute(connection)?;
        Ok(())
    }

    /// Whether the feed is paused.
    pub fn is_paused(connection: &mut PgConnection, id: i32) -> QueryResult<bool> {
        let paused: Option<Locked> =
            sql_query("select paused_at is not null as locked from etl.feed where id = $1")
                .bind::<Integer, _>(id)
                .get_result(connection)
                .optional()?;
        Ok(paused.is_some_and(|paused| paused.locked))
    }

    /// Forgets where the feed is: the next run begins at the beginning.
    pub fn reset(connection: &mut PgConnection, id: i32) -> QueryResult<()> {
        sql_query(
            "update etl.feed set position = null, request_hash = null, last_error = null, failed_runs = 0 \
             where id = $1",
        )
        .bind::<Integer, _>(id)
        .execute(connection)?;
        Ok(())
    }

    /// Notes that a run begins.
    pub fn begin_run(connection: &mut PgConnection, id: i32) -> QueryResult<()> {
        sql_query("update etl.feed set last_started_at = now() where id = $1")
            .bind::<Integer, _>(id)
            .execute(connection)?;
        Ok(())
    }

    /// Notes that a run has ended, and why it failed if it did.
    pub fn end_run(connection: &mut PgConnection, id: i32, error: Option<&str>) -> QueryResult<()> {
        sql_query(
            "update etl.feed set last_error = $2, \
             last_success_at = case when $2 is null then now() else last_success_at end, \
             failed_runs = case when $2 is null then 0 else failed_runs + 1 end where id = $1",
        )
        .bind::<Integer, _>(id)
        .bind::<Nullable<Text>, _>(error)
        .execute(connection)?;
        Ok(())
    }

    /// Takes the lock of that name for as long as the session lives; false if another
    /// session has it. Runs of a feed hold that of its name.
    pub fn lock(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
        let locked: Locked = sql_query("select pg_try_advisory_lock($1, hashtext($2)) as locked")
            .bind::<Integer, _>(FEED_LOCK)
            .bind::<Text, _>(name)
            .get_result(connection)?;
        Ok(locked.locked)
    }

    /// Gives the lock back.
    pub fn unlock(connection: &mut PgConnection, name: &str) -> QueryResult<()> {
        sql_query("select pg_advisory_unlock($1, hashtext($2))")
            .bind::<Integer, _>(FEED_LOCK)
            .bind::<Text, _>(name)
            .execute(connection)?;
        Ok(())
    }
}

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
    /// The files that have another number of resources than was announced.
    #[diesel(sql_type = BigInt)]
    pub export_count_differences: i64,
    /// The OperationOutcomes that the server gave about the export.
    #[diesel(sql_type = BigInt)]
    pub export_outcomes: i64,
}

/// A file whose resources are counted, and are not those that were announced.
pub(super) const DIFFERS: &str = "e.kind = 'output' and e.status in ('loaded', 'empty') and j.organized_by is null \
     and e.announced_count is not null and e.seen_count is distinct from e.announced_count";

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
            export_count_differences: 0,
            export_outcomes: 0,
        }
    }

    /// All feeds that were ever registered, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<FeedEntry>> {
        sql_query(format!(
            "\
select f.name, f.kind, f.source, f.schedule, f.paused_at, f.last_started_at, f.last_success_at, f.last_error,
       f.failed_runs, f.position,
       exists (select from pg_locks l where l.locktype = 'advisory' and l.granted and l.classid::bigint = {FEED_LOCK}
                  and l.objid::bigint = hashtext(f.name)::bigint & 4294967295
                  and l.database = (select oid from pg_database where datname = current_database())) as is_running,
       j.id as export_id, j.status as export_status, j.progress as export_progress, j.last_error as export_error,
       j.retry_at as export_retry_at, e.files as export_files, e.fetched as export_files_fetched,
       e.loaded as export_files_loaded, e.bytes as export_bytes, e.differences as export_count_differences,
       e.outcomes as export_outcomes
  from etl.feed f
  left join lateral (select * from etl.export_job j where j.feed_id = f.id order by j.id desc limit 1) j on true
  cross join lateral (
    select count(*) as files, count(*) filter (where e.status not in ('waiting', 'landing')) as fetched,
           count(*) filter (where e.status in ('loaded', 'empty', 'kept')) as loaded,
           coalesce(sum(e.size_bytes), 0)::bigint as bytes, count(*) filter (where {DIFFERS}) as differences,
           coalesce(sum(e.seen_count) filter (where e.kind = 'outcome'), 0)::bigint as outcomes
      from etl.export_file e where e.job_id = j.id) e
 order by f.name"
        ))
        .load(connection)
    }
}
