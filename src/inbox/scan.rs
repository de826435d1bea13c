//! A *scan* finds the files of the inbox that are ready to be loaded. It reads
//! names, sizes and times, and opens no file.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fhirmill_postgres::ledger::NewFile;
use tracing::warn;

use super::landing::{is_landing, remove_leftover};
use super::name::{DEFAULT_SOURCE, escaped, is_unfinished, unescaped};

/// A file that is ready to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its path relative to the inbox, escaped for the ledger and the log.
    pub relative: String,
    /// The name of its source, escaped likewise.
    pub source: String,
    /// Its size in bytes.
    pub size: u64,
}

impl InboxFile {
    /// What the ledger needs to claim it; `sha256` is the hash of its content.
    pub fn with_content(&self, sha256: [u8; 32]) -> NewFile<'_> {
        NewFile { path: &self.relative, source: &self.source, size: self.size, sha256 }
    }

    /// Whether, judging by its name, it holds resources that others refer to
    /// by identifier: organizations and people.
    pub fn is_referred_to(&self) -> bool {
        rank(&self.relative) < REFERRED_TO
    }
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Files to load, in an order that depends on their names alone: by source,
    /// then those that others refer to, then by name.
    pub ready: Vec<InboxFile>,
    /// How many files may still be being written.
    pub settling: usize,
    /// How many folders cannot be read.
    pub unreadable: u64,
}

/// Scans the inbox for files that have not changed for `settle`.
///
/// Hidden files, unfinished files, links and special files are ignored: a link
/// could lead anywhere, and reading a pipe would block. A folder that cannot
/// be read is logged and counted; only the inbox itself must be readable.
pub fn scan(inbox: &Path, settle: Duration) -> io::Result<Scan> {
    let mut scan = Scan::default();
    let mut folders = vec![inbox.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if folder == inbox => return Err(error),
            Err(error) => {
                let folder = escaped(folder.strip_prefix(inbox).unwrap_or(&folder).as_os_str());
                warn!("the folder {folder} of the inbox cannot be read: {error}");
                scan.unreadable += 1;
                continue;
            }
        };
        for entry in entries {
            scan_entry(&mut scan, &mut folders, inbox, settle, &entry?);
        }
    }
    scan.ready.sort_by_cached_key(|file| (file.source.clone(), rank(&file.relative), file.relative.clone()));
    Ok(scan)
}

/// Notes one entry of a folder: a folder for later, a file, or neither.
fn scan_entry(
    scan: &mut Scan,
    folders: &mut Vec<PathBuf>,
    inbox: &Path,
    settle: Duration,
    entry: &fs::DirEntry,
) {
    let name = entry.file_name();
    if is_landing(&name) {
        remove_leftover(&entry.path());
        return;
    }
    let name = name.to_string_lossy();
    if name.starts_with('.') {
        return;
    }
    // Gone again, if there are none.
    let Ok(metadata) = entry.path().symlink_metadata() else { return };
    if metadata.is_dir() {
        folders.push(entry.path());
    } else if !metadata.is_file() || is_unfinished(&name) {
        // Not for us.
    } else if !is_settled(&metadata, settle) {
        scan.settling += 1;
    } else {
        scan.ready.extend(inbox_file(inbox, entry.path(), metadata.len()));
    }
}

/// Files whose names begin with these words are read first, in this order: a
/// reference to a resource that is loaded already costs less than a forward
/// reference. The first two are names that Synthea uses, the others those of a
/// bulk export.
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

/// The first this many hold resources that others refer to by identifier.
const REFERRED_TO: usize = 6;

fn rank(relative: &str) -> usize {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    let word = name.split(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or(name);
    READ_FIRST.iter().position(|first| *first == word).unwrap_or(READ_FIRST.len())
}

/// Whether a file has not been written to for `settle`. If its modification
/// time is in the future (the sender's clock), the time of the last status
/// change (our clock) decides; if that is in the future too, our clock was set
/// back, and the file counts as settled.
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
    let first = escaped(parts.next()?.as_os_str());
    let source = if parts.next().is_some() { first } else { DEFAULT_SOURCE.to_owned() };
    let relative = escaped(below.as_os_str());
    Some(InboxFile { path, relative, source, size })
}

/// Whether the inbox has anything at this escaped path. True if that cannot be
/// determined.
pub fn is_there(inbox: &Path, relative: &str) -> bool {
    let found = inbox.join(unescaped(relative)).symlink_metadata();
    !found.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn files_that_others_refer_to_come_first() {
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
    fn the_first_folder_is_the_source_and_unfinished_files_are_ignored() {
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
