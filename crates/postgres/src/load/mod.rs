//! The *loader* brings a batch of rows into Postgres in one transaction: the
//! registry decides what is new, COPY writes it, the ledger's account commits
//! with it. A batch is loaded whole or not at all, and may be loaded again
//! without harm.
//!
//! It knows nothing of FHIR: it sees identities, hashes, times and rows.

mod account;
mod error;
mod history;

use std::cell::RefCell;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::Error;
use diesel::sql_types::{Array, BigInt, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use tracing::debug;

pub use error::LoadError;

use crate::database::CopyTable;
use crate::failpoint::{self, Fault, Step};
use crate::ledger::Account;
use crate::registry::decide::{self, Outcome};
use crate::registry::identifiers;
use crate::registry::keys::{self, KnownKeys};
use crate::registry::known::{self, Writing};
pub use crate::registry::known::{Confirmed, Question};
use fhirmill_core::map::{Batch, Fingerprint, Plan};
use fhirmill_core::rows::{self, RowBuffer, Target};

/// Where one record of a batch stands.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Among the batch's files.
    pub file: usize,
    /// Unique in the file: the order in which records take effect.
    pub position: u64,
    pub member: u32,
    pub offset: u64,
    pub length: u64,
}

/// What the sender wants deleted.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Among the batch's files.
    pub file: usize,
    /// What is deleted, among the batch's targets.
    pub target: Target,
    pub position: u64,
    /// Microseconds since 2000-01-01 UTC, where the sender says when.
    pub effective_at: Option<i64>,
}

/// A record that could not be read.
#[derive(Clone, Debug)]
pub struct Reject {
    /// Among the batch's files.
    pub file: usize,
    pub position: u64,
    pub location: String,
    pub resource_type: Option<String>,
    pub fhir_id: Option<String>,
    pub reason: String,
    pub message: String,
    pub raw: Vec<u8>,
}

/// A file's part in a batch.
#[derive(Clone, Copy, Debug)]
pub struct LoadFile {
    pub id: i64,
    /// Numbers of the first and the last record, as they were delivered.
    pub records: (u64, u64),
    pub skipped: u64,
    /// Records that the registry was found to have before they were mapped.
    pub known: u64,
}

/// What is loaded in one transaction.
pub struct Load<'l> {
    pub run_id: i64,
    /// Its number in the run, as it was read.
    pub batch_number: u64,
    pub source_id: i16,
    /// In the order in which they are read.
    pub files: &'l [LoadFile],
    pub batch: &'l mut Batch,
    /// Where each of the batch's resources stands.
    pub origins: &'l [Origin],
    /// Each resource's JSON, where bodies are kept in the database.
    pub bodies: Option<&'l [&'l [u8]]>,
    pub deletes: &'l [Delete],
    pub rejects: &'l [Reject],
    /// Rows of resources that the registry has already are written anew.
    pub is_remap: bool,
}

const MAX_TRIES: u32 = 8;
/// The same of a refusal in a language that nobody reads here: most likely it
/// is a record's fault, but it may be a deadlock.
const MAX_TRIES_UNREAD: u32 = 3;
/// A batch's statements look up a few thousand rows, by index, in tables that
/// may have billions. The planner knows nothing of the batch's temporary
/// tables and would read the big ones whole to join them. Forbidding that
/// outright (`enable_seqscan`) is worse: it costs so much in a plan's sum that
/// the order of the joins no longer counts.
const PLANNER: &str =
    "set enable_hashjoin = off; set enable_mergejoin = off; set random_page_cost = 1.1; set jit = off";
/// COPY's messages are so long: libpq holds a whole message in memory.
const MESSAGE_BYTES: usize = 64 << 10;

/// What a batch became.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Of each of its files.
    pub accounts: Vec<Account>,
    /// Rows that were written, of all tables.
    pub rows: u64,
}

/// What the loaders of a run know together.
#[derive(Default)]
pub struct Shared {
    keys: KnownKeys,
    pub confirmed: Confirmed,
    /// All resources of the last batch were new.
    expects_new: AtomicBool,
    /// Whether there were any resources when the run began.
    had_resources: Mutex<Option<bool>>,
}

/// Loads batches over one connection.
pub struct Loader {
    connection: PgConnection,
    plan: &'static Plan,
    /// The plan's tables, in its order.
    targets: Vec<CopyTable>,
    shared: Arc<Shared>,
}

