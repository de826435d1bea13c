//! An archive that is a *folder*.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use fhirmill_core::read::ReadAt;
use sha2::{Digest, Sha256};

use super::reports::{self, REPORT, fitting};
use super::{Archive, ArchiveError, Location, Rejects};
use crate::inbox::{FileContent, InboxFile, Place, Relocation, is_free_for, relocate, rename};

/// How much is written to find out whether an archive takes files.
const PROBE_BYTES: usize = 4096;
/// How much is copied at a time.
const COPIED_BYTES: usize = 1 << 20;
/// A file from a store has no permissions of its own: the owner writes, and the group reads.
const FILE_MODE: u32 = 0o640;

/// An archive that is a folder.
#[derive(Clone, Debug)]
pub struct FolderArchive {
    root: PathBuf,
    /// The setting that names the root.
    setting: &'static str,
    /// How many names a location has.
    depth: usize,
}

impl FolderArchive {
    /// An archive with this root, which that setting names, and so many names in its locations.
    pub fn new(root: &Path, setting: &'static str, depth: usize) -> Self {
        FolderArchive { root: root.to_owned(), setting, depth }
    }

    /// Where the file at the location is.
    pub(super) fn path(&self, location: &Location) -> PathBuf {
        location.path_under(&self.root, self.depth)
    }
}

impl Archive for FolderArchive {
    fn is_free_for(&self, location: &Location, sha256: &[u8; 32]) -> bool {
        is_free_for(&self.path(location), sha256)
    }

    fn put(
        &self,
        from: &dyn Place,
        content: &FileContent,
        location: &Location,
        is_copy_there: bool,
    ) -> io::Result<Relocation> {
        let to = self.path(location);
        let moved = || match from.path() {
            Some(path) => relocate(path, &to, content, is_copy_there),
            None => fetch(from, &to, content, is_copy_there),
        };
        match moved() {
            // The first file of this day and source.
            Err(error) if error.kind() == ErrorKind::NotFound && from.is_there() => {
                fs::create_dir_all(to.parent().unwrap_or(&self.root))?;
                moved()
            }
            other => other,
        }
    }

    fn is_writable(&self, location: &Location) -> io::Result<()> {
        let path = self.path(location);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        // A full disk takes names, but no bytes.
        let mut probe = tempfile::Builder::new().prefix("probe-").suffix(".part").tempfile_in(folder)?;
        probe.write_all(&[0; PROBE_BYTES])
    }

    fn sync(&self, locations: &[Location]) -> io::Result<()> {
        let folder = |location| self.path(location).parent().map(Path::to_owned);
        let folders: BTreeSet<PathBuf> = locations.iter().filter_map(folder).collect();
        folders.iter().try_for_each(|folder| match File::open(folder) {
            // Another process moved the file, to an archive of its own.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            opened => opened?.sync_all(),
        })
    }

    fn contains(&self, location: &Location) -> bool {
        self.path(location).is_file()
    }

    fn open(&self, location: &Location) -> Result<Box<dyn ReadAt>, ArchiveError> {
        let path = self.path(location);
        // Asked first, because opening a FIFO would wait.
        let opened = match path.metadata() {
            Ok(metadata) if metadata.is_file() => File::open(&path),
            Ok(_) => Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file")),
            Err(error) => Err(error),
        };
        match opened {
            Ok(file) => Ok(Box::new(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (location, setting) = (location.to_string(), self.setting);
                let root = self.root.display().to_string();
                Err(match self.root.is_dir() {
                    true => ArchiveError::Missing { location, setting, root },
                    false => ArchiveError::NoFolder { location, setting, root },
                })
            }
            Err(source) => Err(ArchiveError::Open { path: path.display().to_string(), source }),
        }
    }

    fn address(&self, location: &Location) -> String {
        self.path(location).display().to_string()
    }
}

impl Rejects for FolderArchive {
    fn begin_report(&self, location: &Location, unnamed: &OsStr, report: &str) -> io::Result<()> {
        let unnamed = self.path(location).with_file_name(unnamed);
        if let Some(folder) = unnamed.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(unnamed, report)
    }

    fn name_report(&self, location: &Location, unnamed: &OsStr, _: &str) -> io::Result<()> {
        let to = self.path(location);
        let name = to.file_name().unwrap_or_default();
        fs::rename(to.with_file_name(unnamed), to.with_file_name(fitting("", name, REPORT)))
    }

    fn drop_report(&self, location: &Location, unnamed: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path(location).with_file_name(unnamed))
    }

