//! *Listings*, page by page. A key that no path can be (`a//b`, `../a`, `/a`, `a/`, control
//! characters, bytes that are not UTF-8) would make the client refuse its whole page, or take it for
//! another key. It is put into the page in hexadecimal digits, so that it can be named and left alone.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use bytes::Bytes;
use memchr::memmem;

use super::store::Object;
use crate::inbox::escaped;

/// What stands before the digits of a key that no path can be.
const UNREADABLE: &str = "fhirmill-unreadable-key-";
/// The tags around keys: of S3 and Google, and of Azure.
const TAGS: [(&[u8], &[u8]); 2] = [(b"<Key>", b"</Key>"), (b"<Name>", b"</Name>")];
/// The longest name that a file of an archive can have.
const LONGEST_NAME: usize = 240;

/// A page of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// What is there, in the order of the store.
    pub found: Vec<Found>,
    /// Where the next page begins; `None` for the last.
    pub next: Option<String>,
}

/// What a listing has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An object.
    Object(Object),
    /// An object that is left alone: its key, escaped for people, and why.
    Unreadable { key: String, reason: &'static str },
}

/// Whether the query of a call asks for a listing.
pub(super) fn is_asked_for(query: &str) -> bool {
    query.split('&').any(|part| part == "list-type=2" || part == "comp=list")
}

/// What is found at a listed key, below the prefix.
pub(super) fn found(listed: &str, prefix: &str, of: impl FnOnce(&str) -> Object) -> Option<Found> {
    if let Some(key) = listed.strip_prefix(UNREADABLE).and_then(from_digits) {
        let below = key.strip_prefix(prefix.as_bytes()).unwrap_or(&key);
        // The marker of the prefix itself.
        let reason = why_unreadable(&key).filter(|_| !below.is_empty())?;
        return Some(Found::Unreadable { key: escaped(OsStr::from_bytes(below)), reason });
    }
    let below = listed.strip_prefix(prefix)?;
    if below.rsplit('/').next().is_some_and(|name| name.len() > LONGEST_NAME) {
        let key = escaped(OsStr::new(below));
        return Some(Found::Unreadable { key, reason: "its name is too long for a file" });
    }
    (!below.is_empty()).then(|| Found::Object(of(below)))
}

/// Why a key cannot be a path.
fn why_unreadable(key: &[u8]) -> Option<&'static str> {
    let Ok(text) = str::from_utf8(key) else { return Some("its key is not UTF-8") };
    if text.chars().any(char::is_control) {
        return Some("its key has control characters");
    }
    if text.ends_with('/') {
        return Some("its key ends with /: it stands for a folder");
    }
    if text.starts_with('/') || text.contains("//") {
        return Some("its key has an empty name in it");
    }
    text.split('/').any(|name| name == "." || name == "..").then_some("its key has . or .. as a name")
}

/// The page of the listing, with keys that can all be read.
pub(super) fn with_readable_keys(page: Bytes) -> Bytes {
    let mut written: Vec<u8> = Vec::new();
    let mut done = 0;
    for (begin, end) in TAGS {
        // A page has keys of one kind.
        let mut from = done;
        while let Some(tag) = memmem::find(&page[from..], begin) {
            let first = from + tag + begin.len();
            let Some(length) = memmem::find(&page[first..], end) else { break };
            from = first + length;
            let key = unescaped(&page[first..from]);
            if why_unreadable(&key).is_some() {
                written.extend_from_slice(&page[done..first]);
                written.extend_from_slice(UNREADABLE.as_bytes());
                written.extend(key.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
                done = from;
            }
        }
    }
    if done == 0 {
        return page;
    }
    written.extend_from_slice(&page[done..]);
    written.into()
}

/// The bytes that a text of XML stands for.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        let reference = (*byte == b'&').then(|| memchr::memchr(b';', behind)).flatten();
        let character =
            reference.and_then(|end| Some((end, referred_to(str::from_utf8(&behind[..end]).ok()?)?)));
        match character {
            Some((end, character)) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &behind[end + 1..];
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    bytes
}

/// The character that a reference of XML names.
fn referred_to(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

fn from_digits(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn object(key: &str) -> Object {
        Object { key: key.to_owned(), ..Object::default() }
    }

    fn keys(page: &[u8]) -> Vec<Option<Found>> {
        let page = with_readable_keys(Bytes::copy_from_slice(page));
        let text = String::from_utf8(page.to_vec()).expect("UTF-8");
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(|key| found(key, "in/", object)).collect()
    }

    #[test]
    fn keys_that_no_path_can_be_are_named_and_the_others_are_found() {
        let page = b"<R><Key>in/a.json</Key><Key>in/a//b</Key><Key>in/../x</Key><Key>/in/a.json</Key>\
            <Key>in/caf\xe9</Key><Key>in/a&#x1;b</Key><Key>in/folder/</Key><Key>in/</Key><Key>in/./a</Key>\
            <Key>in/50%20.json</Key></R>";
        let unreadable = |key: &str, reason| Some(Found::Unreadable { key: key.to_owned(), reason });
        assert_eq!(
            keys(page),
            [
                Some(Found::Object(object("a.json"))),
                unreadable("a//b", "its key has an empty name in it"),
                unreadable("../x", "its key has . or .. as a name"),
                unreadable("/in/a.json", "its key has an empty name in it"),
                unreadable("caf%e9", "its key is not UTF-8"),
                unreadable("a%01b", "its key has control characters"),
                unreadable("folder/", "its key ends with /: it stands for a folder"),
                None,
                unreadable("./a", "its key has . or .. as a name"),
                Some(Found::Object(object("50%20.json"))),
            ]
        );
        let long = format!("<Key>in/{}</Key>", "n".repeat(300));
        assert!(matches!(keys(long.as_bytes())[0], Some(Found::Unreadable { .. })));
    }

    #[test]
    fn a_page_without_such_keys_is_left_as_it_is() {
        let page =
            Bytes::from_static(b"<Contents><Key>a &amp; b.json</Key><ETag>&quot;x&quot;</ETag></Contents>");
        assert_eq!(with_readable_keys(page.clone()), page);
        assert_eq!(with_readable_keys(Bytes::from_static(b"<Key>no end//")), "<Key>no end//");
    }
}
