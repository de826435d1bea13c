//! A *failpoint* is a named step of the program at which tests can kill the
//! program, as a power failure would, or make it do its work wrong.
//!
//! Only test builds have failpoints: the environment variable FAILPOINTS says
//! where and when, in the syntax of the crate `fail`. Other builds compile them to
//! nothing.
//!
//! `FAILPOINTS='committed=2*off->return'` kills the program when the third batch
//! is committed.

mod steps;

use fail::{FailScenario, fail_point};

pub use steps::*;

/// Whether this build has failpoints.
const ARE_BUILT_IN: bool = fail::has_failpoints();

/// A step at which the program can be killed.
pub trait Failpoint: Copy {
    /// Its name in FAILPOINTS.
    fn name(self) -> &'static str;
}

/// A fault that the reconciliation of record counts must detect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record is silently left out of its batch.
    RecordDropped,
    /// The first rows of a table are not sent to COPY.
    RowsDropped,
    /// A reject is not written.
    RejectDropped,
}

impl Fault {
    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            Fault::RecordDropped => "record-dropped",
            Fault::RowsDropped => "rows-dropped",
            Fault::RejectDropped => "reject-dropped",
        }
    }
}

/// Arms the failpoints of FAILPOINTS for as long as the value is held.
pub fn arm() -> Option<FailScenario<'static>> {
    if ARE_BUILT_IN { Some(FailScenario::setup()) } else { None }
}

/// The step is done: kills the program if FAILPOINTS says so.
pub fn passed(step: impl Failpoint) {
    if ARE_BUILT_IN && is_hit(step.name()) {
        // No destructor runs, nothing is flushed, the server is not informed.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    }
}

/// A limit, or the one that FAILPOINTS sets instead: `NAME=return(NUMBER)`.
pub fn limit(name: &str, limit: u64) -> u64 {
    // Without failpoints the macro takes nothing.
    let _ = name;
    fail_point!(name, |number| number.and_then(|number| number.parse().ok()).unwrap_or(limit));
    limit
}

/// Whether FAILPOINTS demands the fault now.
pub fn has(fault: Fault) -> bool {
    ARE_BUILT_IN && is_hit(fault.name())
}

fn is_hit(name: &str) -> bool {
    // Without failpoints the macro takes nothing.
    let _ = name;
    fail_point!(name, |_| true);
    false
}
