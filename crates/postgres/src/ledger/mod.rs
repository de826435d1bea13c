//! The *ledger* says what became of every file: which run has it, how far it
//! is, and its account. A file is claimed here before it is read, so that two
//! processes never load one file, and a dead one's files are taken over.

mod account;
mod batch;
mod claim;
mod reject;

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

use crate::failpoint::{self, Step};
pub use account::Account;
pub use batch::{BatchClaim, BatchPart, UnmappedElement};
pub use claim::{Claim, ClaimedFile, NewFile};
pub use reject::NewReject;

/// The first of the two numbers of the advisory lock that a live run holds.
const RUN_LOCK: i32 = 7_303_014;
/// Held for the moment in which a file is claimed.
const CLAIM_LOCK: i64 = 7_303_015;

/// A run's sessions do not wait for the disk when they commit, but for once
/// before files leave the inbox: what is lost in a power failure is loaded again.
pub const COMMIT_AT_EASE: &str = "set synchronous_commit = off";
/// Questions about thousands of files look costly, since the planner knows
/// little of a ledger that is just being filled; they are answered by index,
/// sooner than they would be compiled.
const PLANNER: &str = "set jit = off";
/// That once: as the server is set, which may be to wait for standbys too, and
/// for the disk at least.
const COMMIT_FOR_GOOD: &str = "\
select set_config('synchronous_commit', case reset_val when 'off' then 'on' else reset_val end, true)
from pg_settings where name = 'synchronous_commit'";

/// A run: one look at the inbox that found files. It lives as long as the
/// connection does that began it.
pub struct Run {
    pub id: i64,
    connection: PgConnection,
}

/// A file that was read to its end, as far as it could be, and whose records
/// are all committed.
#[derive(Clone, Debug)]
pub struct ReadFile<'f> {
    pub id: i64,
    /// The records that the reader counted.
    pub seen: u64,
    /// What the file was found to be.
    pub form: &'f str,
    /// Why it could not be read to its end.
    pub error: Option<&'f str>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    Loaded,
    /// It could not be read to its end, or nothing of it could be used.
    Rejected,
    /// Its account does not add up.
    Failed,
}

/// A reason for which records of a file were rejected.
#[derive(QueryableByName)]
pub struct RejectReason {
    #[diesel(sql_type = BigInt)]
    pub records: i64,
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// The place and the message of the first.
    #[diesel(sql_type = Text)]
    pub example: String,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Finished {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(embed)]
    counts: Counts,
}

/// The columns of an account.
#[derive(QueryableByName, Serialize)]
pub struct Counts {
    #[diesel(sql_type = BigInt)]
    pub inserted: i64,
    #[diesel(sql_type = BigInt)]
    pub updated: i64,
    #[diesel(sql_type = BigInt)]
    pub unchanged: i64,
    #[diesel(sql_type = BigInt)]
    pub stale: i64,
    #[diesel(sql_type = BigInt)]
    pub deleted: i64,
    #[diesel(sql_type = BigInt)]
    pub rejected: i64,
    #[diesel(sql_type = BigInt)]
    pub skipped: i64,
}

impl From<Counts> for Account {
    fn from(counts: Counts) -> Self {
        Account {
            inserted: counts.inserted as u64,
            updated: counts.updated as u64,
            unchanged: counts.unchanged as u64,
            stale: counts.stale as u64,
            deleted: counts.deleted as u64,
            rejected: counts.rejected as u64,
            skipped: counts.skipped as u64,
        }
    }
}

/// The verdict over files: `seen` was counted by the reader, the rest by the
/// batches, so that they can differ.
const FINISH: &str = "\
with part as (
  select file_id, sum(inserted) as inserted, sum(updated) as updated, sum(unchanged) as unchanged,
         sum(stale) as stale, sum(deleted) as deleted, sum(rejected) as rejected, sum(skipped) as skipped
    from etl.load_batch where file_id = any($2) group by 1),
