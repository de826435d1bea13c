//! The *registry* of what was read so far: which version of each resource counts.

use std::num::NonZeroI64;

use fhirmill_arrow::Key;
use fhirmill_core::version::{Current, Place, Version};
use hashbrown::HashTable;
use rustc_hash::FxHashMap;

/// The rows of one version of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bearer {
    /// The batch that they are in.
    pub batch: u32,
    /// The number of the resource in the batch.
    pub resource: u32,
}

/// A version of a resource, or a deletion.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub version: Version,
    /// The beginning of its content's hash; `None` for a deletion.
    pub content: Option<u64>,
    /// Its rows; `None` for a deletion.
    pub bearer: Option<Bearer>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is the version that counts.
    Inserted,
    /// It deletes the resource.
    Deleted,
    /// The version that counts has the same content.
    Unchanged,
    /// The version that counts is newer.
    Stale,
}

/// A record that counted until now.
#[derive(Clone, Copy, Debug)]
pub struct Displaced {
    /// The number of its file, from 1.
    pub file: i64,
    /// Its rows, which are void.
    pub bearer: Option<Bearer>,
    pub before: Outcome,
    pub now: Outcome,
}

/// The version of a resource that counts, in few bytes: there may be millions.
struct Entry {
    key: Key,
    time: Option<NonZeroI64>,
    number: Option<NonZeroI64>,
    position: i64,
    file: u32,
    /// 0 for a deletion.
    content: u64,
    bearer: Bearer,
}

/// Entries that are kept together, so that they need not be moved as their number grows.
const CHUNK: usize = 1 << 14;

/// See the module.
#[derive(Default)]
pub struct Registry {
    entries: Vec<Vec<Entry>>,
    /// The number of each entry, found by its key, which is a hash already.
    by_key: HashTable<u32>,
    /// What does not fit into an entry, by its number.
    full: FxHashMap<u32, Current>,
}

impl Registry {
    /// Whether there is a resource of that key that is not deleted.
    pub fn has(&self, key: &Key) -> bool {
        self.number_of(key).is_some_and(|number| self.entry(number).content != 0)
    }

    /// Decides on a record: its outcome, and the record that it displaces.
    pub fn decide(&mut self, key: Key, record: Record) -> (Outcome, Option<Displaced>) {
        let content = record.content.map_or(0, |content| content.max(1));
        let Some(number) = self.number_of(&key) else {
            self.add(key, content, &record);
            return (applied(content), None);
        };
        let entry = self.entry(number);
        let other = if entry.content == content { Outcome::Unchanged } else { Outcome::Stale };
        let before = applied(entry.content);
        let has_rows = before == Outcome::Inserted;
        let displaced = Displaced {
            file: entry.file.into(),
            bearer: has_rows.then_some(entry.bearer),
            before,
            now: other,
        };
        let stored = entry.current();
        let mut current = self.full.remove(&number).unwrap_or(stored);
        let wins = current.decide(&record.version).wins;
        if wins {
            let entry = self.entry_mut(number);
            entry.content = content;
            entry.bearer = record.bearer.unwrap_or_default();
            entry.set(&current.version);
        }
        if current != self.entry(number).current() {
            self.full.insert(number, current);
        }
        if wins { (applied(content), Some(displaced)) } else { (other, None) }
    }

    fn add(&mut self, key: Key, content: u64, record: &Record) {
        let number = match self.entries.last() {
            Some(last) if last.len() < CHUNK => ((self.entries.len() - 1) * CHUNK + last.len()) as u32,
            _ => {
                self.entries.push(Vec::with_capacity(CHUNK));
                ((self.entries.len() - 1) * CHUNK) as u32
            }
        };
        let bearer = record.bearer.unwrap_or_default();
        let mut entry = Entry { key, time: None, number: None, position: 0, file: 0, content, bearer };
        entry.set(&record.version);
        let current = Current::first(record.version);
        if entry.current() != current {
            self.full.insert(number, current);
        }
        if let Some(last) = self.entries.last_mut() {
            last.push(entry);
        }
        let Registry { entries, by_key, .. } = self;
        by_key.insert_unique(hash_of(&key), number, |number| hash_of(&entry_of(entries, *number).key));
    }

    fn number_of(&self, key: &Key) -> Option<u32> {
        self.by_key.find(hash_of(key), |number| self.entry(*number).key == *key).copied()
    }

    fn entry(&self, number: u32) -> &Entry {
        entry_of(&self.entries, number)
    }

    fn entry_mut(&mut self, number: u32) -> &mut Entry {
        &mut self.entries[number as usize / CHUNK][number as usize % CHUNK]
    }
}

fn entry_of(entries: &[Vec<Entry>], number: u32) -> &Entry {
    &entries[number as usize / CHUNK][number as usize % CHUNK]
}

fn hash_of(key: &Key) -> u64 {
    // The bits that are the same in all keys are in the middle.
    key.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

impl Entry {
    fn set(&mut self, version: &Version) {
        self.time = version.time.and_then(NonZeroI64::new);
        self.number = version.number.and_then(NonZeroI64::new);
        self.position = version.place.position;
        self.file = version.place.file as u32;
    }

    /// What counts if all of it fits into the entry: it does not if the version has taken
    /// over something from others, or if a time or a number is 0.
    fn current(&self) -> Current {
        Current::first(Version {
            time: self.time.map(NonZeroI64::get),
            number: self.number.map(NonZeroI64::get),
            place: Place { file: self.file.into(), position: self.position },
        })
    }
}

fn applied(content: u64) -> Outcome {
    if content == 0 { Outcome::Deleted } else { Outcome::Inserted }
}
