//! The file `.env`: assignments that are put into the environment at start.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why `.env` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    /// A line is not an assignment. It may hold a password, so it is named and
    /// not shown.
    #[error("{path}, line {line}: not of the form NAME=value; a value with spaces needs quotes")]
    Syntax { path: PathBuf, line: usize },
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Unreadable { path: PathBuf, source: io::Error },
}

/// Puts the assignments of an `.env` file into the environment, except for
/// variables that are set already. A missing file is fine.
pub fn load_env_file(path: &Path) -> Result<(), EnvFileError> {
    match dotenvy::from_path(path) {
        Ok(()) => Ok(()),
        Err(dotenvy::Error::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(dotenvy::Error::Io(source)) => Err(EnvFileError::Unreadable { path: path.to_owned(), source }),
        Err(dotenvy::Error::LineParse(wrong, _)) => {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let index = text.lines().position(|line| line.trim_end() == wrong.trim_end());
            let line = index.map_or(1, |index| index + 1);
            Err(EnvFileError::Syntax { path: path.to_owned(), line })
        }
        Err(error) => Err(EnvFileError::Unreadable {
            path: path.to_owned(),
            source: io::Error::other(error.to_string()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named_by_number_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "# settings\n\nswordfish is my password\n").unwrap();
        let error = load_env_file(&path).unwrap_err().to_string();
        assert!(error.contains(", line 3:"), "{error}");
        assert!(!error.contains("swordfish"), "{error}");
        assert!(load_env_file(&folder.path().join("absent")).is_ok());
    }
}
