//! Opening a *stored file*, with the proof that what lies in the archive is what was loaded.

use std::io;

use fhirmill_core::read::ReadAt;
use fhirmill_postgres::ledger::StoredFile;
use sha2::{Digest, Sha256};

use super::{ArchiveError, Location, Storage};

/// How much is read at a time.
const READ_BYTES: usize = 1 << 20;

impl Storage {
    /// Opens the file, whatever its content.
    pub fn open(&self, file: &StoredFile) -> Result<Box<dyn ReadAt>, ArchiveError> {
        match (file.archive_path.as_deref(), file.removed_at) {
            (Some(stored), None) => self.of_status(&file.status).open(&Location::stored(stored)),
            (Some(stored), Some(at)) => Err(ArchiveError::removed(stored, at)),
            (None, _) => Err(ArchiveError::NotYet { path: file.path.to_owned() }),
        }
    }

    /// Opens the file, and reads it to its end: it has the size and the hash that it
    /// had when it was loaded. `read` is told of every piece that was read.
    pub fn open_proven(
        &self,
        file: &StoredFile,
        read: &mut dyn FnMut(u64),
    ) -> Result<Box<dyn ReadAt>, ArchiveError> {
        let opened = self.open(file)?;
        let address = || {
            let location = Location::stored(file.archive_path.as_deref().unwrap_or_default());
            self.of_status(&file.status).address(&location)
        };
        let unreadable = |source| ArchiveError::Read { path: address(), source };
        let size = opened.size().map_err(unreadable)?;
        if size != file.size() {
            return Err(ArchiveError::Resized { path: address(), size, expected: file.size() });
        }
        if hash(&*opened, size, read).map_err(unreadable)?[..] != *file.sha256 {
            return Err(ArchiveError::Changed { path: address() });
        }
        Ok(opened)
    }

    /// Fails if the file takes another number of bytes in the archive than the ledger has.
    pub fn prove_stored(&self, file: &StoredFile, stored_bytes: u64) -> Result<(), ArchiveError> {
        let (archive, stored) =
            (self.of_status(&file.status), file.archive_path.as_deref().unwrap_or_default());
        let location = Location::stored(stored);
        let found = archive.stored(&location).map_err(|source| {
            let path = archive.address(&location);
            ArchiveError::Read { path, source }
        })?;
        match found {
            // A copy as it was sent is as good.
            Some(found) if found.is_compressed && found.bytes != stored_bytes => {
                Err(ArchiveError::Restored {
                    path: archive.address(&location),
                    size: found.bytes,
                    expected: stored_bytes,
                })
            }
            _ => Ok(()),
        }
    }
}

/// The SHA-256 of the file's bytes.
fn hash(file: &dyn ReadAt, size: u64, read: &mut dyn FnMut(u64)) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES.min(usize::try_from(size).unwrap_or(READ_BYTES)).max(1)];
    let mut offset = 0;
    loop {
        let count = file.read_at(&mut buffer, offset)?;
        if count == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..count]);
        offset += count as u64;
        read(count as u64);
    }
}
