//! *Snapshots*: pictures of the tables that are written as files, how far each is, and how
//! the last of each target went.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use serde::Serialize;
use uuid::Uuid;

use super::advisory_lock::{SNAPSHOT_LOCK, SNAPSHOT_TARGET_LOCK};
use super::file::as_optional_text;

/// For how long snapshots that are not there any more are listed.
const KEPT: &str = "90 days";

/// A snapshot that begins.
#[derive(Clone, Copy, Debug)]
pub struct NewSnapshot<'s> {
    /// The name that the settings file has for it; none if it is made by hand.
    pub name: Option<&'s str>,
    /// The folder that holds the snapshots.
    pub target: &'s str,
    /// The format of its files.
    pub format: &'s str,
}

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotProgress {
    /// How many tables and views it has.
    pub tables: u64,
    /// How many of these are written.
    pub done: u64,
    /// How many of these share the files of the snapshot before.
    pub reused: u64,
    /// The rows of those that are written.
    pub rows: u64,
    /// The bytes of their files.
    pub bytes: u64,
}

/// A snapshot in progress. It lives as long as the connection that began it.
pub struct SnapshotRun {
    id: i64,
    connection: PgConnection,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// A query for the snapshots that are alive, by the locks that they hold.
fn living() -> String {
    super::advisory_lock::holders(SNAPSHOT_LOCK)
}

impl SnapshotRun {
    /// Enters a snapshot that begins, and forgets those that were removed long ago. None if
    /// another process writes to the target.
    pub fn begin(mut connection: PgConnection, new: &NewSnapshot<'_>) -> QueryResult<Option<SnapshotRun>> {
        let target: Is = sql_query("select pg_try_advisory_lock($1, hashtext($2)) as yes")
            .bind::<Integer, _>(SNAPSHOT_TARGET_LOCK)
            .bind::<Text, _>(new.target)
            .get_result(&mut connection)?;
        if !target.yes {
            return Ok(None);
        }
        sql_query(format!(
            "delete from etl.snapshot where coalesce(removed_at, ended_at, beat_at) < now() - interval '{KEPT}' \
             and (removed_at is not null or state <> 'complete') and id not in ({})",
            living()
        ))
        .execute(&mut connection)?;
        let id = connection.transaction(|connection| {
            let Id { id } = sql_query(
                "insert into etl.snapshot (name, target, format, program_version) values ($1, $2, $3, $4) returning id",
            )
            .bind::<Nullable<Text>, _>(new.name)
            .bind::<Text, _>(new.target)
            .bind::<Text, _>(new.format)
            .bind::<Text, _>(env!("CARGO_PKG_VERSION"))
            .get_result(connection)?;
            sql_query("select pg_advisory_lock($1, $2)")
                .bind::<Integer, _>(SNAPSHOT_LOCK)
                .bind::<Integer, _>(id as i32)
                .execute(connection)?;
            QueryResult::Ok(id)
        })?;
        Ok(Some(SnapshotRun { id, connection }))
    }

    /// Ends the queries of these processes of the server.
    pub fn cancel(&mut self, backends: &[i32]) -> QueryResult<()> {
        sql_query("select pg_cancel_backend(id) from unnest($1) as id")
            .bind::<Array<Integer>, _>(backends)
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// Its number.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Notes that its picture is taken, and which token its manifest will have. From now on
    /// all that the picture shows is on the server's disk.
    pub fn taken(&mut self, folder: &str, token: Uuid, at: DateTime<Utc>) -> QueryResult<()> {
        self.connection.transaction(|connection| {
            sql_query("set local synchronous_commit = on").execute(connection)?;
            sql_query("update etl.snapshot set folder = $2, token = $3, taken_at = $4, beat_at = now() where id = $1")
                .bind::<BigInt, _>(self.id)
                .bind::<Text, _>(folder)
                .bind::<diesel::sql_types::Uuid, _>(token)
                .bind::<Timestamptz, _>(at)
                .execute(connection)?;
            Ok(())
        })
    }

    /// Tells that it is alive, and how far it is.
    pub fn beat(&mut self, progress: &SnapshotProgress) -> QueryResult<()> {
        self.write(progress, "beat_at = now()", None)
    }

    /// Notes that it is complete.
    pub fn complete(&mut self, progress: &SnapshotProgress) -> QueryResult<()> {
        self.write(progress, "state = 'complete', ended_at = now(), beat_at = now()", None)
    }

    /// Notes that it has failed, and why.
    pub fn fail(&mut self, progress: &SnapshotProgress, error: &str) -> QueryResult<()> {
        self.write(progress, "state = 'failed', ended_at = now(), beat_at = now()", Some(error))
    }

    /// Notes that the files of snapshots were removed from the target.
    pub fn removed(&mut self, target: &str, folder: &str) -> QueryResult<()> {
        sql_query(
            "update etl.snapshot set removed_at = now() where target = $1 and folder = $2 and removed_at is null",
        )
        .bind::<Text, _>(target)
        .bind::<Text, _>(folder)
        .execute(&mut self.connection)?;
        Ok(())
    }

    /// Notes that a snapshot whose process was killed had written its manifest before.
    pub fn was_complete(&mut self, token: Uuid) -> QueryResult<()> {
        sql_query(format!(
            "update etl.snapshot set state = 'complete', ended_at = beat_at, error = null \
              where token = $1 and state <> 'complete' and id not in ({})",
            living()
        ))
        .bind::<diesel::sql_types::Uuid, _>(token)
        .execute(&mut self.connection)?;
        Ok(())
    }

    /// Whether this database has taken the picture of the snapshot with that token, and
    /// was not set back behind it.
    pub fn knows(&mut self, token: Uuid) -> QueryResult<bool> {
        let known: Is = sql_query("select exists (select from etl.snapshot where token = $1) as yes")
            .bind::<diesel::sql_types::Uuid, _>(token)
            .get_result(&mut self.connection)?;
        Ok(known.yes)
    }

    fn write(&mut self, progress: &SnapshotProgress, more: &str, error: Option<&str>) -> QueryResult<()> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        sql_query(format!(
            "update etl.snapshot set tables = $2, tables_done = $3, tables_reused = $4, rows = $5, bytes = $6, \
             error = $7, {more} where id = $1"
        ))
        .bind::<BigInt, _>(self.id)
        .bind::<Integer, _>(number(progress.tables) as i32)
        .bind::<Integer, _>(number(progress.done) as i32)
        .bind::<Integer, _>(number(progress.reused) as i32)
        .bind::<BigInt, _>(number(progress.rows))
        .bind::<BigInt, _>(number(progress.bytes))
        .bind::<Nullable<Text>, _>(error)
        .execute(&mut self.connection)?;
        Ok(())
    }
}

/// How the snapshots of one name went, for whoever decides when the next one is due.
#[derive(Clone, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct SnapshotRecord {
    /// When the last one began.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_started_at: Option<DateTime<Utc>>,
    /// When the last one failed or broke off; none if it was complete.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_failed_at: Option<DateTime<Utc>>,
    /// How many have failed since the last complete one.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Whether one is being written.
    #[diesel(sql_type = Bool)]
    pub is_running: bool,
}

