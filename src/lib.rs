//! fhirmill turns FHIR R4 files into Postgres tables that people can read.
//!
//! This is the program around three libraries: `fhirmill-core` turns bytes into
//! rows, `fhirmill-postgres` stores them and keeps the ledger, and
//! `fhirmill-synthetic` invents patients.
//!
//! - [`cli`], [`config`], [`command`]: what the user asks for, and doing it
//! - [`trigger`]: when the inbox is scanned
//! - [`inbox`]: where files arrive
//! - [`pipeline`]: from a file in the inbox to rows in Postgres
//! - [`archive`]: where files go afterwards
//! - `server`: HTTP, for pushed data; `upload`: files that come in parts; `update`: resources
//!   that come one by one
//! - `feeds`: files that are fetched from elsewhere
//! - `forward`: resources that are sent to FHIR servers
//! - [`notify`]: who is told of what went wrong
//! - `snapshot`: pictures of the tables, written as files
//! - [`retention`]: what was kept for long enough, removed
//! - [`backup`]: database and archive, kept elsewhere and restored
//! - `storage`: objects in S3, Azure Blob Storage or Google Cloud Storage
//! - [`report`], [`logging`], `traces`: what people see of it
//!
//! Dependencies point one way; `docs/ARCHITECTURE.md` draws them.

pub mod archive;
mod background_threads;
pub mod backup;
pub mod cli;
pub mod command;
pub mod config;
#[cfg(feature = "feeds")]
pub mod feeds;
#[cfg(feature = "feeds")]
pub mod forward;
pub mod inbox;
pub mod logging;
pub mod notify;
pub mod pipeline;
pub mod report;
pub mod retention;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "lake")]
pub mod snapshot;
#[cfg(feature = "storage")]
pub mod storage;
#[cfg(feature = "traces")]
pub mod traces;
pub mod trigger;
#[cfg(feature = "server")]
pub mod update;
#[cfg(feature = "server")]
pub mod upload;
