//! The *place* of an object: the version of it that a scan found. Its bytes are fetched once: small
//! objects are kept from being hashed until they are loaded, as far as there is room, and the others
//! are hashed as they are loaded.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use bytes::Bytes;
use fhirmill_core::read::ReadAt;
use fhirmill_postgres::failpoint::{self, StoreStep};
use fhirmill_postgres::lock::lock;
use sha2::{Digest, Sha256};

use super::file_content::FileContent;
use super::place::Place;
use crate::config::StorageSettings;
use crate::storage::{Access, HashedReader, Hashing, Object, ObjectReader, Store, is_absent, is_replaced};

/// The largest object whose bytes are kept from being hashed until they are loaded.
const KEPT_BYTES: u64 = 1 << 20;

/// The bytes of all objects that are fetched to be kept, or kept.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// See the module.
#[derive(Debug)]
pub struct ObjectPlace {
    /// Where it is.
    pub store: Store,
    /// Which version.
    pub object: Object,
    /// It turned out to be another one by now, or none.
    is_gone: Arc<AtomicBool>,
    /// The hash of its bytes, if the ledger has it.
    known: OnceLock<[u8; 32]>,
    kept: Mutex<Kept>,
    hashing: Mutex<Option<Arc<Hashing>>>,
    local_copies: bool,
    room: u64,
}

/// What is kept of an object until it is loaded.
#[derive(Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    Bytes(KeptBytes),
    Copy(File),
    /// It begins to be fetched.
    Reader(ObjectReader),
}

/// Bytes that count as kept until they are dropped.
#[derive(Debug)]
struct KeptBytes {
    bytes: Bytes,
    _room: Room,
}

/// Room for bytes that are kept.
#[derive(Debug)]
struct Room(u64);

impl Room {
    /// Room for so many of `most` bytes, if there is.
    fn reserve(bytes: u64, most: u64) -> Option<Self> {
        let room = Room(bytes);
        // Given back where it is too much.
        (KEPT.fetch_add(bytes, Ordering::Relaxed) + bytes <= most).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        KEPT.fetch_sub(self.0, Ordering::Relaxed);
    }
}

impl ReadAt for KeptBytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest =
            usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
}

impl ObjectPlace {
    pub(super) fn new(store: Store, object: Object, settings: &StorageSettings) -> Self {
        ObjectPlace {
            store,
            object,
            is_gone: Arc::default(),
            known: OnceLock::new(),
            kept: Mutex::default(),
            hashing: Mutex::default(),
            local_copies: settings.local_copies,
            room: settings.read_ahead_bytes / 2,
        }
    }

    fn reader(&self) -> io::Result<ObjectReader> {
        Ok(self.store.reader(&self.object, Access::Stream)?.telling(&self.is_gone))
    }

    /// Fetches a small object and keeps its bytes; `None` if there is no room for them.
    fn fetch(&self) -> io::Result<Option<[u8; 32]>> {
        let size = self.object.size;
        if size > KEPT_BYTES {
            return Ok(None);
        }
        let Some(room) = Room::reserve(size, self.room) else { return Ok(None) };
        let bytes = self.store.read(&self.object, 0, size)?;
        if bytes.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let sha256 = Sha256::digest(&bytes).into();
        *lock(&self.kept) = Kept::Bytes(KeptBytes { bytes, _room: room });
        Ok(Some(sha256))
    }

    /// Copies the object to disk, and hashes it.
    fn copy(&self, is_over: &AtomicBool) -> io::Result<[u8; 32]> {
        let mut copy = tempfile::tempfile()?;
        let sha256 = self.hash(&mut |piece| {
            if is_over.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            copy.write_all(piece)
        })?;
        *lock(&self.kept) = Kept::Copy(copy);
        Ok(sha256)
    }

