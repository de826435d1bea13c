//! An *archive* keeps files after they were read, so that their resources can
//! be shown and mapped again.
//!
//! A file in an archive is named by its [`Location`], which does not say where
//! the archive is: archives move, and are restored elsewhere. Files get there
//! by [`PendingMoves`], which knows every location before anything moves, so
//! that the ledger can store it first.
//!
//! An archive is a folder ([`FolderArchive`]) or a prefix of an object store. Another
//! kind implements [`Archive`], and [`Rejects`] if it is for rejected files, too, and
//! is named in [`Storage::of`].

mod at_once;
mod bring_back;
mod folder;
mod folder_forms;
mod location;
#[cfg(feature = "storage")]
mod object_forms;
#[cfg(feature = "storage")]
mod objects;
mod pending_moves;
mod reports;
mod seekable;
mod stored_file;
mod stored_json;

use std::ffi::OsStr;
use std::fmt::Debug;
use std::io::{self, Read};
use std::time::SystemTime;

use chrono::{DateTime, Local, NaiveDate, Utc};
use fhirmill_core::read::ReadAt;
use thiserror::Error;

pub(crate) use at_once::at_once;
pub(crate) use bring_back::bring_back;
pub use folder::FolderArchive;
pub use location::Location;
#[cfg(feature = "storage")]
pub use objects::ObjectArchive;
pub use pending_moves::{Displaced, Moved, PendingMoves, Stuck};
pub(crate) use reports::{fitting, hash as short_hash, is_report_on, reports_on};
pub use stored_json::stored_json;

#[cfg(feature = "storage")]
use crate::config::ArchiveCompression;
use crate::config::Settings;
use crate::inbox::{FileContent, InboxFile, Place, Relocation};

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
        from: &dyn Place,
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

    /// Whether files that are put there are compressed, if they gain by it.
    fn compresses(&self) -> bool;

    /// How the file is kept; `None` if it is not there.
    fn stored(&self, location: &Location) -> io::Result<Option<Stored>>;

    /// Compresses a file that is kept as it was sent, if its content has this SHA-256. Whenever the
    /// process dies, the file can be read, and the next call completes it.
    fn compact(&self, location: &Location, sha256: &[u8; 32]) -> io::Result<Compaction>;

    /// Replaces the content of a file by what `content` gives, in the form that the file is kept in.
    /// Readers see the old content or the new one, and when this returns, nothing of the old one is
    /// left in the archive. Fails with `NotFound` if the file is not there.
    fn replace(&self, location: &Location, content: &mut dyn Read) -> io::Result<Stored>;

    /// Removes the file; whether it was there.
    fn remove(&self, location: &Location) -> io::Result<bool>;

    /// Opens the file as it is kept, compressed or not, and says how it is; `None` if it is not there.
    fn open_stored(&self, location: &Location) -> io::Result<Option<(Box<dyn ReadAt>, Stored)>>;

    /// Writes a file that a backup has to where it was, kept as it was; false if another one is there.
    /// One that is there with the same bytes is left as it is. Fails with `InvalidData` if the bytes do
    /// not have this SHA-256.
    fn bring_back(
        &self,
        location: &Location,
        bytes: &mut dyn Read,
        stored: Stored,
        sha256: &[u8; 32],
    ) -> io::Result<bool>;

    /// What a person needs to find the file: its path or URL.
    fn address(&self, location: &Location) -> String;

    /// Whether every name begins with the hash of the content, because two processes
    /// cannot be kept from taking the same name at the same moment.
    fn names_have_hashes(&self) -> bool {
        false
    }

    /// Whether each call waits for a network, so that many are made at once.
    fn is_remote(&self) -> bool {
        false
    }
}

/// How a file is kept in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// How many bytes it takes there.
    pub bytes: u64,
    /// Whether that is a compressed form of the content.
    pub is_compressed: bool,
}

/// What became of a file that was to be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compaction {
    /// It is compressed now.
    Done(Stored),
    /// It was before.
    Before(Stored),
    /// It stays as it is: it is empty, compressed by its sender, or its name is too long.
    Unsuitable,
    /// It stays as it is: another file has the name that it would get.
    NameTaken,
    /// It stays as it is: it is not the file that was loaded.
    Changed,
    /// It is not there.
    Missing,
}

/// An archive of rejected files, each with a report beside it.
pub trait Rejects: Archive {
    /// Writes the report of a file that is about to be put there, under another name:
    /// a process that dies before the file is there leaves it, and one that comes too
    /// late for the location leaves the other file's report alone.
    fn begin_report(&self, location: &Location, unnamed: &OsStr, report: &str) -> io::Result<()>;

