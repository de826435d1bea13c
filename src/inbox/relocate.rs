//! To *relocate* a file is to move it without overwriting anything: also where
//! two processes choose one place at the same moment, and from one file
//! system to another. A copy of it that lies there already is as good.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::content::{self, Content};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// It lies there, and no longer where it was.
    Done,
    /// A copy lies there. The file where it was is no longer needed once that
    /// outlives a power failure: see `remove`.
    Copied,
    /// Something else lies there; the file is where it was.
    Taken,
    /// Another file is where it was, and stays.
    Replaced,
}

/// Moves the file of that content. Where the ledger says that a copy lies
/// there, nobody reads it: it only has to be as long.
pub fn relocate(from: &Path, to: &Path, content: &Content, is_copy_there: bool) -> io::Result<Relocation> {
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

/// Whether a file of that hash could lie there.
pub fn is_free_for(to: &Path, sha256: &[u8; 32]) -> bool {
    let is_missing = || to.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    is_missing() || is_copy(to, sha256)
}

/// What is no file, or cannot be read, is no copy of anything.
fn is_copy(to: &Path, sha256: &[u8; 32]) -> bool {
    Content::of(to).is_ok_and(|found| found.sha256 == *sha256)
}

/// Renames, unless something lies there.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Network file systems, and old kernels.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link(from, to),
        other => Ok(other?),
    }
}

/// A second name is given only where there is none, and the first one taken
/// away then.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
            // A file system that can do neither: there is a moment between
            // looking and renaming, and no better way.
            match to.symlink_metadata() {
                Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(from, to),
            }
        }
        Err(error) => Err(error),
    }
}

/// Copies to another file system, and flushes it to the disk.
fn copy(from: &Path, to: &Path, content: &Content) -> io::Result<Relocation> {
    // Under a name of its own, and gone with this call unless it succeeds: on
    // a full disk it would take the room that the next try needs.
    let folder = to.parent().unwrap_or(to);
    let mut partial = tempfile::Builder::new().prefix("moving-").suffix(".part").tempfile_in(folder)?;
    let mut original = content::open(from)?;
    io::copy(&mut original, partial.as_file_mut())?;
    partial.as_file().set_permissions(original.metadata()?.permissions())?;
    partial.as_file().sync_all()?;
    if !content.is_still_at(from) {
        return Ok(Relocation::Replaced);
    }
    rename(partial.path(), to)?;
    Ok(Relocation::Copied)
}

/// Takes away the file of that content, unless another one took its place.
/// Also where both are names of one file, which no renaming would undo.
pub fn remove(from: &Path, content: &Content) -> io::Result<()> {
    if content.is_still_at(from) { fs::remove_file(from) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_else(|error| error.kind().to_string())
    }

    fn move_to(from: &Path, to: &Path) -> Relocation {
        relocated(from, to).expect("asked")
    }

    /// The move, and the removal of what is left after it.
    fn relocated(from: &Path, to: &Path) -> io::Result<Relocation> {
        let content = Content::of(from)?;
        let relocation = relocate(from, to, &content, false)?;
        if relocation == Relocation::Copied {
            remove(from, &content)?;
        }
        Ok(relocation)
    }

    type Way = fn(&Path, &Path) -> io::Result<()>;

    #[test]
    fn no_way_overwrites_anything() {
        let by_copy: Way = |from, to| {
            let content = Content::of(from)?;
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
    fn a_copy_that_is_there_is_as_good_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let [from, to, twin] = ["from", "to", "twin"].map(|name| folder.path().join(name));
        for path in [&from, &to] {
            fs::write(path, "mine").expect("a file");
        }
        assert_eq!(move_to(&from, &to), Relocation::Copied);
        assert!(!from.exists());
        // The same file under two names, as a process leaves it that died.
        fs::hard_link(&to, &twin).expect("a link");
        assert_eq!(move_to(&twin, &to), Relocation::Copied);
        assert_eq!((text(&twin), text(&to)), ("entity not found".into(), "mine".into()));
        fs::create_dir(&from).expect("a folder");
        assert_eq!(move_to(&to, &from), Relocation::Taken);
        fs::write(&twin, "Mine").expect("a file");
        assert_eq!(move_to(&to, &twin), Relocation::Taken);
        fs::write(&twin, "mine, once").expect("a file");
        let content = Content::of(&to).expect("a content");
        assert_eq!(relocate(&to, &twin, &content, true).expect("asked"), Relocation::Taken);
        assert_eq!(text(&to), "mine");
    }

    #[test]
    fn what_was_put_into_the_place_of_the_original_meanwhile_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let [from, to, next] = ["from", "to", "next"].map(|name| folder.path().join(name));
        fs::write(&from, "old").expect("a file");
        let old = Content::of(&from).expect("a content");
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
