//! Moving a file that is done: into the archive by date and source, or into
//! the rejects with a report beside it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::InboxFile;
use crate::failpoint::{self, Step};

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
    let mut name = shelved.file_name().unwrap_or_default().to_owned();
    name.push(".report.txt");
    fs::write(shelved.with_file_name(name), report)?;
    failpoint::passed(Step::Reported);
    Ok(shelved)
}

fn shelve(folder: &Path, file: &InboxFile, sha256: &[u8; 32]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let name = file.path.file_name().unwrap_or_default();
    let mut target = folder.join(name);
    if target.exists() && super::fingerprint(&target)? != *sha256 {
        let hash: String = sha256[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        let mut with_hash = std::ffi::OsString::from(format!("{hash}-"));
        with_hash.push(name);
        target = folder.join(with_hash);
    }
    move_file(&file.path, &target)?;
    failpoint::passed(Step::Moved);
    Ok(target)
}

/// Makes the names in a folder outlive a power failure, as the ledger's entry
/// does that is written next.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Renames, or copies and removes where the target is on another file system.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        other => return other,
    }
    let mut partial = to.file_name().unwrap_or_default().to_owned();
    partial.push(".part");
    let partial = to.with_file_name(partial);
    fs::copy(from, &partial)?;
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, to)?;
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
