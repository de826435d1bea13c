//! *Objects* that arrive below a prefix of a store. Listings are bounded: a scan takes so many keys,
//! and the next one goes on behind them.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use fhirmill_core::read::ReadAt;
use fhirmill_postgres::failpoint::{self, StoreStep};
use fhirmill_postgres::lock::lock;
use sha2::{Digest, Sha256};

use super::file_content::FileContent;
use super::inboxes::Inbox;
use super::name::{DEFAULT_SOURCE, escaped, is_unfinished, unescaped};
use super::place::Place;
use super::scan::{InboxFile, Scan};
use super::waiting::Waiting;
use crate::config::{Settings, StorageSettings, StorageUrl};
use crate::storage::{Access, Found, Object, Reading, Store, hash};

/// The largest object whose bytes are kept from being hashed until they are loaded.
const KEPT_BYTES: u64 = 8 << 20;
/// How many objects that may still change are remembered.
const MOST_REMEMBERED: usize = 10_000;

/// Where the next scan goes on, by store.
static GO_ON: Mutex<Option<HashMap<StorageUrl, String>>> = Mutex::new(None);
/// The versions of objects that may still change, and since when they are known.
static SEEN: Mutex<Option<HashMap<String, (Object, Instant)>>> = Mutex::new(None);
/// The bytes of all objects that are kept from being hashed until they are loaded.
static KEPT: AtomicU64 = AtomicU64::new(0);
/// One large object is hashed at a time, so that memory is bounded.
static LARGE: Mutex<()> = Mutex::new(());

/// A prefix of a store that objects arrive below.
#[derive(Debug)]
pub struct ObjectInbox {
    url: StorageUrl,
    settings: StorageSettings,
    /// The prefixes of sources that have their own, the longest first.
    prefixes: Vec<(String, String)>,
}

impl ObjectInbox {
    /// The one that the settings name.
    pub fn of(settings: &Settings) -> Option<Self> {
        let url = settings.storage.inbox.clone()?;
        let own =
            settings.sources.iter().filter_map(|source| Some((source.prefix.clone()?, source.name.clone())));
        let mut prefixes: Vec<(String, String)> = own.collect();
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Some(ObjectInbox { url, settings: settings.storage.clone(), prefixes })
    }

    fn store(&self) -> io::Result<Store> {
        Store::open(&self.url, &self.settings)
    }

    /// The source of an object; `None` if it is hidden or unfinished, as a file can be.
    fn source(&self, key: &str) -> Option<String> {
        let name = key.rsplit('/').next().unwrap_or(key);
        if key.split('/').any(|name| name.starts_with('.')) || is_unfinished(name) {
            return None;
        }
        if let Some((_, source)) = self.prefixes.iter().find(|(prefix, _)| key.starts_with(prefix)) {
            return Some(source.clone());
        }
        let first = key.split_once('/').map(|(first, _)| escaped(OsStr::new(first)));
        Some(first.unwrap_or_else(|| DEFAULT_SOURCE.to_owned()))
    }

    /// What is found from there on, up to as many keys as a scan lists; and where to go on.
    fn list(&self, mut from: Option<String>, each: &mut dyn FnMut(Found)) -> io::Result<Option<String>> {
        let store = self.store()?;
        let mut room = usize::try_from(self.settings.scan_keys).unwrap_or(usize::MAX);
        loop {
            let page = store.list(from.take(), room)?;
            room = room.saturating_sub(page.found.len());
            page.found.into_iter().for_each(&mut *each);
            match page.next {
                Some(next) if room > 0 => from = Some(next),
                next => return Ok(next),
            }
        }
    }

    fn add(&self, scan: &mut Scan, store: &Store, settle: Duration, found: Found) {
        let object = match found {
            Found::Unreadable { key, reason } => {
                return scan.skipped.add(key, format!("{reason}; it is left alone"));
            }
            Found::Object(object) => object,
        };
        let Some(source) = self.source(&object.key) else { return };
        let relative = escaped(OsStr::new(&object.key));
        if scan.oldest.as_ref().is_none_or(|(oldest, _)| object.modified < *oldest) {
            scan.oldest = Some((object.modified, relative.clone()));
        }
        if !is_settled(&store.address(&object.key), &object, settle) {
            scan.settling += 1;
            return;
        }
        let size = object.size;
        let place = ObjectPlace::new(store.clone(), object, &self.settings);
        scan.ready.push(InboxFile { place: Arc::new(place), relative, source, size });
    }
}

impl Inbox for ObjectInbox {
    fn scan(&self, settle: Duration, goes_on: bool) -> io::Result<Scan> {
        let mut scan = Scan::default();
        let store = self.store()?;
        let from = if goes_on { lock(&GO_ON).get_or_insert_default().remove(&self.url) } else { None };
        let next = self.list(from, &mut |found| self.add(&mut scan, &store, settle, found))?;
        scan.has_more = next.is_some();
        if let Some(next) = next.filter(|_| goes_on) {
            lock(&GO_ON).get_or_insert_default().insert(self.url.clone(), next);
        }
        Ok(scan)
    }

