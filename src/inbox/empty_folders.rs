//! *Empty folders*: senders make a folder for each delivery, and nobody removes it
//! once its files have been taken.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tracing::debug;

use super::name::escaped;
use super::scan::Scan;
use super::skipped_paths::SkippedPaths;

/// Removes the empty folders of a scan that have been so for `after`. Returns those
/// that cannot be removed. A source's own folder is never among them.
///
/// A sender may be about to write into a folder: that is what the time is for. What
/// it has written stays in any case, because only an empty folder can be removed.
pub fn remove_empty_folders(inbox: &Path, scan: &Scan, after: Duration) -> SkippedPaths {
    let mut skipped = SkippedPaths::default();
    let now = SystemTime::now();
    for (folder, changed) in &scan.empty_folders {
        // After the clock was set back, a change may be in the future: wait.
        if !now.duration_since(*changed).is_ok_and(|age| age >= after) {
            continue;
        }
        let relative = escaped(folder.strip_prefix(inbox).unwrap_or(folder).as_os_str());
        match fs::remove_dir(folder) {
            Ok(()) => debug!("removed the empty folder {relative} of the inbox"),
            // Somebody has written into it or removed it, or something is mounted on it.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound | ErrorKind::ResourceBusy
                ) => {}
            Err(error) => skipped.add(relative, format!("the empty folder cannot be removed: {error}")),
        }
    }
    skipped
}
