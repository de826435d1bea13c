//! *Pending moves* take files out of the inbox: loaded ones into the archive by
//! date and source, rejected ones into the rejects with a report beside them.
//!
//! Each file's location is chosen before anything moves, so that the ledger
//! can store it first: whoever finds a loaded file in the inbox moves it again,
//! but nobody would look for a file whose location is not stored.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use tracing::warn;

use super::reports::{REPORT, fitting, hash};
use super::{Archive, Location, Storage, Stored, at_once};
use crate::inbox::{FileContent, InboxFile, Place, Relocation};
use fhirmill_postgres::failpoint::{self, Step};

/// A file that is to leave the inbox.
#[derive(Debug)]
struct PendingMove {
    from: Arc<dyn Place>,
    /// Its path in the inbox, escaped.
    relative: String,
    /// Moved only while the file has this content: another one that took its
    /// place stays.
    content: FileContent,
    to: Location,
    /// The ledger says that a file with the same content is there.
    is_copy_there: bool,
    /// How many locations were found taken.
    taken: u32,
    /// Where it goes to.
    target: Target,
}

#[derive(Debug)]
enum Target {
    Archive,
    /// With the report to put beside it.
    Rejects(String),
}

/// Files that leave the inbox together, no two to the same location.
#[derive(Debug)]
pub struct PendingMoves {
    storage: Storage,
    moves: Vec<PendingMove>,
    /// All locations chosen so far.
    promised: HashSet<Location>,
}

/// A file whose location was taken by another file before it got there.
#[derive(Debug)]
pub struct Displaced {
    /// The location that is taken.
    pub from: Location,
    /// The location it will get instead.
    pub to: Location,
}

/// A file that cannot leave the inbox.
#[derive(Debug)]
pub struct Stuck {
    /// Its path in the inbox, escaped.
    pub relative: String,
    /// Why it stays.
    pub error: io::Error,
    /// The archive has a copy of it all the same.
    pub is_copied: bool,
}

/// What became of the moves.
#[derive(Debug, Default)]
pub struct Moved {
    /// Files that get another location.
    pub displaced: Vec<Displaced>,
    /// Files that stay in the inbox.
    pub stuck: Vec<Stuck>,
    /// How many bytes those take that lie compressed in the archive.
    pub compressed: Vec<(Location, u64)>,
}

impl PendingMoves {
    /// No moves yet, into these archives.
    pub fn new(storage: Storage) -> Self {
        PendingMoves { storage, moves: Vec::new(), promised: HashSet::new() }
    }

    /// The archives that the files move to.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Plans to move a loaded file into the archive; returns its location
    /// there. A file with that name and other content is never overwritten; of
    /// two with the same content one is kept.
    pub fn archive(&mut self, file: &InboxFile, content: &FileContent) -> Location {
        let day = chrono::Local::now().format("%Y-%m-%d").to_string();
        let names = [OsStr::new(&day), OsStr::new(&file.source), file_name(file)];
        self.plan(PendingMove::new(file, content, Location::of_names(names), Target::Archive))
    }

    /// Plans to move a rejected file into the rejects, with this report beside
    /// it; returns its location there.
    pub fn reject(&mut self, file: &InboxFile, content: &FileContent, report: String) -> Location {
        let location = Location::of_names([OsStr::new(&file.source), file_name(file)]);
        let mut pending = PendingMove::new(file, content, location, Target::Rejects(report));
        // A file that its sender named like this could be taken for another
        // file's report.
        if file_name(file).as_bytes().ends_with(REPORT.as_bytes()) {
            pending.choose_next();
        }
        self.plan(pending)
    }

    /// Plans to move a file to where, according to the ledger, the archive has
    /// a file with the same content: one of the two is kept.
    pub fn replace(&mut self, file: &InboxFile, content: &FileContent, to: Location) -> Location {
        let pending = PendingMove::new(file, content, to, Target::Archive);
        self.push(PendingMove { is_copy_there: true, ..pending })
    }

