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

/// What became of a record in the end.
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

/// What a record does to the one that counted.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// It counts now.
    pub wins: bool,
    /// The rows of the record that counted until now: they are void.
    pub void: Option<Bearer>,
}

/// Records of one file that do not count, one after the other with the same content.
struct Losers {
    file: u32,
    content: u64,
    records: u64,
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
    /// The records of an entry that do not count, if they are wanted.
    losers: Option<FxHashMap<u32, Vec<Losers>>>,
}

impl Registry {
    /// An empty one; `is_counting` if [`Registry::outcomes`] are wanted.
    pub fn new(is_counting: bool) -> Self {
        Registry { losers: is_counting.then(FxHashMap::default), ..Registry::default() }
    }

    /// Whether there is a resource of that key that is not deleted.
    pub fn has(&self, key: &Key) -> bool {
        self.number_of(key).is_some_and(|number| self.entry(number).content != 0)
    }

    /// Decides on a record.
    pub fn decide(&mut self, key: Key, record: Record) -> Decision {
        let content = record.content.map_or(0, |content| content.max(1));
        let Some(number) = self.number_of(&key) else {
            self.add(key, content, &record);
            return Decision { wins: true, void: None };
        };
        let entry = self.entry(number);
        let (loser, rows) = ((entry.file, entry.content), entry.bearer);
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
        let (file, content) = if wins { loser } else { (record.version.place.file as u32, content) };
        self.lose(number, file, content);
        Decision { wins, void: (wins && content != 0).then_some(rows) }
    }

    /// What became of all records: the numbers of their files, from 1, and how many they are.
    /// Whether a record's content is that of the version that counts is known at the end only.
    pub fn outcomes(&self) -> impl Iterator<Item = (u32, Outcome, u64)> {
        let entries = self.entries.iter().flatten();
        let winners = entries.map(|entry| {
            let outcome = if entry.content == 0 { Outcome::Deleted } else { Outcome::Inserted };
            (entry.file, outcome, 1)
        });
        let losers = self.losers.iter().flatten().flat_map(|(number, losers)| {
            let content = self.entry(*number).content;
            losers.iter().map(move |loser| {
                let is_same = loser.content == content;
                (loser.file, if is_same { Outcome::Unchanged } else { Outcome::Stale }, loser.records)
            })
        });
        winners.chain(losers)
    }

    fn lose(&mut self, number: u32, file: u32, content: u64) {
        let Some(losers) = &mut self.losers else { return };
        let losers = losers.entry(number).or_default();
        match losers.last_mut() {
            Some(last) if (last.file, last.content) == (file, content) => last.records += 1,
            _ => losers.push(Losers { file, content, records: 1 }),
        }
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