impl Loader {
    /// Takes the connection over and prepares it; the loaders of a
    /// run share what they know.
    pub fn new(
        mut connection: PgConnection,
        plan: &'static Plan,
        shared: Arc<Shared>,
    ) -> Result<Self, LoadError> {
        connection.batch_execute(PLANNER)?;
        connection.batch_execute(keys::TEMPORARY_TABLES)?;
        connection.batch_execute(decide::TEMPORARY_TABLES)?;
        let targets = plan
            .tables
            .iter()
            .map(|table| CopyTable::new(&table.name, table.columns.iter().map(|column| column.name.as_str())))
            .collect();
        Ok(Loader { connection, plan, targets, shared })
    }

    /// Whether any resource was loaded before the run.
    pub fn had_resources(&mut self) -> Result<bool, LoadError> {
        let mut had_resources = self.shared.had_resources.lock().unwrap_or_else(PoisonError::into_inner);
        match *had_resources {
            Some(answer) => Ok(answer),
            None => Ok(*had_resources.insert(known::has_resources(&mut self.connection)?)),
        }
    }

    /// Which of a batch's records the registry has just so as the current
    /// versions of their resources: they need not be loaded.
    pub fn known(
        &mut self,
        question: Question,
        fingerprints: &[Option<Fingerprint>],
    ) -> Result<Vec<bool>, LoadError> {
        known::known(&mut self.connection, &self.shared.confirmed, question, fingerprints)
    }

    /// Loads the batch.
    pub fn load(&mut self, load: &mut Load<'_>) -> Result<Loaded, LoadError> {
        // Given in transactions of their own, so that batches that name the
        // same hospital, or each other's resources, do not wait for each other.
        let keys = self.shared.keys.of_targets(&mut self.connection, load.source_id, load.batch.targets())?;
        failpoint::passed(Step::KeysGiven);
        let confirmed = self.shared.confirmed.writing();
        let (plan, targets, expects_new) = (self.plan, &self.targets, &self.shared.expects_new);
        let loaded = persistently(&mut self.connection, |connection| {
            connection.transaction(|connection| {
                write(connection, plan, targets, load, &keys, &confirmed, expects_new)
            })
        });
        match loaded {
            Err(error) if error.is_account_broken() => {
                account::fail(&mut self.connection, load, &error)?;
                Err(error)
            }
            other => {
                failpoint::passed(Step::Committed);
                other
            }
        }
    }

    /// Why the database would not take the batch, if it would not; writes
    /// nothing, but for keys.
    pub fn refusal(&mut self, load: &mut Load<'_>) -> Result<Option<String>, LoadError> {
        match self.tried(load) {
            Ok(()) => Ok(None),
            Err(error) if error.is_of_the_data() => Ok(Some(error.place_in_tables())),
            Err(error) => Err(error),
        }
    }

    /// Writes the batch, and undoes it.
    fn tried(&mut self, load: &mut Load<'_>) -> Result<(), LoadError> {
        let keys = self.shared.keys.of_targets(&mut self.connection, load.source_id, load.batch.targets())?;
        let confirmed = self.shared.confirmed.writing();
        let (plan, targets) = (self.plan, &self.targets);
        let expects_new = AtomicBool::new(false);
        let undone = persistently(&mut self.connection, |connection| {
            connection.transaction(|connection| {
                write(connection, plan, targets, load, &keys, &confirmed, &expects_new)?;
                Err::<(), _>(LoadError::Database(Error::RollbackTransaction))
            })
        });
        match undone {
            Err(LoadError::Database(Error::RollbackTransaction)) => Ok(()),
            other => other,
        }
    }