impl SnapshotRecord {
    /// Of the snapshots of that name.
    pub fn of(connection: &mut PgConnection, name: &str) -> QueryResult<SnapshotRecord> {
        sql_query(format!(
            "\
with own as (select s.*, s.id in ({living}) as is_alive from etl.snapshot s where s.name = $1),
     last as (select * from own order by id desc limit 1)
select (select started_at from last) as last_started_at,
       (select coalesce(ended_at, beat_at) from last where state <> 'complete' and not is_alive) as last_failed_at,
       (select count(*) from own where not is_alive
           and id > coalesce((select max(id) from own where state = 'complete'), 0)) as failed,
       coalesce((select is_alive from last), false) as is_running",
            living = living()
        ))
        .bind::<Text, _>(name)
        .get_result(connection)
    }
}

/// A snapshot, as the ledger lists it.
#[derive(Clone, Debug, QueryableByName, Serialize)]
pub struct SnapshotEntry {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The name that the settings file has for it; none if it was made by hand.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// The folder that holds the snapshots.
    #[diesel(sql_type = Text)]
    pub target: String,
    /// The name of its folder in there.
    #[diesel(sql_type = Nullable<Text>)]
    pub folder: Option<String>,
    /// The format of its files.
    #[diesel(sql_type = Text)]
    pub format: String,
    /// `running`, `complete`, `failed` or `broken off`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// When it began.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub started_at: Option<DateTime<Utc>>,
    /// When its process last told how far it is.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub beat_at: Option<DateTime<Utc>>,
    /// The time of the picture.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub taken_at: Option<DateTime<Utc>>,
    /// When it was complete or had failed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub ended_at: Option<DateTime<Utc>>,
    /// When its files were removed to keep only newer ones.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub removed_at: Option<DateTime<Utc>>,
    /// How many tables and views it has.
    #[diesel(sql_type = Integer)]
    pub tables: i32,
    /// How many of these are written.
    #[diesel(sql_type = Integer)]
    pub tables_done: i32,
    /// How many of these share the files of the snapshot before.
    #[diesel(sql_type = Integer)]
    pub tables_reused: i32,
    /// The rows of those that are written.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// The bytes of their files.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// When the last complete one of the same name and target was taken.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_success_at: Option<DateTime<Utc>>,
    /// How many of the same name and target have failed since the last complete one.
    #[diesel(sql_type = BigInt)]
    pub failed_runs: i64,
}

fn entries(condition: &str) -> String {
    format!(
        "\
select s.id, s.name, s.target, s.folder, s.format, s.started_at, s.beat_at, s.taken_at, s.ended_at, s.removed_at,
       case when s.state = 'running' and s.id not in ({living}) then 'broken off' else s.state end as state,
       s.tables, s.tables_done, s.tables_reused, s.rows, s.bytes, s.error, l.last_success_at,
       (select count(*) from etl.snapshot f
         where f.name is not distinct from s.name and f.target = s.target and f.state <> 'complete'
           and f.id > coalesce(l.last_id, 0) and f.id not in ({living})) as failed_runs
  from etl.snapshot s
 cross join lateral (
   select max(c.taken_at) as last_success_at, max(c.id) as last_id from etl.snapshot c
    where c.name is not distinct from s.name and c.target = s.target and c.state = 'complete') l
 where {condition} order by s.id desc",
        living = living()
    )
}

impl SnapshotEntry {
    /// All snapshots, newest first.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<SnapshotEntry>> {
        sql_query(entries("true")).load(connection)
    }

    /// The last one of each name and target, newest first.
    pub fn last(connection: &mut PgConnection) -> QueryResult<Vec<SnapshotEntry>> {
        sql_query(entries("s.id in (select max(id) from etl.snapshot group by name, target)"))
            .load(connection)
    }
}
