//! *Rewriting* the archived files: which records of each are changed, and how the new file
//! takes the place of the old one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Seek};
use std::os::unix::fs::PermissionsExt;

use fhirmill_core::read;
use fhirmill_postgres::erase::{self, NewPlace, TaskKind};
use fhirmill_postgres::failpoint::{self, EraseStep};
use fhirmill_postgres::undo::UndoFile;
use rustc_hash::FxHashSet;

use super::edits::{Edit, FileEditor, FileEdits};
use super::person::{Person, Verdict};
use super::scan::{Found, What, scan};
use super::{EraseError, ErasedFile, FileAction};
use crate::archive::{ArchiveError, Location, Storage, fitting, short_hash};
use crate::inbox::{FileContent, FilePlace, Relocation, escaped, unescaped};
use crate::pipeline::job::Job;
use crate::pipeline::worker::{Named, Worker};

/// Everybody in the group of a file's owner may read it, as other archived files.
const FILE_MODE: u32 = 0o640;

/// What is to be done with the files that share a place in the archive.
pub(super) struct Place<'f> {
    /// The files; the first of them was there first.
    pub files: Vec<&'f UndoFile>,
    pub edits: FileEdits,
    /// Whether nothing else is in it.
    pub is_only_of_person: bool,
    /// How many records are erased.
    pub records: u64,
}

/// What the files have that is erased.
#[derive(Default)]
pub(super) struct Totals {
    pub records: u64,
    pub removed_references: u64,
    /// Resources that stay without their references.
    pub redacted: FxHashSet<Named>,
    /// Files and positions of erased records.
    pub positions: FxHashSet<(i64, u64)>,
}

/// The files, by the place in the archive that they share.
pub(super) fn by_place(files: &[UndoFile]) -> Vec<Vec<&UndoFile>> {
    let mut places: BTreeMap<(bool, &str), Vec<&UndoFile>> = BTreeMap::new();
    for file in files {
        let key = (file.stored.status == "rejected", file.stored.archive_path.as_deref().unwrap_or_default());
        places.entry(key).or_default().push(file);
    }
    let mut places: Vec<Vec<&UndoFile>> = places.into_values().collect();
    places.sort_by_key(|files| files[0].id);
    places
}

/// Opens the file; `None` if the archive does not have it.
pub(super) fn open(storage: &Storage, file: &UndoFile) -> Result<Option<Box<dyn read::ReadAt>>, EraseError> {
    match storage.open_proven(&file.stored, &mut |_| {}) {
        Ok(opened) => Ok(Some(opened)),
        Err(ArchiveError::Missing { .. } | ArchiveError::Removed { .. } | ArchiveError::NotYet { .. }) => {
            Ok(None)
        }
        Err(source) => Err(EraseError::Archive { file_id: file.id, source }),
    }
}

/// Finds out what is changed in the files of a place; `None` if nothing is.
pub(super) fn edits_of<'f>(
    job: &Job<'_>,
    worker: &mut Worker,
    (files, archived): (Vec<&'f UndoFile>, Box<dyn read::ReadAt>),
    (person, totals): (&mut Person, &mut Totals),
    number: &mut u64,
) -> Result<Option<Place<'f>>, EraseError> {
    let mut place = Place { files, edits: FileEdits::default(), is_only_of_person: true, records: 0 };
    let first = place.files[0];
    let ids: Vec<i64> = place.files.iter().map(|file| file.id).collect();
    scan(job, worker, (first, archived), number, &mut |found| {
        place.add(&found, person, totals, &ids);
        Ok(())
    })?;
    totals.records += place.records;
    Ok((!place.edits.is_empty()).then_some(place))
}

