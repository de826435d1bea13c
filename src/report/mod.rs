//! What the program *reports* of its work: how far it is while it runs
//! ([`RunProgress`], which [`ProgressMeter`] draws), a [`Summary`] at the end of a
//! run, errors with their [`causes`], and whether the service is
//! in good [`health`]. The pipeline fills these in; commands
//! print them.

mod causes;
pub mod health;
mod progress;
mod progress_meter;
mod reject_report;
mod summary;

pub use causes::{causes, in_one_line};
pub use progress::{RunProgress, Snapshot, Stage, Unit};
pub use progress_meter::{AboveMeter, ProgressMeter};
pub use reject_report::{MOST_RECORDS, reject_report};
pub use summary::{Deviations, Summary};