account as (
  select a.id, a.seen, a.form, a.error,
         coalesce(p.inserted, 0) as inserted, coalesce(p.updated, 0) as updated,
         coalesce(p.unchanged, 0) as unchanged, coalesce(p.stale, 0) as stale, coalesce(p.deleted, 0) as deleted,
         coalesce(p.rejected, 0) as rejected, coalesce(p.skipped, 0) as skipped
    from unnest($2, $3, $4, $5) as a (id, seen, form, error)
    left join part p on p.file_id = a.id)
update etl.load_file f set
  status = case
    when a.seen <> a.inserted + a.updated + a.unchanged + a.stale + a.deleted + a.rejected + a.skipped then 'failed'
    when a.error is not null or (a.seen > 0 and a.rejected = a.seen) then 'rejected'
    else 'loaded' end,
  finished_at = now(), form = a.form, seen = a.seen, inserted = a.inserted, updated = a.updated,
  unchanged = a.unchanged, stale = a.stale, deleted = a.deleted, rejected = a.rejected, skipped = a.skipped,
  error = a.error
from account a
where f.id = a.id and f.load_run_id = $1
returning f.id, f.status, f.inserted, f.updated, f.unchanged, f.stale, f.deleted, f.rejected, f.skipped";

/// A query for the runs that live, by the locks that they hold.
fn living() -> String {
    format!(
        "\
select l.objid::bigint from pg_locks l
 where l.locktype = 'advisory' and l.granted and l.classid::bigint = {RUN_LOCK}
   and l.database = (select oid from pg_database where datname = current_database())"
    )
}

/// Runs that broke off: killed, or without their database. What a run does at
/// its end is still to be done for them.
pub fn broken_off(connection: &mut PgConnection) -> Result<Vec<i64>, diesel::result::Error> {
    let living = living();
    let query = format!("select id from etl.load_run where finished_at is null and id not in ({living})");
    let ids: Vec<Id> = sql_query(query).load(connection)?;
    Ok(ids.into_iter().map(|Id { id }| id).collect())
}

fn lock_claims(connection: &mut PgConnection) -> Result<(), diesel::result::Error> {
    sql_query("select pg_advisory_xact_lock($1)").bind::<BigInt, _>(CLAIM_LOCK).execute(connection)?;
    Ok(())
}

impl Run {
    /// Notes that what those runs left to be done is done.
    pub fn close(&mut self, broken_off: &[i64]) -> Result<(), diesel::result::Error> {
        sql_query(
            "update etl.load_run set finished_at = now(), status = 'failed' \
             where id = any($1) and finished_at is null",
        )
        .bind::<Array<BigInt>, _>(broken_off)
        .execute(&mut self.connection)?;
        Ok(())
    }

    /// Begins a run.
    pub fn begin(mut connection: PgConnection, command: &str) -> Result<Run, diesel::result::Error> {
        connection.batch_execute(&format!("{COMMIT_AT_EASE}; {PLANNER}"))?;
        // Nobody sees a run that has no lock, and takes it for dead.
        let id = connection.transaction(|connection| {
            let Id { id } =
                sql_query("insert into etl.load_run (program_version, command) values ($1, $2) returning id")
                    .bind::<Text, _>(env!("CARGO_PKG_VERSION"))
                    .bind::<Text, _>(command)
                    .get_result(connection)?;
            sql_query("select pg_advisory_lock($1, $2)")
                .bind::<Integer, _>(RUN_LOCK)
                .bind::<Integer, _>(id as i32)
                .execute(connection)?;
            Ok::<_, diesel::result::Error>(id)
        })?;
        failpoint::passed(Step::Begun);
        Ok(Run { id, connection })
    }

    /// Gives up files that dead runs left long ago and that are in the inbox
    /// no more. What was committed of them stays.
    pub fn give_up_lost(&mut self, is_in_inbox: &dyn Fn(&str) -> bool) -> Result<(), diesel::result::Error> {
        let run_id = self.id;
        self.connection.transaction(|connection| {
            lock_claims(connection)?;
            claim::give_up_lost(connection, run_id, is_in_inbox)
        })
    }

