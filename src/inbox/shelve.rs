//! Moving a file that is done: into the archive by date and source, or into
//! the rejects with a report beside it. A *departure* knows where the file will
//! lie before it goes, so that the ledger can be told first.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use tracing::warn;

use super::relocate::{Relocation, is_free_for, relocate, remove};
use super::{Content, InboxFile};
use fhirmill_postgres::failpoint::{self, Step};

/// A file that is to leave the inbox.
#[derive(Debug)]
struct Departure {
    from: PathBuf,
    /// What is to go: a file that took its place since stays.
    content: Content,
    /// Where it will lie.
    to: PathBuf,
    /// The ledger says that a file of the same content lies there.
    is_copy_there: bool,
    /// How many places were found taken.
    taken: u32,
    report: Option<String>,
}

/// The departures of some files that go together: no two to one place.
#[derive(Debug, Default)]
pub struct Departures {
    departures: Vec<Departure>,
    /// Where they will lie.
    promised: HashSet<PathBuf>,
    /// Folders that are there.
    made: HashSet<PathBuf>,
}

/// A file for which other content was in its place when it was to go there.
#[derive(Debug)]
pub struct Displaced {
    /// Where it was to lie.
    pub from: PathBuf,
    /// Where it will lie instead.
    pub to: PathBuf,
}

impl Departures {
    /// Into the archive; tells where the file will lie. A file of that name
    /// with other content is never overwritten; of one with the same content
    /// one stays.
    pub fn archive(&mut self, archive: &Path, file: &InboxFile, content: &Content) -> io::Result<PathBuf> {
        let day = chrono::Local::now().format("%Y-%m-%d").to_string();
        self.place(&archive.join(day).join(&file.source), file, content, None)
    }

    /// Into the rejects, with that report beside it.
    pub fn reject(
        &mut self,
        rejects: &Path,
        file: &InboxFile,
        content: &Content,
        report: String,
    ) -> io::Result<PathBuf> {
        self.place(&rejects.join(&file.source), file, content, Some(report))
    }

    fn place(
        &mut self,
        folder: &Path,
        file: &InboxFile,
        content: &Content,
        report: Option<String>,
    ) -> io::Result<PathBuf> {
        if !self.made.contains(folder) {
            fs::create_dir_all(folder)?;
            self.made.insert(folder.to_owned());
        }
        let name = file.path.file_name().unwrap_or_default();
        // What a sender calls so could be taken for another file's report.
        let is_like_report = report.is_some() && name.as_bytes().ends_with(REPORT.as_bytes());
        let mut departure = Departure::new(file, content, folder.join(name));
        departure.report = report;
        if is_like_report {
            departure.choose_next();
        }
        while self.promised.contains(&departure.to) || !is_free_for(&departure.to, &content.sha256) {
            departure.choose_next();
        }
        Ok(self.push(departure))
    }

    /// To where the ledger knows a file with the same content: of the two one
    /// stays.
    pub fn replace(&mut self, file: &InboxFile, content: &Content, to: PathBuf) -> PathBuf {
        self.push(Departure { is_copy_there: true, ..Departure::new(file, content, to) })
    }

    fn push(&mut self, departure: Departure) -> PathBuf {
        let to = departure.to.clone();
        self.promised.insert(to.clone());
        self.departures.push(departure);
        to
    }

    /// Moves the files, and makes their new names outlive a power failure.
    /// Another process may have put other content into the place of one: such
    /// a file stays, and goes to its next place when the ledger has been told
    /// and this is called again.
    pub fn go(&mut self) -> io::Result<Vec<Displaced>> {
        let (mut displaced, mut copied, mut folders) = (Vec::new(), Vec::new(), BTreeSet::new());
        for mut departure in std::mem::take(&mut self.departures) {
            let relocation = departure.go()?;
            if relocation == Relocation::Taken {
                let from = departure.to.clone();
                while self.promised.contains(&departure.to) {
                    departure.choose_next();
                }
                displaced.push(Displaced { from, to: self.push(departure) });
                continue;
            }
            folders.extend(departure.to.parent().map(Path::to_owned));
            if relocation == Relocation::Copied {
                copied.push(departure);
            }
        }
        folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())?;
        // Not sooner: a power failure could take the copy.
        copied.iter().try_for_each(|departure| remove(&departure.from, &departure.content))?;
        Ok(displaced)
    }
}

impl Departure {
    fn new(file: &InboxFile, content: &Content, to: PathBuf) -> Self {
        let (from, content) = (file.path.clone(), *content);
        Departure { from, content, to, is_copy_there: false, taken: 0, report: None }
    }

    fn go(&self) -> io::Result<Relocation> {
        // Another process that looks at this inbox may be first.
        if self.from.symlink_metadata().is_err() {
            return Ok(Relocation::Done);
        }
        // Written before and named after the move: whoever dies in between
        // leaves it, and whoever comes too late for the place leaves the
        // other's report alone.
        let unnamed = self.to.with_file_name(self.name(&self.hash(), &format!("{REPORT}.part")));
        if let Some(report) = &self.report {
            fs::write(&unnamed, report)?;
            failpoint::passed(Step::Reported);
        }
        let relocation = match relocate(&self.from, &self.to, &self.content, self.is_copy_there) {
            Err(error) if error.kind() == ErrorKind::NotFound && !self.from.exists() => Relocation::Done,
            other => other?,
        };
        if relocation == Relocation::Replaced {
            warn!(
                "{} was replaced while it was loaded; the new file is for the next look",
                self.from.display()
            );
        }
        if self.report.is_some() {
            match relocation {
                Relocation::Done | Relocation::Copied => {
                    let name = self.to.file_name().unwrap_or_default();
                    fs::rename(unnamed, self.to.with_file_name(fitting("", name, REPORT)))?;
                }
                Relocation::Taken | Relocation::Replaced => fs::remove_file(unnamed)?,
            }
        }
        failpoint::passed(Step::Moved);
        Ok(relocation)
    }

