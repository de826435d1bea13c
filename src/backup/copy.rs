//! *Copies* the files that a target lacks.

use std::collections::HashMap;
use std::io::{self, ErrorKind};

use fhirmill_postgres::backup::LedgerFile;

use super::dump::hash;
use super::entry::{Area, FILES, FileEntry, hexadecimal, path_of};
use super::error::BackupError;
use super::list::each_entry;
use super::source::{Found, Reading, Sources};
use super::take::BackupJob;
use super::target::Target;
use crate::archive::{Location, Stored, at_once};

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// It was copied.
    Copied(FileEntry),
    /// The target had it already.
    Shared(FileEntry),
    /// It was not found, or has other bytes than the ledger says.
    Missing,
}

/// See the module.
pub struct Copier<'c> {
    job: &'c BackupJob<'c>,
    target: &'c dyn Target,
    sources: Sources,
    /// What the target has: the sizes of files, by their paths.
    there: HashMap<String, u64>,
    /// The hashes of those whose bytes are not what was loaded, because they are compressed.
    stored: HashMap<String, String>,
}

impl<'c> Copier<'c> {
    /// Looks at what the target has; `base` is the backup before.
    pub fn new(job: &'c BackupJob<'c>, target: &'c dyn Target, base: Option<&str>) -> io::Result<Self> {
        let there = target.list(FILES)?.into_iter().collect();
        let mut stored = HashMap::new();
        if let Some(base) = base {
            each_entry(target, base, &mut |entry| {
                if entry.stored_sha256 != entry.sha256 {
                    stored.insert(entry.path(), entry.stored_sha256);
                }
                Ok(())
            })?;
        }
        Ok(Copier { job, target, sources: Sources::of(job.settings), there, stored })
    }

    /// Copies those files that the target lacks.
    pub fn copy_all(&self, files: &[LedgerFile]) -> Result<Vec<Outcome>, BackupError> {
        let is_remote = self.sources.is_remote() || self.target.is_remote();
        at_once(files, is_remote, |file| self.copy(file)).into_iter().collect()
    }

    /// Copies one if the target lacks it.
    pub fn copy(&self, file: &LedgerFile) -> Result<Outcome, BackupError> {
        if self.job.cancel.is_cancelled() {
            return Err(BackupError::Cancelled);
        }
        match self.sources.find(file) {
            Some(found) => self.put(file, found),
            None => Ok(Outcome::Missing),
        }
    }

    /// Copies one that was being loaded when the picture was taken.
    pub fn copy_loading(&self, file: &LedgerFile, now: Option<&LedgerFile>) -> Result<Outcome, BackupError> {
        let Some(found) = self.sources.find_loading(file, now) else { return Ok(Outcome::Missing) };
        self.put_by_its_bytes(found)
    }

    /// Copies the reports in the rejects. They may be of any number of files, and change.
    pub fn copy_reports(&self) -> Result<Vec<Outcome>, BackupError> {
        let locations = self.sources.reports().map_err(BackupError::target("the rejects"))?;
        let is_remote = self.sources.is_remote() || self.target.is_remote();
        let copied = at_once(&locations, is_remote, |location: &Location| {
            let Some((bytes, stored)) = self.sources.report(location) else { return Ok(None) };
            let found = Found { area: Area::Rejects, location: location.as_str().to_owned(), bytes, stored };
            self.put_by_its_bytes(found).map(Some)
        });
        let found: Result<Vec<Option<Outcome>>, BackupError> = copied.into_iter().collect();
        Ok(found?.into_iter().flatten().collect())
    }

    /// Puts a file whose hash the ledger has, as it is kept.
    fn put(&self, file: &LedgerFile, found: Found) -> Result<Outcome, BackupError> {
        let Found { area, location, bytes, stored: Stored { bytes: stored, is_compressed } } = found;
        if !is_compressed && stored != file.size_bytes.unsigned_abs() {
            return Ok(Outcome::Missing);
        }
        let sha256 = hexadecimal(&file.sha256);
        let path = path_of(&sha256, stored, is_compressed);
        let entry = |stored_sha256: String| FileEntry {
            area,
            location: location.clone(),
            sha256: sha256.clone(),
            bytes: stored,
            is_compressed,
            stored_sha256,
        };
        if self.there.get(&path) == Some(&stored) {
            let known = if is_compressed { self.stored.get(&path) } else { Some(&sha256) };
            if let Some(known) = known {
                return Ok(Outcome::Shared(entry(known.clone())));
            }
        }
        let expected = <[u8; 32]>::try_from(&*file.sha256).ok().filter(|_| !is_compressed);
        let mut reading = Reading { from: &*bytes, offset: 0 };
        match self.target.put(&path, &mut reading, expected.as_ref()) {
            Ok((written, hash)) if written == stored => Ok(Outcome::Copied(entry(hexadecimal(&hash)))),
            // It is being replaced.
            Ok(_) => Ok(Outcome::Missing),
            Err(error) if error.kind() == ErrorKind::InvalidData => Ok(Outcome::Missing),
            Err(source) => Err(BackupError::Target { place: location, source }),
        }
    }

    /// Puts a file by the hash of the bytes that it has now.
    fn put_by_its_bytes(&self, found: Found) -> Result<Outcome, BackupError> {
        let place = found.location.clone();
        let (mut size, mut sha256) = (0, [0; 32]);
        // What grows meanwhile is read again.
        for _ in 0..3 {
            let hashed = hash(&mut Reading { from: &*found.bytes, offset: 0 });
            (size, sha256) = hashed.map_err(BackupError::target(&place))?;
            let path = path_of(&hexadecimal(&sha256), size, false);
            if self.there.get(&path) == Some(&size) {
                break;
            }
            let mut reading = Limited { reading: Reading { from: &*found.bytes, offset: 0 }, left: size };
            match self.target.put(&path, &mut reading, Some(&sha256)) {
                Err(error) if error.kind() == ErrorKind::InvalidData => continue,
                put => drop(put.map_err(BackupError::target(&place))?),
            }
            break;
        }
        let digits = hexadecimal(&sha256);
        let entry = FileEntry {
            area: found.area,
            location: found.location,
            sha256: digits.clone(),
            bytes: size,
            is_compressed: false,
            stored_sha256: digits,
        };
        Ok(match self.there.contains_key(&entry.path()) {
            true => Outcome::Shared(entry),
            false => Outcome::Copied(entry),
        })
    }
}

/// The first bytes of a file that may grow.
struct Limited<'r> {
    reading: Reading<'r>,
    left: u64,
}

impl io::Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let length = self.reading.read(&mut buffer[..most])?;
        self.left -= length as u64;
        Ok(length)
    }
}
