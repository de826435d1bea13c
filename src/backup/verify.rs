//! *Verifies* a backup: reads every file that belongs to it.

use std::collections::HashMap;
use std::io::{self, ErrorKind};

use tokio_util::sync::CancellationToken;

use super::dump::hash;
use super::entry::hexadecimal;
use super::error::BackupError;
use super::list::each_entry;
use super::manifest::Manifest;
use super::target::Target;
use crate::archive::at_once;
use crate::report::{RunProgress, Unit};

/// How many files are read before it is looked whether the program ends.
const AT_ONCE: usize = 64;

/// A file that is missing or damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its path in the target.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What was verified.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// The files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// A file as it should be.
struct Expected {
    path: String,
    bytes: u64,
    sha256: String,
}

/// Reads every file that belongs to a backup, each once.
pub fn verify(
    target: &dyn Target,
    manifest: &Manifest,
    (cancel, progress): (&CancellationToken, &RunProgress),
) -> Result<Verified, BackupError> {
    let folder = Manifest::folder(&manifest.name);
    let mut expected: Vec<Expected> = Vec::new();
    for part in &manifest.parts {
        let path = format!("{folder}/{}", part.path);
        expected.push(Expected { path, bytes: part.bytes, sha256: part.sha256.clone() });
    }
    let mut verified = Verified::default();
    let mut shared: HashMap<String, (u64, String)> = HashMap::new();
    let mut count = 0;
    let listed = each_entry(target, &manifest.name, &mut |entry| {
        count += 1;
        shared.insert(entry.path(), (entry.bytes, entry.stored_sha256));
        Ok(())
    });
    match listed {
        Ok(()) if count == manifest.files => {}
        Ok(()) => {
            verified.problem(&folder, format!("it lists {count} files, and should list {}", manifest.files))
        }
        // The list is one of the parts, which is said below.
        Err(error) if [ErrorKind::NotFound, ErrorKind::InvalidData].contains(&error.kind()) => {}
        Err(source) => return Err(BackupError::Target { place: folder, source }),
    }
    expected.extend(shared.into_iter().map(|(path, (bytes, sha256))| Expected { path, bytes, sha256 }));
    progress.begin("verifying", expected.len() as u64, Unit::Items("files"));
    for files in expected.chunks(AT_ONCE) {
        if cancel.is_cancelled() {
            return Err(BackupError::Cancelled);
        }
        let found = at_once(files, target.is_remote(), |file| problem(target, file));
        for (file, problem) in files.iter().zip(found) {
            verified.files += 1;
            verified.bytes += file.bytes;
            if let Some(problem) = problem {
                verified.problem(&file.path, problem);
            }
        }
        progress.set(verified.files);
    }
    progress.end();
    verified.problems.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(verified)
}

impl Verified {
    fn problem(&mut self, path: &str, problem: String) {
        self.problems.push(Problem { path: path.to_owned(), problem });
    }
}

/// What is wrong with a file.
fn problem(target: &dyn Target, file: &Expected) -> Option<String> {
    let read = || -> io::Result<(u64, [u8; 32])> { hash(&mut *target.read(&file.path)?) };
    match read() {
        Ok((bytes, sha256)) if bytes == file.bytes && hexadecimal(&sha256) == file.sha256 => None,
        Ok((bytes, _)) if bytes != file.bytes => {
            Some(format!("it has {bytes} bytes, and should have {}", file.bytes))
        }
        Ok(_) => Some("it has other bytes than were written".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Some("it is missing".to_owned()),
        Err(error) => Some(format!("it cannot be read: {error}")),
    }
}
