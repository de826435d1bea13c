//! Moving a file that is done: into the archive by date and source, or into
//! the rejects with a report beside it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::InboxFile;

/// Moves the file into the archive and tells where it lies then. A file of
/// that name with other content is never overwritten; one with the same
/// content is.
pub fn archive(archive: &Path, file: &InboxFile, sha256: &[u8; 32]) -> io::Result<PathBuf> {
    let day = chrono::Local::now().format("%Y-%m-%d").to_string();
    shelve(&archive.join(day).join(&file.source), file, sha256)
}

/// Moves the file into the rejects and writes `report` beside it.
pub fn reject(rejects: &Path, file: &InboxFile, sha256: &[u8; 32], report: &str) -> io::Result<PathBuf> {
    let shelved = shelve(&rejects.join(&file.source), file, sha256)?;
    let name = shelved.file_name().unwrap_or_default();
    fs::write(shelved.with_file_name(fitting("", name, ".report.txt")), report)?;
    Ok(shelved)
}

fn shelve(folder: &Path, file: &InboxFile, sha256: &[u8; 32]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let name = file.path.file_name().unwrap_or_default();
    let mut target = folder.join(name);
    if target.exists() && super::fingerprint(&target)? != *sha256 {
        let hash: String = sha256[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        target = folder.join(fitting(&format!("{hash}-"), name, ""));
    }
    move_file(&file.path, &target)?;
    Ok(target)
}

/// The longest name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;

/// The name with something before and behind it, its own end cut off where
/// that would be too long.
fn fitting(before: &str, name: &OsStr, behind: &str) -> OsString {
    let room = LONGEST_NAME - before.len() - behind.len();
    let name = name.as_bytes();
    let kept = &name[..name.len().min(room)];
    OsString::from_vec([before.as_bytes(), kept, behind.as_bytes()].concat())
}

/// Makes the names in a folder outlive a power failure, as the ledger's entry
/// does that is written next.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Renames, or copies and removes where the target is on another file system.
pub fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        other => return other,
    }
    let partial = to.with_file_name(fitting("", to.file_name().unwrap_or_default(), ".part"));
    let copied = fs::copy(from, &partial)
        .and_then(|_| File::open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, to));
    if let Err(error) = copied {
        // On a full disk it would take the room that the next try needs.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    // Only what outlives a power failure there may vanish here.
    sync(to.parent().unwrap_or(to))?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::fingerprint;
    use pretty_assertions::assert_eq;
    use std::time::Duration;

    #[test]
    fn a_name_that_is_taken_by_other_content_gets_its_hash() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = folder.path().join("inbox");
        let target = folder.path().join("archive");
        let mut shelved = Vec::new();
        for content in ["one", "two", "two"] {
            fs::create_dir_all(&inbox).expect("the inbox");
            fs::write(inbox.join("a.json"), content).expect("a file");
            let file = crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready.remove(0);
            let hash = fingerprint(&file.path).expect("a hash");
            shelved.push(archive(&target, &file, &hash).expect("archived"));
        }
        assert_eq!(fs::read_to_string(&shelved[0]).expect("the first"), "one");
        assert_eq!(fs::read_to_string(&shelved[1]).expect("the second"), "two");
        assert_eq!(shelved[1], shelved[2]);
    }
}
