//! A *run*: one scan of the inbox that found files.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer};

use super::advisory_lock::{RUN_LOCK, living, lock_claims};
use super::candidates::NewFile;
use super::claim::{self, Claim};
use super::lost_file;
use super::schema::load_run;
use crate::failpoint::{self, Step};

/// A run's sessions do not wait for the disk when they commit, except once
/// before files leave the inbox: what a power failure takes is loaded again.
pub const ASYNCHRONOUS_COMMIT: &str = "set synchronous_commit = off";
/// Queries about thousands of files look expensive, because the planner has no
/// statistics of a ledger that is just being filled. They are answered by index
/// in less time than compiling them takes.
const PLANNER: &str = "set jit = off";

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// All that it found is loaded.
    Finished,
    /// Something was left, which the next run does.
    Failed,
}

impl RunStatus {
    /// Finished if nothing was left.
    pub fn of(is_all_done: bool) -> Self {
        if is_all_done { RunStatus::Finished } else { RunStatus::Failed }
    }

    /// The ledger's word for it.
    fn word(self) -> &'static str {
        match self {
            RunStatus::Finished => "finished",
            RunStatus::Failed => "failed",
        }
    }
}

/// A run. It lives as long as the connection that began it.
pub struct Run {
    /// Its number.
    pub id: i64,
    /// The resource types that it loads; `None`: all.
    pub resource_types: Option<Vec<String>>,
    pub(super) connection: PgConnection,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Runs that broke off: they were killed, or lost their database. What a run
/// does at its end is still to be done for them.
pub fn broken_off(connection: &mut PgConnection) -> QueryResult<Vec<i64>> {
    let living = living();
    let query = format!("select id from etl.load_run where finished_at is null and id not in ({living})");
    let ids: Vec<Id> = sql_query(query).load(connection)?;
    Ok(ids.into_iter().map(|Id { id }| id).collect())
}

impl Run {
    /// Begins a run for `command`, the name of a command of the program.
    pub fn begin(mut connection: PgConnection, command: &str) -> QueryResult<Run> {
        connection.batch_execute(&format!("{ASYNCHRONOUS_COMMIT}; {PLANNER}"))?;
        // In one transaction, so that nobody sees a run without its lock and takes
        // it for dead.
        let id = connection.transaction(|connection| {
            let id: i64 = diesel::insert_into(load_run::table)
                .values((
                    load_run::program_version.eq(env!("CARGO_PKG_VERSION")),
                    load_run::command.eq(command),
                ))
                .returning(load_run::id)
                .get_result(connection)?;
            sql_query("select pg_advisory_lock($1, $2)")
                .bind::<Integer, _>(RUN_LOCK)
                .bind::<Integer, _>(id as i32)
                .execute(connection)?;
            QueryResult::Ok(id)
        })?;
        failpoint::passed(Step::Begun);
        Ok(Run { id, resource_types: None, connection })
    }

    /// Claims files for this run; answers in their order.
    pub fn claim(&mut self, files: &[NewFile<'_>]) -> QueryResult<Vec<Claim>> {
        let (run_id, resource_types) = (self.id, self.resource_types.as_deref());
        self.connection.transaction(|connection| {
            lock_claims(connection)?;
            claim::claim(connection, (run_id, resource_types), files)
        })
    }

    /// Abandons files that dead runs left long ago and that are no longer in the
    /// inbox. What was committed of them stays.
    pub fn give_up_lost(&mut self, is_in_inbox: &dyn Fn(&str) -> bool) -> QueryResult<()> {
        let run_id = self.id;
        self.connection.transaction(|connection| {
            lock_claims(connection)?;
            lost_file::give_up(connection, run_id, is_in_inbox)
        })
    }

    /// Ends the run with its status and counts. It counts as broken off unless it came to
    /// its end.
    pub fn end(
        &mut self,
        status: RunStatus,
        counts: &BTreeMap<&str, u64>,
        is_at_its_end: bool,
    ) -> QueryResult<()> {
        diesel::update(load_run::table.find(self.id))
            .set((
                is_at_its_end.then(|| load_run::finished_at.eq(now)),
                load_run::status.eq(status.word()),
                load_run::counts.eq(serde_json::to_value(counts).unwrap_or_default()),
            ))
            .execute(&mut self.connection)?;
        sql_query("select pg_advisory_unlock($1, $2)")
            .bind::<Integer, _>(RUN_LOCK)
            .bind::<Integer, _>(self.id as i32)
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// Notes that what these runs had left to do is done.
    pub fn close(&mut self, broken_off: &[i64]) -> QueryResult<()> {
        let open =
            load_run::table.filter(load_run::id.eq_any(broken_off)).filter(load_run::finished_at.is_null());
        diesel::update(open)
            .set((load_run::finished_at.eq(now), load_run::status.eq(RunStatus::Failed.word())))
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// The connection of a run that has ended.
    pub fn into_connection(self) -> PgConnection {
        self.connection
    }

    /// The run's connection, for queries between files.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
