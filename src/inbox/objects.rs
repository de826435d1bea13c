//! *Objects* that arrive below a prefix of a store. Listings are bounded: a scan takes so many keys,
//! and the next one goes on behind them.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use fhirmill_postgres::lock::lock;

use super::inboxes::{Inbox, Patience};
use super::name::{DEFAULT_SOURCE, escaped, is_unfinished, unescaped};
use super::object_place::ObjectPlace;
use super::scan::{InboxFile, Scan};
use super::waiting::Waiting;
use crate::config::{Settings, StorageSettings, StorageUrl};
use crate::storage::{Found, Object, Store};

/// How many objects that may still change are remembered.
const MOST_REMEMBERED: usize = 10_000;

/// Where the next scan goes on, by store.
static GO_ON: Mutex<Option<HashMap<StorageUrl, String>>> = Mutex::new(None);
/// The versions of objects that may still change, and since when they are known.
static SEEN: Mutex<Option<HashMap<String, (Object, Instant)>>> = Mutex::new(None);

/// A prefix of a store that objects arrive below.
#[derive(Debug)]
pub struct ObjectInbox {
    url: StorageUrl,
    settings: StorageSettings,
    /// The prefixes of sources that have their own, the longest first.
    prefixes: Vec<(String, String)>,
    patience: Patience,
}

impl ObjectInbox {
    /// The one that the settings name.
    pub fn of(settings: &Settings, patience: Patience) -> Option<Self> {
        let url = settings.storage.inbox.clone()?;
        let own =
            settings.sources.iter().filter_map(|source| Some((source.prefix.clone()?, source.name.clone())));
        let mut prefixes: Vec<(String, String)> = own.collect();
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Some(ObjectInbox { url, settings: settings.storage.clone(), prefixes, patience })
    }

    /// The store, for listing it.
    fn store(&self) -> io::Result<Store> {
        let store = Store::open(&self.url, &self.settings)?;
        Ok(if self.patience == Patience::Much { store } else { store.impatient() })
    }

    /// The store, for reading from it.
    fn store_to_read(&self) -> io::Result<Store> {
        let store = Store::open(&self.url, &self.settings)?;
        Ok(if self.patience == Patience::Little { store.impatient() } else { store })
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
        let store = self.store_to_read()?;
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
