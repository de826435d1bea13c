//! The *spool* of exports: a hidden folder of the inbox, which is on its file system, for
//! the bytes of files that are not whole yet. A file is named after its export and its
//! place in the manifest.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const FOLDER: &str = ".fhirmill-feeds";

/// The spool of an inbox.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Opens the spool of an inbox; creates it if it is missing.
    pub fn open(inbox: &Path) -> io::Result<Self> {
        let folder = inbox.join(FOLDER);
        fs::create_dir_all(&folder)?;
        Ok(Spool { folder })
    }

    /// The path of a file.
    pub fn path(&self, job_id: i64, number: i32) -> PathBuf {
        self.folder.join(format!("{job_id}-{number}"))
    }

    /// Opens a file of which `size` bytes are certain, and cuts off the others.
    pub fn open_file(&self, job_id: i64, number: i32, size: u64) -> io::Result<(File, u64)> {
        let path = self.path(job_id, number);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o640).open(path)?;
        let size = size.min(file.metadata()?.len());
        file.set_len(size)?;
        Ok((file, size))
    }

    /// Removes the files of an export.
    pub fn remove(&self, job_id: i64) {
        let prefix = format!("{job_id}-");
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
                // What stays is removed by hand; nothing reads it.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
