//! Why a snapshot was not made.

use std::io;

use fhirmill_arrow::{DecodeError, SchemaError};
use fhirmill_postgres::database::DatabaseError;

/// Why a snapshot was not made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database refused a query.
    #[error("cannot {action}")]
    Query {
        /// What the query was for.
        action: String,
        /// Why.
        source: diesel::result::Error,
    },
    /// The rows that the database sent cannot be written as they are.
    #[error(transparent)]
    Rows(#[from] DecodeError),
    /// A table has columns that cannot be written.
    #[error(transparent)]
    Columns(#[from] SchemaError),
    /// The target cannot be read or written.
    #[error("{place}: {source}")]
    Target {
        /// The file, folder or object.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// The file format refused the rows.
    #[error("{table}: {problem}")]
    Format {
        /// The table.
        table: String,
        /// Why.
        problem: String,
    },
    /// Another process writes to the target.
    #[error("another process is writing a snapshot to {target}")]
    Busy {
        /// The target.
        target: String,
    },
    /// The settings name what is not there.
    #[error("there is no {what} {name}")]
    Unknown {
        /// `table` or `schema`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The name that was meant, probably.
        nearest: Option<String>,
    },
    /// The de-identified copy is asked for, and there is none.
    #[error("there is no de-identified copy{}", if *.is_off { ": DEIDENTIFIED is off" } else { "" })]
    NoCopy {
        /// Whether the settings say that there is to be none.
        is_off: bool,
    },
    /// A table was emptied or rewritten while the picture was read.
    #[error("{table} was emptied, rewritten or replaced while the snapshot was being written")]
    Rewritten {
        /// The table.
        table: String,
    },
    /// The program ends.
    #[error("the snapshot was interrupted")]
    Cancelled,
    /// A defect.
    #[error("a defect ended a thread; the log says where")]
    Panicked,
}

impl SnapshotError {
    /// Of a query.
    pub(super) fn query(action: impl Into<String>) -> impl FnOnce(diesel::result::Error) -> Self {
        let action = action.into();
        move |source| SnapshotError::Query { action, source }
    }

    /// Of the target.
    pub(super) fn target(place: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let place = place.into();
        move |source| SnapshotError::Target { place, source }
    }

    /// Whether what was asked for cannot be done, rather than has failed.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            SnapshotError::Busy { .. } | SnapshotError::Unknown { .. } | SnapshotError::NoCopy { .. }
        )
    }

    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            SnapshotError::Target { source, .. } if source.kind() == io::ErrorKind::StorageFull => Some(
                "nothing of it is left; free some space, or keep fewer snapshots (--keep, keep in fhirmill.toml)"
                    .to_owned(),
            ),
            SnapshotError::Busy { .. } => {
                Some("wait until it is done; `fhirmill snapshot list` shows how far it is".to_owned())
            }
            SnapshotError::Unknown { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest}?")),
            SnapshotError::Unknown { .. } => {
                Some("the schemas are public, analytics, views, etl and deidentified; tables of others than public are named schema.table".to_owned())
            }
            SnapshotError::NoCopy { is_off: true } => {
                Some("set it to views or tables, and run `fhirmill deidentify`".to_owned())
            }
            SnapshotError::NoCopy { is_off: false } => Some("`fhirmill deidentify` makes it".to_owned()),
            SnapshotError::Rewritten { .. } => Some("run it again".to_owned()),
            _ => None,
        }
    }
}
