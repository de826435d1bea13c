//! The *indexes* that an onboarding goes without: secondary ones, and primary keys if it is
//! large. Those that are missing are built after a run, over several connections. An index
//! is one statement: a process that dies leaves none half built, and the next one
//! continues, whether or not it finds files.

mod statistics;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use rustc_hash::FxHashMap;
use tracing::{debug, error, info, warn};

use statistics::{analyses, table_sizes};

use super::job::Job;
use crate::report::{Summary, Unit, WorkStage, in_one_line};
use fhirmill_core::model::{Index, PrimaryKey, indexes, tables};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::{Database, DatabaseError, Failure};
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::load::primary_keys;
use fhirmill_postgres::lock::lock;
use fhirmill_postgres::registry::has_resources;

/// How many bytes to load into empty tables are a large onboarding: keys that are made
/// afterwards save more than it takes to drop and make those of all tables.
const LARGE_ONBOARDING: u64 = 64 << 20;

/// The advisory lock of the process that builds.
const BUILD_LOCK: i64 = 7_303_016;

/// Sorting in memory is faster, and sessions are few. Commits do not wait for the
/// disk: an index that is lost in a power failure is built again.
const SESSION: &str = "set maintenance_work_mem = '256MB'; set synchronous_commit = off";

#[derive(QueryableByName)]
struct IndexName {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_key: bool,
}

/// What a table lacks.
#[derive(Clone, Debug)]
pub enum Missing {
    /// Its primary key, or that an index is declared as the key.
    Key(PrimaryKey),
    /// The registry's index on files.
    FileIndex,
    /// A secondary index.
    Secondary(Index),
}

impl Missing {
    /// The name of the index.
    pub fn name(&self) -> &str {
        match self {
            Missing::Key(key) => &key.name,
            Missing::FileIndex => primary_keys::FILE_INDEX,
            Missing::Secondary(index) => &index.name,
        }
    }

    /// Whether it is a secondary index.
    pub fn is_secondary(&self) -> bool {
        matches!(self, Missing::Secondary(_))
    }

    fn table(&self) -> &str {
        match self {
            Missing::Key(key) => &key.table,
            Missing::FileIndex => "etl.resource_version",
            Missing::Secondary(index) => &index.table,
        }
    }
}

/// The result of building.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Building {
    /// That many were built.
    Done(u64),
    /// Another process is building.
    Elsewhere,
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

/// The primary keys and secondary indexes that the database does not have.
pub fn missing(connection: &mut PgConnection) -> Result<Vec<Missing>, DatabaseError> {
    let there: Vec<IndexName> = sql_query(
        "select case relnamespace when 'etl'::regnamespace then 'etl.' else '' end || relname as name, \
                i.indisprimary as is_key \
         from pg_index i join pg_class c on c.oid = i.indexrelid \
         where c.relnamespace in ('public'::regnamespace, 'etl'::regnamespace)",
    )
    .load(connection)
    .map_err(failed("list the indexes"))?;
    let is_key_there: FxHashMap<String, bool> =
        there.into_iter().map(|index| (index.name, index.is_key)).collect();
    let keys = tables().into_iter().map(|table| PrimaryKey::of(&table));
    let keys = keys.filter(|key| is_key_there.get(&key.name) != Some(&true)).map(Missing::Key);
    let indexes = indexes().into_iter().filter(|index| !is_key_there.contains_key(&index.name));
    let file_index = !is_key_there.contains_key(primary_keys::FILE_INDEX);
    Ok(keys.chain(file_index.then_some(Missing::FileIndex)).chain(indexes.map(Missing::Secondary)).collect())
}

/// Drops the primary keys before a run that loads that many bytes into empty tables, if
/// these are many. They are made again by [`complete_keys`].
pub(super) fn postpone_keys(connection: &mut PgConnection, bytes: u64) {
    if bytes < failpoint::limit("large-onboarding", LARGE_ONBOARDING)
        || has_resources(connection).unwrap_or(true)
    {
        return;
    }
    match primary_keys::postpone(connection) {
        Ok(keys) => info!(keys, "the primary keys are made when all files are loaded"),
        Err(error) => debug!("the tables keep their primary keys while files are loaded: {error}"),
    }
}

/// Makes the primary keys that are missing, if any resource is loaded. Like [`complete`]
/// otherwise.
pub(super) fn complete_keys(job: &Job<'_>, connection: &mut PgConnection, summary: &mut Summary) {
    let started = Instant::now();
    let _stage = job.progress.activity().begin(WorkStage::Index);
    complete_those(job, connection, Wanted::Keys);
    summary.index_seconds += started.elapsed().as_secs_f64();
}