    /// Hashes the bytes as they come from the store; each piece is passed on.
    fn hash(&self, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<[u8; 32]> {
        let mut hasher = Sha256::new();
        self.store
            .stream(&self.object, 0, &mut |piece| {
                hasher.update(piece);
                each(piece)
            })
            .inspect_err(|error| self.note_gone(error))?;
        Ok(hasher.finalize().into())
    }

    fn note_gone(&self, error: &io::Error) {
        if is_absent(error) || is_replaced(error) {
            self.is_gone.store(true, Ordering::Relaxed);
        }
    }

    /// The content with that hash of the bytes.
    fn content_of(&self, sha256: [u8; 32]) -> FileContent {
        self.recognize(sha256);
        FileContent::of_object(sha256, self.object.size, true)
    }

    /// What stands for the hash of the bytes before they are read.
    fn version_hash(&self) -> [u8; 32] {
        let Object { key, size, etag, modified } = &self.object;
        let etag = etag.as_deref().unwrap_or_default();
        let address = self.store.address(key);
        Sha256::digest(format!("object\0{address}\0{etag}\0{size}\0{modified:?}")).into()
    }
}

impl Place for ObjectPlace {
    fn name(&self) -> &OsStr {
        let key = &self.object.key;
        OsStr::new(key.rsplit('/').next().unwrap_or(key))
    }

    fn is_there(&self) -> bool {
        !self.store.find(&self.object.key).is_ok_and(|found| found.is_none())
    }

    fn content(&self, is_over: &AtomicBool) -> io::Result<FileContent> {
        if let Some(known) = self.known.get() {
            // It is fetched when it is read.
            return Ok(self.content_of(*known));
        }
        if let Some(sha256) = self.fetch()? {
            return Ok(self.content_of(sha256));
        }
        if self.local_copies {
            return Ok(self.content_of(self.copy(is_over)?));
        }
        Ok(FileContent::of_object(self.version_hash(), self.object.size, false))
    }

    fn hashed_content(&self) -> io::Result<FileContent> {
        let sha256 = match self.fetch()? {
            Some(sha256) => sha256,
            None => self.hash(&mut |_| Ok(()))?,
        };
        Ok(self.content_of(sha256))
    }

    fn content_read(&self, content: &FileContent) -> io::Result<FileContent> {
        if content.is_hashed {
            return Ok(*content);
        }
        let sha256 = match lock(&self.hashing).take() {
            Some(hashing) => hashing.complete(|from, each| {
                let streamed = self.store.stream(&self.object, from, each);
                streamed.inspect_err(|error| self.note_gone(error))
            })?,
            None => self.hash(&mut |_| Ok(()))?,
        };
        Ok(self.content_of(sha256))
    }

    fn has(&self, _: &FileContent) -> bool {
        // The content is that of the version, and no other version is ever read.
        !self.is_gone.load(Ordering::Relaxed)
            && self
                .store
                .find(&self.object.key)
                .is_ok_and(|found| found.is_some_and(|found| found.is_same_version(&self.object)))
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt>> {
        let reader = match mem::take(&mut *lock(&self.kept)) {
            Kept::Bytes(bytes) => return Ok(Box::new(bytes)),
            Kept::Copy(file) => return Ok(Box::new(file)),
            Kept::Reader(reader) => reader,
            Kept::Nothing => self.reader()?,
        };
        if self.known.get().is_some() {
            return Ok(Box::new(reader));
        }
        let hashing = Arc::new(Hashing::default());
        *lock(&self.hashing) = Some(Arc::clone(&hashing));
        Ok(Box::new(HashedReader::new(reader, hashing)))
    }

    fn remove(&self, _: &FileContent) -> io::Result<()> {
        *lock(&self.kept) = Kept::Nothing;
        let removed = self.store.remove(&self.object).map(drop);
        failpoint::passed(StoreStep::Removed);
        removed
    }

    fn is_pinned(&self) -> bool {
        true
    }

    fn version(&self) -> Option<(Option<&str>, SystemTime)> {
        Some((self.object.etag.as_deref(), self.object.modified))
    }

    fn recognize(&self, sha256: [u8; 32]) {
        let _ = self.known.set(sha256);
    }

    fn release(&self) {
        *lock(&self.kept) = Kept::Nothing;
    }

    fn prepare(&self) {
        let mut kept = lock(&self.kept);
        // An error shows when it is opened.
        if matches!(*kept, Kept::Nothing)
            && let Ok(reader) = self.reader()
            && reader.begin_first().is_ok()
        {
            *kept = Kept::Reader(reader);
        }
    }

    fn object(&self) -> Option<&ObjectPlace> {
        Some(self)
    }
}
