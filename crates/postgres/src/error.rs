//! What keeps a batch from being loaded, and whose fault it is: the server's,
//! another session's, a record's, or the program's.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use thiserror::Error;

use crate::database::{CopyError, DatabaseError, Trouble};

/// Why a batch was not loaded. Nothing of it is in the tables then.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("a worker has no connection to the database")]
    Connect(#[from] DatabaseError),
    #[error("the database refused a batch: {0}")]
    Database(#[from] Error),
    /// In words that nobody reads here, but so late that it waited for a lock.
    #[error("the database refused a batch after as long as it may wait for another session's lock: {0}")]
    HeldUp(Box<LoadError>),
    /// Another process has taken the file over.
    #[error("a file of the batch is no longer this run's")]
    ClaimLost,
    #[error("the registry answered for {answered} of {asked} resources")]
    RegistryIncomplete { asked: usize, answered: usize },
    #[error("{table} was sent {count} rows and has stored {rows}; nothing of the batch is kept")]
    RowsMissing { table: String, count: usize, rows: usize },
    #[error("{kept} of {count} rejects were kept; nothing of the batch is kept")]
    RejectsMissing { count: usize, kept: usize },
    #[error("another session brought a patient of the batch at the same time, again and again")]
    Overtaken,
    /// The run was given up before the batch's turn.
    #[error("the run was given up after another failure")]
    Abandoned,
    /// A defect of the program; the panic's place is in the log.
    #[error("fhirmill has a defect: a batch could not be worked on; please report the panic in the log")]
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
    /// What the server answered, if that is what went wrong.
    fn answer(&self) -> Option<(&DatabaseErrorKind, &dyn DatabaseErrorInformation)> {
        match self {
            LoadError::Database(Error::DatabaseError(kind, information)) => {
                Some((kind, information.as_ref()))
            }
            _ => None,
        }
    }

    /// Whether the same batch may succeed at once.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        match self.answer() {
            Some((DatabaseErrorKind::SerializationFailure, _)) => true,
            Some((_, information)) => information.message().contains("deadlock detected"),
            None => matches!(self, LoadError::Overtaken),
        }
    }

    /// Whether the server gave a reason that diesel has no word for, so that
    /// only its sentence tells. diesel keeps SQLSTATE (40P01) to itself.
    pub(crate) fn is_told_in_words_only(&self) -> bool {
        self.answer().is_some_and(|(kind, _)| matches!(kind, DatabaseErrorKind::Unknown))
    }

    /// Whether an account does not hold: what the parts of the program and the
    /// server say of one batch differs.
    pub fn is_account_broken(&self) -> bool {
        matches!(
            self,
            LoadError::RegistryIncomplete { .. }
                | LoadError::RowsMissing { .. }
                | LoadError::RejectsMissing { .. }
        )
    }

    /// Whether it may be the fault of a record: nothing is wrong with the
    /// server, the connection or the disk that is known.
    pub fn is_data_error(&self) -> bool {
        let is_of_the_server = |kind: &DatabaseErrorKind| {
            matches!(
                kind,
                DatabaseErrorKind::ClosedConnection
                    | DatabaseErrorKind::ReadOnlyTransaction
                    | DatabaseErrorKind::UnableToSendCommand
            )
        };
        self.answer().is_some_and(|(kind, _)| !is_of_the_server(kind))
            && !self.is_worth_another_try()
            && Trouble::behind(self).is_none()
    }

    /// The table, column and constraint that the server names. Its sentence may
    /// quote values and is left out.
    pub(crate) fn place_in_tables(&self) -> String {
        let Some((_, information)) = self.answer() else { return String::new() };
        let parts = [
            ("table", information.table_name()),
            ("column", information.column_name()),
            ("constraint", information.constraint_name()),
        ];
        let named = parts.iter().filter_map(|(what, name)| Some(format!("{what} {}", (*name)?)));
        named.collect::<Vec<_>>().join(", ")
    }
}
