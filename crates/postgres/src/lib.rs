//! The Postgres side of fhirmill: connections and migrations ([`database`]), the
//! registry that gives every resource its key and decides which version counts
//! ([`registry`]), the ledger of runs and files ([`ledger`]), and the load of a
//! batch in one transaction ([`load`]); what of all that is seen at one time
//! ([`picture`]); taking files back ([`undo`]); erasing people ([`erase`]); the copy
//! without what identifies people ([`deidentified`]); and what a backup has besides a dump
//! ([`backup`]).

pub mod backup;
pub mod database;
pub mod deidentified;
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
