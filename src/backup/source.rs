//! The *sources* of a backup: where the bytes of a file that the ledger names are now.

use std::io::{self, Read};
use std::path::PathBuf;

use fhirmill_core::read::ReadAt;
use fhirmill_postgres::backup::LedgerFile;
use sha2::{Digest, Sha256};

use super::entry::Area;
use crate::archive::{Archive, Location, Storage, Stored};
use crate::config::Settings;
use crate::inbox::{DEFAULT_SOURCE, unescaped};
use crate::pipeline::updates::UPDATES_FOLDER;

/// The archive, the rejects and the inbox.
#[derive(Debug)]
pub struct Sources {
    /// Archive and rejects.
    pub storage: Storage,
    inbox: PathBuf,
}

/// A file that was found.
pub struct Found {
    /// Where it belongs when it is restored.
    pub area: Area,
    /// Its location there.
    pub location: String,
    /// Its bytes, as they are kept.
    pub bytes: Box<dyn ReadAt>,
    /// How they are.
    pub stored: Stored,
}

impl Sources {
    /// Those of the settings.
    pub fn of(settings: &Settings) -> Self {
        Sources { storage: Storage::of(settings), inbox: settings.inbox_dir.clone() }
    }

    /// Whether each call waits for a network.
    pub fn is_remote(&self) -> bool {
        self.storage.archive.is_remote() || self.storage.rejects.is_remote()
    }

    fn archive_of(&self, area: Area) -> &dyn Archive {
        match area {
            Area::Rejects => self.storage.rejects.as_archive(),
            _ => &*self.storage.archive,
        }
    }

    /// Finds a file that the ledger has in the archive or the rejects, or that is about to get there.
    pub fn find(&self, file: &LedgerFile) -> Option<Found> {
        let stored = file.archive_path.as_deref()?;
        let location = Location::stored(stored);
        let areas = match file.status.as_str() {
            "rejected" => [Area::Rejects, Area::Archive],
            _ => [Area::Archive, Area::Rejects],
        };
        for area in areas {
            if let Ok(Some((bytes, kept))) = self.archive_of(area).open_stored(&location) {
                return Some(Found { area, location: stored.to_owned(), bytes, stored: kept });
            }
        }
        // The ledger has the location before the file is there.
        let bytes = self.in_inbox(&file.path)?;
        let is_it = bytes.size().is_ok_and(|size| size == file.size_bytes.unsigned_abs());
        let kept = Stored { bytes: file.size_bytes.unsigned_abs(), is_compressed: false };
        is_it.then(|| Found { area: areas[0], location: stored.to_owned(), bytes, stored: kept })
    }

    /// Finds a file that was being loaded when the picture was taken, and is where the ledger has
    /// it now. One that fhirmill writes itself, as updates come, goes back to where such files are
    /// while they are written: the next scan goes on with it.
    pub fn find_loading(&self, file: &LedgerFile, now: Option<&LedgerFile>) -> Option<Found> {
        let is_written_here = Sha256::digest(&file.path)[..] == file.sha256;
        let location = match (is_written_here, file.path.contains('/')) {
            (false, _) => file.path.clone(),
            (true, true) => format!("{UPDATES_FOLDER}/{}", file.path),
            (true, false) => format!("{UPDATES_FOLDER}/{DEFAULT_SOURCE}/{}", file.path),
        };
        let bytes = match now {
            Some(now) if now.archive_path.is_some() => self.content(now)?,
            _ => self.in_inbox(&location).or_else(|| self.in_inbox(&file.path))?,
        };
        let stored = Stored { bytes: bytes.size().ok()?, is_compressed: false };
        Some(Found { area: Area::Inbox, location, bytes, stored })
    }

    /// The content of an archived file, as it was in the inbox.
    fn content(&self, file: &LedgerFile) -> Option<Box<dyn ReadAt>> {
        let Found { area, location, .. } = self.find(file)?;
        self.archive_of(area).open(&Location::stored(&location)).ok()
    }

    fn in_inbox(&self, path: &str) -> Option<Box<dyn ReadAt>> {
        let opened = crate::inbox::open(&self.inbox.join(unescaped(path))).ok()?;
        Some(Box::new(opened))
    }

    /// The reports in the rejects, by their locations.
    pub fn reports(&self) -> io::Result<Vec<Location>> {
        self.storage.rejects.reports()
    }

    /// Opens a report.
    pub fn report(&self, location: &Location) -> Option<(Box<dyn ReadAt>, Stored)> {
        self.storage.rejects.as_archive().open_stored(location).ok().flatten()
    }
}

/// Reads from the beginning.
pub struct Reading<'r> {
    /// The bytes.
    pub from: &'r dyn ReadAt,
    /// How many were read.
    pub offset: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}
