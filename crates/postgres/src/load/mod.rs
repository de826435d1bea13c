//! The *loader* brings a mapped batch into Postgres in one transaction: the
//! registry decides what is new, the Postgres sink stores it, the ledger's
//! account commits with it. A batch is loaded whole or not at all, and may be
//! loaded again without harm.

mod account;
mod adoption;
mod batch;
mod contained;
mod earlier;
mod history;
mod postgres_sink;
pub mod primary_keys;
mod replay;
mod retry;

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::result::Error;
use diesel::{Connection, PgConnection};
use fhirmill_core::map::{EarlierReferences, Fingerprint, IdentifierCache, Keys, Plan};
use fhirmill_core::sink::{AcceptedBatch, KeyedBatch, Mode, Outcomes, Sink};
use rustc_hash::FxHashMap;

use crate::LoadError;
use crate::failpoint::{self, Step};
use crate::ledger::{self, Account};
use crate::registry::{
    self, Adoption, DecideContext, Hint, LookUp, Revision, RunRegistry, UnchangedAnswer, UnchangedQuery,
    Wanted,
};
pub use adoption::lead_to_owners;
pub use batch::{Delivery, FilePart, Load, Loaded, Reject, SkippedType};
pub use postgres_sink::Bodies;
use postgres_sink::{PostgresSink, PostgresTables};
pub use replay::date;
use retry::with_retries;

/// A batch's statements look up a few thousand rows, by index, in tables that
/// may have billions. The planner knows nothing of the batch's temporary tables
/// and would read the big ones whole to join them. Ruling that out
/// (`enable_seqscan`) is worse: it adds so much to the cost of a plan that the
/// order of the joins no longer matters.
const PLANNER: &str =
    "set enable_hashjoin = off; set enable_mergejoin = off; set random_page_cost = 1.1; set jit = off";

