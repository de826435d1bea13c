//! Postgres' side of fhirmill: connections and migrations, the registry that
//! gives every resource its key and decides which version counts, the ledger of
//! runs and files, and the load of a batch in one transaction.

pub mod database;
mod error;
pub mod failpoint;
pub mod ledger;
pub mod load;
mod registry;

pub use error::LoadError;
