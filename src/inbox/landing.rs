//! A *landing* puts a file into the inbox so that no scan ever sees half of it.
//!
//! The bytes go to a hidden `.part` file in the target folder, are flushed to
//! disk, and get their name by a rename that overwrites nothing. Whatever
//! brings files to fhirmill lands them: it never writes into the inbox itself.
//!
//! A landing that is dropped removes its `.part` file. One whose process died
//! leaves it behind; since a live landing holds a lock on its file, the next
//! landing of that name takes the leftover over, and scans remove leftovers
//! that are a day old.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::libc;
use sha2::{Digest, Sha256};
use tracing::warn;

use super::file_content::FileContent;
use super::landed;
use super::name::safe_name;
use super::relocate::rename;

/// What surrounds the name of a file that is landing. Senders do not use it,
/// so no landing takes a sender's own `.part` file for a leftover.
const PREFIX: &str = ".fhirmill-";
const SUFFIX: &str = ".part";
/// The longest counter that is put into a name: `-9999`.
const COUNTER_BYTES: usize = 5;
const MOST_NAMES: u32 = 9999;

/// How old a leftover must be before a scan removes it.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A file on its way into a folder. Write to it, then call
/// [`Landing::finish`]; dropping it abandons the file.
#[derive(Debug)]
pub struct Landing {
    folder: PathBuf,
    /// The name that the file is to get.
    name: String,
    /// Locked as long as this lives.
    file: File,
    part: PathBuf,
    hasher: Sha256,
    /// Whether there is no `.part` file any more.
    is_landed: bool,
}

