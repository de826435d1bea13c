//! The *inbox* is the folder that senders drop files into; the first folder
//! below it names the source. This module tells which files are ready, and
//! moves them where they belong when they are done. It never looks inside.

mod shelve;

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tracing::warn;

pub use shelve::Departures;

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
    stamp: Stamp,
}

/// What tells a file from one that has taken its place since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Stamp { inode: metadata.ino(), size: metadata.len(), modified }
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
                warn!("a folder of the inbox cannot be read: {error}");
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
            scan.ready.extend(inbox_file(inbox, entry.path(), &metadata));
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

fn rank(relative: &str) -> usize {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    let word = name.split(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or(name);
    READ_FIRST.iter().position(|first| *first == word).unwrap_or(READ_FIRST.len())
}

fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| UNFINISHED.contains(&ending.to_ascii_lowercase().as_str()))
}

/// A file is left alone until nobody has written to it for a while. A time in
/// the future, from another clock, counts as settled.
fn is_settled(metadata: &fs::Metadata, settle: Duration) -> bool {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    match SystemTime::now().duration_since(modified) {
        Ok(age) => age >= settle,
        Err(_) => true,
    }
}

fn inbox_file(inbox: &Path, path: PathBuf, metadata: &fs::Metadata) -> Option<InboxFile> {
    let below = path.strip_prefix(inbox).ok()?;
    let mut parts = below.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    let source = if parts.next().is_some() { first } else { DEFAULT_SOURCE.to_owned() };
    // What is no UTF-8 is shown with its bytes in hexadecimal, so that two
    // names never look the same.
    let relative = match below.to_str() {
        Some(name) => name.to_owned(),
        None => below.as_os_str().as_encoded_bytes().iter().fold(String::new(), |mut name, byte| {
            if byte.is_ascii_graphic() && *byte != b'%' {
                name.push(*byte as char);
            } else {
                name.push_str(&format!("%{byte:02x}"));
            }
            name
        }),
    };
    Some(InboxFile { path, relative, source, size: metadata.len(), stamp: Stamp::of(metadata) })
}

/// The SHA-256 of a file's bytes: what tells two deliveries apart.
pub fn fingerprint(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..read]);
    }
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
