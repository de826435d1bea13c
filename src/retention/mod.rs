//! *Retention*: how what piles up over the years is kept small, and for how long it is kept.
//!
//! - [`compress`]: files of the archive that lie there as they were sent are compressed
//! - [`prune`]: files and rows that were kept for long enough are removed
//! - [`service`]: the service does so once a day

pub mod compress;
pub mod prune;
pub mod service;
