//! *Updates* come one by one and are loaded while their senders wait. What is loaded in
//! one transaction is a *group*: lines of a file that is being written, each a Bundle.
//!
//! - [`group`]: lines become a batch
//! - [`check`]: what is wrong with a line, before it is written anywhere
//! - [`run`]: the run that loads groups and completes files
//! - [`messages`]: messages of Kafka, which are loaded in the same way
//! - [`spool`]: the files while they are written
//! - [`left`]: files of processes that died

mod check;
mod group;
mod left;
mod messages;
mod run;
mod spool;

pub use check::{CheckedLine, CheckedRecord, Checkers, Problem, element_path};
pub use group::{GroupOutcome, LineEntry, LineOutcome};
pub use left::{UPDATES_FOLDER, land_left};
pub use messages::{BadMessage, MessageLine, MessagePlace, Messages};
pub use run::{EndingRun, GroupLoad, UpdateFile, UpdateKind, UpdateRun, UpdateWorker};
pub use spool::SpoolFile;
