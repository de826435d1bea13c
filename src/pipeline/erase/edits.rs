//! *Edits*: what stands in an archived file instead of what is erased. None of them changes how
//! many bytes or records a file has.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::iter;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use fhirmill_core::fhir::ResourceType;
use fhirmill_core::read::{Editor, Patch};

use super::person::Person;

/// What stands instead of a resource, and blanks.
const ERASED: &[u8] = br#"{"resourceType":"Erased"}"#;

/// What is changed.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// A resource: another one that says nothing stands there.
    Resource(Range<u64>),
    /// A Bundle entry without the resource in it: only its method stays, which says when
    /// other entries take effect.
    Entry(Range<u64>, Option<Range<u64>>),
    /// A part that cannot be read stays one, to the end of the document if its end is not known.
    Broken(u64, Option<u64>),
    /// An object in a resource that stays: an empty one stands there.
    Object(Range<u64>),
}

/// The edits of one document.
#[derive(Debug, Default)]
pub(super) struct DocumentEdits {
    pub edits: Vec<Edit>,
    /// Where all of its records are. What stands between them is searched for references.
    pub records: Vec<Range<u64>>,
}

/// The edits of one file, by document.
#[derive(Debug, Default)]
pub(super) struct FileEdits(pub BTreeMap<u32, DocumentEdits>);

impl FileEdits {
    /// The edits of a document.
    pub fn of(&mut self, member: u32) -> &mut DocumentEdits {
        self.0.entry(member).or_default()
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|document| document.edits.is_empty())
    }
}

/// Makes the edits of one file.
pub(super) struct FileEditor<'e> {
    pub edits: &'e FileEdits,
    pub person: &'e Person,
}

impl Editor for FileEditor<'_> {
    fn patches(&mut self, member: u32, document: &File) -> io::Result<Vec<Patch>> {
        let Some(edits) = self.edits.0.get(&member).filter(|edits| !edits.edits.is_empty()) else {
            return Ok(Vec::new());
        };
        let size = document.metadata()?.len();
        let mut patches = self.between(edits, document, size)?;
        // What lies in another record comes after it.
        let mut ordered: Vec<&Edit> = edits.edits.iter().collect();
        ordered.sort_by_key(|edit| match edit {
            Edit::Object(_) => 0,
            Edit::Entry(..) => 1,
            Edit::Resource(_) | Edit::Broken(..) => 2,
        });
        for edit in ordered {
            patches.push(match edit {
                Edit::Resource(range) => patch(document, range, |bytes| blank_object(bytes, ERASED))?,
                Edit::Object(range) => patch(document, range, |bytes| blank_object(bytes, b"{}"))?,
                Edit::Broken(start, length) => {
                    let end = length.map_or(size, |length| start.saturating_add(length));
                    patch(document, &(*start..end.min(size)), |bytes| {
                        blank(bytes);
                        // No JSON object: it cannot be read, as before.
                        bytes.iter_mut().take(1).for_each(|byte| *byte = b'0');
                    })?
                }
                Edit::Entry(range, resource) => patch(document, range, |bytes| {
                    let kept = resource
                        .as_ref()
                        .map(|kept| (kept.start - range.start) as usize..(kept.end - range.start) as usize);
                    blank_texts(bytes, kept);
                })?,
            });
        }
        Ok(patches)
    }

    fn is_name_replaced(&mut self, name: &str) -> bool {
        self.person.is_told_by(name)
    }
}

