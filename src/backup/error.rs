//! Why a backup or a restore was not made.

use std::io;

use fhirmill_postgres::backup::RestoringError;
use fhirmill_postgres::database::DatabaseError;

/// Why a backup or a restore was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database does not answer, or a tool is missing.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database is not restored into.
    #[error(transparent)]
    Restoring(#[from] RestoringError),
    /// The database refused a query.
    #[error("cannot {action}")]
    Query {
        /// What the query was for.
        action: &'static str,
        /// Why.
        source: diesel::result::Error,
    },
    /// The target cannot be read or written.
    #[error("{place}: {source}")]
    Target {
        /// The file, folder or object.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// `pg_dump` or `pg_restore` failed.
    #[error("{tool} failed: {complaint}")]
    Tool {
        /// Its name.
        tool: &'static str,
        /// What it says.
        complaint: String,
        /// Whether that is for want of space.
        is_disk_full: bool,
    },
    /// Another process writes to the target.
    #[error("another process is writing a backup to {target}")]
    Busy {
        /// The target.
        target: String,
    },
    /// A file or table is not what it was when the picture was taken.
    #[error("{what} was rewritten, emptied or removed while the backup was being taken")]
    Rewritten {
        /// What.
        what: String,
    },
    /// There is no backup, or none of that name.
    #[error("there is no {what} in {target}")]
    Unknown {
        /// `backup`, or `backup NAME`.
        what: String,
        /// The target.
        target: String,
    },
    /// The backup is damaged, or of a format that this version does not know.
    #[error("the backup {name} cannot be restored: {problem}")]
    Unusable {
        /// Its name.
        name: String,
        /// Why.
        problem: String,
    },
    /// Another file is where one has to be restored.
    #[error("{place} is there already, with another content")]
    Taken {
        /// Where.
        place: String,
    },
    /// Roles are missing, and this user may not create them.
    #[error("this user may not create the roles that the backup needs")]
    NoRoles {
        /// The SQL for somebody who may.
        statements: Vec<String>,
    },
    /// The program ends.
    #[error("interrupted")]
    Cancelled,
}

impl BackupError {
    /// Of a query.
    pub(super) fn query(action: &'static str) -> impl FnOnce(diesel::result::Error) -> Self {
        move |source| BackupError::Query { action, source }
    }

    /// Of the target.
    pub(super) fn target(place: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let place = place.into();
        move |source| BackupError::Target { place, source }
    }

    /// Whether what was asked for cannot be done, rather than has failed.
    pub fn is_refusal(&self) -> bool {
        use RestoringError::{Busy, InUse, NotEmpty};
        matches!(
            self,
            BackupError::Busy { .. }
                | BackupError::Unknown { .. }
                | BackupError::NoRoles { .. }
                | BackupError::Taken { .. }
                | BackupError::Restoring(Busy | InUse { .. } | NotEmpty { .. })
        )
    }

    /// Whether the disk of the target is full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            BackupError::Target { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            BackupError::Tool { is_disk_full, .. } => *is_disk_full,
            _ => false,
        }
    }

    /// What to do.
    pub fn hint(&self) -> Option<String> {
        if self.is_disk_full() {
            return Some(
                "the disk is full: free some space there, or keep fewer backups (--keep)".to_owned(),
            );
        }
        let hint = match self {
            BackupError::Busy { .. } => "wait until it is done",
            BackupError::Rewritten { .. } => "run the backup again",
            BackupError::Unknown { .. } => "`fhirmill backup --to TARGET --list` lists those that are there",
            BackupError::Unusable { .. } => "`fhirmill backup --to TARGET --list` lists others",
            BackupError::Taken { .. } => {
                "restore into an empty ARCHIVE_DIR and REJECTS_DIR, or move the file away"
            }
            BackupError::NoRoles { statements } => {
                return Some(format!(
                    "as a user who may, run `{}`; or restore with --without-roles, and create people's accounts anew",
                    statements.join("; ")
                ));
            }
            BackupError::Restoring(RestoringError::NotEmpty { .. }) => {
                "restore into an empty database, or have everything in it deleted with --overwrite"
            }
            BackupError::Restoring(RestoringError::InUse { .. }) => {
                "stop the service, end the sessions, and run the restore again"
            }
            BackupError::Restoring(RestoringError::Busy) => "wait until it is done",
            BackupError::Database(error) => return error.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