    /// Who bears the numbers that references name; teaches `mapper` what it
    /// finds and tells whether it found anything.
    pub fn learn_identifiers(
        &mut self,
        source_id: i16,
        identifiers: &mut fhirmill_core::map::KnownIdentifiers,
    ) -> Result<bool, LoadError> {
        identifiers::learn(&mut self.connection, source_id, identifiers)
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// Tries again where another session was in the way.
fn persistently<T>(
    connection: &mut PgConnection,
    mut attempt: impl FnMut(&mut PgConnection) -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let since = Instant::now();
        let error = match attempt(connection) {
            Err(error) => error,
            done => return done,
        };
        let elapsed = since.elapsed();
        let unread = match error.is_of_the_data() && error.is_told_in_words_only() {
            true => Some(Words::of(connection)?).filter(|words| !words.are_english()),
            false => None,
        };
        if unread.as_ref().is_some_and(|words| words.may_tell_of_a_lock(elapsed)) {
            return Err(LoadError::HeldUp(Box::new(error)));
        }
        let most_tries = match error.is_worth_another_try() {
            true => MAX_TRIES,
            false if unread.is_some() => MAX_TRIES_UNREAD,
            false => 1,
        };
        if tries >= most_tries {
            return Err(error);
        }
        debug!(tries, "another session was in the way of a batch; trying again");
        std::thread::sleep(Duration::from_millis(20 << tries.min(6)));
    }
}

/// What is known of a refusal without reading it.
#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = Text)]
    language: String,
    /// In milliseconds.
    #[diesel(sql_type = BigInt)]
    lock_timeout: i64,
}

impl Words {
    fn of(connection: &mut PgConnection) -> Result<Self, LoadError> {
        let query = "select current_setting('lc_messages') as language, setting::bigint as lock_timeout \
                     from pg_settings where name = 'lock_timeout'";
        Ok(sql_query(query).get_result(connection)?)
    }

    /// Whether they are those that are looked for.
    fn are_english(&self) -> bool {
        ["", "C", "POSIX"].contains(&self.language.as_str())
            || ["C.", "en_"].iter().any(|beginning| self.language.starts_with(beginning))
    }

    /// Whether, after so long, they may say that a lock was not to be had.
    fn may_tell_of_a_lock(&self, elapsed: Duration) -> bool {
        self.lock_timeout > 0 && elapsed.as_millis() as i64 >= self.lock_timeout
    }
}

/// The transaction of a batch.
fn write(
    connection: &mut PgConnection,
    plan: &'static Plan,
    targets: &[CopyTable],
    load: &mut Load<'_>,
    keys: &[i64],
    confirmed: &Writing<'_>,
    expects_new: &AtomicBool,
) -> Result<Loaded, LoadError> {
    account::check_claims(connection, load)?;
    let noted = history::note_superseded(connection, load, keys)?;
    let outcomes = if load.is_remap {
        decide::remapped(connection, load, keys)?
    } else {
        decide::decide(connection, load, keys, confirmed, expects_new)?
    };
    history::check_noted(load, &outcomes, &noted)?;
    failpoint::passed(Step::Decided);
    replace(connection, plan, &outcomes)?;
    failpoint::passed(Step::Replaced);
    load.batch.fill_keys(keys, load.source_id);

    let is_applied = |resource: usize| outcomes.of_resources[resource].is_applied();
    let mut row_count = 0;
    for (table, target) in targets.iter().enumerate() {
        let count = load.batch.row_count(table, &is_applied);
        row_count += copy_runs(connection, target, count, load.batch.runs(table, &is_applied))?;
    }
    if !noted.is_empty() {
        history::keep_vanished(connection, &outcomes)?;
    }
    copy_bodies(connection, load, &outcomes)?;
    copy_unresolved(connection, load, &outcomes)?;
    let accounts = account::accounts(load, &outcomes);
    if !load.is_remap {
        account::record(connection, load, &accounts)?;
    }
    Ok(Loaded { accounts, rows: row_count as u64 })
}

/// Removes the rows of resources that come anew or go: for each type one
/// statement, since there are tens of tables.
fn replace(
    connection: &mut PgConnection,
    plan: &'static Plan,
    outcomes: &decide::Outcomes,
) -> Result<(), LoadError> {
    for (resource_type, ids) in outcomes.replaced_by_type() {
        let mut deletes = Vec::new();
        for (table, key) in plan.tables_of(resource_type) {
            let is_other = table == "other_resource";
            let condition = if is_other { " and resource_type = $2" } else { "" };
            deletes.push(format!("delete from {table} where {key} = any($1){condition}"));
        }
        if plan.has_generic_rows(resource_type) {
            for table in ["identifier", "telecom", "concept", "reference", "coding", "note"] {
                deletes.push(format!(
                    "delete from resource_{table} where resource_type = $2 and resource_id = any($1)"
                ));
            }
        }
        deletes.push("delete from etl.unresolved_reference where resource_id = any($1)".to_owned());
        deletes.push("delete from etl.resource_body where id = any($1)".to_owned());
        let parts = deletes.iter().enumerate().map(|(number, delete)| format!("d{number} as ({delete})"));
        sql_query(format!("with {} select 1", parts.collect::<Vec<_>>().join(",\n")))
            .bind::<Array<BigInt>, _>(&ids)
            .bind::<Text, _>(resource_type.name())
            .execute(connection)?;
    }
    Ok(())
}