    /// Gives the report its name: the file is there.
    fn name_report(&self, location: &Location, unnamed: &OsStr, report: &str) -> io::Result<()>;

    /// Removes the report: the file is not there.
    fn drop_report(&self, location: &Location, unnamed: &OsStr) -> io::Result<()>;

    /// Puts the report on a loaded file there, some of whose records were rejected. No
    /// file and no report of another file is overwritten.
    fn publish(&self, file: &InboxFile, content: &FileContent, report: &str) -> io::Result<()>;

    /// Removes the report of a rejected file, which has been removed.
    fn remove_report(&self, location: &Location) -> io::Result<()>;

    /// Removes reports that are older and whose file is not there, or counts them; how many there are.
    fn remove_reports(&self, before: SystemTime, is_dry_run: bool) -> io::Result<u64>;

    /// The locations of all reports.
    fn reports(&self) -> io::Result<Vec<Location>>;

    /// Whether the report that a file would get is another file's.
    fn has_report_of_another(&self, location: &Location) -> bool;

    /// The same, as an archive.
    fn as_archive(&self) -> &dyn Archive;
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
    /// Retention removed the file.
    #[error("{location} was removed by retention on {day} (ARCHIVE_KEEP, REJECTS_KEEP)")]
    Removed { location: String, day: NaiveDate },
    /// The file is there and cannot be opened.
    #[error("{path} cannot be opened")]
    Open { path: String, source: io::Error },
    /// The file is there and cannot be read to its end.
    #[error("{path} cannot be read")]
    Read { path: String, source: io::Error },
    /// The file is there, with another size.
    #[error("{path} has {size} bytes and had {expected} when it was loaded: it is truncated or changed")]
    Resized { path: String, size: u64, expected: u64 },
    /// The file is there, compressed, and takes another number of bytes.
    #[error("{path} takes {size} bytes and took {expected} when it was compressed")]
    Restored { path: String, size: u64, expected: u64 },
    /// The file is there, with other bytes.
    #[error("{path} has changed since it was loaded: its SHA-256 is another one")]
    Changed { path: String },
    /// The ledger has no location for the file.
    #[error("{path} is not in the archive yet: it is still in the inbox")]
    NotYet { path: String },
}

impl ArchiveError {
    /// Retention removed the file at that location then.
    pub fn removed(location: &str, at: DateTime<Utc>) -> Self {
        ArchiveError::Removed { location: location.to_owned(), day: at.with_timezone(&Local).date_naive() }
    }
}

/// The two archives that a file may end up in.
#[derive(Debug)]
pub struct Storage {
    /// Files that were loaded, by date and source.
    pub archive: Box<dyn Archive>,
    /// Files that were rejected, by source, each with a report beside it for
    /// people.
    pub rejects: Box<dyn Rejects>,
}

/// How many names the locations of loaded and of rejected files have.
const ARCHIVE_DEPTH: usize = 3;
const REJECTS_DEPTH: usize = 2;

impl Storage {
    /// The archives that the settings name.
    pub fn of(settings: &Settings) -> Self {
        let storage = Storage {
            archive: Box::new(
                FolderArchive::new(&settings.archive_dir, "ARCHIVE_DIR", ARCHIVE_DEPTH)
                    .with_compression(settings.archive_compression),
            ),
            rejects: Box::new(FolderArchive::new(&settings.rejects_dir, "REJECTS_DIR", REJECTS_DEPTH)),
        };
        #[cfg(feature = "storage")]
        let storage = storage.with_objects(&settings.storage, settings.archive_compression);
        storage
    }

    #[cfg(feature = "storage")]
    fn with_objects(
        mut self,
        settings: &crate::config::StorageSettings,
        compression: ArchiveCompression,
    ) -> Self {
        if let Some(url) = &settings.archive {
            self.archive = Box::new(
                ObjectArchive::new(url, settings, "ARCHIVE_URL", ARCHIVE_DEPTH).with_compression(compression),
            );
        }
        if let Some(url) = &settings.rejects {
            self.rejects = Box::new(ObjectArchive::new(url, settings, "REJECTS_URL", REJECTS_DEPTH));
        }
        self
    }

    /// What a person needs to find a file, by its status and location in the ledger.
    pub fn address(&self, status: &str, stored: &str, is_compressed: bool) -> String {
        let archive = self.of_status(status);
        let address = archive.address(&Location::stored(stored));
        // A folder looks itself; a store would have to be asked.
        if archive.is_remote() && is_compressed { address + seekable::ENDING } else { address }
    }

    /// The archive of a file, by its `status` in the ledger.
    pub fn of_status(&self, status: &str) -> &dyn Archive {
        match status {
            "rejected" => self.rejects.as_archive(),
            _ => &*self.archive,
        }
    }
}
