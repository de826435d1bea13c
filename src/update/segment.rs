//! A *segment*: the file that groups are appended to while it is open. What was appended is
//! on disk before the group is committed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::pipeline::updates::{UpdateFile, relative_path, spool_folder};

/// A segment of so many bytes is complete.
const MOST_BYTES: u64 = 16 << 20;
/// A segment that was open for so long is complete.
const LONGEST_OPEN: Duration = Duration::from_secs(60);
/// A segment to which nothing was appended for so long is complete.
const LONGEST_IDLE: Duration = Duration::from_secs(5);

/// A file of the spool that is not in the ledger yet.
#[derive(Debug)]
pub struct SpoolFile {
    file: File,
    /// Where it is.
    pub path: PathBuf,
    /// The path that it has in the ledger.
    pub relative: String,
}

impl SpoolFile {
    /// Creates a file for a source. It is locked as long as it is open, by which others know
    /// that it is being written.
    pub fn create(inbox: &Path, source: &str) -> io::Result<Self> {
        let folder = spool_folder(inbox, source);
        fs::create_dir_all(&folder)?;
        let now = chrono::Utc::now().format("%Y%m%dT%H%M%S");
        let name = format!("updates-{now}-{}.ndjson", Uuid::new_v4().simple());
        let path = folder.join(&name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&path)?;
        file.try_lock().map_err(|error| io::Error::other(error.to_string()))?;
        File::open(&folder)?.sync_all()?;
        Ok(SpoolFile { file, path, relative: relative_path(source, name.as_ref()) })
    }

    /// Writes lines at that offset and flushes them to disk. What was behind it, of an
    /// attempt before, is gone.
    pub fn append(&self, offset: u64, lines: &[u8]) -> io::Result<()> {
        self.file.set_len(offset)?;
        self.file.write_all_at(lines, offset)?;
        self.file.sync_data()
    }

    /// Takes back what was appended behind that offset.
    pub fn take_back(&self, offset: u64) -> io::Result<()> {
        self.file.set_len(offset)?;
        self.file.sync_data()
    }
}

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
