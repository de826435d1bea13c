//! fhirmill turns FHIR R4 files into Postgres tables that people can read.
//!
//! The modules stand in the order of a file's road: a trigger wakes the scan
//! of the inbox, a source cuts a file into resources, the map turns each
//! resource into rows by the declared model, load brings the rows into
//! Postgres, and the ledger records what became of every file. Arrows point
//! one way; `docs/ARCHITECTURE.md` draws them.

pub mod archive;
pub mod cli;
pub mod command;
pub mod config;
pub mod inbox;
pub mod logging;
pub mod pipeline;
pub mod report;
pub mod trigger;
