//! Moving a file that is done: into the archive by date and source, or into
//! the rejects with a report beside it. A *departure* knows where the file will
//! lie before it goes, so that the ledger can be told first.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use tracing::warn;

use super::{Content, InboxFile};
use crate::failpoint::{self, Step};

/// A file that is to leave the inbox.
#[derive(Debug)]
struct Departure {
    from: PathBuf,
    /// What is to go: a file that took its place since stays.
    content: Content,
    /// Where it will lie.
    to: PathBuf,
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

impl Departures {
    /// Into the archive; tells where the file will lie. A file of that name
    /// with other content is never overwritten; one with the same content is.
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
        let mut to = folder.join(name);
        if self.promised.contains(&to) || (to.exists() && super::fingerprint(&to)? != content.sha256) {
            let hash: String = content.sha256[..6].iter().map(|byte| format!("{byte:02x}")).collect();
            to = folder.join(fitting(&format!("{hash}-"), name, ""));
        }
        self.push(file, content, to.clone(), report);
        Ok(to)
    }

    /// Into the place of a file with the same content.
    pub fn replace(&mut self, file: &InboxFile, content: &Content, to: PathBuf) -> PathBuf {
        self.push(file, content, to.clone(), None);
        to
    }

    fn push(&mut self, file: &InboxFile, content: &Content, to: PathBuf, report: Option<String>) {
        self.promised.insert(to.clone());
        self.departures.push(Departure { from: file.path.clone(), content: *content, to, report });
    }

    /// Moves the files, and makes their new names outlive a power failure.
    pub fn go(self) -> io::Result<()> {
        for departure in &self.departures {
            departure.go()?;
        }
        let folders: BTreeSet<&Path> =
            self.departures.iter().filter_map(|departure| departure.to.parent()).collect();
        folders.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }
}

impl Departure {
    fn go(&self) -> io::Result<()> {
        // Another process that looks at this inbox may be first.
        if self.from.symlink_metadata().is_err() {
            return Ok(());
        }
        if !self.content.is_still_at(&self.from) {
            warn!(
                "{} was replaced while it was loaded; the new file is for the next look",
                self.from.display()
            );
            return Ok(());
        }
        if let Some(report) = &self.report {
            let name = self.to.file_name().unwrap_or_default();
            fs::write(self.to.with_file_name(fitting("", name, ".report.txt")), report)?;
            failpoint::passed(Step::Reported);
        }
        match move_file(&self.from, &self.to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.from.exists() => {}
            other => other?,
        }
        failpoint::passed(Step::Moved);
        Ok(())
    }
}

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

/// Renames, or copies and removes where the target is on another file system.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        other => return other,
    }
    let partial = to.with_file_name(fitting("", to.file_name().unwrap_or_default(), ".part"));
    let copied = fs::copy(from, &partial)
        .and_then(|_| File::open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, to));
    if let Err(error) = copied {
        // On a full disk it would take the room that the next try needs.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    // Only what outlives a power failure there may vanish here.
    File::open(to.parent().unwrap_or(to))?.sync_all()?;
    fs::remove_file(from)
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
        departures.go().expect("archived");
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
            departures.go().expect("archived");
        }
        assert_eq!(fs::read_to_string(&shelved[0]).expect("the first"), "one");
        assert_eq!(fs::read_to_string(&shelved[1]).expect("the second"), "two");
        assert_eq!(shelved[1], shelved[2]);
    }
}
