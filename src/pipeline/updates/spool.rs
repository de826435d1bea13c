//! Files that are written while they are loaded. What was appended is on disk before it is
//! committed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::left::{relative_path, spool_folder};

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
    /// Creates a file for a source, whose name begins so. It is locked as long as it is open, by which others know
    /// that it is being written.
    pub fn create(inbox: &Path, source: &str, prefix: &str) -> io::Result<Self> {
        let folder = spool_folder(inbox, source);
        fs::create_dir_all(&folder)?;
        let now = chrono::Utc::now().format("%Y%m%dT%H%M%S");
        let name = format!("{prefix}-{now}-{}.ndjson", Uuid::new_v4().simple());
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
