//! Why a batch was not loaded, and what happens next.

use diesel::result::Error;
use thiserror::Error;

use crate::database::{CopyError, DatabaseError, Failure, NextStep};
use crate::registry::Adoption;

/// Why a batch was not loaded. Nothing of it is in the tables then.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("a worker has no connection to the database")]
    Connect(#[from] DatabaseError),
    #[error("the database refused a batch: {0}")]
    Database(#[from] Error),
    /// The reason is in a language that is not understood, but came as late as a
    /// lock timeout would.
    #[error("the database refused a batch, probably because another session held a lock for too long: {0}")]
    HeldUp(Box<LoadError>),
    /// A file of the batch is no longer claimed by the run.
    #[error("another process has taken over a file of the batch")]
    ClaimLost,
    #[error("the registry answered for {answered} of {asked} resources")]
    RegistryIncomplete { asked: usize, answered: usize },
    #[error("{table} was sent {count} rows and stored {rows}; the batch was rolled back")]
    RowsMissing { table: String, count: usize, rows: usize },
    #[error("{kept} of {count} rejects were stored; the batch was rolled back")]
    RejectsMissing { count: usize, kept: usize },
    /// Skipped records that are loaded later are not those that were skipped.
    #[error(
        "the part of the archived file has {loaded} records of the wanted types, which is not how many were \
         skipped: the file or the limits for reading it have changed, or another process is loading them"
    )]
    SkippedDiffer { loaded: u64 },
    #[error("other sessions kept loading the same resources at the same time")]
    Overtaken,
    /// Batches that were read earlier have to be decided on first.
    #[error("a batch has to wait for earlier ones")]
    OutOfTurn,
    /// Resources of the batch take the place of others, which has to be done first.
    #[error("resources of a batch take the place of others")]
    Adopts(Vec<Adoption>),
    /// Rows of these tables have to be looked up by keys that an onboarding has postponed.
    #[error("the primary keys of {} tables are missing: `fhirmill indexes build` makes them", .0.len())]
    KeysMissing(Vec<String>),
    /// The registry has let a row through twice.
    #[error("two rows of {table} have the same key; please report it")]
    KeyViolated { table: String },
    /// Whoever loads the batch does not want it to be committed.
    #[error("a batch was withheld")]
    Withheld,
    /// The run was aborted before the batch's turn.
    #[error("the run was aborted after another failure")]
    Abandoned,
    /// The definition of an applied view cannot be used by this version of fhirmill.
    #[error("a view that is applied cannot be used: {0}; apply it again or drop it")]
    View(String),
    /// A defect of the program. The log says where.
    #[error("fhirmill has a defect: a batch could not be processed; please report the panic in the log")]
    Panicked,
}

impl From<CopyError> for LoadError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Query(error) => LoadError::Database(error),
            CopyError::RowsMissing { table, count, rows } => LoadError::RowsMissing { table, count, rows },
        }
    }
}

impl LoadError {
    /// What happens to the batch next.
    pub fn next_step(&self) -> NextStep {
        match self {
            LoadError::Overtaken => NextStep::RetryNow,
            _ => self.failure().map_or(NextStep::GiveUp, Failure::next_step),
        }
    }

    /// Whether a record of the batch is the likely cause: nothing is known to be
    /// wrong with the server, the connection or the disk.
    pub fn is_data_error(&self) -> bool {
        self.next_step() == NextStep::RejectRecord
    }

    /// Whether the server gave a reason that is not understood.
    pub(crate) fn is_unclassified(&self) -> bool {
        self.failure() == Some(Failure::Refused)
    }

    /// The failure of the server that kept the batch from being loaded.
    fn failure(&self) -> Option<Failure> {
        match self {
            LoadError::Database(error @ Error::DatabaseError(..)) => Failure::of(error),
            _ => None,
        }
    }

    /// Whether an account does not add up: parts of the program and the server
    /// count differently.
    pub fn is_account_broken(&self) -> bool {
        matches!(
            self,
            LoadError::RegistryIncomplete { .. }
                | LoadError::RowsMissing { .. }
                | LoadError::RejectsMissing { .. }
        )
    }

    /// The table, column and constraint that the server names. Its message is
    /// left out, because it may quote values.
    pub fn place_in_tables(&self) -> String {
        let LoadError::Database(Error::DatabaseError(_, information)) = self else { return String::new() };
        let parts = [
            ("table", information.table_name()),
            ("column", information.column_name()),
            ("constraint", information.constraint_name()),
        ];
        let named = parts.iter().filter_map(|(what, name)| Some(format!("{what} {}", (*name)?)));
        named.collect::<Vec<_>>().join(", ")
    }
}
