//! *Feeds*: what fetches files from elsewhere, how far each is, and how its runs go.

use chrono::{DateTime, SubsecRound, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};

use super::advisory_lock::FEED_LOCK;
use super::schema::feed;

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
    /// When somebody last asked for a run.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub requested_at: Option<DateTime<Utc>>,
    /// When it runs next, as the ledger has it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_run_at: Option<DateTime<Utc>>,
    /// Where the next run continues.
    #[diesel(sql_type = Nullable<Text>)]
    pub position: Option<String>,
    /// What `position` belongs to.
    #[diesel(sql_type = Nullable<Text>)]
    pub request_hash: Option<String>,
}

const COLUMNS: &str =
    "id, name, paused_at, last_started_at, requested_at, next_run_at, position, request_hash";

/// Why a run failed, for those who operate it.
#[derive(Clone, Debug)]
pub struct FeedFailure {
    /// The reason.
    pub reason: String,
    /// What helps against it.
    pub advice: String,
}

/// What a feed has fetched more than before.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedAmounts {
    /// Files.
    pub files: i64,
    /// Bytes.
    pub bytes: i64,
    /// Records that were read.
    pub records: i64,
    /// Calls or connections that failed and were tried again.
    pub retries: i64,
}

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

    /// The same for the feed of that name, if there is one.
    pub fn pause_by_name(connection: &mut PgConnection, name: &str, is_paused: bool) -> QueryResult<()> {
        sql_query(
            "update etl.feed set paused_at = case when $2 then coalesce(paused_at, now()) end where name = $1",
        )
        .bind::<Text, _>(name)
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
    pub fn end_run(connection: &mut PgConnection, id: i32, failure: Option<&FeedFailure>) -> QueryResult<()> {
        sql_query(
            "update etl.feed set last_error = $2, \
             last_success_at = case when $2 is null then now() else last_success_at end, \
             failed_runs = case when $2 is null then 0 else failed_runs + 1 end, \
             last_failure_at = case when $2 is null then last_failure_at else now() end, \
             last_failure = coalesce($2, last_failure), \
             last_advice = case when $2 is null then last_advice else $3 end where id = $1",
        )
        .bind::<Integer, _>(id)
        .bind::<Nullable<Text>, _>(failure.map(|failure| failure.reason.as_str()))
        .bind::<Nullable<Text>, _>(failure.map(|failure| failure.advice.as_str()))
        .execute(connection)?;
        Ok(())
    }

    /// Asks for a run as soon as possible; false if there is no such feed, or it is paused.
    pub fn request(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
        let found =
            sql_query("update etl.feed set requested_at = now() where name = $1 and paused_at is null")
                .bind::<Text, _>(name)
                .execute(connection)?;
        Ok(found > 0)
    }

    /// Whether somebody has asked for a run since the last one began.
    pub fn is_requested(&self) -> bool {
        self.requested_at.is_some_and(|at| self.last_started_at.is_none_or(|started| at > started))
    }

    /// Notes when it runs next; does nothing if the ledger knows.
    pub fn note_next_run(&self, connection: &mut PgConnection, at: Option<DateTime<Utc>>) -> QueryResult<()> {
        let at = at.map(|at| at.trunc_subsecs(0));
        if self.next_run_at == at {
            return Ok(());
        }
        sql_query("update etl.feed set next_run_at = $2 where id = $1")
            .bind::<Integer, _>(self.id)
            .bind::<Nullable<Timestamptz>, _>(at)
            .execute(connection)?;
        Ok(())
    }

    /// Adds to what the feed has fetched. Exports count by their files.
    pub fn add(connection: &mut PgConnection, id: i32, more: FeedAmounts) -> QueryResult<()> {
        sql_query(
            "update etl.feed set files = files + $2, bytes = bytes + $3, records = records + $4, \
             retries = retries + $5 where id = $1",
        )
        .bind::<Integer, _>(id)
        .bind::<BigInt, _>(more.files)
        .bind::<BigInt, _>(more.bytes)
        .bind::<BigInt, _>(more.records)
        .bind::<BigInt, _>(more.retries)
        .execute(connection)?;
        Ok(())
    }

    /// Notes how far a feed that runs continuously is behind, as far as that is known.
    pub fn note_lag(
        connection: &mut PgConnection,
        id: i32,
        records: Option<i64>,
        seconds: Option<f64>,
    ) -> QueryResult<()> {
        sql_query("update etl.feed set lag_records = $2, lag_seconds = $3 where id = $1")
            .bind::<Integer, _>(id)
            .bind::<Nullable<BigInt>, _>(records)
            .bind::<Nullable<Double>, _>(seconds)
            .execute(connection)?;
        Ok(())
    }

    /// The number of the feed of that name, if it was ever registered.
    pub fn id_of(connection: &mut PgConnection, name: &str) -> QueryResult<Option<i32>> {
        feed::table.filter(feed::name.eq(name)).select(feed::id).get_result(connection).optional()
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

    /// As [`Feed::lock`], but beside others that take it in this way.
    pub fn lock_shared(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
        let locked: Locked = sql_query("select pg_try_advisory_lock_shared($1, hashtext($2)) as locked")
            .bind::<Integer, _>(FEED_LOCK)
            .bind::<Text, _>(name)
            .get_result(connection)?;
        Ok(locked.locked)
    }

    /// Notes that a feed that runs without an end works.
    pub fn note_success(connection: &mut PgConnection, id: i32) -> QueryResult<()> {
        sql_query(
            "update etl.feed set last_error = null, last_success_at = now(), failed_runs = 0 where id = $1",
        )
        .bind::<Integer, _>(id)
        .execute(connection)?;
        Ok(())
    }

    /// Notes what keeps a feed from working that runs without an end.
    pub fn note_trouble(connection: &mut PgConnection, id: i32, error: &str) -> QueryResult<()> {
        sql_query(
            "update etl.feed set last_error = $2, last_failure = $2, last_failure_at = now(), last_advice = \
               'It tries again by itself. If that does not help, see whether the brokers are up and can be ' || \
               'reached from here: `fhirmill feeds test ' || name || '`.' \
             where id = $1 and last_error is distinct from $2",
        )
            .bind::<Integer, _>(id)
            .bind::<Text, _>(error)
            .execute(connection)?;
        Ok(())
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