    fn publish(&self, file: &InboxFile, content: &FileContent, report: &str) -> io::Result<()> {
        reports::publish(self, file, content, report)
    }

    fn has_report_of_another(&self, location: &Location) -> bool {
        reports::is_of_another(self, location)
    }

    fn as_archive(&self) -> &dyn Archive {
        self
    }
}

/// Copies a file that is not in a folder to `to`, and flushes it to disk, if it has this content.
fn fetch(from: &dyn Place, to: &Path, content: &FileContent, is_copy_there: bool) -> io::Result<Relocation> {
    if to.symlink_metadata().is_ok() {
        let is_copy =
            if is_copy_there { content.is_as_long_as(to) } else { is_free_for(to, &content.sha256) };
        return Ok(if is_copy { Relocation::Copied } else { Relocation::Taken });
    }
    let folder = to.parent().unwrap_or(to);
    let mut partial = tempfile::Builder::new().prefix("moving-").suffix(".part").tempfile_in(folder)?;
    let original = from.open()?;
    let (mut hasher, mut buffer, mut offset) = (Sha256::new(), vec![0; COPIED_BYTES], 0);
    loop {
        let length = original.read_at(&mut buffer, offset)?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
        partial.write_all(&buffer[..length])?;
        offset += length as u64;
    }
    if hasher.finalize()[..] != content.sha256 {
        return Ok(Relocation::Replaced);
    }
    partial.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(FILE_MODE))?;
    partial.as_file().sync_all()?;
    match rename(partial.path(), to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_copy = is_free_for(to, &content.sha256);
            Ok(if is_copy { Relocation::Copied } else { Relocation::Taken })
        }
        other => other.map(|()| Relocation::Copied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::FilePlace;

    fn folder_archive(root: &Path) -> FolderArchive {
        FolderArchive::new(root, "ARCHIVE_DIR", 3)
    }

    #[test]
    fn what_is_put_can_be_read_at_an_offset_wherever_the_archive_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox_file = folder.path().join("a.json");
        fs::write(&inbox_file, "0123456789").expect("a file");
        let content = FileContent::of(&inbox_file).expect("a content");
        let location = Location::stored("2026-03-01/north/a.json");
        let archive = folder_archive(&folder.path().join("archive"));
        assert!(archive.is_free_for(&location, &content.sha256));
        let put = archive.put(&FilePlace(inbox_file.clone()), &content, &location, false).expect("put");
        assert_eq!(put, Relocation::Done);
        archive.sync(std::slice::from_ref(&location)).expect("synced");
        assert!(!archive.is_free_for(&location, &[0; 32]));

        fs::rename(folder.path().join("archive"), folder.path().join("moved")).expect("moved");
        let archive = folder_archive(&folder.path().join("moved"));
        assert!(archive.contains(&location));
        let bytes = archive.open(&location).expect("opened");
        let mut read = [0; 4];
        assert_eq!((bytes.size().expect("a size"), bytes.read_at(&mut read, 3).expect("read")), (10, 4));
        assert_eq!(&read, b"3456");
    }

    #[test]
    fn where_no_file_can_be_no_name_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("archive");
        fs::write(&root, "no folder").expect("a file");
        let inbox_file = folder.path().join("a.json");
        fs::write(&inbox_file, "{}").expect("a file");
        let content = FileContent::of(&inbox_file).expect("a content");
        let location = Location::stored("2026-03-01/north/a.json");
        let archive = folder_archive(&root);
        assert!(archive.is_free_for(&location, &content.sha256));
        archive.put(&FilePlace(inbox_file.clone()), &content, &location, false).expect_err("put");
        assert!(inbox_file.exists());
    }

    #[test]
    fn what_is_missing_is_named_with_the_setting() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::stored("2026-03-01/north/a.json");
        let missing = folder_archive(folder.path()).open(&location).expect_err("opened").to_string();
        let expected =
            format!("2026-03-01/north/a.json is missing in {} (ARCHIVE_DIR)", folder.path().display());
        assert_eq!(missing, expected);
        let root = folder.path().join("nowhere");
        let error = folder_archive(&root).open(&location).expect_err("opened");
        assert!(matches!(error, ArchiveError::NoFolder { .. }), "{error}");
        fs::create_dir_all(folder.path().join("2026-03-01/north/a.json")).expect("a folder");
        let error = folder_archive(folder.path()).open(&location).expect_err("opened");
        assert!(matches!(error, ArchiveError::Open { .. }), "{error}");
    }
}