    /// The next place in the same folder: the first has the hash before the
    /// name.
    fn choose_next(&mut self) {
        self.taken += 1;
        self.is_copy_there = false;
        let before = match self.taken {
            1 => self.hash(),
            taken => format!("{}{taken}-", self.hash()),
        };
        self.to.set_file_name(self.name(&before, ""));
    }

    fn hash(&self) -> String {
        let digits = |byte: &u8| format!("{byte:02x}");
        self.content.sha256[..6].iter().map(digits).chain(["-".to_owned()]).collect()
    }

    fn name(&self, before: &str, behind: &str) -> OsString {
        fitting(before, self.from.file_name().unwrap_or_default(), behind)
    }
}

/// What a report's name ends in.
const REPORT: &str = ".report.txt";
/// The longest name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;

/// The name with something before and behind it, its own end cut off where
/// that would be too long.
fn fitting(before: &str, name: &OsStr, behind: &str) -> OsString {
    let room = LONGEST_NAME - before.len() - behind.len();
    let name = name.as_bytes();
    let kept = &name[..name.len().min(room)];
    OsString::from_vec([before.as_bytes(), kept, behind.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use std::time::Duration;

    #[test]
    fn files_of_one_name_that_go_together_go_to_two_places() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = folder.path().join("inbox");
        let mut departures = Departures::default();
        let mut places = Vec::new();
        for content in ["one", "two"] {
            let below = inbox.join("north").join(content);
            fs::create_dir_all(&below).expect("a folder");
            fs::write(below.join("a.json"), content).expect("a file");
        }
        for file in crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready {
            let content = Content::of(&file.path).expect("a content");
            places
                .push(departures.archive(&folder.path().join("archive"), &file, &content).expect("a place"));
        }
        assert!(departures.go().expect("archived").is_empty());
        assert_eq!(fs::read_to_string(&places[0]).expect("the first"), "one");
        assert_eq!(fs::read_to_string(&places[1]).expect("the second"), "two");
    }

    #[test]
    fn a_name_that_is_taken_by_other_content_gets_its_hash() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox = folder.path().join("inbox");
        let target = folder.path().join("archive");
        let mut shelved = Vec::new();
        for content in ["one", "two", "two"] {
            fs::create_dir_all(&inbox).expect("the inbox");
            fs::write(inbox.join("a.json"), content).expect("a file");
            let file = crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready.remove(0);
            let content = Content::of(&file.path).expect("a content");
            let mut departures = Departures::default();
            shelved.push(departures.archive(&target, &file, &content).expect("a place"));
            assert!(departures.go().expect("archived").is_empty());
        }
        assert_eq!(fs::read_to_string(&shelved[0]).expect("the first"), "one");
        assert_eq!(fs::read_to_string(&shelved[1]).expect("the second"), "two");
        assert_eq!(shelved[1], shelved[2]);
    }

    #[test]
    fn whoever_comes_too_late_for_a_place_takes_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let (inbox, rejects) = (folder.path().join("inbox"), folder.path().join("rejects"));
        fs::create_dir(&inbox).expect("the inbox");
        fs::write(inbox.join("a.json"), "mine").expect("a file");
        let file = crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready.remove(0);
        let content = Content::of(&file.path).expect("a content");
        let mut departures = Departures::default();
        let first = departures.reject(&rejects, &file, &content, "of mine".into()).expect("a place");
        // Other processes, and a link that leads nowhere, which nobody may follow.
        fs::write(&first, "another's").expect("a file");
        fs::write(first.with_file_name("a.json.report.txt"), "of another's").expect("a report");
        let second = departures.go().expect("displaced").remove(0).to;
        std::os::unix::fs::symlink("nowhere", &second).expect("a link");
        let third = departures.go().expect("displaced").remove(0).to;
        assert!(departures.go().expect("moved").is_empty());
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
        assert!(!file.path.exists());
    }

    #[test]
    fn a_reject_that_is_called_like_a_report_is_not_overwritten_by_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (inbox, rejects) = (folder.path().join("inbox"), folder.path().join("rejects"));
        fs::create_dir(&inbox).expect("the inbox");
        let mut places = Vec::new();
        for name in ["a.json.report.txt", "a.json"] {
            fs::write(inbox.join(name), name).expect("a file");
            let file = crate::inbox::scan(&inbox, Duration::ZERO).expect("a scan").ready.remove(0);
            let content = Content::of(&file.path).expect("a content");
            let mut departures = Departures::default();
            places.push(departures.reject(&rejects, &file, &content, "a report".into()).expect("a place"));
            assert!(departures.go().expect("moved").is_empty());
        }
        assert_eq!(fs::read_to_string(&places[0]).expect("the first"), "a.json.report.txt");
        assert_eq!(fs::read_to_string(&places[1]).expect("the second"), "a.json");
    }
}