    fn is_there(&self, relative: &str) -> bool {
        let Ok(key) = unescaped(relative).into_string() else { return false };
        !self.store().and_then(|store| store.find(&key)).is_ok_and(|found| found.is_none())
    }

    fn waiting(&self) -> io::Result<BTreeMap<String, Waiting>> {
        let mut waiting: BTreeMap<String, Waiting> = BTreeMap::new();
        self.list(None, &mut |found| {
            let Found::Object(object) = found else { return };
            let Some(source) = self.source(&object.key) else { return };
            let one = Waiting { files: 1, bytes: object.size, oldest: Some(object.modified) };
            waiting.entry(source).or_default().add(&one);
        })?;
        Ok(waiting)
    }

    fn address(&self) -> String {
        self.url.to_string()
    }
}

/// Whether an object has not been replaced for `settle`: by the clock of the store, or, if that is
/// ahead of ours, because it was seen so long ago.
fn is_settled(address: &str, object: &Object, settle: Duration) -> bool {
    if settle.is_zero() || SystemTime::now().duration_since(object.modified).is_ok_and(|age| age >= settle) {
        if let Some(seen) = &mut *lock(&SEEN) {
            seen.remove(address);
        }
        return true;
    }
    let mut seen = lock(&SEEN);
    let seen = seen.get_or_insert_default();
    if seen.len() >= MOST_REMEMBERED {
        seen.clear();
    }
    let known = seen.entry(address.to_owned()).or_insert_with(|| (object.clone(), Instant::now()));
    if !known.0.is_same_version(object) {
        *known = (object.clone(), Instant::now());
    }
    known.1.elapsed() >= settle
}

/// An object: the version of it that a scan found.
#[derive(Debug)]
pub struct ObjectPlace {
    /// Where it is.
    pub store: Store,
    /// Which version.
    pub object: Object,
    /// It turned out to be another one by now, or none.
    is_gone: Arc<AtomicBool>,
    kept: Mutex<Kept>,
    local_copies: bool,
    room: u64,
}

/// What is kept of an object between being hashed and being loaded.
#[derive(Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    Bytes(KeptBytes),
    Copy(std::fs::File),
}

/// Bytes that count as kept until they are dropped.
#[derive(Debug)]
struct KeptBytes(Bytes);

impl Drop for KeptBytes {
    fn drop(&mut self) {
        KEPT.fetch_sub(self.0.len() as u64, Ordering::Relaxed);
    }
}

impl ReadAt for KeptBytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

impl ObjectPlace {
    fn new(store: Store, object: Object, settings: &StorageSettings) -> Self {
        ObjectPlace {
            store,
            object,
            is_gone: Arc::default(),
            kept: Mutex::default(),
            local_copies: settings.local_copies,
            room: settings.read_ahead_bytes,
        }
    }

    /// Keeps the bytes if there is room for them.
    fn keep(&self, bytes: Bytes) {
        let size = bytes.len() as u64;
        if KEPT.fetch_add(size, Ordering::Relaxed) + size > self.room {
            KEPT.fetch_sub(size, Ordering::Relaxed);
            return;
        }
        *lock(&self.kept) = Kept::Bytes(KeptBytes(bytes));
    }

    /// Hashes a large object as it comes, and copies it to disk if that is asked for.
    fn hash_large(&self, is_over: &AtomicBool) -> io::Result<[u8; 32]> {
        let _one_at_a_time = lock(&LARGE);
        let mut copy = if self.local_copies { Some(tempfile::tempfile()?) } else { None };
        let from = self.store.reader(&self.object, Access::Stream)?.telling(&self.is_gone);
        let hash = hash(&mut Reading { from: &from, offset: 0 }, &mut |piece| {
            if is_over.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            copy.as_mut().map_or(Ok(()), |copy| io::Write::write_all(copy, piece))
        })?;
        if let Some(copy) = copy {
            *lock(&self.kept) = Kept::Copy(copy);
        }
        Ok(hash)
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
        let size = self.object.size;
        if size > KEPT_BYTES {
            return Ok(FileContent::of_object(self.hash_large(is_over)?, size));
        }
        let bytes = self.store.read(&self.object, 0, size)?;
        if bytes.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let sha256 = Sha256::digest(&bytes).into();
        self.keep(bytes);
        Ok(FileContent::of_object(sha256, size))
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
        match std::mem::take(&mut *lock(&self.kept)) {
            Kept::Bytes(bytes) => Ok(Box::new(bytes)),
            Kept::Copy(file) => Ok(Box::new(file)),
            Kept::Nothing => {
                Ok(Box::new(self.store.reader(&self.object, Access::Stream)?.telling(&self.is_gone)))
            }
        }
    }

    fn remove(&self, _: &FileContent) -> io::Result<()> {
        *lock(&self.kept) = Kept::Nothing;
        let removed = self.store.remove(&self.object).map(drop);
        failpoint::passed_store(StoreStep::Removed);
        removed
    }

    fn is_pinned(&self) -> bool {
        true
    }

    fn object(&self) -> Option<&ObjectPlace> {
        Some(self)
    }
}
