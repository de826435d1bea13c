//! A *failpoint* is a named step of a file's road at which tests make the
//! program die on the spot, as a power failure would, or do its work wrong.
//!
//! Only builds for tests have them: there the environment variable FAILPOINTS
//! says where and when, in the words of the crate `fail`. All other builds
//! compile them to nothing.
//!
//! `FAILPOINTS='committed=2*off->return'` dies when a batch is committed for
//! the third time.

use fail::{FailScenario, fail_point};

/// Whether this build has failpoints.
const ARE_BUILT_IN: bool = fail::has_failpoints();

macro_rules! steps {
    ($($(#[$what:meta])* $step:ident = $name:literal,)*) => {
        /// Where the program can be made to die.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step {
            $($(#[$what])* $step,)*
        }

        impl Step {
            /// Every step, in the order in which a file comes by.
            pub const ALL: &[Step] = &[$(Step::$step,)*];

            /// What FAILPOINTS calls it.
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
    /// Rejected records lie in the inbox again, and count as rejected still.
    Dropped = "dropped",
    /// They count as retried, and are not loaded.
    Retried = "retried",
    /// A run is noted, and has no file.
    Begun = "begun",
    /// Files are the run's, and are not opened.
    Claimed = "claimed",
    /// A document in a file is opened.
    Opened = "opened",
    /// A resource is cut out.
    Framed = "framed",
    /// A batch has its rows.
    Mapped = "mapped",
    /// All resources that it brings or names have keys.
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
    /// The batch is committed, and nobody knows.
    Committed = "committed",
    /// The accounts of files are closed in the ledger.
    Finished = "finished",
    /// The ledger knows where the files will lie.
    Noted = "noted",
    /// The report of a file that goes to the rejects is written.
    Reported = "reported",
    /// A file lies in the archive or in the rejects.
    Moved = "moved",
    /// All files have left the inbox; references by number wait.
    Departed = "departed",
    /// A batch of rows is written anew from the archive.
    WrittenAnew = "written-anew",
    /// One of the indexes is built.
    Indexed = "indexed",
    /// All indexes are built, and the run has not ended in the ledger.
    Complete = "complete",
}

/// A fault that the accounts must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record is left out of its batch, and nobody is told.
    RecordDropped,
    /// COPY is not sent the first of a table's rows.
    RowsDropped,
    /// A reject is not written.
    RejectDropped,
}

impl Fault {
    /// What FAILPOINTS calls it.
    pub fn name(self) -> &'static str {
        match self {
            Fault::RecordDropped => "record-dropped",
            Fault::RowsDropped => "rows-dropped",
            Fault::RejectDropped => "reject-dropped",
        }
    }
}

/// Does what FAILPOINTS says, for as long as the value is held.
pub fn arm() -> Option<FailScenario<'static>> {
    if ARE_BUILT_IN { Some(FailScenario::setup()) } else { None }
}

/// The step is done: dies here if FAILPOINTS says so.
pub fn passed(step: Step) {
    if ARE_BUILT_IN && is_hit(step.name()) {
        // No destructor runs, nothing is flushed, the server is not told.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    }
}

/// Whether FAILPOINTS wants the fault here and now.
pub fn has(fault: Fault) -> bool {
    ARE_BUILT_IN && is_hit(fault.name())
}

fn is_hit(name: &str) -> bool {
    // Without failpoints the macro takes nothing.
    let _ = name;
    fail_point!(name, |_| true);
    false
}