impl Place<'_> {
    fn add(&mut self, found: &Found<'_>, person: &mut Person, totals: &mut Totals, ids: &[i64]) {
        let range = found.start..found.start + found.length.unwrap_or_default();
        let document = self.edits.of(found.member);
        document.records.push(found.entry.clone().unwrap_or_else(|| range.clone()));
        let verdict = match &found.what {
            What::Resource { reading, named } => person.verdict(reading, named.as_ref()),
            What::Entry(meanings) if meanings.iter().any(|meaning| person.is_erased(meaning)) => {
                Verdict::Erase
            }
            What::Text { bytes, .. } if person.is_named_in(bytes) => Verdict::Erase,
            What::Entry(_) | What::Text { .. } => Verdict::Keep,
        };
        if verdict != Verdict::Erase {
            self.is_only_of_person = false;
        }
        match (verdict, &found.what) {
            (Verdict::Keep, _) => {}
            (Verdict::Redact, What::Resource { reading, named }) => {
                let mut objects: Vec<_> = reading
                    .mentions
                    .iter()
                    .filter(|mention| person.is_erased(&mention.meaning))
                    .map(|mention| {
                        found.start + mention.object.start as u64..found.start + mention.object.end as u64
                    })
                    .collect();
                objects.dedup();
                totals.removed_references += objects.len() as u64;
                document.edits.extend(objects.into_iter().map(Edit::Object));
                totals.redacted.extend(named.clone());
            }
            (_, what) => {
                self.records += 1;
                totals.positions.extend(ids.iter().map(|id| (*id, found.position)));
                match what {
                    What::Text { is_frame: false, .. } => {
                        document.edits.push(Edit::Broken(found.start, found.length));
                    }
                    What::Entry(_) => document.edits.push(Edit::Entry(range, None)),
                    _ => {
                        if let Some(entry) = &found.entry {
                            // One that is its resource itself has no other parts.
                            if *entry != range {
                                document.edits.push(Edit::Entry(entry.clone(), Some(range.clone())));
                            }
                        }
                        document.edits.push(Edit::Resource(range));
                    }
                }
            }
        }
    }

    /// Writes the file again beside the old one, and notes its new place; or notes that it is
    /// gone. Returns what is left to do.
    pub fn put(
        &self,
        job: &Job<'_>,
        worker: &mut Worker,
        storage: &Storage,
        person: &Person,
    ) -> Result<(Vec<(TaskKind, String)>, ErasedFile), EraseError> {
        let first = self.files[0];
        let ids: Vec<i64> = self.files.iter().map(|file| file.id).collect();
        let old = first.stored.archive_path.clone().unwrap_or_default();
        let is_rejected = first.stored.status == "rejected";
        let mut tasks = self.reports(storage);
        let action = if self.is_only_of_person {
            erase::remove(worker.connection(), &ids)?;
            FileAction::Removed
        } else {
            let place = self.rewrite(job, storage, person)?;
            let archive = storage.of_status(&first.stored.status);
            let stored =
                archive.stored(&place.0).map_err(|source| EraseError::Write { file_id: first.id, source })?;
            erase::put_in_place(
                worker.connection(),
                &ids,
                &NewPlace {
                    archive_path: place.0.as_str(),
                    size: place.1.size,
                    sha256: &place.1.sha256,
                    stored_bytes: stored.filter(|stored| stored.is_compressed).map(|stored| stored.bytes),
                },
            )?;
            failpoint::passed(EraseStep::Rewritten);
            tasks.extend(ids.iter().map(|id| (TaskKind::Report, id.to_string())));
            FileAction::Rewritten
        };
        tasks.push((if is_rejected { TaskKind::Rejects } else { TaskKind::Archive }, old));
        for file in &self.files {
            let name = file.stored.path.rsplit('/').next().unwrap_or(&file.stored.path);
            let is_told = person.is_told_by(name);
            if is_told || self.is_only_of_person {
                erase::rename(worker.connection(), file.id, &renamed(&file.stored.path, file.id))?;
            }
            // Another file may have a name that tells nothing.
            if is_told {
                tasks.push((TaskKind::Log, name.to_owned()));
            }
        }
        Ok((tasks, ErasedFile { ids, action, records: self.records }))
    }

    /// What becomes of the file.
    pub fn told(&self) -> ErasedFile {
        let ids = self.files.iter().map(|file| file.id).collect();
        let action = if self.is_only_of_person { FileAction::Removed } else { FileAction::Rewritten };
        ErasedFile { ids, action, records: self.records }
    }

    /// Removes the reports on the files that lie in the rejects; another one is written.
    fn reports(&self, storage: &Storage) -> Vec<(TaskKind, String)> {
        let mut tasks = Vec::new();
        for file in &self.files {
            let name = unescaped(file.stored.path.rsplit('/').next().unwrap_or_default());
            let beside = file.stored.archive_path.as_deref().filter(|_| file.stored.status == "rejected");
            for location in crate::archive::reports_on(&file.source, &name, &file.stored.sha256, beside) {
                if crate::archive::is_report_on(storage, &location, &file.stored.path) {
                    tasks.push((TaskKind::Rejects, location.to_string()));
                }
            }
        }
        tasks
    }

    /// Writes the file again; returns where, and what it is.
    fn rewrite(
        &self,
        job: &Job<'_>,
        storage: &Storage,
        person: &Person,
    ) -> Result<(Location, FileContent), EraseError> {
        let first = self.files[0];
        let failed = |source: io::Error| EraseError::Write { file_id: first.id, source };
        let opened = open(storage, first)?.ok_or(EraseError::Interrupted)?;
        let mut editor = FileEditor { edits: &self.edits, person };
        let written = read::rewrite(opened, &job.settings.read_limits(), &mut editor)
            .map_err(|source| EraseError::Read { file_id: first.id, source })?;
        let mut written = written.ok_or_else(|| failed(io::Error::other("nothing was changed")))?;
        let mut file = tempfile::Builder::new().prefix("erased-").tempfile().map_err(failed)?;
        written.rewind().map_err(failed)?;
        io::copy(&mut written, &mut file).map_err(failed)?;
        file.as_file().set_permissions(PermissionsExt::from_mode(FILE_MODE)).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        let content = FileContent::of(file.path()).map_err(failed)?;
        let archive = storage.of_status(&first.stored.status);
        let old = Location::stored(first.stored.archive_path.as_deref().unwrap_or_default());
        let name = unescaped(old.as_str().rsplit('/').next().unwrap_or_default());
        let name = without_hash(&name);
        let name = match person.is_told_by(&name.to_string_lossy()) {
            true => OsString::from(renamed(&escaped(&name), first.id)),
            false => name,
        };
        for attempt in 1.. {
            let before = match attempt {
                1 => short_hash(&content),
                _ => format!("{}{attempt}-", short_hash(&content)),
            };
            let location = old.with_file_name(&fitting(&before, &name, ""));
            let place = FilePlace(file.path().to_owned());
            let put = archive.put(&place, &content, &location, false).map_err(failed)?;
            if matches!(put, Relocation::Done | Relocation::Copied) {
                archive.sync(std::slice::from_ref(&location)).map_err(failed)?;
                return Ok((location, content));
            }
        }
        Err(EraseError::Interrupted)
    }
}

