//! *Backups*: the database at one time, and every file that its ledger names. Several backups in
//! one target share the files, of which each one copies those that are new.
//!
//! ```text
//! TARGET/
//!   backups/2026-11-29T10-00-00Z/
//!     database/       what pg_dump wrote
//!     roles.json      roles, members and rights, which a dump lacks
//!     files.ndjson    the files that belong to it
//!     manifest.json   written last: without it, there is no backup
//!   files/3f/3f…-1024 files, by the hash that the ledger has and the size that they have
//! ```
//!
//! The picture of the database is taken first. Files come to the archive and stay, so those that
//! the picture names are there whatever is loaded meanwhile. One that was rewritten or removed
//! since is noticed, and the backup fails.

mod copy;
mod dump;
mod entry;
mod error;
mod list;
mod manifest;
mod remove;
mod restore;
mod restore_files;
mod source;
mod take;
mod target;
mod tool;
mod verify;

pub use entry::{Area, FileEntry};
pub use error::BackupError;
pub use list::manifest;
pub use manifest::{Manifest, Part};
pub use remove::names;
pub use restore::{RestoreJob, Restored, chosen, restore};
pub use take::{BackupJob, Taken, require_tables, take};
pub use target::{Target, open};
pub use verify::{Problem, Verified, verify};
