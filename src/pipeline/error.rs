//! Why a run stopped.

use std::io;

use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::DatabaseError;
use thiserror::Error;

use crate::archive::ArchiveError;

/// Why a run stopped. What was committed stays; files in progress stay in the
/// inbox and are continued by the next run.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// The inbox cannot be listed.
    #[error("the inbox {path} cannot be read")]
    Inbox { path: String, source: io::Error },
    /// No connection, or a query outside of the ledger failed.
    #[error("the database is unavailable")]
    Database(#[from] DatabaseError),
    /// A query on the ledger failed.
    #[error("the ledger cannot be written")]
    Ledger(#[from] diesel::result::Error),
    /// A batch failed for a reason that is not a record's fault.
    #[error("a batch cannot be loaded")]
    Load(#[from] LoadError),
    /// A file that is loaded or rejected cannot leave the inbox.
    #[error("a loaded file cannot be moved to {folder}")]
    Move { folder: String, source: io::Error },
    /// A remap found no archived file.
    #[error("none of the archived files to map again can be read ({files})")]
    Archive { files: u64, source: ArchiveError },
}
