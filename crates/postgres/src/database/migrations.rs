//! Migrations: numbered steps from an empty database to the current tables, and
//! back.
//!
//! They are the folders of `migrations/`, embedded in the binary. Those that are
//! pending run in one transaction. When several processes start at once, an advisory lock
//! lets one of them migrate while the others wait; these then find nothing to do.

use std::thread;
use std::time::{Duration, Instant};

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use serde::Serialize;
use tracing::info;

use super::dependents::{self, Dependent};
use super::error::DatabaseError;
use super::open::Database;
use super::readers::Readers;
use crate::backup::refuse_unfinished;
use crate::failpoint::{self, Step};

/// The migrations of this version of fhirmill.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The key of the advisory lock: "fhirmill" as eight ASCII letters.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"fhirmill");

/// How long another process may be migrating before this one gives up. Building
/// indexes on a large database takes long.
const LOCK_PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Which migrations to revert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// That many, newest first.
    Newest(usize),
    /// All of them.
    All,
}

/// A migration, and whether it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// Its name, which begins with its version.
    pub name: String,
    /// Whether the database has it.
    pub is_applied: bool,
    /// False for a migration that a newer version of fhirmill has applied and this
    /// version does not know.
    pub is_known: bool,
}

/// Applies pending migrations, oldest first, in one transaction: all or none. Returns
/// the names of those that were applied now. Makes sure of the role of the readers.
///
/// What others have built on the tables and views stays as it is. Where a migration has
/// to drop what they depend on, they are dropped and created again within the
/// transaction; if that is impossible, the error names them, and nothing has changed.
pub fn up(database: &Database, source: impl MigrationSource<Pg>) -> Result<Vec<String>, DatabaseError> {
    with_lock(database, |connection| {
        refuse_unfinished(connection, &database.url().database)?;
        refuse_newer(connection, &database.url().database, &known_migrations(&source)?)?;
        let unknown = |source| DatabaseError::Query { action: "look up the role of the readers", source };
        // Before migrations give rights to a role that may be another database's.
        let readers = Readers::of(connection).map_err(unknown)?;
        let pending = connection.pending_migrations(source).map_err(failed)?;
        let names = apply_around_dependents(connection, &pending)?;
        readers.ensure(connection).map_err(unknown)?;
        Ok(names)
    })
}

/// Applies migrations; if they fail, again with what others have built set aside.
fn apply_around_dependents(
    connection: &mut PgConnection,
    pending: &[BoxedMigration],
) -> Result<Vec<String>, DatabaseError> {
    let first = match all_or_none(connection, |connection| apply(connection, pending)) {
        Ok(names) => return Ok(names),
        Err(error) => error,
    };
    let Ok(others) = dependents::find(connection) else { return Err(first) };
    if others.is_empty() {
        return Err(first);
    }
    info!("trying again with {} objects of others set aside", others.len());
    let again = all_or_none(connection, |connection| {
        dependents::drop_all(connection, &others).map_err(|error| failed(error.into()))?;
        let names = apply(connection, pending)?;
        dependents::create_all(connection, &others).map_err(|(dependent, error)| {
            let reason = format!("{} does not fit the new views: {error}", dependent.name);
            DatabaseError::Migration { reason }
        })?;
        Ok(names)
    });
    again.map_err(|error| blocked(error, &others))
}

fn apply(connection: &mut PgConnection, pending: &[BoxedMigration]) -> Result<Vec<String>, DatabaseError> {
    let mut names = Vec::new();
    if !pending.is_empty() {
        // Views keep the columns that they show from being changed.
        call(connection, "etl.hide_deidentified")?;
    }
    for migration in pending {
        let name = migration.name().to_string();
        info!(migration = name, "applying migration {name}");
        connection.run_migration(migration).map_err(failed)?;
        failpoint::passed(Step::Migrated);
        names.push(name);
    }
    if !names.is_empty() {
        call(connection, "etl.show_tables")?;
    }
    Ok(names)
}

/// Reverts the newest migrations, in one transaction, and drops the data in their
/// tables. Returns the names of those that were reverted.
pub fn down(
    database: &Database,
    source: impl MigrationSource<Pg>,
    extent: Down,
) -> Result<Vec<String>, DatabaseError> {
    with_lock(database, |connection| {
        let known = known_migrations(&source)?;
        let applied = connection.applied_migrations().map_err(failed)?;
        let count = match extent {
            Down::Newest(count) => count,
            Down::All => applied.len(),
        };
        let reverted =
            all_or_none(connection, |connection| revert(connection, &known, applied.iter().take(count)));
        reverted.map_err(|error| match dependents::find(connection) {
            Ok(others) if !others.is_empty() => blocked(error, &others),
            _ => error,
        })
    })
}