/// Copies runs of finished rows; does nothing if there are none. Demands that
/// Postgres has stored as many as were written.
fn copy_runs<'r>(
    connection: &mut PgConnection,
    table: &CopyTable,
    count: usize,
    runs: impl Iterator<Item = &'r [u8]>,
) -> Result<usize, LoadError> {
    let mut runs = runs.peekable();
    if count == 0 && runs.peek().is_none() {
        return Ok(0);
    }
    if failpoint::has(Fault::RowsDropped) {
        runs.next();
    }
    // diesel calls the writer once, but asks for one that it could call twice.
    let runs = RefCell::new(runs);
    let write = |out: &mut dyn Write| -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::SerializationError(Box::new(error));
        out.write_all(rows::HEADER).map_err(failed)?;
        for run in runs.borrow_mut().by_ref() {
            for message in run.chunks(MESSAGE_BYTES) {
                out.write_all(message).map_err(failed)?;
            }
        }
        out.write_all(rows::TRAILER).map_err(failed)
    };
    let rows = table.copy_in(connection, &write)?;
    failpoint::passed(Step::Copied);
    if rows != count {
        return Err(LoadError::RowsMissing { table: table.name().to_owned(), count, rows });
    }
    Ok(rows)
}

/// Copies the rows of one buffer.
pub(crate) fn copy_buffer(
    connection: &mut PgConnection,
    table: &CopyTable,
    buffer: &RowBuffer,
) -> Result<usize, LoadError> {
    let rows = (!buffer.is_empty()).then_some(buffer.as_bytes());
    copy_runs(connection, table, buffer.row_count(), rows.into_iter())
}

/// Copies rows of what is likely to be new into the registry. Where some of it
/// is there already, nothing is copied, and `false` is the answer.
pub(crate) fn copy_new(
    connection: &mut PgConnection,
    table: &CopyTable,
    buffer: &RowBuffer,
) -> Result<bool, LoadError> {
    match connection.transaction(|connection| copy_buffer(connection, table, buffer)) {
        Ok(_) => Ok(true),
        Err(error) if error.is_of_a_twin() => Ok(false),
        Err(error) => Err(error),
    }
}

fn copy_bodies(
    connection: &mut PgConnection,
    load: &Load<'_>,
    outcomes: &decide::Outcomes,
) -> Result<(), LoadError> {
    let Some(bodies) = load.bodies else { return Ok(()) };
    let mut buffer = RowBuffer::default();
    for (resource, body) in bodies.iter().enumerate() {
        let (Outcome::Inserted(key) | Outcome::Updated(key)) = outcomes.of_resources[resource] else {
            continue;
        };
        buffer.begin_row(2);
        buffer.bigint(key);
        buffer.bytes(body);
    }
    copy_buffer(connection, &CopyTable::new("etl.resource_body", ["id", "body"]), &buffer)?;
    Ok(())
}

fn copy_unresolved(
    connection: &mut PgConnection,
    load: &Load<'_>,
    outcomes: &decide::Outcomes,
) -> Result<(), LoadError> {
    let mut rows = Vec::new();
    for (resource, identifier) in load.batch.unresolved() {
        let (Outcome::Inserted(key) | Outcome::Updated(key)) = outcomes.of_resources[resource] else {
            continue;
        };
        let resource_type = identifier.resource_type.map_or("", |resource_type| resource_type.name());
        let system = identifier.system.as_deref().unwrap_or(identifiers::URN);
        rows.push((key, resource_type, system, identifier.value.as_str()));
    }
    rows.sort_unstable();
    rows.dedup();
    let mut buffer = RowBuffer::default();
    for (key, resource_type, system, value) in rows {
        buffer.begin_row(4);
        buffer.bigint(key);
        buffer.text(resource_type);
        buffer.text(system);
        buffer.text(value);
    }
    let columns = ["resource_id", "resource_type", "system", "value"];
    copy_buffer(connection, &CopyTable::new("etl.unresolved_reference", columns), &buffer)?;
    Ok(())
}
