//! The *inbox* is the folder that senders drop files into; the first folder
//! below it names the source. This module tells which files are ready, and
//! moves them where they belong when they are done. It never looks inside.

mod content;
mod relocate;
mod shelve;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fhirmill_postgres::ledger::NewFile;
use tracing::warn;

pub use content::{Content, open};
pub use shelve::{Departures, Displaced};

/// The source of files at the top of the inbox.
pub const DEFAULT_SOURCE: &str = "default";

/// A file that is ready to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The same, from the inbox on.
    pub relative: String,
    pub source: String,
    pub size: u64,
}

impl InboxFile {
    /// As the ledger claims it, with its content's hash.
    pub fn with_content(&self, sha256: [u8; 32]) -> NewFile<'_> {
        NewFile { path: &self.relative, source: &self.source, size: self.size, sha256 }
    }

    /// Whether it is, by its name, of those that others refer to by number:
    /// hospitals and people.
    pub fn is_referred_to(&self) -> bool {
        rank(&self.relative) < REFERRED_TO
    }
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Sorted, so that equal inboxes are read in the same order: by source,
    /// those first that others refer to, then by name.
    pub ready: Vec<InboxFile>,
    /// Files that somebody may still be writing.
    pub settling: usize,
    /// Folders that the program may not read.
    pub unreadable: u64,
}

/// Names that senders give to files they are still writing.
const UNFINISHED: [&str; 6] = ["part", "tmp", "partial", "filepart", "crdownload", "swp"];

/// Looks through the inbox. Links and special files are left alone: a link
/// could lead anywhere, and a pipe would hold the reader.
pub fn scan(inbox: &Path, settle: Duration) -> io::Result<Scan> {
    let mut scan = Scan::default();
    let mut folders = vec![inbox.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if folder == inbox => return Err(error),
            Err(error) => {
                let folder = shown(folder.strip_prefix(inbox).unwrap_or(&folder).as_os_str());
                warn!("the folder {folder} of the inbox cannot be read: {error}");
                scan.unreadable += 1;
                continue;
            }
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let Ok(metadata) = entry.path().symlink_metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
                continue;
            }
            if !metadata.is_file() || is_unfinished(&name) {
                continue;
            }
            if !is_settled(&metadata, settle) {
                scan.settling += 1;
                continue;
            }
            scan.ready.extend(inbox_file(inbox, entry.path(), metadata.len()));
        }
    }
    scan.ready.sort_by_cached_key(|file| (file.source.clone(), rank(&file.relative), file.relative.clone()));
    Ok(scan)
}

/// What the names of files begin with, of those that are read first, in that
/// order: a reference to what is there already costs less than one to what is
/// still to come. The first two are Synthea's, the others are a bulk export's.
const READ_FIRST: [&str; 9] = [
    "hospitalInformation",
    "practitionerInformation",
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "Patient",
    "Coverage",
    "Encounter",
];

/// So many of them bear the numbers that others refer to.
const REFERRED_TO: usize = 6;

fn rank(relative: &str) -> usize {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    let word = name.split(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or(name);
    READ_FIRST.iter().position(|first| *first == word).unwrap_or(READ_FIRST.len())
}

fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| UNFINISHED.contains(&ending.to_ascii_lowercase().as_str()))
}

/// A file is left alone until nobody has written to it for a while. Where its
/// time is in the future, by the sender's clock, ours tells when it was last
/// changed; a time that is still in the future then, because our clock was set
/// back, counts as settled.
fn is_settled(metadata: &fs::Metadata, settle: Duration) -> bool {
    let now = SystemTime::now();
    let changed = || {
        let seconds = Duration::from_secs(metadata.ctime().try_into().unwrap_or_default());
        SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(metadata.ctime_nsec().unsigned_abs())
    };
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let age = now.duration_since(modified).or_else(|_| now.duration_since(changed()));
    age.map_or(true, |age| age >= settle)
}

fn inbox_file(inbox: &Path, path: PathBuf, size: u64) -> Option<InboxFile> {
    let below = path.strip_prefix(inbox).ok()?;
    let mut parts = below.components();
    let first = shown(parts.next()?.as_os_str());
    let source = if parts.next().is_some() { first } else { DEFAULT_SOURCE.to_owned() };
    let relative = shown(below.as_os_str());
    Some(InboxFile { path, relative, source, size })
}

/// A name as it is written in the ledger and the log: what is no UTF-8 or
/// would begin a new line is shown with its bytes in hexadecimal, and so is a
/// percent sign that could be taken for that. Two names never look the same.
fn shown(name: &OsStr) -> String {
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

/// The folder of a source, below the inbox: the name that is shown so.
pub fn folder_of(source: &str) -> OsString {
    let mut name = Vec::with_capacity(source.len());
    let mut rest = source.as_bytes();
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

/// Whether something lies there that is shown so; also where that cannot be
/// told.
pub fn is_there(inbox: &Path, relative: &str) -> bool {
    let found = inbox.join(folder_of(relative)).symlink_metadata();
    !found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn begins_with_hexadecimal(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit)
}

fn push_hexadecimal(text: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(text, "%{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn what_others_refer_to_is_read_first() {
        let inbox = tempfile::tempdir().expect("a folder");
        for name in
            ["Ann_1.json", "practitionerInformation17.json", "hospitalInformation17.json", "PatientList.csv"]
        {
            fs::write(inbox.path().join(name), "{}").expect("a file");
        }
        fs::create_dir(inbox.path().join("north")).expect("a folder");
        for name in ["Condition.ndjson", "Patient.000.ndjson", "Encounter_2.ndjson.gz", "Organization.ndjson"]
        {
            fs::write(inbox.path().join("north").join(name), "{}").expect("a file");
        }
        let scan = scan(inbox.path(), Duration::ZERO).expect("a scan");
        let order: Vec<&str> = scan.ready.iter().map(|file| file.relative.as_str()).collect();
        assert_eq!(
            order,
            [
                "hospitalInformation17.json",
                "practitionerInformation17.json",
                "Ann_1.json",
                "PatientList.csv",
                "north/Organization.ndjson",
                "north/Patient.000.ndjson",
                "north/Encounter_2.ndjson.gz",
                "north/Condition.ndjson",
            ]
        );
    }

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
            assert_eq!(shown(OsStr::from_bytes(name)), expected);
            assert_eq!(folder_of(expected), OsStr::from_bytes(name));
        }
    }

    #[test]
    fn the_first_folder_is_the_source_and_unfinished_files_are_left_alone() {
        let inbox = tempfile::tempdir().expect("a folder");
        for name in ["b.json", "a.json", "x.json.part", ".hidden", "st-marys/deep/c.ndjson", ".git/d"] {
            let path = inbox.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "{}").expect("a file");
        }
        std::os::unix::fs::symlink("/etc/hostname", inbox.path().join("link.json")).expect("a link");
        let scan = scan(inbox.path(), Duration::ZERO).expect("a scan");
        let found: Vec<(&str, &str)> =
            scan.ready.iter().map(|file| (file.relative.as_str(), file.source.as_str())).collect();
        assert_eq!(
            found,
            [("a.json", "default"), ("b.json", "default"), ("st-marys/deep/c.ndjson", "st-marys")]
        );
        let later = super::scan(inbox.path(), Duration::from_secs(60)).expect("a scan");
        assert_eq!((later.ready.len(), later.settling), (0, 3));
    }
}