    /// Puts a report on a loaded file into the rejects, where its sender looks for it.
    /// That it cannot be written keeps no file in the inbox.
    pub fn report(&self, file: &InboxFile, content: &FileContent, report: &str) {
        if let Err(error) = self.storage.rejects.publish(file, content, report) {
            warn!("the report on the rejected records of {} cannot be written: {error}", file.relative);
        }
    }

    fn plan(&mut self, mut pending: PendingMove) -> Location {
        let archive = pending.target.archive(&self.storage);
        if archive.names_have_hashes() && pending.taken == 0 {
            pending.choose_next();
        }
        while self.promised.contains(&pending.to)
            || !archive.is_free_for(&pending.to, &pending.content.sha256)
            || !pending.is_archived() && self.storage.rejects.has_report_of_another(&pending.to)
        {
            pending.choose_next();
        }
        self.push(pending)
    }

    fn push(&mut self, pending: PendingMove) -> Location {
        let to = pending.to.clone();
        self.promised.insert(to.clone());
        self.moves.push(pending);
        to
    }

    /// Moves the files, and returns when their new names survive a power
    /// failure.
    ///
    /// If another process has put other content at a file's location, the file
    /// stays in the inbox and gets another location. Call this again when the
    /// ledger has stored those. A file that cannot be moved stays in the inbox, and
    /// the others move.
    ///
    /// # Errors
    ///
    /// The archive or the rejects take no files.
    pub fn run(&mut self) -> io::Result<Moved> {
        let (mut displaced, mut stuck, mut copied) = (Vec::new(), Vec::new(), Vec::new());
        let (mut archived, mut rejected, mut compressed) = (Vec::new(), Vec::new(), Vec::new());
        let moves = std::mem::take(&mut self.moves);
        let is_remote = moves.iter().any(|pending| pending.is_remote(&self.storage));
        let relocations = at_once(&moves, is_remote, |pending| pending.run_and_measure(&self.storage));
        for (mut pending, relocation) in moves.into_iter().zip(relocations) {
            let (relocation, stored) = match relocation {
                Ok(done) => done,
                Err(error) => {
                    pending.blame_archive(&self.storage, &error)?;
                    stuck.push(Stuck { relative: pending.relative, error, is_copied: false });
                    continue;
                }
            };
            if relocation == Relocation::Taken {
                let from = pending.to.clone();
                while self.promised.contains(&pending.to) {
                    pending.choose_next();
                }
                displaced.push(Displaced { from, to: self.push(pending) });
                continue;
            }
            if let Some(Stored { bytes, is_compressed: true }) = stored {
                compressed.push((pending.to.clone(), bytes));
            }
            let moved = if pending.is_archived() { &mut archived } else { &mut rejected };
            moved.push(pending.to.clone());
            if relocation == Relocation::Copied {
                copied.push(pending);
            }
        }
        self.storage.archive.sync(&archived)?;
        self.storage.rejects.sync(&rejected)?;
        // Not sooner: a power failure could destroy the copy.
        let removals = at_once(&copied, is_remote, |pending| pending.from.remove(&pending.content));
        for (pending, removal) in copied.into_iter().zip(removals) {
            if let Err(error) = removal {
                stuck.push(Stuck { relative: pending.relative, error, is_copied: true });
            }
        }
        Ok(Moved { displaced, stuck, compressed })
    }
}

fn file_name(file: &InboxFile) -> &OsStr {
    file.place.name()
}

impl Target {
    fn archive<'s>(&self, storage: &'s Storage) -> &'s dyn Archive {
        match self {
            Self::Archive => &*storage.archive,
            Self::Rejects(_) => storage.rejects.as_archive(),
        }
    }
}

impl PendingMove {
    fn new(file: &InboxFile, content: &FileContent, to: Location, target: Target) -> Self {
        let (from, relative) = (Arc::clone(&file.place), file.relative.clone());
        PendingMove { from, relative, content: *content, to, is_copy_there: false, taken: 0, target }
    }

    fn is_remote(&self, storage: &Storage) -> bool {
        self.from.path().is_none() || self.target.archive(storage).is_remote()
    }

