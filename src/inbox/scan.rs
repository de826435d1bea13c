//! A *scan* finds the files of the inbox that are ready to be loaded. It reads
//! names, sizes and times, and opens no file.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fhirmill_postgres::ledger::{NewFile, ObjectVersion};
use rustix::fs::{Access, AtFlags, CWD, StatxAttributes, StatxFlags};

use super::file_content::FileContent;
use super::landed::has_landed;
use super::landing::{is_landing, remove_leftover};
use super::name::{DEFAULT_SOURCE, escaped, is_unfinished, unescaped};
use super::place::{FilePlace, Place};
use super::skipped_paths::SkippedPaths;

/// A file that is ready to be loaded.
#[derive(Clone, Debug)]
pub struct InboxFile {
    /// Where it is.
    pub place: Arc<dyn Place>,
    /// Its path relative to the inbox, escaped for the ledger and the log.
    pub relative: String,
    /// The name of its source, escaped likewise.
    pub source: String,
    /// Its size in bytes.
    pub size: u64,
}

impl InboxFile {
    /// What the ledger needs to claim it with this content.
    pub fn with_content(&self, content: &FileContent) -> NewFile<'_> {
        let object = self.place.version().map(|(etag, modified)| ObjectVersion {
            etag,
            modified: modified.into(),
            is_hashed: content.is_hashed,
        });
        let (path, source) = (&self.relative, &self.source);
        NewFile { path, source, size: self.size, sha256: content.sha256, object }
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
    /// Files and folders that are left alone, because they cannot be read, or could
    /// not be moved afterwards.
    pub skipped: SkippedPaths,
    /// When the file that has waited longest arrived, and its path in the inbox.
    pub oldest: Option<(SystemTime, String)>,
    /// Folders below those of sources that hold nothing, nor anything but each other,
    /// each with the time since when; those deepest down come first.
    pub empty_folders: Vec<(PathBuf, SystemTime)>,
    /// There is more than one scan takes: the next one goes on.
    pub has_more: bool,
}

impl Scan {
    /// Adds what was found elsewhere.
    pub(super) fn add(&mut self, other: Scan) {
        self.ready.extend(other.ready);
        self.settling += other.settling;
        self.skipped.extend(other.skipped);
        self.oldest = [self.oldest.take(), other.oldest].into_iter().flatten().min();
        self.empty_folders.extend(other.empty_folders);
        self.has_more |= other.has_more;
    }

    pub(super) fn sort(&mut self) {
        let key = |file: &InboxFile| (file.source.clone(), rank(&file.relative), file.relative.clone());
        self.ready.sort_by_cached_key(key);
    }
}

/// Scans the inbox for files that have not changed for `settle`, or that this process has
/// landed.
///
/// Hidden files, unfinished files, links and special files are ignored: a link
/// could lead anywhere, and reading a pipe would block. What cannot be read, or
/// could not be moved once it is loaded, is named among the skipped paths, and does
/// not affect the rest; only the inbox itself must be readable.
pub fn scan(inbox: &Path, settle: Duration) -> io::Result<Scan> {
    let mut scanner = Scanner { inbox, settle, scan: Scan::default(), folders: Vec::new() };
    let mut waiting = vec![(inbox.to_owned(), None)];
    while let Some((path, parent)) = waiting.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => scanner.folder(path, parent, entries, &mut waiting),
            Err(error) if path == inbox => return Err(error),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                scanner.keep(parent);
                scanner.skip(&path, format!("the folder cannot be read: {error}"));
            }
        }
    }
    let Scanner { mut scan, folders, .. } = scanner;
    scan.empty_folders = empty_folders(folders);
    scan.sort();
    Ok(scan)
}

/// A scan in progress.
struct Scanner<'s> {
    inbox: &'s Path,
    settle: Duration,
    scan: Scan,
    /// Those that were read; a folder comes after the one that it is in.
    folders: Vec<Folder>,
}

/// A folder that was read.
struct Folder {
    path: PathBuf,
    /// The number of the folder that it is in.
    parent: Option<usize>,
    /// It is a source's own folder, or the inbox.
    is_top: bool,
    /// It holds anything but folders.
    has_files: bool,
    /// When something was last put into it or removed from it.
    changed: SystemTime,
}

