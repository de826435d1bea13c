//! Building the secondary indexes: those that are missing, after a run, over
//! several connections. One index is one statement: a process that dies leaves
//! nothing half built, and the next one goes on, whether or not it finds files.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::report::{RunProgress, Unit, in_one_line};
use fhirmill_core::model::{Index, indexes, tables};
use fhirmill_postgres::database::{Database, DatabaseError};
use fhirmill_postgres::failpoint::{self, Step};

/// What loading itself looks up.
const REGISTRY: [&str; 2] = ["etl.resource_key", "etl.resource_version"];

/// Held by the process that builds.
const BUILD_LOCK: i64 = 7_303_016;

/// Sorting in memory is faster, and the sessions are few. An index that a
/// power failure takes is built again: nobody need wait for the disk.
const SESSION: &str = "set maintenance_work_mem = '256MB'; set synchronous_commit = off";

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// How an attempt to build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Building {
    /// So many were built.
    Done(u64),
    /// Another process is at it.
    Elsewhere,
}

#[derive(QueryableByName)]
struct Filled {
    #[diesel(sql_type = Bool)]
    is_filled: bool,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    is_locked: bool,
}

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    id: i32,
}

fn failed(action: &'static str) -> impl Fn(diesel::result::Error) -> DatabaseError {
    move |source| DatabaseError::Query { action, source }
}

/// The secondary indexes that the database does not have.
pub fn missing(connection: &mut PgConnection) -> Result<Vec<Index>, DatabaseError> {
    let there: Vec<Name> = sql_query(
        "select relname::text as name from pg_class where relkind = 'i' and relnamespace = 'public'::regnamespace",
    )
    .load(connection)
    .map_err(failed("list the indexes"))?;
    let there: BTreeSet<String> = there.into_iter().map(|index| index.name).collect();
    Ok(indexes().into_iter().filter(|index| !there.contains(&index.name)).collect())
}

/// Builds what is missing at the end of a command that loads; gives the number
/// of indexes built. It costs one query of the catalog where nothing is
/// missing. Empty tables are left without, for the onboarding to come. A
/// failure is a warning: the data are there all the same.
pub fn complete(
    database: &Database,
    connection: &mut PgConnection,
    workers: usize,
    cancel: &CancellationToken,
    progress: &RunProgress,
) -> u64 {
    let built = is_due(connection).and_then(|is_due| {
        if is_due { build(database, workers, cancel, progress) } else { Ok(Building::Done(0)) }
    });
    match built {
        Ok(Building::Done(count)) => count,
        Ok(Building::Elsewhere) => {
            info!("another process is building the indexes");
            0
        }
        Err(error) => {
            warn!("the indexes are not complete, which the next run tries again: {}", in_one_line(&error));
            0
        }
    }
}

fn is_due(connection: &mut PgConnection) -> Result<bool, DatabaseError> {
    if missing(connection)?.is_empty() {
        return Ok(false);
    }
    let Filled { is_filled } = sql_query("select exists (select from etl.resource_version) as is_filled")
        .get_result(connection)
        .map_err(failed("ask whether the tables are empty"))?;
    Ok(is_filled)
}

/// Builds what is missing over that many connections, and tells the planner
/// what the tables hold. An index that cannot be built is a warning: the
/// others are of use without it.
pub fn build(
    database: &Database,
    workers: usize,
    cancel: &CancellationToken,
    progress: &RunProgress,
) -> Result<Building, DatabaseError> {
    let mut connection = database.connect()?;
    if missing(&mut connection)?.is_empty() {
        return Ok(Building::Done(0));
    }
    let Locked { is_locked } = sql_query("select pg_try_advisory_lock($1) as is_locked")
        .bind::<BigInt, _>(BUILD_LOCK)
        .get_result(&mut connection)
        .map_err(failed("lock the building of indexes"))?;
    if !is_locked {
        return Ok(Building::Elsewhere);
    }
    // Another process may have built them before the lock was had.
    let missing = missing(&mut connection)?;
    if missing.is_empty() {
        return Ok(Building::Done(0));
    }
    let started = Instant::now();
    info!(indexes = missing.len(), "building the indexes that are missing");
    progress.begin("indexing", missing.len() as u64, Unit::Items("indexes"));
    let tables: Vec<String> =
        tables().iter().map(|table| table.name.clone()).chain(REGISTRY.map(str::to_owned)).collect();
    let (next, next_table) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let built = AtomicU64::new(0);
    let processes = Mutex::new(Vec::new());
    let take = || -> Result<(), DatabaseError> {
        let mut session = database.connect()?;
        session.batch_execute(SESSION).map_err(failed("prepare the building of indexes"))?;
        let process: Process = sql_query("select pg_backend_pid() as id")
            .get_result(&mut session)
            .map_err(failed("prepare the building of indexes"))?;
        processes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(process.id);
        while let Some(index) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
            if cancel.is_cancelled() {
                break;
            }
            match session.batch_execute(&index.sql) {
                Ok(()) => {
                    failpoint::passed(Step::Indexed);
                    progress.set(built.fetch_add(1, Ordering::Relaxed) + 1);
                }
                // A process that was killed leaves the server at its last
                // statement, and that one was first.
                Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {}
                Err(error) => warn!(index = index.name, "an index cannot be built: {error}"),
            }
        }
        // All of them: those that have no index but their key are joined, too.
        while let Some(table) = tables.get(next_table.fetch_add(1, Ordering::Relaxed)) {
            if cancel.is_cancelled() {
                break;
            }
            session.batch_execute(&format!("analyze {table}")).map_err(failed("analyze a table"))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let builders: Vec<_> = (0..workers.max(1)).map(|_| scope.spawn(take)).collect();
        while !cancel.is_cancelled() && builders.iter().any(|builder| !builder.is_finished()) {
            thread::sleep(Duration::from_millis(20));
        }
        if cancel.is_cancelled() {
            let processes = processes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
            let cancelled = sql_query("select pg_cancel_backend(id) from unnest($1) id")
                .bind::<Array<Integer>, _>(processes)
                .execute(&mut connection);
            if let Err(error) = cancelled {
                warn!("the building of indexes cannot be cancelled: {error}");
            }
        }
        builders.into_iter().try_for_each(|builder| builder.join().unwrap_or(Ok(())))
    })?;
    progress.end();
    let built = built.into_inner();
    info!(indexes = built, seconds = started.elapsed().as_secs_f64(), "built the indexes");
    Ok(Building::Done(built))
}

/// Drops the secondary indexes, before a load so large that building them
/// anew is cheaper than keeping them up; gives their number.
pub fn drop(database: &Database) -> Result<usize, DatabaseError> {
    let mut connection = database.connect()?;
    let missing: BTreeSet<String> = missing(&mut connection)?.into_iter().map(|index| index.name).collect();
    let there: Vec<String> =
        indexes().into_iter().map(|index| index.name).filter(|name| !missing.contains(name)).collect();
    for name in &there {
        connection.batch_execute(&format!("drop index if exists {name}")).map_err(failed("drop an index"))?;
    }
    Ok(there.len())
}