/// What to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Keys,
    All,
}

impl Wanted {
    fn of(self, connection: &mut PgConnection) -> Result<Vec<Missing>, DatabaseError> {
        let mut missing = missing(connection)?;
        missing.retain(|missing| self == Wanted::All || !missing.is_secondary());
        Ok(missing)
    }
}

/// Builds what is missing at the end of a command that loads, and returns the
/// number of secondary indexes built. Costs one query of the catalog if nothing is missing.
/// Does nothing while the tables are empty, for the onboarding to come. A failure
/// is logged only: the data are loaded all the same.
pub fn complete(job: &Job<'_>, connection: &mut PgConnection) -> u64 {
    complete_those(job, connection, Wanted::All)
}

fn complete_those(job: &Job<'_>, connection: &mut PgConnection, wanted: Wanted) -> u64 {
    let built = is_due(connection, wanted)
        .and_then(|is_due| if is_due { build_over(job, connection, wanted) } else { Ok(Building::Done(0)) });
    match built {
        Ok(Building::Done(count)) => count,
        Ok(Building::Elsewhere) => {
            info!("another process is building the indexes");
            0
        }
        Err(error) => {
            warn!("the indexes are incomplete; the next run tries again: {}", in_one_line(&error));
            0
        }
    }
}

/// Like [`complete`]; records the number and the time in the summary.
pub(super) fn complete_and_note(job: &Job<'_>, connection: &mut PgConnection, summary: &mut Summary) {
    let started = Instant::now();
    let _stage = job.progress.activity().begin(WorkStage::Index);
    summary.indexes_built = complete(job, connection);
    summary.index_seconds += started.elapsed().as_secs_f64();
}

fn is_due(connection: &mut PgConnection, wanted: Wanted) -> Result<bool, DatabaseError> {
    if wanted.of(connection)?.is_empty() {
        return Ok(false);
    }
    has_resources(connection).map_err(failed("ask whether the tables are empty"))
}

/// Builds what is missing over as many connections as there are workers, and
/// updates the planner's statistics. An index that cannot be built is logged: the
/// others are useful without it.
pub fn build(job: &Job<'_>) -> Result<Building, DatabaseError> {
    let mut connection = job.database.connect()?;
    if missing(&mut connection)?.is_empty() {
        return Ok(Building::Done(0));
    }
    build_over(job, &mut connection, Wanted::All)
}

/// Like [`build`], where something is missing. The connection has the lock meanwhile.
fn build_over(
    job: &Job<'_>,
    connection: &mut PgConnection,
    wanted: Wanted,
) -> Result<Building, DatabaseError> {
    let Locked { is_locked } = sql_query("select pg_try_advisory_lock($1) as is_locked")
        .bind::<BigInt, _>(BUILD_LOCK)
        .get_result(connection)
        .map_err(failed("lock the building of indexes"))?;
    if !is_locked {
        return Ok(Building::Elsewhere);
    }
    let built = build_locked(job, connection, wanted);
    let unlocked =
        sql_query("select pg_advisory_unlock($1)").bind::<BigInt, _>(BUILD_LOCK).execute(connection);
    let built = built?;
    unlocked.map_err(failed("unlock the building of indexes"))?;
    Ok(built)
}

fn build_locked(
    job: &Job<'_>,
    connection: &mut PgConnection,
    wanted: Wanted,
) -> Result<Building, DatabaseError> {
    // Another process may have built them before this one got the lock.
    let missing = wanted.of(connection)?;
    if missing.is_empty() {
        return Ok(Building::Done(0));
    }
    let started = Instant::now();
    info!(indexes = missing.len(), "building the missing indexes");
    job.progress.begin("indexing", missing.len() as u64, Unit::Items("indexes"));
    let sizes = table_sizes(connection)?;
    let work = BuildWork {
        analyses: if wanted == Wanted::All { analyses(&sizes) } else { Vec::new() },
        missing: largest_first(&sizes, missing),
        ..BuildWork::default()
    };
    thread::scope(|scope| {
        let builders: Vec<_> =
            (0..job.settings.workers.get()).map(|_| scope.spawn(|| work.take_part(job))).collect();
        while !job.cancel.is_cancelled() && builders.iter().any(|builder| !builder.is_finished()) {
            thread::sleep(Duration::from_millis(20));
        }
        if job.cancel.is_cancelled() {
            work.cancel(connection);
        }
        builders.into_iter().try_for_each(|builder| builder.join().unwrap_or(Ok(())))
    })?;
    job.progress.end();
    let built = work.built.into_inner();
    info!(indexes = built, seconds = started.elapsed().as_secs_f64(), "built the indexes");
    Ok(Building::Done(built))
}