fn revert<'v>(
    connection: &mut PgConnection,
    known: &[BoxedMigration],
    versions: impl Iterator<Item = &'v MigrationVersion<'static>>,
) -> Result<Vec<String>, DatabaseError> {
    let mut names = Vec::new();
    // The views of tables would keep columns from being dropped.
    call(connection, "etl.hide_tables")?;
    call(connection, "etl.hide_deidentified")?;
    for version in versions {
        let Some(migration) = find(known, version) else {
            let reason =
                format!("{version} was applied by a newer version of fhirmill, which has to revert it");
            return Err(DatabaseError::Migration { reason });
        };
        let name = migration.name().to_string();
        info!(migration = name, "reverting migration {name}");
        connection.revert_migration(migration).map_err(failed)?;
        names.push(name);
    }
    call(connection, "etl.show_tables")?;
    Ok(names)
}

/// Calls a function of the database, if this state of it has one of that name.
fn call(connection: &mut PgConnection, function: &str) -> Result<(), DatabaseError> {
    let sql = format!(
        "do $call$ begin if to_regproc('{function}') is not null then execute 'select {function}()'; end if; end $call$"
    );
    sql_query(sql).execute(connection).map(drop).map_err(|error| failed(error.into()))
}

/// Runs `work` in a transaction that is rolled back if it fails.
fn all_or_none<Outcome>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<Outcome, DatabaseError>,
) -> Result<Outcome, DatabaseError> {
    connection.transaction(|connection| work(connection).map_err(Stopped)).map_err(|stopped| stopped.0)
}

/// An error that ends a transaction, of which diesel wants to make one from its own.
struct Stopped(DatabaseError);

impl From<diesel::result::Error> for Stopped {
    fn from(error: diesel::result::Error) -> Self {
        Stopped(failed(error.into()))
    }
}

fn blocked(error: DatabaseError, others: &[Dependent]) -> DatabaseError {
    match error {
        DatabaseError::Migration { reason } => DatabaseError::MigrationBlocked {
            reason,
            dependents: others.iter().map(|other| other.name.clone()).collect(),
        },
        other => other,
    }
}

/// An error unless the database has tables of some version of fhirmill, and is whole.
pub fn require_any(database: &Database) -> Result<(), DatabaseError> {
    let mut connection = database.connect()?;
    refuse_unfinished(&mut connection, &database.url().database)?;
    if applied_versions(&mut connection)?.is_empty() {
        let place = format!("the database {} has no tables of fhirmill", database.url());
        return Err(DatabaseError::NothingYet { place });
    }
    Ok(())
}

/// An error unless all migrations are applied, so that queries find their tables.
pub fn require_all(
    database: &Database,
    connection: &mut PgConnection,
    source: impl MigrationSource<Pg>,
) -> Result<(), DatabaseError> {
    refuse_unfinished(connection, &database.url().database)?;
    let applied = applied_versions(connection)?;
    if applied.is_empty() {
        let place = format!("the database {} has no tables of fhirmill", database.url());
        return Err(DatabaseError::NothingYet { place });
    }
    let known = known_migrations(&source)?;
    refuse_newer(connection, &database.url().database, &known)?;
    let is_pending = |migration: &&BoxedMigration| !applied.contains(&migration.name().version().to_string());
    match known.iter().filter(is_pending).count() {
        0 => Ok(()),
        pending => {
            Err(DatabaseError::MigrationsPending { database: database.url().database.clone(), pending })
        }
    }
}

/// An error if a newer version of fhirmill has applied migrations: its tables may mean something else.
fn refuse_newer(
    connection: &mut PgConnection,
    database: &str,
    known: &[BoxedMigration],
) -> Result<(), DatabaseError> {
    let is_known =
        |version: &String| known.iter().any(|migration| migration.name().version().to_string() == *version);
    let unknown = applied_versions(connection)?.iter().filter(|version| !is_known(version)).count();
    if unknown == 0 {
        return Ok(());
    }
    let newest = "select program_version as version from etl.load_run order by id desc limit 1";
    let newest: Option<AppliedVersion> = sql_query(newest).get_result(connection).ok();
    let newest = newest.map(|run| run.version).filter(|version| version != env!("CARGO_PKG_VERSION"));
    Err(DatabaseError::NewerSchema { database: database.to_owned(), unknown, newest })
}

