//! *Names* in the inbox: the one escaped form in which the ledger, the log and
//! archive locations show them, and the names that the program may use when it
//! puts a file there itself.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// The source of files at the top of the inbox.
pub const DEFAULT_SOURCE: &str = "default";

/// Endings that senders give to files they are still writing. Such a file is
/// not read.
const UNFINISHED: [&str; 6] = ["part", "tmp", "partial", "filepart", "crdownload", "swp"];

/// The longest name that file systems take, in bytes.
pub const LONGEST_NAME: usize = 255;

/// Whether a file of this name is still being written.
pub fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| UNFINISHED.contains(&ending.to_ascii_lowercase().as_str()))
}

/// A name or path as the ledger and the log show it: bytes that are not UTF-8,
/// control characters, and percent signs before two hexadecimal digits are
/// written as `%hh`. [`unescaped`] gives the bytes back, so two names never
/// look the same.
pub fn escaped(name: &OsStr) -> String {
    let mut text = String::new();
    let bytes = name.as_bytes();
    let mut place = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            place += character.len_utf8();
            let is_ambiguous = character == '%' && begins_with_hexadecimal(&bytes[place..]);
            if character.is_control() || is_ambiguous {
                character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_hexadecimal(&mut text, byte));
            } else {
                text.push(character);
            }
        }
        place += chunk.invalid().len();
        chunk.invalid().iter().for_each(|byte| push_hexadecimal(&mut text, *byte));
    }
    text
}

/// The name or path that [`escaped`] shows as `text`.
pub fn unescaped(text: &str) -> OsString {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let digits = begins_with_hexadecimal(behind).then(|| str::from_utf8(&behind[..2]).ok()).flatten();
        let encoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match encoded {
            Some(encoded) if *byte == b'%' => {
                name.push(encoded);
                rest = &behind[2..];
            }
            _ => {
                name.push(*byte);
                rest = behind;
            }
        }
    }
    OsString::from_vec(name)
}

fn begins_with_hexadecimal(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit)
}

fn push_hexadecimal(text: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(text, "%{byte:02x}");
}

/// The folder of the inbox whose files are this source's.
///
/// Fails with `InvalidInput` for a source that is not the name of one visible
/// folder, such as `..` or `.git`.
pub fn source_folder(inbox: &Path, source: &str) -> io::Result<PathBuf> {
    if source == DEFAULT_SOURCE {
        return Ok(inbox.to_owned());
    }
    let name = unescaped(source);
    let mut components = Path::new(&name).components();
    let is_one_name =
        matches!((components.next(), components.next()), (Some(Component::Normal(one)), None) if one == name);
    if !is_one_name || name.as_bytes().starts_with(b".") || name.as_bytes().contains(&0) {
        let message = format!("{source:?} cannot be the name of a source");
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(inbox.join(name))
}

/// A name that is safe to give to a file in the inbox, as close to `wanted` as
/// possible: one name and not a path, visible, without control characters, not
/// taken for an unfinished file, and short enough to leave `room` bytes for
/// what is put around it.
pub fn safe_name(wanted: &str, room: usize) -> String {
    let is_unsafe = |character: char| character.is_control() || character == '/' || character == '\\';
    let mut name: String =
        wanted.chars().map(|character| if is_unsafe(character) { '_' } else { character }).collect();
    let visible = name.trim_start_matches('.').trim();
    name = if visible.is_empty() { "unnamed".to_owned() } else { visible.to_owned() };
    let longest = LONGEST_NAME - room;
    if name.len() > longest {
        // The beginning says what it is, and the ending of what kind.
        let ending = name.rfind('.').filter(|dot| name.len() - dot <= 16).map_or("", |dot| &name[dot..]);
        let mut end = longest - ending.len();
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name = format!("{}{ending}", &name[..end]);
    }
    if is_unfinished(&name)
        && let Some(dot) = name.rfind('.')
    {
        name.replace_range(dot..=dot, "_");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn no_two_names_look_the_same() {
        let names: [(&[u8], &str); 6] = [
            (b"50%+1.json", "50%+1.json"),
            (b"50%20.json", "50%2520.json"),
            (b"caf\xe9.json", "caf%e9.json"),
            (b"caf%e9.json", "caf%25e9.json"),
            ("caf\u{e9} 1.json".as_bytes(), "caf\u{e9} 1.json"),
            (b"a\nb%", "a%0ab%"),
        ];
        for (name, expected) in names {
            assert_eq!(escaped(OsStr::from_bytes(name)), expected);
            assert_eq!(unescaped(expected), OsStr::from_bytes(name));
        }
    }

    #[test]
    fn a_source_is_one_visible_folder() {
        let inbox = Path::new("/inbox");
        for (source, folder) in [
            (DEFAULT_SOURCE, b"/inbox".as_slice()),
            ("st-marys", b"/inbox/st-marys"),
            ("north%ff", b"/inbox/north\xff"),
        ] {
            assert_eq!(source_folder(inbox, source).expect("a folder"), Path::new(OsStr::from_bytes(folder)));
        }
        for source in ["", ".", "..", "../etc", "a/b", "a%2fb", "/etc", ".git", "a/", "a%00"] {
            assert!(source_folder(inbox, source).is_err(), "{source}");
        }
    }

    #[test]
    fn names_are_made_safe() {
        for (wanted, safe) in [
            ("Patient.ndjson.gz", "Patient.ndjson.gz"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a\\b\nc.json", "a_b_c.json"),
            (".hidden.json", "hidden.json"),
            ("", "unnamed"),
            ("..", "unnamed"),
            ("download.part", "download_part"),
            ("a.b.TMP", "a.b_TMP"),
        ] {
            assert_eq!(safe_name(wanted, 10), safe);
        }
        let long = safe_name(&format!("{}é.ndjson", "n".repeat(300)), 10);
        assert_eq!((long.len(), long.ends_with("n.ndjson")), (245, true));
        assert!(safe_name(&"é".repeat(300), 10).len() <= 245);
    }
}
