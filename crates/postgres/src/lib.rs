//! The Postgres side of fhirmill: connections and migrations ([`database`]), the
//! registry that gives every resource its key and decides which version counts
//! ([`registry`]), the ledger of runs and files ([`ledger`]), and the load of a
//! batch in one transaction ([`load`]); what of all //! ([`picture`]); taking files back ([`undo`]); and erasing
//! people ([`erase`]).

pub mod database;
pub mod erase;
mod error;
pub mod failpoint;
pub mod ledger;
pub mod load;
pub mod lock;
pub mod picture;
pub mod registry;
pub mod undo;

pub use error::LoadError;