/// The keys first, and those of the largest tables before others, so that no builder is left
/// alone with one of these in the end.
fn largest_first(sizes: &FxHashMap<String, i64>, mut missing: Vec<Missing>) -> Vec<Missing> {
    let size = |of: &Missing| sizes.get(of.table()).copied().unwrap_or(0);
    missing.sort_by_key(|of| (of.is_secondary(), Reverse(size(of))));
    missing
}

/// The indexes to build and the tables to analyze, shared by the threads that do
/// it.
#[derive(Default)]
struct BuildWork {
    missing: Vec<Missing>,
    next_index: AtomicUsize,
    built: AtomicU64,
    /// The statements that do it.
    analyses: Vec<String>,
    next_analysis: AtomicUsize,
    /// The server's processes that are at it.
    processes: Mutex<Vec<i32>>,
}

impl BuildWork {
    /// Takes one index after another, then some tables after others, over a connection
    /// of its own.
    fn take_part(&self, job: &Job<'_>) -> Result<(), DatabaseError> {
        let mut session = job.database.connect()?;
        session.batch_execute(SESSION).map_err(failed("prepare the building of indexes"))?;
        let process: Process = sql_query("select pg_backend_pid() as id")
            .get_result(&mut session)
            .map_err(failed("prepare the building of indexes"))?;
        lock(&self.processes).push(process.id);
        while let Some(missing) = self.missing.get(self.next_index.fetch_add(1, Ordering::Relaxed)) {
            if job.cancel.is_cancelled() {
                break;
            }
            match missing {
                Missing::Key(key) => make_key(&mut session, key),
                Missing::FileIndex => {
                    create(&mut session, (missing.name(), primary_keys::CREATE_FILE_INDEX));
                }
                Missing::Secondary(index) => {
                    if create(&mut session, (&index.name, &index.sql)) {
                        job.progress.set(self.built.fetch_add(1, Ordering::Relaxed) + 1);
                    }
                }
            }
        }
        while let Some(analysis) = self.analyses.get(self.next_analysis.fetch_add(1, Ordering::Relaxed)) {
            if job.cancel.is_cancelled() {
                break;
            }
            session.batch_execute(analysis).map_err(failed("analyze tables"))?;
        }
        Ok(())
    }

    /// Cancels the statements that are running.
    fn cancel(&self, connection: &mut PgConnection) {
        let processes = lock(&self.processes).clone();
        let cancelled = sql_query("select pg_cancel_backend(id) from unnest($1) id")
            .bind::<Array<Integer>, _>(processes)
            .execute(connection);
        if let Err(error) = cancelled {
            warn!("the building of indexes cannot be cancelled: {error}");
        }
    }
}

/// Creates the index of that name by that statement, and says whether it did.
fn create(session: &mut PgConnection, (name, sql): (&str, &str)) -> bool {
    match session.batch_execute(sql) {
        Ok(()) => {
            failpoint::passed(Step::Indexed);
            return true;
        }
        // The last statement of a process that was killed may still run on
        // the server, and was first.
        Err(error) if Failure::of(&error) == Some(Failure::UniqueViolation) => {}
        Err(error) => warn!(index = name, "an index cannot be built: {error}"),
    }
    false
}

/// Makes a primary key. Whatever is left of it to be done is done by the next run.
fn make_key(session: &mut PgConnection, key: &PrimaryKey) {
    match primary_keys::create_index(session, key) {
        Ok(()) => {}
        Err(defect @ LoadError::KeyViolated { .. }) => return error!("{defect}"),
        Err(error) => return warn!(table = key.table, "a primary key cannot be made: {error}"),
    }
    if let Err(error) = primary_keys::declare(session, key) {
        // Rows are found by its index, and no row can come twice.
        warn!(table = key.table, "a primary key is not declared yet; the next run tries again: {error}");
    }
}

/// Drops the secondary indexes, before a load so large that rebuilding them is
/// cheaper than maintaining them; returns their number.
pub fn drop(database: &Database) -> Result<usize, DatabaseError> {
    let mut connection = database.connect()?;
    let missing: BTreeSet<String> =
        missing(&mut connection)?.iter().map(|index| index.name().to_owned()).collect();
    let there: Vec<String> =
        indexes().into_iter().map(|index| index.name).filter(|name| !missing.contains(name)).collect();
    for name in &there {
        connection.batch_execute(&format!("drop index if exists {name}")).map_err(failed("drop an index"))?;
    }
    Ok(there.len())
}