impl Landing {
    /// Begins a file in `folder`, which is created if it is missing. The file's
    /// name is `name`, changed only as far as needed to be safe: see
    /// [`Landing::finish`].
    pub fn begin(folder: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let name = safe_name(name, PREFIX.len() + COUNTER_BYTES + SUFFIX.len());
        for number in 1..=MOST_NAMES {
            let part = folder.join(format!("{PREFIX}{}{SUFFIX}", numbered(&name, number)));
            if let Some(file) = create_or_take_over(&part)? {
                let (folder, hasher) = (folder.to_owned(), Sha256::new());
                return Ok(Landing { folder, name, file, part, hasher, is_landed: false });
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// Flushes the file to disk and gives it its name; returns its path.
    ///
    /// If that name is taken, a counter is put before its extension. If it is
    /// taken by a file with the same content, that file is the result.
    pub fn finish(self) -> io::Result<PathBuf> {
        self.file.sync_all()?;
        let folder = self.folder.clone();
        let target = self.finish_unflushed()?;
        File::open(folder)?.sync_all()?;
        Ok(target)
    }

    /// As [`Landing::finish`], but leaves flushing to [`flush_folder`], for many small
    /// files.
    pub fn finish_unflushed(mut self) -> io::Result<PathBuf> {
        let sha256: [u8; 32] = std::mem::take(&mut self.hasher).finalize().into();
        landed::note(&self.file.metadata()?);
        for number in 1..=MOST_NAMES {
            let target = self.folder.join(numbered(&self.name, number));
            match rename(&self.part, &target) {
                Ok(()) => self.is_landed = true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    if !FileContent::of(&target).is_ok_and(|found| found.sha256 == sha256) {
                        continue;
                    }
                }
                Err(error) => return Err(error),
            }
            return Ok(target);
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// As [`Landing::finish`], but replaces a file of that name, and leaves
    /// flushing to the system: for files that their writer can write again.
    pub fn replace(mut self) -> io::Result<PathBuf> {
        let target = self.folder.join(&self.name);
        fs::rename(&self.part, &target)?;
        self.is_landed = true;
        Ok(target)
    }
}

/// Lands a file that is complete and on disk, on the same file system as `folder`, by
/// moving it there. `note` is told where it is about to be moved, so that a process that
/// dies knows; it may be told several times. Returns the file's path.
///
/// If the name is taken, even by the same content, a counter is put before its extension:
/// every file that lands this way is a delivery of its own.
pub fn land_file(
    from: &Path,
    folder: &Path,
    name: &str,
    note: &mut dyn FnMut(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    landed::note(&from.symlink_metadata()?);
    let name = safe_name(name, COUNTER_BYTES);
    for number in 1..=MOST_NAMES {
        let target = folder.join(numbered(&name, number));
        if target.symlink_metadata().is_ok() {
            continue;
        }
        note(&target)?;
        match rename(from, &target) {
            Ok(()) => {
                File::open(folder)?.sync_all()?;
                return Ok(target);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Returns when everything on the file system of the folder is on disk.
pub fn flush_folder(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

impl Write for Landing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.is_landed
            && let Err(error) = fs::remove_file(&self.part)
        {
            warn!("{} cannot be removed: {error}", self.part.display());
        }
    }
}

/// The name with a counter before its extension, unless it is the first.
fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let (stem, extension) = name.split_at(name.find('.').unwrap_or(name.len()));
    format!("{stem}-{number}{extension}")
}

/// Creates the file and locks it, or locks and empties what a dead process
/// left there. `None` if somebody else has the name.
fn create_or_take_over(path: &Path) -> io::Result<Option<File>> {
    loop {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(flags);
        let (opened, is_new) = match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (options.open(path), false),
            created => (created, true),
        };
        let file = match opened {
            Ok(file) => file,
            // It has landed since.
            Err(error) if !is_new && error.kind() == ErrorKind::NotFound => continue,
            // A link, a folder, a pipe: not a file of ours.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::EISDIR | libc::ENXIO)) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        // Without locks, a leftover cannot be distinguished from a live file.
        if !metadata.is_file() || !lock(&file, is_new)? {
            return Ok(None);
        }
        // It may have landed between opening and locking.
        if is_at(&metadata, path) {
            file.set_len(0)?;
            return Ok(Some(file));
        }
    }
}

/// Locks the file; false if another landing has it. `without_locks` is the
/// answer where the file system has no locks.
fn lock(file: &File, without_locks: bool) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error))
            if matches!(error.raw_os_error(), Some(libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP)) =>
        {
            Ok(without_locks)
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_at(metadata: &Metadata, path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| (found.dev(), found.ino()) == (metadata.dev(), metadata.ino()))
}

/// Whether a name is that of a file that is landing.
pub(super) fn is_landing(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// Removes the `.part` file of a landing whose process died at least a day ago.
pub(super) fn remove_leftover(path: &Path) {
    let is_old = |metadata: &Metadata| {
        let modified = metadata.modified().and_then(|modified| modified.elapsed().map_err(io::Error::other));
        metadata.is_file() && modified.is_ok_and(|age| age >= LEFTOVER_AGE)
    };
    // Opening a pipe would block.
    if !path.symlink_metadata().is_ok_and(|metadata| is_old(&metadata)) {
        return;
    }
    let Ok(file) = File::open(path) else { return };
    let is_leftover = file.metadata().is_ok_and(|metadata| is_old(&metadata) && is_at(&metadata, path));
    if is_leftover && lock(&file, true).is_ok_and(|is_locked| is_locked) {
        match fs::remove_file(path) {
            Ok(()) => warn!("removed {}, which was left by a process that died", path.display()),
            Err(error) => warn!("{} cannot be removed: {error}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use std::ffi::OsString;

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<OsString> = fs::read_dir(folder).expect("a folder").map(name).collect();
        names.sort();
        names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn land(folder: &Path, name: &str, text: &str) -> PathBuf {
        let mut landing = Landing::begin(folder, name).expect("begun");
        landing.write_all(text.as_bytes()).expect("written");
        landing.finish().expect("landed")
    }

    #[test]
    fn a_file_appears_whole_and_never_over_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let north = folder.path().join("north");
        let mut landing = Landing::begin(&north, "a.ndjson.gz").expect("begun");
        landing.write_all(b"on").expect("written");
        let scan = crate::inbox::scan(folder.path(), Duration::ZERO).expect("a scan");
        assert_eq!((scan.ready.len(), scan.settling), (0, 0));
        landing.write_all(b"e").expect("written");
        assert_eq!(landing.finish().expect("landed"), north.join("a.ndjson.gz"));
        assert_eq!(land(&north, "a.ndjson.gz", "two"), north.join("a-2.ndjson.gz"));
        assert_eq!(land(&north, "a.ndjson.gz", "two"), north.join("a-2.ndjson.gz"));
        assert_eq!(names(&north), ["a-2.ndjson.gz", "a.ndjson.gz"]);
        assert_eq!(fs::read_to_string(north.join("a.ndjson.gz")).expect("a file"), "one");
        assert_eq!(fs::read_to_string(north.join("a-2.ndjson.gz")).expect("a file"), "two");
    }

    #[test]
    fn an_abandoned_landing_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut landing = Landing::begin(folder.path(), "a.json").expect("begun");
        landing.write_all(b"half").expect("written");
        assert_eq!(names(folder.path()), [".fhirmill-a.json.part"]);
        drop(landing);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn two_landings_of_one_name_do_not_meet() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut first = Landing::begin(folder.path(), "a.json").expect("begun");
        let mut second = Landing::begin(folder.path(), "a.json").expect("begun");
        first.write_all(b"first").expect("written");
        second.write_all(b"second").expect("written");
        let (second, first) = (second.finish().expect("landed"), first.finish().expect("landed"));
        assert_eq!(fs::read_to_string(second).expect("a file"), "second");
        assert_eq!(fs::read_to_string(first).expect("a file"), "first");
        assert_eq!(names(folder.path()), ["a-2.json", "a.json"]);
    }

    #[test]
    fn what_a_crash_left_is_taken_over_and_a_senders_part_file_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let leftover = folder.path().join(".fhirmill-a.json.part");
        fs::write(&leftover, "a long half of a file").expect("a file");
        fs::write(folder.path().join("a.json.part"), "a sender's").expect("a file");
        land(folder.path(), "a.json", "whole");
        assert_eq!(names(folder.path()), ["a.json", "a.json.part"]);
        assert_eq!(fs::read_to_string(folder.path().join("a.json")).expect("a file"), "whole");
        // Nothing but a file is taken over.
        std::os::unix::fs::symlink("a.json.part", &leftover).expect("a link");
        land(folder.path(), "a.json", "other");
        assert_eq!(fs::read_to_string(folder.path().join("a.json.part")).expect("a file"), "a sender's");
        assert_eq!(names(folder.path()), [".fhirmill-a.json.part", "a-2.json", "a.json", "a.json.part"]);
    }

    #[test]
    fn scans_remove_old_leftovers_and_leave_live_landings_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let live = Landing::begin(folder.path(), "live.json").expect("begun");
        for name in ["old", "new"] {
            fs::write(folder.path().join(format!(".fhirmill-{name}.part")), "half").expect("a file");
        }
        let yesterday = std::time::SystemTime::now() - LEFTOVER_AGE;
        for name in ["old", "live.json"] {
            let path = folder.path().join(format!(".fhirmill-{name}.part"));
            File::options().write(true).open(path).expect("a file").set_modified(yesterday).expect("set");
        }
        crate::inbox::scan(folder.path(), Duration::ZERO).expect("a scan");
        assert_eq!(names(folder.path()), [".fhirmill-live.json.part", ".fhirmill-new.part"]);
        live.finish().expect("landed");
    }

    #[test]
    fn unsafe_names_are_made_safe_and_long_ones_fit() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = folder.path().join("inbox");
        for (name, landed) in [("../evil.json", "_evil.json"), (".hidden", "hidden"), ("a.part", "a_part")] {
            assert_eq!(land(&inbox, name, name), inbox.join(landed));
        }
        let long = "n".repeat(400) + ".ndjson.gz";
        assert_eq!(land(&inbox, &long, "one").parent(), Some(&*inbox));
        assert_eq!(land(&inbox, &long, "two").parent(), Some(&*inbox));
        assert_eq!(names(folder.path()), ["inbox"]);
    }

    #[test]
    fn a_file_that_can_be_written_again_replaces_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        for text in ["one", "two"] {
            let mut landing = Landing::begin(folder.path(), "a.json").expect("begun");
            landing.write_all(text.as_bytes()).expect("written");
            landing.replace().expect("landed");
        }
        assert_eq!(names(folder.path()), ["a.json"]);
        assert_eq!(fs::read_to_string(folder.path().join("a.json")).expect("a file"), "two");
    }
}
