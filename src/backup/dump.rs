//! The *dump*: what `pg_dump` writes of a picture of the database, a file for each table.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use fhirmill_postgres::database::tools::ClientTool;
use sha2::{Digest, Sha256};

use super::entry::hexadecimal;
use super::error::BackupError;
use super::manifest::{DATABASE, Manifest, Part};
use super::take::BackupJob;
use super::target::Target;
use super::tool;

/// How long `pg_dump` waits for a table that somebody has locked.
const LOCK_PATIENCE: &str = "--lock-wait-timeout=300000";

/// A dump to be written.
pub struct Dump<'d> {
    /// The backup.
    pub job: &'d BackupJob<'d>,
    /// Where it is written.
    pub target: &'d dyn Target,
    /// The name of the backup.
    pub name: &'d str,
    /// `pg_dump`.
    pub tool: &'d ClientTool,
}

impl Dump<'_> {
    /// Writes what the picture of that name shows; returns the files.
    pub fn write(&self, picture: &str) -> Result<Vec<Part>, BackupError> {
        let folder = format!("{}/{DATABASE}", Manifest::folder(self.name));
        let place = self.job.to.to_string();
        let local = self.target.local(&folder).map_err(BackupError::target(&place))?;
        match local {
            Some(path) => {
                self.run(picture, &path)?;
                parts(&path, &mut |_, file| hash(file)).map_err(BackupError::target(&place))
            }
            None => {
                // For object stores: what pg_dump writes at the same time, several files, has to be on a disk.
                let scratch =
                    tempfile::tempdir().map_err(BackupError::target("the folder for temporary files"))?;
                let path = scratch.path().join(DATABASE);
                self.run(picture, &path)?;
                let sent =
                    parts(&path, &mut |name, file| self.target.put(&format!("{folder}/{name}"), file, None));
                sent.map_err(BackupError::target(&place))
            }
        }
    }

    fn run(&self, picture: &str, folder: &Path) -> Result<(), BackupError> {
        let mut command = self.tool.command(self.job.database.url(), "fhirmill backup");
        command.args(["--format=directory", "--no-sync", LOCK_PATIENCE]);
        // The least that gzip can: the tables take a fifth of their size, and it costs as much as reading them.
        command.arg("--compress=1").arg(format!("--jobs={}", self.job.settings.workers));
        command.arg(format!("--snapshot={picture}")).arg("--file").arg(folder);
        tool::run(command, self.tool.name(), self.job.cancel)
    }
}

/// The files of a folder, by name; each is passed on, which gives its size and hash.
fn parts(
    folder: &Path,
    each: &mut dyn FnMut(&str, &mut File) -> io::Result<super::target::Written>,
) -> io::Result<Vec<Part>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        names.push(name);
    }
    names.sort();
    let mut parts = Vec::new();
    for name in names {
        let (bytes, sha256) = each(&name, &mut File::open(folder.join(&name))?)?;
        parts.push(Part { path: format!("{DATABASE}/{name}"), bytes, sha256: hexadecimal(&sha256) });
    }
    Ok(parts)
}

/// The size of what is read, and the hash of its bytes.
pub fn hash(bytes: &mut (impl io::Read + ?Sized)) -> io::Result<super::target::Written> {
    let (mut size, mut hash, mut buffer) = (0, Sha256::new(), vec![0; 1 << 20]);
    loop {
        let length = match bytes.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            length => length?,
        };
        if length == 0 {
            return Ok((size, hash.finalize().into()));
        }
        hash.update(&buffer[..length]);
        size += length as u64;
    }
}
