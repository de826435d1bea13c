//! *Undo*: taking back what files brought, and bringing it back.
//!
//! What the tables hold follows from the versions of each resource and their places. To
//! take a file back, the resources that it names are removed with their versions and their
//! history, and then loaded again from all other archived files of the sender, in their
//! order: the result is as if the file had never come. To bring it back is the same with
//! the file.
//!
//! All of it is one transaction, so that nobody sees a part of it, and a process that dies
//! has changed nothing.

mod affected;
mod clear;
mod files;
mod keys;
mod record;

pub use affected::{ChangedResources, add, begin, close, identities};
pub use clear::{TableRows, clear, written};
pub use files::{SkippedTypes, UndoFile, Unfinished};
pub use keys::{collect_keys, remove_unused, restore};
pub use record::{Promotion, Undone, any_run, note_redone, note_undone, settle_promoted};

use diesel::connection::SimpleConnection;
use diesel::{PgConnection, QueryResult};

use crate::ledger::lock_claims;
use crate::registry::lock_source_until_commit;

/// Keeps everybody else from claiming files and from loading records of the source until
/// the end of the transaction. Statements that read whole tables may take long.
pub fn hold(connection: &mut PgConnection, source_id: i16) -> QueryResult<()> {
    connection.batch_execute(
        "set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0",
    )?;
    lock_claims(connection)?;
    lock_source_until_commit(connection, source_id)
}

/// Joins of whole tables, which the sessions of loaders rule out otherwise.
const JOIN_TABLES: &str = "set local enable_hashjoin = on; set local enable_mergejoin = on";
/// What the sessions of loaders have.
const LOOK_UP_ROWS: &str = "set local enable_hashjoin = off; set local enable_mergejoin = off";
