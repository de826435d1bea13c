//! An *archive* keeps files after they were read, so that their resources can
//! be shown and mapped again.
//!
//! A file in an archive is named by its [`Location`], which does not say where
//! the archive is: archives move, and are restored elsewhere. Files get there
//! by [`PendingMoves`], which knows every location before anything moves, so
//! that the ledger can store it first.
//!
//! Today an archive is a folder ([`FolderArchive`]). Another kind, such as an
//! object store, implements [`Archive`] and is named in [`Storage::of`].

mod location;
mod pending_moves;
mod reports;
mod stored_file;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use fhirmill_core::read::ReadAt;
use thiserror::Error;

pub use location::Location;
pub use pending_moves::{Displaced, Moved, PendingMoves, Stuck};
pub use stored_file::StoredFile;

use crate::config::Settings;
use crate::inbox::{FileContent, Relocation, is_free_for, relocate};

/// A place that keeps files, each at a [`Location`].
pub trait Archive: Debug + Send + Sync {
    /// Whether a file with this SHA-256 may be put there: nothing is there, or
    /// a copy of it.
    fn is_free_for(&self, location: &Location, sha256: &[u8; 32]) -> bool;

    /// Puts the file at `from` there, as long as it still has this content,
    /// and never overwrites anything. With `is_copy_there` the ledger says
    /// that a copy is there, and comparing sizes is enough.
    fn put(
        &self,
        from: &Path,
        content: &FileContent,
        location: &Location,
        is_copy_there: bool,
    ) -> io::Result<Relocation>;

    /// Whether files can be put at locations beside this one.
    fn is_writable(&self, location: &Location) -> io::Result<()>;

    /// Returns when what was put there survives a power failure.
    fn sync(&self, locations: &[Location]) -> io::Result<()>;

    /// Whether a file is there.
    fn contains(&self, location: &Location) -> bool;

    /// Opens the file for reading at any offset.
    fn open(&self, location: &Location) -> Result<Box<dyn ReadAt>, ArchiveError>;

    /// What a person needs to find the file: its path, or later its URL.
    fn address(&self, location: &Location) -> PathBuf;
}

/// Why an archived file cannot be read.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The archive is not where its setting says.
    #[error("{location} cannot be read: {setting} is {root}, which does not exist")]
    NoFolder { location: String, setting: &'static str, root: String },
    /// The archive is there, and the file is not in it.
    #[error("{location} is missing in {root} ({setting})")]
    Missing { location: String, setting: &'static str, root: String },
    /// The file is there and cannot be opened.
    #[error("{path} cannot be opened")]
    Open { path: String, source: io::Error },
    /// The file is there and cannot be read to its end.
    #[error("{path} cannot be read")]
    Read { path: String, source: io::Error },
    /// The file is there, with another size.
    #[error("{path} has {size} bytes and had {expected} when it was loaded: it is truncated or changed")]
    Resized { path: String, size: u64, expected: u64 },
    /// The file is there, with other bytes.
    #[error("{path} has changed since it was loaded: its SHA-256 is another one")]
    Changed { path: String },
    /// The ledger has no location for the file.
    #[error("{path} is not in the archive yet: it is still in the inbox")]
    NotYet { path: String },
}

/// How much is written to find out whether an archive takes files.
const PROBE_BYTES: usize = 4096;

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
    fn path(&self, location: &Location) -> PathBuf {
        location.path_under(&self.root, self.depth)
    }
}

impl Archive for FolderArchive {
    fn is_free_for(&self, location: &Location, sha256: &[u8; 32]) -> bool {
        is_free_for(&self.path(location), sha256)
    }

    fn put(
        &self,
        from: &Path,
        content: &FileContent,
        location: &Location,
        is_copy_there: bool,
    ) -> io::Result<Relocation> {
        let to = self.path(location);
        match relocate(from, &to, content, is_copy_there) {
            // The first file of this day and source.
            Err(error) if error.kind() == ErrorKind::NotFound && from.symlink_metadata().is_ok() => {
                fs::create_dir_all(to.parent().unwrap_or(&self.root))?;
                relocate(from, &to, content, is_copy_there)
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

    fn address(&self, location: &Location) -> PathBuf {
        self.path(location)
    }
}

/// The two archives that a file may end up in.
#[derive(Debug)]
pub struct Storage {
    /// Files that were loaded, by date and source.
    pub archive: Box<dyn Archive>,
    /// Files that were rejected, by source, each with a report beside it for
    /// people. Always a folder.
    pub rejects: FolderArchive,
}

impl Storage {
    /// The archives that the settings name.
    pub fn of(settings: &Settings) -> Self {
        let folder = |root: &Path, setting, depth| FolderArchive { root: root.to_owned(), setting, depth };
        Storage {
            archive: Box::new(folder(&settings.archive_dir, "ARCHIVE_DIR", 3)),
            rejects: folder(&settings.rejects_dir, "REJECTS_DIR", 2),
        }
    }

    /// The archive of a file, by its `status` in the ledger.
    pub fn of_status(&self, status: &str) -> &dyn Archive {
        match status {
            "rejected" => &self.rejects,
            _ => &*self.archive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_archive(root: &Path) -> FolderArchive {
        FolderArchive { root: root.to_owned(), setting: "ARCHIVE_DIR", depth: 3 }
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
        let put = archive.put(&inbox_file, &content, &location, false).expect("put");
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
        archive.put(&inbox_file, &content, &location, false).expect_err("put");
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
