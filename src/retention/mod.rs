//! *Retention*: how what piles up over the years is kept small, and for how long it is kept.
//!
//! - [`compress`]: files of the archive that lie there as they were sent are compressed

pub mod compress;
