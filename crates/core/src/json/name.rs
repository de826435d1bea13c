//! A *name* is a member's name as a number, given once while a text is
//! parsed: asking for a member then compares numbers instead of characters.
//! A *dictionary* says which names have numbers; all others are `UNKNOWN` and
//! are told apart by their characters.

use std::sync::LazyLock;

/// A member's name, or that a node is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameId(u16);

impl NameId {
    /// Of a node that is no name.
    pub(super) const NONE: NameId = NameId(0);
    /// A name that the dictionary does not have.
    pub const UNKNOWN: NameId = NameId(1);

    /// The number, for lists that are kept by name.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

const FIRST: u16 = 2;

macro_rules! well_known {
    ($($constant:ident = $text:literal,)*) => {
        /// The names that the program's own code asks for; every dictionary
        /// begins with them.
        const WELL_KNOWN: &[&str] = &[$($text),*];

        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "counts the constants below")]
        #[repr(u16)]
        enum Number { $($constant),* }

        impl NameId {
            $(#[doc = concat!("`", $text, "`")] pub const $constant: NameId = NameId(FIRST + Number::$constant as u16);)*
        }
    };
}

well_known! {
    ANSWER = "answer",
    ASSIGNER = "assigner",
    AUTHOR_REFERENCE = "authorReference",
    AUTHOR_STRING = "authorString",
    CODE = "code",
    CODING = "coding",
    COMPARATOR = "comparator",
    CONTAINED = "contained",
    CONTENT_TYPE = "contentType",
    CURRENCY = "currency",
    DATA = "data",
    DENOMINATOR = "denominator",
    DISPLAY = "display",
    END = "end",
    EXTENSION = "extension",
    HIGH = "high",
    ID = "id",
    IDENTIFIER = "identifier",
    ITEM = "item",
    ITEM_SEQUENCE = "itemSequence",
    LANGUAGE = "language",
    LAST_UPDATED = "lastUpdated",
    LOW = "low",
    META = "meta",
    MODIFIER_EXTENSION = "modifierExtension",
    NUMERATOR = "numerator",
    PERIOD = "period",
    PROFILE = "profile",
    RANK = "rank",
    REFERENCE = "reference",
    RESOURCE_TYPE = "resourceType",
    SECURITY = "security",
    SEQUENCE = "sequence",
    SOURCE = "source",
    START = "start",
    SYSTEM = "system",
    TAG = "tag",
    TEXT = "text",
    TIME = "time",
    TITLE = "title",
    TYPE = "type",
    UNIT = "unit",
    URL = "url",
    USE = "use",
    USER_SELECTED = "userSelected",
    VALUE = "value",
    VERSION = "version",
    VERSION_ID = "versionId",
}

/// The characters of a name of at most sixteen bytes, whole, or the first and
/// last eight of a longer one.
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
            // What stands behind a short name is read too and cut off.
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

/// A place of the table: free if its name is `NONE`.
#[derive(Clone, Copy, Debug)]
struct Place {
    ends: Ends,
    name: NameId,
}

/// Its ends are those of no name: none is so long.
const FREE: Place = Place { ends: Ends { first: 0, last: 0, length: u32::MAX }, name: NameId::NONE };

/// Which names have numbers. Made once; its size does not depend on input.
#[derive(Clone, Debug)]
pub struct Dictionary {
    texts: Vec<Box<str>>,
    /// By hash, each at the first free place from its own; a power of two, at
    /// most half full, so that a search ends soon.
    table: Vec<Place>,
}

static OWN: LazyLock<Dictionary> = LazyLock::new(Dictionary::new);

impl Default for Dictionary {
    fn default() -> Self {
        Dictionary::new()
    }
}

impl Dictionary {
    /// The dictionary of the well-known names.
    pub fn new() -> Self {
        let mut dictionary = Dictionary { texts: Vec::new(), table: vec![FREE; 4096] };
        for text in WELL_KNOWN {
            dictionary.intern(text);
        }
        dictionary
    }

    /// The same, made once.
    pub fn well_known() -> &'static Dictionary {
        &OWN
    }

    /// The name's number; a new one if it has none yet.
    pub fn intern(&mut self, text: &str) -> NameId {
        let bytes = text.as_bytes();
        let name = self.lookup(text);
        if name != NameId::UNKNOWN {
            return name;
        }
        let name = NameId(FIRST + self.texts.len() as u16);
        let ends = Ends::of(bytes, 0, bytes.len());
        self.texts.push(text.into());
        assert!(2 * self.texts.len() < self.table.len(), "the dictionary is made for the names of FHIR R4");
        let place = self.places(ends).find(|place| self.table[*place].name == NameId::NONE);
        self.table[place.expect("half of the places are free")] = Place { ends, name };
        name
    }

    /// The number of a name; `UNKNOWN` if it has none.
    pub fn lookup(&self, text: &str) -> NameId {
        self.find(text.as_bytes(), 0, text.len())
    }

    /// By the index of each name, where it stands among all in the order of
    /// their bytes; `None` of `NONE` and `UNKNOWN`.
    pub(super) fn ranks(&self) -> Vec<Option<u16>> {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        order.sort_by_key(|at| &self.texts[*at]);
        let mut ranks = vec![None; usize::from(FIRST) + self.texts.len()];
        for (rank, at) in order.into_iter().enumerate() {
            ranks[usize::from(FIRST) + at] = Some(rank as u16);
        }
        ranks
    }

    fn places(&self, ends: Ends) -> impl Iterator<Item = usize> + use<> {
        let mask = self.table.len() - 1;
        let first = ends.hash();
        (0..=mask).map(move |step| (first + step) & mask)
    }

    /// The number of the name at `start..end` of `text`.
    #[inline(always)]
    pub(super) fn find(&self, text: &[u8], start: usize, end: usize) -> NameId {
        let ends = Ends::of(text, start, end);
        let mask = self.table.len() - 1;
        let mut at = ends.hash();
        loop {
            let place = &self.table[at & mask];
            if place.ends == ends {
                let is_same =
                    || self.texts[usize::from(place.name.0 - FIRST)].as_bytes() == &text[start..end];
                if ends.length <= Ends::WHOLE || is_same() {
                    return place.name;
                }
            }
            if place.name == NameId::NONE {
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
        assert_eq!(dictionary.intern("answer"), NameId::ANSWER);
        assert_eq!(dictionary.intern("modifierExtension"), NameId::MODIFIER_EXTENSION);
        assert_eq!(dictionary.intern("versionId"), NameId::VERSION_ID);
    }

    #[test]
    fn names_are_told_apart_whatever_their_length_and_what_stands_behind_them() {
        let mut dictionary = Dictionary::new();
        let mut texts =
            vec!["".to_owned(), "adjudicationItemDetailX".to_owned(), "adjudicationQtemDetailX".to_owned()];
        for length in 1..40 {
            texts.push("n".repeat(length));
            texts.push("n".repeat(length - 1) + "m");
        }
        let names: Vec<NameId> = texts.iter().map(|text| dictionary.intern(text)).collect();
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
}
