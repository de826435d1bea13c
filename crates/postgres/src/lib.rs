//! The Postgres side of fhirmill: connections and migrations ([`database`]), the
//! registry that gives every resource its key and decides which version counts
//! ([`registry`]), the ledger of runs and files ([`ledger`]), and the load of a
//! batch in one transaction ([`load`]); and what of all that is seen at one time
//! ([`picture`]).

pub mod database;
mod error;
pub mod failpoint;
pub mod ledger;
pub mod load;
pub mod lock;
pub mod picture;
pub mod registry;

pub use error::LoadError;
