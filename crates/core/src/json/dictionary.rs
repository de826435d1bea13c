//! A *dictionary* gives numbers to names. It holds the names that the crate
//! itself asks for and those that the table declarations add; every other
//! name is [`NameId::UNKNOWN`] and is compared by its text.
//!
//! The parser looks up every member's name, so the table is open-addressed,
//! at most half full, and compares sixteen bytes of a name at once. It grows
//! when names are added, never during a look-up.

use std::sync::{Arc, LazyLock};

use thiserror::Error;

use super::name::{FIRST, NameId, WELL_KNOWN};

/// All bytes of a name of at most sixteen bytes, or the first and last eight
/// of a longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    first: u64,
    last: u64,
    length: u32,
}

impl Ends {
    const WHOLE: u32 = 16;

    /// Of the name at `start..end` of `text`.
    #[inline(always)]
    fn of(text: &[u8], start: usize, end: usize) -> Self {
        let length = end - start;
        let (first, last) = if length >= 8 {
            (word(text, start), word(text, end - 8))
        } else {
            // Reads past the end of a short name, then masks what follows it.
            let first = match text.get(start..start + 8) {
                Some(bytes) => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
                None => text[start..end].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
            };
            (first & ((1 << (8 * length)) - 1), 0)
        };
        Ends { first, last, length: length as u32 }
    }

    #[inline]
    fn hash(self) -> usize {
        const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
        let mixed = (self.first ^ self.last.rotate_left(23) ^ u64::from(self.length)).wrapping_mul(SPREAD);
        (mixed >> 32) as usize
    }
}

#[inline]
fn word(text: &[u8], start: usize) -> u64 {
    u64::from_le_bytes(text[start..start + 8].try_into().expect("eight bytes"))
}

/// A slot of the table: free if its name is `NONE`.
#[derive(Clone, Copy, Debug)]
struct Slot {
    ends: Ends,
    name: NameId,
}

/// No name is as long as this one claims to be, so it equals none.
const FREE: Slot = Slot { ends: Ends { first: 0, last: 0, length: u32::MAX }, name: NameId::NONE };

/// Room for the names of the built-in declarations without growing.
const INITIAL_SLOTS: usize = 4096;

/// Returned when a dictionary already holds [`Dictionary::MAX_NAMES`] names.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a dictionary holds at most {} names", Dictionary::MAX_NAMES)]
pub struct DictionaryFull;

/// Which names have numbers. Build it once, then share it with a
/// [`Parser`](super::Parser) and a [`Canonical`](super::Canonical).
#[derive(Clone, Debug)]
pub struct Dictionary {
    /// By number, less `FIRST`.
    texts: Vec<Box<str>>,
    /// Open addressing with linear probing; the length is a power of two, and
    /// at most half of the slots are taken.
    table: Vec<Slot>,
}

static WELL_KNOWN_ONLY: LazyLock<Arc<Dictionary>> = LazyLock::new(Arc::default);

impl Default for Dictionary {
    /// The same as [`Dictionary::new`].
    fn default() -> Self {
        Dictionary::new()
    }
}

impl Dictionary {
    /// How many names fit: as many as a [`NameId`] has numbers for.
    pub const MAX_NAMES: usize = (u16::MAX - FIRST) as usize;

    /// A dictionary of the names that have constants in [`NameId`].
    pub fn new() -> Self {
        let mut dictionary = Dictionary { texts: Vec::new(), table: vec![FREE; INITIAL_SLOTS] };
        for text in WELL_KNOWN {
            dictionary.insert(text);
        }
        dictionary
    }

    /// A shared dictionary of the names that have constants in [`NameId`].
    pub fn well_known() -> Arc<Dictionary> {
        Arc::clone(&WELL_KNOWN_ONLY)
    }

    /// The number of `text`; a new one if it has none yet.
    ///
    /// # Errors
    /// `text` is new and there are already [`MAX_NAMES`](Self::MAX_NAMES).
    pub fn intern(&mut self, text: &str) -> Result<NameId, DictionaryFull> {
        match self.lookup(text) {
            NameId::UNKNOWN if self.texts.len() == Self::MAX_NAMES => Err(DictionaryFull),
            NameId::UNKNOWN => Ok(self.insert(text)),
            known => Ok(known),
        }
    }

    /// The number of `text`; [`NameId::UNKNOWN`] if it has none.
    pub fn lookup(&self, text: &str) -> NameId {
        self.find(text.as_bytes(), 0, text.len())
    }

