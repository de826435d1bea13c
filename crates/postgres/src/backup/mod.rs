//! What a *backup* has to know of the database besides its dump: which files the ledger names
//! ([`LedgerFile`]), which roles have something to do with it ([`Roles`]), and whether it may be
//! restored into ([`Restoring`]).

mod counts;
mod files;
mod restoring;
mod roles;
mod roles_restore;

pub use counts::row_counts;
pub use files::LedgerFile;
pub(crate) use restoring::refuse_unfinished;
pub use restoring::{Restoring, RestoringError};
pub use roles::{DatabaseSetting, Membership, Ownership, Privilege, Role, Roles};
pub use roles_restore::{Former, RestoredRoles};

/// The name of the sessions of a restore, by which another one finds what was left of it.
pub const RESTORE_APPLICATION: &str = "fhirmill restore";
