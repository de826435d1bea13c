//! The *loader* brings a batch of rows into Postgres in one transaction: the
//! registry decides what is new, COPY writes it, the ledger's account commits
//! with it. A batch is loaded whole or not at all, and may be loaded again
//! without harm.
//!
//! It knows nothing of FHIR: it sees identities, hashes, times and rows.

mod account;
mod history;
mod retry;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::result::Error;
use diesel::sql_types::{Array, BigInt, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};

use retry::with_retries;

use crate::LoadError;
use crate::database::CopyTable;
use crate::failpoint::{self, Step};
use crate::ledger::Account;
use crate::registry::decide::{self, Outcome};
use crate::registry::identifiers;
use crate::registry::keys::{self, KnownKeys};
use crate::registry::known::{self, Writing};
pub use crate::registry::known::{Confirmed, Question};
use fhirmill_core::map::{ClearTable, Fingerprint, Plan, RowBatch};
use fhirmill_core::rows::{RowBuffer, Target};

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
    pub batch: &'l mut RowBatch,
    /// Where each of the batch's resources stands.
    pub origins: &'l [Origin],
    /// Each resource's JSON, where bodies are kept in the database.
    pub bodies: Option<&'l [&'l [u8]]>,
    pub deletes: &'l [Delete],
    pub rejects: &'l [Reject],
    /// Rows of resources that the registry has already are written anew.
    pub is_remap: bool,
}

/// A batch's statements look up a few thousand rows, by index, in tables that
/// may have billions. The planner knows nothing of the batch's temporary
/// tables and would read the big ones whole to join them. Forbidding that
/// outright (`enable_seqscan`) is worse: it costs so much in a plan's sum that
/// the order of the joins no longer counts.
const PLANNER: &str =
    "set enable_hashjoin = off; set enable_mergejoin = off; set random_page_cost = 1.1; set jit = off";
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
    plan: Arc<Plan>,
    /// The plan's tables, in its order.
    targets: Vec<CopyTable>,
    shared: Arc<Shared>,
}

impl Loader {
    /// Takes the connection over and prepares it; the loaders of a
    /// run share what they know.
    pub fn new(
        mut connection: PgConnection,
        plan: Arc<Plan>,
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
        let (plan, targets, expects_new) = (&*self.plan, &self.targets, &self.shared.expects_new);
        let loaded = with_retries(&mut self.connection, |connection| {
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
            Err(error) if error.is_data_error() => Ok(Some(error.place_in_tables())),
            Err(error) => Err(error),
        }
    }

    /// Writes the batch, and undoes it.
    fn tried(&mut self, load: &mut Load<'_>) -> Result<(), LoadError> {
        let keys = self.shared.keys.of_targets(&mut self.connection, load.source_id, load.batch.targets())?;
        let confirmed = self.shared.confirmed.writing();
        let (plan, targets) = (&*self.plan, &self.targets);
        let expects_new = AtomicBool::new(false);
        let undone = with_retries(&mut self.connection, |connection| {
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
        identifiers: &mut fhirmill_core::map::IdentifierCache,
    ) -> Result<bool, LoadError> {
        identifiers::learn(&mut self.connection, source_id, identifiers)
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// The transaction of a batch.
fn write(
    connection: &mut PgConnection,
    plan: &Plan,
    targets: &[CopyTable],
    load: &mut Load<'_>,
    keys: &[i64],
    confirmed: &Writing<'_>,
    expects_new: &AtomicBool,
) -> Result<Loaded, LoadError> {
    account::check_claims(connection, load)?;
    let noted = history::note_superseded(connection, plan, load, keys)?;
    let outcomes = if load.is_remap {
        decide::remapped(connection, load, keys)?
    } else {
        decide::decide(connection, load, keys, confirmed, expects_new)?
    };
    history::check_noted(plan, load, &outcomes, &noted)?;
    failpoint::passed(Step::Decided);
    replace(connection, plan, &outcomes)?;
    failpoint::passed(Step::Replaced);
    load.batch.fill_keys(keys, load.source_id);

    let is_applied = |resource: usize| outcomes.of_resources[resource].is_applied();
    let mut row_count = 0;
    for (table, target) in targets.iter().enumerate() {
        let count = load.batch.row_count(table, &is_applied);
        row_count += target.copy_runs(connection, count, load.batch.runs(table, &is_applied))?;
    }
    if !noted.is_empty() {
        history::keep_vanished(connection, plan, &outcomes)?;
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
fn replace(connection: &mut PgConnection, plan: &Plan, outcomes: &decide::Outcomes) -> Result<(), LoadError> {
    for (resource_type, ids) in outcomes.replaced_by_type() {
        let mut deletes = Vec::new();
        for ClearTable { table, key_column, has_type_column } in plan.tables_to_clear(resource_type) {
            let condition = if *has_type_column { " and resource_type = $2" } else { "" };
            deletes.push(format!("delete from {table} where {key_column} = any($1){condition}"));
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
    CopyTable::new("etl.resource_body", ["id", "body"]).copy_buffer(connection, &buffer)?;
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
    CopyTable::new("etl.unresolved_reference", columns).copy_buffer(connection, &buffer)?;
    Ok(())
}
