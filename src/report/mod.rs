//! What the program *reports* of its work: how far it is while it runs
//! ([`RunProgress`], which [`ProgressMeter`] draws), what it has done so far
//! ([`Activity`], which metrics are made from), how the service is ([`Pulse`], and
//! [`health`] by the ledger), a [`Summary`] at the end of a
//! run, and errors with their [`causes`]. The pipeline fills these in; commands
//! print them.

mod activity;
mod causes;
pub mod disk;
pub mod health;
mod progress;
mod progress_meter;
mod pulse;
mod reject_report;
mod summary;

pub use activity::{
    Activity, FileOutcome, InStage, MOST_SOURCES, OTHER_SOURCES, SourceTotals, TRACES, WorkStage,
};
pub use causes::{causes, in_one_line};
pub use progress::{RunProgress, Snapshot, Stage, Unit};
pub use progress_meter::{AboveMeter, ProgressMeter};
pub use pulse::{Pulse, STALE};
pub use reject_report::{MOST_RECORDS, reject_report};
pub use summary::{Deviations, Summary};