impl Scanner<'_> {
    /// Notes the entries of a folder: folders for later, files, or neither.
    fn folder(
        &mut self,
        path: PathBuf,
        parent: Option<usize>,
        entries: fs::ReadDir,
        waiting: &mut Vec<(PathBuf, Option<usize>)>,
    ) {
        let changed =
            path.symlink_metadata().map_or_else(|_| SystemTime::now(), |metadata| changed(&metadata));
        let depth = path.strip_prefix(self.inbox).map_or(0, |below| below.components().count());
        let number = self.folders.len();
        let first_file = self.scan.ready.len();
        self.folders.push(Folder { path, parent, is_top: depth < 2, has_files: false, changed });
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(number, &entry, waiting),
                Err(error) => {
                    let path = self.folders[number].path.clone();
                    self.keep(Some(number));
                    self.skip(&path, format!("the folder cannot be read to its end: {error}"));
                    break;
                }
            }
        }
        let files = self.scan.ready.len() - first_file;
        if files > 0
            && let Err(error) =
                rustix::fs::access(&self.folders[number].path, Access::WRITE_OK | Access::EXEC_OK)
        {
            self.scan.ready.truncate(first_file);
            let path = self.folders[number].path.clone();
            let of_files =
                if files == 1 { "1 file in it".to_owned() } else { format!("{files} files in it") };
            self.skip(
                &path,
                format!(
                    "the folder cannot be written to, so that {of_files} could not be moved to the archive: {}",
                    io::Error::from(error)
                ),
            );
        }
    }

    fn entry(&mut self, folder: usize, entry: &fs::DirEntry, waiting: &mut Vec<(PathBuf, Option<usize>)>) {
        let (path, name) = (entry.path(), entry.file_name());
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            // It has gone.
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => {
                self.folders[folder].has_files = true;
                return self.skip(&path, format!("it cannot be read: {error}"));
            }
        };
        let shown = name.to_string_lossy();
        if metadata.is_dir() && !shown.starts_with('.') {
            return waiting.push((path, Some(folder)));
        }
        self.folders[folder].has_files = true;
        if is_landing(&name) {
            return remove_leftover(&path);
        }
        if shown.starts_with('.') || !metadata.is_file() || is_unfinished(&shown) {
            return;
        }
        self.note_age(&path, &metadata);
        if !is_settled(&metadata, self.settle) && !has_landed(&metadata) {
            self.scan.settling += 1;
        } else if let Some(reason) = why_immovable(&path, &metadata) {
            self.skip(&path, format!("it could not be moved to the archive: {reason}"));
        } else {
            self.scan.ready.extend(inbox_file(self.inbox, path, metadata.len()));
        }
    }

    fn note_age(&mut self, path: &Path, metadata: &fs::Metadata) {
        let arrived = changed(metadata);
        if self.scan.oldest.as_ref().is_none_or(|(oldest, _)| arrived < *oldest) {
            self.scan.oldest = Some((arrived, self.relative(path)));
        }
    }

    /// The folder of that number is not empty.
    fn keep(&mut self, folder: Option<usize>) {
        if let Some(folder) = folder {
            self.folders[folder].has_files = true;
        }
    }

    fn skip(&mut self, path: &Path, reason: String) {
        let path = self.relative(path);
        self.scan.skipped.add(path, reason);
    }

    fn relative(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.inbox).unwrap_or(path);
        if below.as_os_str().is_empty() { ".".to_owned() } else { escaped(below.as_os_str()) }
    }
}

/// Why a file in a folder that can be written to cannot be moved all the same.
fn why_immovable(path: &Path, metadata: &fs::Metadata) -> Option<&'static str> {
    let flags = StatxFlags::empty();
    // Not every kernel and file system can say.
    let found = rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, flags).ok()?;
    if found.stx_attributes.contains(StatxAttributes::IMMUTABLE) {
        return Some("it is immutable (chattr -i allows it)");
    }
    if found.stx_attributes.contains(StatxAttributes::APPEND) {
        return Some("it can only be appended to (chattr -a allows it)");
    }
    let folder = path.parent()?.symlink_metadata().ok()?;
    let user = nix::unistd::Uid::effective();
    let is_foreign = ![metadata.uid(), folder.uid()].contains(&user.as_raw()) && !user.is_root();
    const STICKY: u32 = 0o1000;
    (folder.mode() & STICKY != 0 && is_foreign)
        .then_some("it belongs to another user, and its folder is sticky (chmod -t allows it)")
}

/// The folders that hold nothing, nor anything but each other, with the latest change
/// of any of them; those deepest down come first.
fn empty_folders(folders: Vec<Folder>) -> Vec<(PathBuf, SystemTime)> {
    let mut is_kept: Vec<bool> = folders.iter().map(|folder| folder.is_top || folder.has_files).collect();
    let mut changed: Vec<SystemTime> = folders.iter().map(|folder| folder.changed).collect();
    for (number, folder) in folders.iter().enumerate().rev() {
        if let Some(parent) = folder.parent {
            is_kept[parent] |= is_kept[number];
        }
    }
    // A tree that a sender is making is as new as its newest folder.
    for (number, folder) in folders.iter().enumerate().rev() {
        if let Some(parent) = folder.parent
            && !is_kept[number]
        {
            changed[parent] = changed[parent].max(changed[number]);
        }
    }
    for (number, folder) in folders.iter().enumerate() {
        if let Some(parent) = folder.parent
            && !is_kept[parent]
        {
            changed[number] = changed[parent];
        }
    }
    let mut empty: Vec<(PathBuf, SystemTime)> = folders
        .into_iter()
        .zip(is_kept.into_iter().zip(changed))
        .filter(|(_, (is_kept, _))| !is_kept)
        .map(|(folder, (_, changed))| (folder.path, changed))
        .collect();
    empty.sort_by_key(|(path, _)| std::cmp::Reverse(path.components().count()));
    empty
}

/// When something was last done to a file but reading it, by this machine's clock.
/// A sender cannot set this time, as it can the time of the last modification.
pub(super) fn changed(metadata: &fs::Metadata) -> SystemTime {
    let seconds = Duration::from_secs(metadata.ctime().try_into().unwrap_or_default());
    SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(metadata.ctime_nsec().unsigned_abs())
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

/// Where a file stands in the order of reading, by its name.
pub(crate) fn rank(relative: &str) -> usize {
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
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let age = now.duration_since(modified).or_else(|_| now.duration_since(changed(metadata)));
    age.map_or(true, |age| age >= settle)
}

fn inbox_file(inbox: &Path, path: PathBuf, size: u64) -> Option<InboxFile> {
    let below = path.strip_prefix(inbox).ok()?;
    let mut parts = below.components();
    let first = escaped(parts.next()?.as_os_str());
    let source = if parts.next().is_some() { first } else { DEFAULT_SOURCE.to_owned() };
    let relative = escaped(below.as_os_str());
    Some(InboxFile { place: Arc::new(FilePlace(path)), relative, source, size })
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
