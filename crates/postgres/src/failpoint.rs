//! A *failpoint* is a named step in loading a file at which tests can kill the
//! program, as a power failure would, or make it do its work wrong.
//!
//! Only test builds have failpoints: the environment variable FAILPOINTS says
//! where and when, in the syntax of the crate `fail`. Other builds compile them to
//! nothing.
//!
//! `FAILPOINTS='committed=2*off->return'` kills the program when the third batch
//! is committed.

use fail::{FailScenario, fail_point};

/// Whether this build has failpoints.
const ARE_BUILT_IN: bool = fail::has_failpoints();

macro_rules! steps {
    ($($(#[$what:meta])* $step:ident = $name:literal,)*) => {
        /// Where the program can be killed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step {
            $($(#[$what])* $step,)*
        }

        impl Step {
            /// Every step, in the order in which a file passes them.
            pub const ALL: &[Step] = &[$(Step::$step,)*];

            /// Its name in FAILPOINTS.
            pub fn name(self) -> &'static str {
                match self {
                    $(Step::$step => $name,)*
                }
            }
        }
    };
}

steps! {
    /// A migration is applied.
    Migrated = "migrated",
    /// Rejected records are in the inbox again, and still count as rejected.
    Dropped = "dropped",
    /// They count as retried, and are not loaded.
    Retried = "retried",
    /// A run is recorded, and has no file.
    Begun = "begun",
    /// Files are claimed, and are not opened.
    Claimed = "claimed",
    /// A document in a file is opened.
    Opened = "opened",
    /// A resource is framed.
    Framed = "framed",
    /// A batch is mapped.
    Mapped = "mapped",
    /// All resources that it contains or refers to have keys.
    KeysGiven = "keys-given",
    /// The registry has decided on versions.
    Decided = "decided",
    /// Rows of replaced versions are deleted.
    Replaced = "replaced",
    /// The rows of one table are copied.
    Copied = "copied",
    /// Rejects are written.
    RejectsWritten = "rejects-written",
    /// The batch's account is written, and nothing is committed.
    Accounted = "accounted",
    /// The batch is committed, and the program does not know yet.
    Committed = "committed",
    /// The accounts of files are closed in the ledger.
    Finished = "finished",
    /// The ledger has the locations to which the files will move.
    Noted = "noted",
    /// The report of a file that goes to the rejects is written.
    Reported = "reported",
    /// A file is in the archive or in the rejects.
    Moved = "moved",
    /// All files have left the inbox; references by identifier are not resolved.
    Departed = "departed",
    /// A batch is mapped again from the archive.
    WrittenAnew = "written-anew",
    /// One of the indexes is built.
    Indexed = "indexed",
    /// All indexes are built, and the run has not ended in the ledger.
    Complete = "complete",
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
pub fn passed(step: Step) {
    if ARE_BUILT_IN && is_hit(step.name()) {
        // No destructor runs, nothing is flushed, the server is not informed.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    }
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