    /// Fails if it is for the archive, and not for the file, that the file cannot be
    /// moved: then no file can.
    fn blame_archive(&self, storage: &Storage, error: &io::Error) -> io::Result<()> {
        let again = || io::Error::new(error.kind(), error.to_string());
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
        {
            return Err(again());
        }
        self.target.archive(storage).is_writable(&self.to).map_err(|_| again())
    }

    fn is_archived(&self) -> bool {
        matches!(self.target, Target::Archive)
    }

    /// Moves the file; also says how it is kept, in an archive that compresses.
    fn run_and_measure(&self, storage: &Storage) -> io::Result<(Relocation, Option<Stored>)> {
        let relocation = self.run(storage)?;
        let archive = self.target.archive(storage);
        let stored = match relocation {
            Relocation::Done | Relocation::Copied if archive.compresses() => archive.stored(&self.to)?,
            _ => None,
        };
        Ok((relocation, stored))
    }

    fn run(&self, storage: &Storage) -> io::Result<Relocation> {
        // Another process that serves this inbox may have been first.
        if !self.from.is_pinned() && !self.from.is_there() {
            return Ok(Relocation::Done);
        }
        let report = self.begin_report(storage)?;
        let archive = self.target.archive(storage);
        let relocation = match archive.put(&*self.from, &self.content, &self.to, self.is_copy_there) {
            Err(error) if error.kind() == ErrorKind::NotFound && !self.from.is_there() => Relocation::Done,
            Err(error) => {
                if let Some((unnamed, _)) = report {
                    storage.rejects.drop_report(&self.to, &unnamed)?;
                }
                return Err(error);
            }
            Ok(relocation) => relocation,
        };
        if relocation == Relocation::Replaced {
            warn!("{} was replaced while it was loaded; the next scan takes the new file", self.relative);
        }
        if let Some((unnamed, text)) = report {
            match relocation {
                Relocation::Done | Relocation::Copied => {
                    storage.rejects.name_report(&self.to, &unnamed, text)?;
                }
                Relocation::Taken | Relocation::Replaced => {
                    storage.rejects.drop_report(&self.to, &unnamed)?;
                }
            }
        }
        failpoint::passed(Step::Moved);
        Ok(relocation)
    }

    /// Writes a rejected file's report; returns the name that it has until the file is
    /// there, and its text.
    fn begin_report(&self, storage: &Storage) -> io::Result<Option<(OsString, &str)>> {
        let Target::Rejects(report) = &self.target else { return Ok(None) };
        let unnamed = self.name(&self.hash(), &format!("{REPORT}.part"));
        storage.rejects.begin_report(&self.to, &unnamed, report)?;
        failpoint::passed(Step::Reported);
        Ok(Some((unnamed, report)))
    }

    /// Chooses the next location in the same folder: the first alternative has
    /// the hash before the name.
    fn choose_next(&mut self) {
        self.taken += 1;
        self.is_copy_there = false;
        let before = match self.taken {
            1 => self.hash(),
            taken => format!("{}{taken}-", self.hash()),
        };
        self.to = self.to.with_file_name(&self.name(&before, ""));
    }

    fn hash(&self) -> String {
        hash(&self.content)
    }