/// Every migration as [`status`] lists them where there is no database yet.
pub fn all_pending(source: impl MigrationSource<Pg>) -> Result<Vec<MigrationStatus>, DatabaseError> {
    let known = known_migrations(&source)?;
    let pending = |migration: &BoxedMigration| MigrationStatus {
        name: migration.name().to_string(),
        is_applied: false,
        is_known: true,
    };
    Ok(known.iter().map(pending).collect())
}

/// Every migration, oldest first. Changes nothing, and needs no right to change
/// anything.
pub fn status(
    database: &Database,
    source: impl MigrationSource<Pg>,
) -> Result<Vec<MigrationStatus>, DatabaseError> {
    let mut connection = database.connect()?;
    let known = known_migrations(&source)?;
    let applied = applied_versions(&mut connection)?;
    let mut list: Vec<MigrationStatus> = Vec::new();
    for migration in &known {
        let is_applied = applied.contains(&migration.name().version().to_string());
        list.push(MigrationStatus { name: migration.name().to_string(), is_applied, is_known: true });
    }
    for version in applied {
        if !known.iter().any(|migration| migration.name().version().to_string() == version) {
            list.push(MigrationStatus { name: version, is_applied: true, is_known: false });
        }
    }
    Ok(list)
}

/// The version of the newest migration of this version of fhirmill: it tells which columns
/// the tables have.
pub fn newest() -> String {
    let known = known_migrations(&MIGRATIONS).unwrap_or_default();
    known.last().map_or_else(String::new, |migration| migration.name().version().to_string())
}

type BoxedMigration = Box<dyn Migration<Pg>>;

fn known_migrations(source: &impl MigrationSource<Pg>) -> Result<Vec<BoxedMigration>, DatabaseError> {
    let mut known = source.migrations().map_err(failed)?;
    known.sort_by(|one, other| one.name().version().cmp(&other.name().version()));
    Ok(known)
}

fn find<'known>(
    known: &'known [BoxedMigration],
    version: &MigrationVersion<'_>,
) -> Option<&'known BoxedMigration> {
    known.iter().find(|migration| migration.name().version() == *version)
}

#[derive(QueryableByName)]
struct AppliedVersion {
    #[diesel(sql_type = sql_types::Text)]
    version: String,
}

/// Diesel's own query creates its table where there is none; this one only reads.
fn applied_versions(connection: &mut PgConnection) -> Result<Vec<String>, DatabaseError> {
    let query_failed = |source| DatabaseError::Query { action: "list the applied migrations", source };
    let has_table = "select coalesce(to_regclass('public.__diesel_schema_migrations')::text, '') as version";
    let table: AppliedVersion = sql_query(has_table).get_result(connection).map_err(query_failed)?;
    if table.version.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<AppliedVersion> =
        sql_query("select version from public.__diesel_schema_migrations order by version")
            .load(connection)
            .map_err(query_failed)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql_types::Bool)]
    yes: bool,
}

fn ask(connection: &mut PgConnection, question: &str, action: &'static str) -> Result<bool, DatabaseError> {
    let answer: Answer = sql_query(format!("select {question} as yes"))
        .get_result(connection)
        .map_err(|source| DatabaseError::Query { action, source })?;
    Ok(answer.yes)
}

/// Runs `work` while no other process migrates this database. The lock ends with
/// the session, so a crash leaves none behind.
fn with_lock<Outcome>(
    database: &Database,
    work: impl FnOnce(&mut PgConnection) -> Result<Outcome, DatabaseError>,
) -> Result<Outcome, DatabaseError> {
    let mut connection = database.connect()?;
    let since = Instant::now();
    // Polled instead of waited for: lock_timeout would end a wait.
    let try_lock = format!("pg_try_advisory_lock({LOCK_KEY})");
    while !ask(&mut connection, &try_lock, "take the migration lock")? {
        if since.elapsed() > LOCK_PATIENCE {
            return Err(DatabaseError::MigrationLocked { minutes: LOCK_PATIENCE.as_secs() / 60 });
        }
        thread::sleep(Duration::from_millis(200));
    }
    for (question, right) in [
        ("has_database_privilege(current_database(), 'CREATE')", "create schemas"),
        ("coalesce(has_schema_privilege('public', 'CREATE'), false)", "create tables in schema public"),
    ] {
        if !ask(&mut connection, question, "check the user's rights")? {
            let url = database.url();
            return Err(DatabaseError::NoRights {
                user: url.user.clone(),
                database: url.database.clone(),
                right,
            });
        }
    }
    let outcome = work(&mut connection)?;
    ask(&mut connection, &format!("pg_advisory_unlock({LOCK_KEY})"), "release the migration lock")?;
    database.give_back(connection);
    Ok(outcome)
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> DatabaseError {
    DatabaseError::Migration { reason: error.to_string() }
}
