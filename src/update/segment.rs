//! A *segment*: the file that groups are appended to while it is open. What was appended is
//! on disk before the group is committed.

use std::time::{Duration, Instant};

use crate::pipeline::updates::{SpoolFile, UpdateFile};

/// A segment of so many bytes is complete.
const MOST_BYTES: u64 = 16 << 20;
/// A segment that was open for so long is complete.
const LONGEST_OPEN: Duration = Duration::from_secs(60);
/// A segment to which nothing was appended for so long is complete.
const LONGEST_IDLE: Duration = Duration::from_secs(5);

/// A file of the spool with its entry in the ledger.
pub struct Segment {
    /// The file on disk.
    pub spool: SpoolFile,
    /// The file in the ledger.
    pub file: UpdateFile,
    opened: Instant,
    used: Instant,
}

impl Segment {
    /// A segment that has just been entered.
    pub fn new(spool: SpoolFile, file: UpdateFile) -> Self {
        Segment { spool, file, opened: Instant::now(), used: Instant::now() }
    }

    /// Notes that something was appended.
    pub fn note_use(&mut self) {
        self.used = Instant::now();
    }

    /// Whether nothing more is to be appended.
    pub fn is_complete(&self) -> bool {
        self.file.bytes() >= MOST_BYTES
            || self.opened.elapsed() >= LONGEST_OPEN
            || self.used.elapsed() >= LONGEST_IDLE
    }
}