    /// For each name, by its index, its rank in byte order; `None` for `NONE`
    /// and `UNKNOWN`.
    pub(super) fn ranks(&self) -> Vec<Option<u16>> {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        order.sort_by_key(|at| &self.texts[*at]);
        let mut ranks = vec![None; usize::from(FIRST) + self.texts.len()];
        for (rank, at) in order.into_iter().enumerate() {
            ranks[usize::from(FIRST) + at] = Some(rank as u16);
        }
        ranks
    }

    /// Adds a name that is not there and for which there is a number.
    fn insert(&mut self, text: &str) -> NameId {
        let name = NameId(FIRST + self.texts.len() as u16);
        self.texts.push(text.into());
        if 2 * self.texts.len() > self.table.len() {
            self.grow();
        } else {
            self.take_slot(Ends::of(text.as_bytes(), 0, text.len()), name);
        }
        name
    }

    /// Doubles the table and enters all names again.
    fn grow(&mut self) {
        self.table = vec![FREE; 2 * self.table.len()];
        for at in 0..self.texts.len() {
            let bytes = self.texts[at].as_bytes();
            self.take_slot(Ends::of(bytes, 0, bytes.len()), NameId(FIRST + at as u16));
        }
    }

    /// Half of the slots are free, so the search ends.
    fn take_slot(&mut self, ends: Ends, name: NameId) {
        let mask = self.table.len() - 1;
        let mut at = ends.hash() & mask;
        while self.table[at].name != NameId::NONE {
            at = (at + 1) & mask;
        }
        self.table[at] = Slot { ends, name };
    }

    /// The number of the name at `start..end` of `text`.
    #[inline(always)]
    pub(super) fn find(&self, text: &[u8], start: usize, end: usize) -> NameId {
        let ends = Ends::of(text, start, end);
        let mask = self.table.len() - 1;
        let mut at = ends.hash();
        loop {
            let slot = &self.table[at & mask];
            if slot.ends == ends {
                let is_same = || self.texts[usize::from(slot.name.0 - FIRST)].as_bytes() == &text[start..end];
                if ends.length <= Ends::WHOLE || is_same() {
                    return slot.name;
                }
            }
            if slot.name == NameId::NONE {
                return NameId::UNKNOWN;
            }
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn the_constants_are_the_names_that_they_say() {
        let mut dictionary = Dictionary::new();
        assert_eq!(dictionary.intern("answer"), Ok(NameId::ANSWER));
        assert_eq!(dictionary.intern("modifierExtension"), Ok(NameId::MODIFIER_EXTENSION));
        assert_eq!(dictionary.intern("versionId"), Ok(NameId::VERSION_ID));
    }

    #[test]
    fn names_are_distinct_whatever_their_length_and_what_follows_them() {
        let mut dictionary = Dictionary::new();
        let mut texts =
            vec!["".to_owned(), "adjudicationItemDetailX".to_owned(), "adjudicationQtemDetailX".to_owned()];
        for length in 1..40 {
            texts.push("n".repeat(length));
            texts.push("n".repeat(length - 1) + "m");
        }
        let names: Vec<NameId> = texts.iter().map(|text| dictionary.intern(text).expect("room")).collect();
        for (text, name) in texts.iter().zip(&names) {
            for behind in ["", "x", "\":1,\"and so on\""] {
                let written = format!("{{\"{text}{behind}");
                assert_eq!(dictionary.find(written.as_bytes(), 2, 2 + text.len()), *name, "{written}");
            }
        }
        let distinct: std::collections::BTreeSet<usize> = names.iter().map(|name| name.index()).collect();
        assert_eq!(distinct.len(), texts.len());
        assert_eq!(dictionary.find(b"nobody", 0, 6), NameId::UNKNOWN);
        assert_eq!(dictionary.find(b"adjudicationXtemDetailX", 0, 23), NameId::UNKNOWN);
    }

    #[test]
    fn a_dictionary_grows_until_its_numbers_are_used_up() {
        let mut dictionary = Dictionary::new();
        let texts: Vec<String> =
            (0..Dictionary::MAX_NAMES).map(|number| format!("element{number}")).collect();
        let well_known = WELL_KNOWN.len();
        let names: Vec<NameId> =
            texts[well_known..].iter().map(|text| dictionary.intern(text).expect("room")).collect();
        assert_eq!(dictionary.intern("one more"), Err(DictionaryFull));
        assert_eq!(dictionary.intern("versionId"), Ok(NameId::VERSION_ID));
        assert!(texts[well_known..].iter().zip(names).all(|(text, name)| dictionary.lookup(text) == name));
        assert_eq!(dictionary.lookup("one more"), NameId::UNKNOWN);
        let ranks: std::collections::BTreeSet<u16> = dictionary.ranks().into_iter().flatten().collect();
        assert_eq!(ranks.len(), Dictionary::MAX_NAMES);
    }
}