    /// Asks for files; answers in their order.
    pub fn claim(&mut self, files: &[NewFile<'_>]) -> Result<Vec<Claim>, diesel::result::Error> {
        let run_id = self.id;
        self.connection.transaction(|connection| {
            lock_claims(connection)?;
            claim::claim(connection, run_id, files)
        })
    }

    /// Ends the accounts of files; gives the status and the account of each,
    /// `None` where the file is another process' by now.
    pub fn finish(
        &mut self,
        files: &[ReadFile<'_>],
    ) -> Result<Vec<Option<(FileStatus, Account)>>, diesel::result::Error> {
        let run_id = self.id;
        let ids: Vec<i64> = files.iter().map(|file| file.id).collect();
        let finished: Vec<Finished> = self.connection.transaction(|connection| {
            let finished: Vec<Finished> = sql_query(FINISH)
                .bind::<BigInt, _>(run_id)
                .bind::<Array<BigInt>, _>(&ids)
                .bind::<Array<BigInt>, _>(files.iter().map(|file| file.seen as i64).collect::<Vec<_>>())
                .bind::<Array<Text>, _>(files.iter().map(|file| file.form).collect::<Vec<_>>())
                .bind::<Array<Nullable<Text>>, _>(files.iter().map(|file| file.error).collect::<Vec<_>>())
                .load(connection)?;
            // The parts of a failed file are kept: they show where it went wrong.
            let done: Vec<i64> =
                finished.iter().filter(|file| file.status != "failed").map(|file| file.id).collect();
            sql_query("delete from etl.load_batch where file_id = any($1)")
                .bind::<Array<BigInt>, _>(&done)
                .execute(connection)?;
            Ok::<_, diesel::result::Error>(finished)
        })?;
        let mut by_id: BTreeMap<i64, (FileStatus, Account)> = finished
            .into_iter()
            .map(|file| {
                let status = match file.status.as_str() {
                    "loaded" => FileStatus::Loaded,
                    "rejected" => FileStatus::Rejected,
                    _ => FileStatus::Failed,
                };
                (file.id, (status, file.counts.into()))
            })
            .collect();
        Ok(ids.iter().map(|id| by_id.remove(id)).collect())
    }

    /// Why most records of a file were rejected.
    pub fn reject_reasons(&mut self, file_id: i64) -> Result<Vec<RejectReason>, diesel::result::Error> {
        sql_query(
            "select count(*) as records, reason, (array_agg(location || ': ' || message order by id))[1] as example \
             from etl.rejected_record where file_id = $1 group by reason order by 1 desc limit 5",
        )
        .bind::<BigInt, _>(file_id)
        .load(&mut self.connection)
    }

    /// Notes where files will lie. When this returns, it and all that was
    /// committed before, the rows of the files included, outlive a power
    /// failure: they may leave the inbox.
    pub fn note_places(&mut self, places: &[(i64, String)]) -> Result<(), diesel::result::Error> {
        let (ids, paths): (Vec<i64>, Vec<&str>) =
            places.iter().map(|(id, path)| (*id, path.as_str())).unzip();
        self.connection.transaction(|connection| {
            connection.batch_execute(COMMIT_FOR_GOOD)?;
            sql_query(
                "update etl.load_file f set archive_path = m.path from unnest($1, $2) as m (id, path) where f.id = m.id",
            )
            .bind::<Array<BigInt>, _>(ids)
            .bind::<Array<Text>, _>(paths)
            .execute(connection)
        })?;
        failpoint::passed(Step::Noted);
        Ok(())
    }

    /// Ends the run with its counts. It counts as broken off unless it came
    /// to its end.
    pub fn end(
        &mut self,
        status: &str,
        counts: &BTreeMap<&str, u64>,
        is_at_its_end: bool,
    ) -> Result<(), diesel::result::Error> {
        let counts = serde_json::to_value(counts).unwrap_or_default();
        sql_query(
            "update etl.load_run set finished_at = case when $4 then now() end, status = $2, counts = $3 where id = $1",
        )
            .bind::<BigInt, _>(self.id)
            .bind::<Text, _>(status)
            .bind::<Jsonb, _>(counts)
            .bind::<Bool, _>(is_at_its_end)
            .execute(&mut self.connection)?;
        sql_query("select pg_advisory_unlock($1, $2)")
            .bind::<Integer, _>(RUN_LOCK)
            .bind::<Integer, _>(self.id as i32)
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// The connection, for questions between files.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