/// Has the last word on a batch, within its transaction and before the commit: what it
/// returns an error for is rolled back. It is called again if the transaction is tried
/// again.
pub type LastWord<'w> =
    dyn FnMut(&mut PgConnection, &KeyedBatch<'_>, &Outcomes) -> Result<(), LoadError> + 'w;

/// Loads batches over one connection.
pub struct Loader {
    connection: PgConnection,
    tables: PostgresTables,
    registry: Arc<RunRegistry>,
}

impl Loader {
    /// Takes the connection over and prepares it. The loaders of a run share
    /// `registry`; batches are mapped by `plan`.
    pub fn new(
        mut connection: PgConnection,
        plan: Arc<Plan>,
        bodies: Bodies,
        registry: Arc<RunRegistry>,
    ) -> Result<Self, LoadError> {
        connection.batch_execute(PLANNER)?;
        RunRegistry::prepare(&mut connection)?;
        Ok(Loader { connection, tables: PostgresTables::new(plan, bodies), registry })
    }

    /// The connection of a loader that is not needed any more.
    pub fn into_connection(self) -> PgConnection {
        self.connection
    }

    /// The connection, between two batches.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// From now on batches are mapped by that plan.
    pub fn follow_plan(&mut self, plan: Arc<Plan>) {
        self.tables.follow(plan);
    }

    /// Makes commits not wait for the disk. What is lost in a power failure must be
    /// loaded again: the run that uses the loader sees to it.
    pub fn commit_asynchronously(&mut self) -> Result<(), LoadError> {
        Ok(self.connection.batch_execute(ledger::ASYNCHRONOUS_COMMIT)?)
    }

    /// For each fingerprint of a batch's records whether the registry holds the
    /// same as the current version of its resource: it need not be loaded.
    pub fn unchanged(
        &mut self,
        query: UnchangedQuery<'_>,
        fingerprints: &[Option<Fingerprint>],
    ) -> Result<UnchangedAnswer, LoadError> {
        self.registry.unchanged(&mut self.connection, query, fingerprints)
    }

    /// Looks up the owners of the identifiers that `identifiers` was asked for and
    /// did not have; returns whether any was found.
    pub fn learn_identifiers(
        &mut self,
        source_id: i16,
        identifiers: &mut IdentifierCache,
    ) -> Result<bool, LoadError> {
        registry::learn_identifiers(&mut self.connection, source_id, identifiers, LookUp::Owners)
    }

    /// As `learn_identifiers`, for a remap: also looks up what references by these
    /// identifiers were resolved to before.
    pub fn recall_identifiers(
        &mut self,
        source_id: i16,
        identifiers: &mut IdentifierCache,
    ) -> Result<bool, LoadError> {
        registry::learn_identifiers(&mut self.connection, source_id, identifiers, LookUp::Candidates)
    }

    /// By position what the references of the current resources at these positions of
    /// a file led to when their rows were written.
    pub fn earlier_references(
        &mut self,
        file_id: i64,
        positions: &[i64],
    ) -> Result<FxHashMap<u64, EarlierReferences>, LoadError> {
        earlier::earlier_references(&mut self.connection, &self.tables.plan.tables, file_id, positions)
    }

    /// Has the source to itself until [`Loader::unlock_source`]: nobody loads owners of
    /// identifiers meanwhile. To be called while no batch that was read earlier is
    /// in progress.
    pub fn lock_source(&mut self, source_id: i16) -> Result<(), LoadError> {
        Ok(registry::lock_source(&mut self.connection, source_id)?)
    }

    /// Lets others load resources of the source.
    pub fn unlock_source(&mut self, source_id: i16) -> Result<(), LoadError> {
        Ok(registry::unlock_source(&mut self.connection, source_id)?)
    }

    /// For each identifier the ids of the resources of the source that have it, else of
    /// the one that an earlier request by identifier made for it.
    pub fn owners(&mut self, source_id: i16, identifiers: &[Wanted]) -> Result<Vec<Vec<String>>, LoadError> {
        registry::owner_ids(&mut self.connection, source_id, identifiers)
    }

    /// Loads the batch and commits it. On an error nothing of it is in the tables
    /// but keys.
    pub fn load(&mut self, load: &mut Load<'_>) -> Result<Loaded, LoadError> {
        self.load_if(load, &mut |_, _, _| Ok(()))
    }

    /// As `load`, if the last word is to commit it.
    pub fn load_if(
        &mut self,
        load: &mut Load<'_>,
        last_word: &mut LastWord<'_>,
    ) -> Result<Loaded, LoadError> {
        loop {
            let keys = self.fill_keys(load)?;
            failpoint::passed(Step::KeysGiven);
            let (load, batch) = (&*load, load.keyed(&keys));
            self.registry.wait_for_history(&batch, self.tables.plan.types_with_history());
            let mut stored = self.store(load, &batch, last_word);
            if matches!(stored, Err(LoadError::OutOfTurn)) {
                self.registry.wait_for_turn(load.mode);
                stored = self.store(load, &batch, last_word);
            }
            match stored {
                Ok(Written { outcomes, accounts, rows }) => {
                    failpoint::passed(Step::Committed);
                    return Ok(Loaded { keys, outcomes, accounts, rows });
                }
                // Keys change by that, so the rows get theirs again.
                Err(LoadError::Adopts(adoptions)) => self.adopt(load.source_id, &adoptions)?,
                Err(LoadError::KeysMissing(tables)) => primary_keys::make(&mut self.connection, &tables)?,
                Err(error) => {
                    if error.is_account_broken() {
                        account::fail(&mut self.connection, load, &error)?;
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Lets resources take the places of others that were made for their identifiers.
    fn adopt(&mut self, source_id: i16, adoptions: &[Adoption]) -> Result<(), LoadError> {
        let tables = &self.tables;
        let adopted = with_retries(&mut self.connection, |connection| {
            connection.transaction(|connection| {
                registry::share_source(connection, source_id)?;
                adoption::adopt(connection, tables, adoptions)
            })
        });
        match adopted {
            // The batch comes to the same adoptions again.
            Err(LoadError::KeysMissing(tables)) => primary_keys::make(&mut self.connection, &tables)?,
            other => other?,
        }
        self.registry.forget_keys();
        Ok(())
    }

    /// Takes over the registry of another run.
    pub fn follow(&mut self, registry: Arc<RunRegistry>) {
        self.registry = registry;
    }

    /// What the registry has of the resources with these keys.
    pub fn revisions(connection: &mut PgConnection, keys: &[i64]) -> Result<Vec<Revision>, LoadError> {
        Ok(registry::revisions(connection, keys)?)
    }

    /// Decides on the batch and stores it, in a turn to write.
    fn store(
        &mut self,
        load: &Load<'_>,
        batch: &KeyedBatch<'_>,
        last_word: &mut LastWord<'_>,
    ) -> Result<Written, LoadError> {
        let writing = self.registry.writing();
        let context = DecideContext {
            writing: &writing,
            new_resources: &self.registry.expectations().new_resources,
            types_with_history: self.tables.plan.types_with_history(),
            is_in_turn: self.registry.is_in_turn(load.mode),
        };
        let tables = &self.tables;
        with_retries(&mut self.connection, |connection| {
            connection.transaction(|connection| {
                let written = write(connection, tables, load, batch, context)?;
                settle(connection, load, batch, &written.outcomes)?;
                last_word(connection, batch, &written.outcomes)?;
                Ok(written)
            })
        })
    }

    /// Stores the batch and rolls back. Returns the table, column and constraint
    /// if the database refuses it because of a record; `None` if it would load.
    pub fn refusal(&mut self, load: &mut Load<'_>) -> Result<Option<String>, LoadError> {
        loop {
            match self.dry_run(load) {
                Ok(()) => return Ok(None),
                Err(LoadError::KeysMissing(tables)) => primary_keys::make(&mut self.connection, &tables)?,
                Err(error) if error.is_data_error() => return Ok(Some(error.place_in_tables())),
                Err(error) => return Err(error),
            }
        }
    }

    fn dry_run(&mut self, load: &mut Load<'_>) -> Result<(), LoadError> {
        let keys = self.fill_keys(load)?;
        let (load, batch) = (&*load, load.keyed(&keys));
        let writing = self.registry.writing();
        let new_resources = Hint::default();
        // Nothing is kept, so no earlier batch has to be waited for.
        let context = DecideContext {
            writing: &writing,
            new_resources: &new_resources,
            types_with_history: self.tables.plan.types_with_history(),
            is_in_turn: true,
        };
        let tables = &self.tables;
        let undone = with_retries(&mut self.connection, |connection| {
            connection.transaction(|connection| {
                write(connection, tables, load, &batch, context)?;
                Err::<(), _>(LoadError::Database(Error::RollbackTransaction))
            })
        });
        match undone {
            Err(LoadError::Database(Error::RollbackTransaction)) => Ok(()),
            other => other,
        }
    }

    /// Gives the batch's targets their keys, and writes them into its rows.
    fn fill_keys(&mut self, load: &mut Load<'_>) -> Result<Vec<i64>, LoadError> {
        let keys = self.registry.keys(&mut self.connection).keys(load.source_id, load.rows.targets())?;
        load.rows.fill_keys(&keys, load.source_id);
        Ok(keys)
    }
}

struct Written {
    outcomes: Outcomes,
    accounts: Vec<Account>,
    rows: u64,
}

/// Decides on the batch, stores what is accepted and records the accounts, within
/// a transaction.
fn write(
    connection: &mut PgConnection,
    tables: &PostgresTables,
    load: &Load<'_>,
    batch: &KeyedBatch<'_>,
    context: DecideContext<'_>,
) -> Result<Written, LoadError> {
    registry::share_source(connection, load.source_id)?;
    account::check_claims(connection, load)?;
    let mut decided = registry::decide(connection, batch, context)?;
    failpoint::passed(Step::Decided);
    decided.relations.extend(load.relations);
    let accepted = AcceptedBatch::new(batch.clone(), &decided.outcomes, &tables.plan.tables);
    let receipt = PostgresSink::new(connection, tables, &decided).write(&accepted)?;
    drop(accepted);
    let accounts = account::accounts(load, &decided.outcomes);
    account::record(connection, load, &accounts, decided.moved.len())?;
    decided.relations.insert(connection)?;
    Ok(Written { outcomes: decided.outcomes, accounts, rows: receipt.rows })
}

/// Notes which of the written resources were made for an identifier.
///
/// # Errors
///
/// [`LoadError::Adopts`] if some have to take the place of such ones first.
fn settle(
    connection: &mut PgConnection,
    load: &Load<'_>,
    batch: &KeyedBatch<'_>,
    outcomes: &Outcomes,
) -> Result<(), LoadError> {
    if batch.mode == Mode::Remap {
        return Ok(());
    }
    let applied: Vec<i64> =
        outcomes.of_resources.iter().filter_map(|outcome| outcome.applied_key()).collect();
    let adoptions = registry::settle(connection, load.source_id, load.by_identifier, &applied)?;
    if adoptions.is_empty() { Ok(()) } else { Err(LoadError::Adopts(adoptions)) }
}