/// Gives files that the archive does not have other names, if theirs tell who the person is;
/// returns what is left to do.
pub(super) fn rename_lost(
    worker: &mut Worker,
    files: &[UndoFile],
    (lost, person): (&[i64], &Person),
) -> Result<Vec<(TaskKind, String)>, EraseError> {
    let mut tasks = Vec::new();
    for file in files.iter().filter(|file| lost.contains(&file.id)) {
        let name = file.stored.path.rsplit('/').next().unwrap_or(&file.stored.path);
        if person.is_told_by(name) {
            erase::rename_lost(worker.connection(), file.id, &renamed(&file.stored.path, file.id))?;
            tasks.push((TaskKind::Log, name.to_owned()));
        }
    }
    Ok(tasks)
}

/// A path whose last name says nothing but the number of the file.
fn renamed(path: &str, id: i64) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let known = ["json", "ndjson", "jsonl", "gz", "zst", "zip", "tar", "tgz"];
    let endings: Vec<&str> = name.rsplit('.').take(2).take_while(|ending| known.contains(ending)).collect();
    let mut new = format!("erased-{id}");
    for ending in endings.into_iter().rev() {
        new.push('.');
        new.push_str(ending);
    }
    if folder.is_empty() { new } else { format!("{folder}/{new}") }
}

/// The name without the hash of a content before it.
fn without_hash(name: &OsStr) -> OsString {
    let text = name.to_string_lossy();
    let is_hash = |hash: &str| hash.len() >= 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.split_once('-') {
        Some((hash, rest)) if is_hash(hash) && !rest.is_empty() => OsString::from(rest),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_new_name_keeps_only_the_folder_and_the_form() {
        for (path, expected) in [
            ("north/Mary_Abbott.json", "north/erased-7.json"),
            ("Abbott.ndjson.gz", "erased-7.ndjson.gz"),
            ("a/Abbott", "a/erased-7"),
            ("a/json", "a/erased-7.json"),
        ] {
            assert_eq!(renamed(path, 7), expected);
        }
        assert_eq!(without_hash(OsStr::new("0123456789ab-a.json")), "a.json");
        assert_eq!(without_hash(OsStr::new("part-a.json")), "part-a.json");
    }
}
