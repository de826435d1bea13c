//! To *relocate* a file is to move it without overwriting anything, even if two
//! processes choose the same target at the same moment, and across file
//! systems. A copy of the file that is already at the target is good enough.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::file_content::{FileContent, open};

/// How a relocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// The file is at the target and no longer at its origin.
    Done,
    /// A copy is at the target. The original can go as soon as the copy
    /// survives a power failure: see [`Place::remove`](super::Place::remove).
    Copied,
    /// The target holds something else; the file was not moved.
    Taken,
    /// The origin holds another file by now, which was not moved.
    Replaced,
}

/// Moves the file with this content from `from` to `to`. With `is_copy_there`
/// the ledger says that a copy is at the target; it is then not read, only its
/// size is compared.
pub fn relocate(
    from: &Path,
    to: &Path,
    content: &FileContent,
    is_copy_there: bool,
) -> io::Result<Relocation> {
    if !content.is_still_at(from) {
        return Ok(Relocation::Replaced);
    }
    let moved = match rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => copy(from, to, content),
        other => other.map(|()| Relocation::Done),
    };
    match moved {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_copy =
                if is_copy_there { content.is_as_long_as(to) } else { is_copy(to, &content.sha256) };
            if is_copy { Ok(Relocation::Copied) } else { Ok(Relocation::Taken) }
        }
        other => other,
    }
}

/// Whether a file with this SHA-256 may be put at `to`: nothing is there, or a
/// copy of it. Where that cannot be told, because a folder above it cannot be
/// searched or is a file, no other name would be better: the move says why it fails.
pub fn is_free_for(to: &Path, sha256: &[u8; 32]) -> bool {
    to.symlink_metadata().is_err() || is_copy(to, sha256)
}

/// Anything that is not a file, or cannot be read, is not a copy.
fn is_copy(to: &Path, sha256: &[u8; 32]) -> bool {
    FileContent::of(to).is_ok_and(|found| found.sha256 == *sha256)
}

/// Renames, and fails with `AlreadyExists` if there is anything at `to`.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Network file systems and old kernels.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link(from, to),
        other => Ok(other?),
    }
}

/// Renames by a second link, which is never made over an existing name, and
/// removing the first.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
            // This file system can do neither, which leaves a gap between
            // checking and renaming.
            match to.symlink_metadata() {
                Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(from, to),
            }
        }
        Err(error) => Err(error),
    }
}

/// Copies to another file system, and flushes the copy to disk.
fn copy(from: &Path, to: &Path, content: &FileContent) -> io::Result<Relocation> {
    // Under a name of its own, and removed unless this succeeds: on a full
    // disk it would take the space that the next attempt needs.
    let folder = to.parent().unwrap_or(to);
    let mut partial = tempfile::Builder::new().prefix("moving-").suffix(".part").tempfile_in(folder)?;
    let mut original = open(from)?;
    io::copy(&mut original, partial.as_file_mut())?;
    partial.as_file().set_permissions(original.metadata()?.permissions())?;
    partial.as_file().sync_all()?;
    if !content.is_still_at(from) {
        return Ok(Relocation::Replaced);
    }
    rename(partial.path(), to)?;
    Ok(Relocation::Copied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::{FilePlace, Place};
    use pretty_assertions::assert_eq;

    fn remove(path: &Path, content: &FileContent) -> io::Result<()> {
        FilePlace(path.to_owned()).remove(content)
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_else(|error| error.kind().to_string())
    }

    fn move_to(from: &Path, to: &Path) -> Relocation {
        relocated(from, to).expect("asked")
    }

    /// The move, and the removal of what is left after it.
    fn relocated(from: &Path, to: &Path) -> io::Result<Relocation> {
        let content = FileContent::of(from)?;
        let relocation = relocate(from, to, &content, false)?;
        if relocation == Relocation::Copied {
            remove(from, &content)?;
        }
        Ok(relocation)
    }

    type Way = fn(&Path, &Path) -> io::Result<()>;

    #[test]
    fn nothing_is_ever_overwritten() {
        let by_copy: Way = |from, to| {
            let content = FileContent::of(from)?;
            copy(from, to, &content).and_then(|_| remove(from, &content))
        };
        for way in [rename as Way, link, by_copy] {
            let folder = tempfile::tempdir().expect("a folder");
            let [from, to, other] = ["from", "to", "other"].map(|name| folder.path().join(name));
            fs::write(&from, "mine").expect("a file");
            fs::write(&other, "another's").expect("a file");
            let refused = way(&from, &other).expect_err("overwritten");
            assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
            assert_eq!((text(&from), text(&other)), ("mine".into(), "another's".into()));
            way(&from, &to).expect("moved");
            assert_eq!((text(&from), text(&to)), ("entity not found".into(), "mine".into()));
            assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
        }
    }

    #[test]
    fn a_copy_at_the_target_is_good_enough_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let [from, to, duplicate] = ["from", "to", "duplicate"].map(|name| folder.path().join(name));
        for path in [&from, &to] {
            fs::write(path, "mine").expect("a file");
        }
        assert_eq!(move_to(&from, &to), Relocation::Copied);
        assert!(!from.exists());
        // Two links to one file, as a process that died may leave them.
        fs::hard_link(&to, &duplicate).expect("a link");
        assert_eq!(move_to(&duplicate, &to), Relocation::Copied);
        assert_eq!((text(&duplicate), text(&to)), ("entity not found".into(), "mine".into()));
        fs::create_dir(&from).expect("a folder");
        assert_eq!(move_to(&to, &from), Relocation::Taken);
        fs::write(&duplicate, "Mine").expect("a file");
        assert_eq!(move_to(&to, &duplicate), Relocation::Taken);
        fs::write(&duplicate, "mine, once").expect("a file");
        let content = FileContent::of(&to).expect("a content");
        assert_eq!(relocate(&to, &duplicate, &content, true).expect("asked"), Relocation::Taken);
        assert_eq!(text(&to), "mine");
    }

    #[test]
    fn a_file_that_replaced_the_original_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let [from, to, next] = ["from", "to", "next"].map(|name| folder.path().join(name));
        fs::write(&from, "old").expect("a file");
        let old = FileContent::of(&from).expect("a content");
        fs::write(&to, "old").expect("a copy");
        fs::write(&next, "new").expect("a file");
        fs::rename(&next, &from).expect("replaced");
        assert_eq!(relocate(&from, &to, &old, true).expect("asked"), Relocation::Replaced);
        assert_eq!(copy(&from, &next, &old).expect("asked"), Relocation::Replaced);
        remove(&from, &old).expect("asked");
        assert_eq!((text(&from), text(&to)), ("new".into(), "old".into()));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }
}
