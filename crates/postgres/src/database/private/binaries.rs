//! The server's binaries: `initdb`, `pg_ctl` and `postgres` in one folder.
//!
//! Distributions install them outside PATH, with several versions side by side. A
//! new cluster is created by the newest; an existing one runs only with the major
//! version that created it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use crate::database::error::{DatabaseError, OLDEST_SUPPORTED_VERSION};

/// A folder with the binaries of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    dir: PathBuf,
    /// The major version, such as 18.
    pub version: u32,
}

impl Binaries {
    /// Finds the binaries of the given major version, or the newest supported ones,
    /// that the account may run. If the operator chose a folder, only that one is
    /// searched.
    pub fn find(
        chosen: Option<&Path>,
        version: Option<u32>,
        account: &Account,
    ) -> Result<Self, DatabaseError> {
        let folders = chosen.map_or_else(|| known_folders("initdb"), |folder| vec![folder.to_owned()]);
        let mut best: Option<Self> = None;
        for folder in &folders {
            let Some(found) = Self::in_folder(folder, account) else {
                continue;
            };
            let is_wanted = match version {
                Some(version) => found.version == version,
                None => found.version >= OLDEST_SUPPORTED_VERSION,
            };
            if is_wanted && best.as_ref().is_none_or(|best| found.version > best.version) {
                best = Some(found);
            }
        }
        best.ok_or(DatabaseError::NoBinaries { version, looked_in: folders })
    }

    fn in_folder(folder: &Path, account: &Account) -> Option<Self> {
        for program in ["initdb", "pg_ctl", "postgres"] {
            if !folder.join(program).is_file() {
                return None;
            }
        }
        let mut command = Command::new(folder.join("postgres"));
        command.arg("--version").current_dir("/");
        let output = account.run_as(&mut command).output().ok()?;
        let version = major_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { dir: folder.to_owned(), version })
    }

    /// The path of one of them.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `… 18beta1`.
pub fn major_version(text: &str) -> Option<u32> {
    let number = text.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The folders that have this program: pg_config's, those of distributions, and PATH. Each
/// folder once.
pub fn known_folders(program: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
        && output.status.success()
    {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        let Ok(entries) = std::fs::read_dir(parent) else {
            continue;
        };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                folders.push(entry.path().join("bin"));
            }
        }
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    let mut unique: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if folder.join(program).exists() && !unique.contains(&folder) {
            unique.push(folder);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_spelling() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18.1"), Some(18));
        assert_eq!(major_version("postgres (PostgreSQL) 19beta2"), Some(19));
        assert_eq!(major_version("something else"), None);
    }

    #[test]
    fn a_chosen_folder_without_binaries_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Binaries::find(Some(folder.path()), None, &Account::own()).unwrap_err();
        assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("apt-get install postgresql")));
    }
}
