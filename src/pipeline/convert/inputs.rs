//! The files to convert.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ConvertError;
use crate::inbox::{self, FilePlace, InboxFile};

/// The files of all inputs: files as they are, folders with all that is in them, but for
/// what the inbox leaves alone, too. Those that others refer to come first.
pub(super) fn collect(inputs: &[PathBuf], source: &str) -> Result<Vec<InboxFile>, ConvertError> {
    let mut files = Vec::new();
    for input in inputs {
        let failed = |source| ConvertError::Input { path: input.clone(), source };
        let metadata = fs::metadata(input).map_err(failed)?;
        let path = fs::canonicalize(input).map_err(failed)?;
        if metadata.is_dir() {
            folder(&path, &path, source, &mut files)?;
        } else if metadata.is_file() {
            let shown = inbox::escaped(input.as_os_str());
            files.push(InboxFile {
                place: Arc::new(FilePlace(path)),
                relative: shown,
                source: source.to_owned(),
                size: metadata.len(),
            });
        } else {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "neither a file nor a folder")));
        }
    }
    files.sort_by_cached_key(|file| (inbox::rank(&file.relative), file.relative.clone()));
    files.dedup_by(|one, other| one.place.path() == other.place.path());
    Ok(files)
}

fn folder(top: &Path, path: &Path, source: &str, files: &mut Vec<InboxFile>) -> Result<(), ConvertError> {
    let failed = |error| ConvertError::Input { path: path.to_owned(), source: error };
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let shown = name.to_string_lossy();
        let metadata = entry.path().symlink_metadata().map_err(failed)?;
        if shown.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if metadata.is_dir() {
            folder(top, &path, source, files)?;
        } else if metadata.is_file() && !inbox::is_unfinished(&shown) {
            let below = path.strip_prefix(top).unwrap_or(&path);
            let relative = inbox::escaped(below.as_os_str());
            files.push(InboxFile {
                place: Arc::new(FilePlace(path)),
                relative,
                source: source.to_owned(),
                size: metadata.len(),
            });
        }
    }
    Ok(())
}
