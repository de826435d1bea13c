//! *Client tools*: `pg_dump` and `pg_restore`, which belong to a version of Postgres and
//! read servers of that version and of older ones.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::ExposeSecret;

use super::error::DatabaseError;
use super::private::{known_folders, major_version};
use super::url::DatabaseUrl;
use crate::failpoint;

/// A program of a known version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTool {
    name: &'static str,
    path: PathBuf,
    /// Its major version, such as 18.
    pub version: u32,
}

impl ClientTool {
    /// Finds `pg_dump` or `pg_restore` of that major version, or else of the next later one, in
    /// the operator's folder of binaries, beside the server's, and on PATH.
    pub fn find(name: &'static str, chosen: Option<&Path>, version: u32) -> Result<Self, DatabaseError> {
        let version = u32::try_from(failpoint::limit("tool-version", version.into())).unwrap_or(version);
        let mut folders: Vec<PathBuf> = chosen.map(Path::to_owned).into_iter().collect();
        folders.extend(known_folders(name));
        let mut best: Option<Self> = None;
        for folder in &folders {
            let Some(found) = Self::in_folder(name, folder).filter(|found| found.version >= version) else {
                continue;
            };
            if best.as_ref().is_none_or(|best| found.version < best.version) {
                best = Some(found);
            }
        }
        best.ok_or(DatabaseError::NoTool { name, version, looked_in: folders })
    }

    fn in_folder(name: &'static str, folder: &Path) -> Option<Self> {
        let path = folder.join(name);
        if !fs::metadata(&path).is_ok_and(|found| found.is_file()) {
            return None;
        }
        let output = Command::new(&path).arg("--version").stdin(Stdio::null()).output().ok()?;
        let version = major_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { name, path, version })
    }

    /// A command that connects to the database. The password is in its environment, which
    /// other users of the machine cannot read.
    pub fn command(&self, database: &DatabaseUrl, application: &str) -> Command {
        let mut command = Command::new(&self.path);
        let (url, password) = database.without_password();
        let mut argument = OsString::from("--dbname=");
        argument.push(url);
        command.arg(argument).arg("--no-password");
        command.env("LC_ALL", "C").env("PGAPPNAME", application).stdin(Stdio::null());
        if let Some(password) = password {
            command.env("PGPASSWORD", password.expose_secret());
        }
        command
    }

    /// What `pg_restore` says is in a dump, a line for each thing.
    pub fn list(&self, dump: &Path) -> io::Result<String> {
        let output = Command::new(&self.path).arg("--list").arg(dump).env("LC_ALL", "C").output()?;
        if !output.status.success() {
            let said = complaints(&String::from_utf8_lossy(&output.stderr)).join("; ");
            return Err(io::Error::other(said));
        }
        String::from_utf8(output.stdout).map_err(io::Error::other)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// What a tool says about its failure, without what may be from a row.
///
/// A line of a failed COPY ends where the values begin, and lines with details and statements are
/// left out.
pub fn complaints(output: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in output.lines() {
        let Some((_, complaint)) = line.split_once("error: ") else { continue };
        let complaint = match complaint.split_once(": ERROR:") {
            Some((copy, _)) if copy.starts_with("COPY failed") => copy,
            _ => complaint,
        };
        lines.push(complaint.trim().to_owned());
    }
    lines
}

/// Whether a tool says that the disk is full.
pub fn is_disk_full(output: &str) -> bool {
    // LC_ALL=C: the message is in English.
    output.contains("No space left on device")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn no_value_of_a_row_is_passed_on() {
        let output = "pg_restore: error: COPY failed for table \"patient\": ERROR:  invalid input: \"Quill\"\n\
                      CONTEXT:  COPY patient, line 1, column birth: \"Quill\"\n\
                      pg_restore: error: could not execute query: ERROR:  role \"maria\" does not exist\n\
                      Command was: GRANT ALL ON TABLE x TO maria;\n\
                      pg_dump: warning: something\n";
        assert_eq!(
            complaints(output),
            [
                "COPY failed for table \"patient\"",
                "could not execute query: ERROR:  role \"maria\" does not exist"
            ]
        );
    }

    #[test]
    fn a_full_disk_is_recognized() {
        assert!(is_disk_full("pg_dump: error: could not write to file: No space left on device"));
        assert!(!is_disk_full("pg_dump: error: connection lost"));
    }

    #[test]
    fn a_missing_tool_is_told_with_what_to_install() {
        let error = ClientTool::find("pg_dump", None, 99).unwrap_err();
        assert!(error.to_string().starts_with("there is no pg_dump of PostgreSQL 99 or later"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("apt-get install postgresql-client-99")));
    }
}