impl FileEditor<'_> {
    /// References to what is erased that stand outside of all records, as in the links of a
    /// Bundle.
    fn between(&self, edits: &DocumentEdits, document: &File, size: u64) -> io::Result<Vec<Patch>> {
        let mut records = edits.records.clone();
        records.sort_by_key(|range| range.start);
        let (mut patches, mut start) = (Vec::new(), 0);
        for record in records.into_iter().chain(iter::once(size..size)) {
            if record.start > start {
                let range = start..record.start;
                let patch = patch(document, &range, |bytes| self.blank_references(bytes))?;
                let mut before = vec![0; patch.bytes.len()];
                document.read_exact_at(&mut before, start)?;
                if before != patch.bytes {
                    patches.push(patch);
                }
            }
            start = start.max(record.end);
        }
        Ok(patches)
    }

    fn blank_references(&self, bytes: &mut [u8]) {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let mut at = 0;
        let mut before: Option<Range<usize>> = None;
        while at < bytes.len() {
            let length = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
            if length == 0 {
                at += 1;
                continue;
            }
            let token = at..at + length;
            at += length;
            let is_after_slash = token.start > 0 && bytes[token.start - 1] == b'/';
            let of_type = before.take().filter(|before| is_after_slash && before.end + 2 >= token.start);
            let text = |range: &Range<usize>| std::str::from_utf8(&bytes[range.clone()]).unwrap_or_default();
            let named = of_type.as_ref().and_then(|of_type| ResourceType::named(text(of_type)));
            let is_erased = named.is_some_and(|resource_type| {
                self.person.members.contains(&(resource_type, text(&token).to_owned()))
            });
            if is_erased {
                bytes[token.clone()].fill(b'x');
            }
            before = Some(token);
        }
    }
}

fn patch(document: &File, range: &Range<u64>, change: impl FnOnce(&mut [u8])) -> io::Result<Patch> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    document.read_exact_at(&mut bytes, range.start)?;
    change(&mut bytes);
    Ok(Patch { offset: range.start, bytes })
}

/// Blanks stand there; lines keep their numbers.
fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

/// A short object stands there, its end where the end was.
fn blank_object(bytes: &mut [u8], instead: &[u8]) {
    let instead = if instead.len() > bytes.len() { b"{}" } else { instead };
    blank(bytes);
    let (Some((_, begin)), [.., last]) = (instead.split_last(), &mut *bytes) else { return };
    *last = b'}';
    bytes[..begin.len()].copy_from_slice(begin);
}

/// Blanks stand between the quotes of every value but the method, except in `kept`.
fn blank_texts(bytes: &mut [u8], kept: Option<Range<usize>>) {
    let (mut at, mut name) = (0, Range::default());
    while at < bytes.len() {
        if let Some(kept) = kept.as_ref().filter(|kept| kept.contains(&at)) {
            at = kept.end;
            continue;
        }
        if bytes[at] != b'"' {
            at += 1;
            continue;
        }
        let start = at + 1;
        let mut end = start;
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let end = end.min(bytes.len());
        at = end + 1;
        let next = bytes.get(at..).unwrap_or_default().iter().find(|byte| !byte.is_ascii_whitespace());
        if next == Some(&b':') {
            name = start..end;
        } else if bytes[name.clone()] != *b"method" {
            bytes[start..end].fill(b' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn changed(text: &str, change: impl FnOnce(&mut [u8])) -> String {
        let mut bytes = text.as_bytes().to_vec();
        change(&mut bytes);
        assert_eq!(bytes.len(), text.len());
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn what_stands_instead_is_as_long_and_says_nothing() {
        let long = "{\"resourceType\":\"Patient\",\"id\":\"1\",\n\"x\":{}}";
        assert_eq!(
            changed(long, |bytes| blank_object(bytes, ERASED)),
            "{\"resourceType\":\"Erased\"           \n      }"
        );
        assert_eq!(changed("{\"id\":\"1\"}", |bytes| blank_object(bytes, ERASED)), "{        }");
        assert_eq!(changed("{}", |bytes| blank_object(bytes, ERASED)), "{}");
        let entry =
            r#"{"fullUrl":"urn:\"a","resource":{"a":"b"},"request":{"method":"PUT","url":"Patient/1"}}"#;
        let place = entry.find(r#"{"a""#).expect("a place");
        assert_eq!(
            changed(entry, |bytes| blank_texts(bytes, Some(place..place + 9))),
            r#"{"fullUrl":"       ","resource":{"a":"b"},"request":{"method":"PUT","url":"         "}}"#
        );
    }
}