    fn name(&self, before: &str, behind: &str) -> OsString {
        fitting(before, self.from.name(), behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawSettings;
    use pretty_assertions::assert_eq;
    use std::fs;
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    /// Moves into `archive` and `rejects` of the folder.
    fn moves_into(folder: &Path) -> PendingMoves {
        let mut settings = RawSettings::default().check().expect("the defaults");
        settings.archive_dir = folder.join("archive");
        settings.rejects_dir = folder.join("rejects");
        PendingMoves::new(Storage::of(&settings))
    }

    #[test]
    fn files_of_one_name_that_move_together_get_two_locations() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = folder.path().join("inbox");
        let mut moves = moves_into(folder.path());
        let mut places = Vec::new();
        for content in ["one", "two"] {
            let below = inbox.join("north").join(content);
            fs::create_dir_all(&below).expect("a folder");
            fs::write(below.join("a.json"), content).expect("a file");
        }
        for file in crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready {
            let content = file.place.content(&AtomicBool::new(false)).expect("a content");
            let location = moves.archive(&file, &content);
            places.push(std::path::PathBuf::from(moves.storage().archive.address(&location)));
        }
        assert!(moves.run().expect("archived").displaced.is_empty());
        assert_eq!(fs::read_to_string(&places[0]).expect("the first"), "one");
        assert_eq!(fs::read_to_string(&places[1]).expect("the second"), "two");
    }

    #[test]
    fn a_name_that_is_taken_by_other_content_gets_its_hash() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = folder.path().join("inbox");
        let mut archived = Vec::new();
        for content in ["one", "two", "two"] {
            fs::create_dir_all(&inbox).expect("the inbox");
            fs::write(inbox.join("a.json"), content).expect("a file");
            let file = crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready.remove(0);
            let content = file.place.content(&AtomicBool::new(false)).expect("a content");
            let mut moves = moves_into(folder.path());
            let location = moves.archive(&file, &content);
            archived.push(std::path::PathBuf::from(moves.storage().archive.address(&location)));
            assert!(moves.run().expect("archived").displaced.is_empty());
        }
        assert_eq!(fs::read_to_string(&archived[0]).expect("the first"), "one");
        assert_eq!(fs::read_to_string(&archived[1]).expect("the second"), "two");
        assert_eq!(archived[1], archived[2]);
    }

    #[test]
    fn a_file_that_comes_too_late_for_a_location_gets_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let (inbox, rejects) = (folder.path().join("inbox"), folder.path().join("rejects"));
        fs::create_dir(&inbox).expect("the inbox");
        fs::write(inbox.join("a.json"), "mine").expect("a file");
        let file = crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready.remove(0);
        let content = file.place.content(&AtomicBool::new(false)).expect("a content");
        let mut moves = moves_into(folder.path());
        let first = moves.reject(&file, &content, "of mine".into());
        let address = |location: &Location| rejects.join(location.as_str());
        let first = address(&first);
        fs::create_dir_all(first.parent().expect("a folder")).expect("a folder");
        // Other processes, and a link that leads nowhere, which nobody may follow.
        fs::write(&first, "another's").expect("a file");
        fs::write(first.with_file_name("a.json.report.txt"), "of another's").expect("a report");
        let second = address(&moves.run().expect("displaced").displaced.remove(0).to);
        std::os::unix::fs::symlink("nowhere", &second).expect("a link");
        let third = address(&moves.run().expect("displaced").displaced.remove(0).to);
        assert!(moves.run().expect("moved").displaced.is_empty());
        let name = third.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.ends_with("-2-a.json"), "{name}");
        for (name, content) in [
            (name.as_str(), "mine"),
            (&format!("{name}.report.txt"), "of mine"),
            ("a.json", "another's"),
            ("a.json.report.txt", "of another's"),
        ] {
            assert_eq!(fs::read_to_string(first.with_file_name(name)).expect("a file"), content);
        }
        assert_eq!(fs::read_dir(first.parent().expect("a folder")).expect("a folder").count(), 5);
        assert!(!file.place.is_there());
    }

    #[test]
    fn a_reject_that_is_named_like_a_report_is_not_overwritten_by_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = folder.path().join("inbox");
        fs::create_dir(&inbox).expect("the inbox");
        let mut places = Vec::new();
        for name in ["a.json.report.txt", "a.json"] {
            fs::write(inbox.join(name), name).expect("a file");
            let file = crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready.remove(0);
            let content = file.place.content(&AtomicBool::new(false)).expect("a content");
            let mut moves = moves_into(folder.path());
            let location = moves.reject(&file, &content, "a report".into());
            places.push(std::path::PathBuf::from(moves.storage().rejects.address(&location)));
            assert!(moves.run().expect("moved").displaced.is_empty());
        }
        assert_eq!(fs::read_to_string(&places[0]).expect("the first"), "a.json.report.txt");
        assert_eq!(fs::read_to_string(&places[1]).expect("the second"), "a.json");
    }
}
