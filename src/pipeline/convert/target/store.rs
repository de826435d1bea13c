//! A prefix of an *object store* that a conversion is put to.
//!
//! Everything is written to a temporary folder first. When it is whole, a mark is put to the
//! store, which says that whatever is there without a manifest is ours; then the manifest of the
//! conversion that is replaced is removed, and its objects; then come the tables, the manifest,
//! and the removal of the mark.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fhirmill_postgres::failpoint::{self, ConvertStep};
use tempfile::TempDir;

use super::super::error::ConvertError;
use super::super::manifest::{self, Manifest, TableOutput};
use super::super::{Progress, sent};
use crate::config::{StorageSettings, StorageUrl};
use crate::report::Unit;
use crate::storage::{Found, Object, Store};

/// The mark's key.
const MARK: &str = ".convert";
/// How the names of temporary folders begin.
const STAGING: &str = "fhirmill-convert-";
/// The file in a temporary folder that is locked.
const LOCK: &str = "lock";
/// A younger folder may not have its lock yet.
const NEW: Duration = Duration::from_secs(60);
/// How much of a file is read at a time.
const READ_BYTES: usize = 1 << 20;

/// See the module.
pub struct StoreTarget {
    store: Store,
    staging: TempDir,
    _lock: File,
    /// What is there: of the conversion that is replaced, or left by one that was killed.
    replaced: Vec<Object>,
}

impl StoreTarget {
    /// Looks at what is there, and makes the temporary folder.
    pub fn prepare(
        url: &StorageUrl,
        settings: &StorageSettings,
        is_replaced: bool,
        known: &[String],
    ) -> Result<Self, ConvertError> {
        let path = PathBuf::from(url.to_string());
        let failed = ConvertError::output(&path);
        let store = Store::open(url, settings).map_err(&failed)?;
        let mut there = Vec::new();
        let mut next = None;
        loop {
            let page = store.list(next, usize::MAX).map_err(&failed)?;
            for found in page.found {
                let Found::Object(object) = found else { continue };
                if !is_ours(&object.key, known) {
                    return Err(ConvertError::NotEmpty { path: path.clone() });
                }
                there.push(object);
            }
            match page.next {
                Some(token) => next = Some(token),
                None => break,
            }
        }
        let has = |key: &str| there.iter().any(|object| object.key == key);
        match (has(manifest::NAME), has(MARK)) {
            (true, _) if !is_replaced => return Err(ConvertError::Exists { path: path.clone() }),
            (false, false) if !there.is_empty() => return Err(ConvertError::NotEmpty { path: path.clone() }),
            _ => {}
        }
        let (staging, lock) = staging().map_err(ConvertError::output(&std::env::temp_dir()))?;
        Ok(StoreTarget { store, staging, _lock: lock, replaced: there })
    }

    /// The temporary folder.
    pub fn staging(&self) -> &Path {
        self.staging.path()
    }

    /// Puts the tables to the store, and then the manifest; `false` if that was interrupted.
    pub fn commit(
        mut self,
        tables: &[TableOutput],
        manifest: &Manifest,
        progress: Progress<'_>,
    ) -> Result<bool, ConvertError> {
        let path = PathBuf::from(self.store.url().to_string());
        let failed = ConvertError::output(&path);
        let text = serde_json::to_vec_pretty(manifest).map_err(io::Error::from).map_err(&failed)?;
        self.store.put(MARK, Vec::new()).map_err(&failed)?;
        // The manifest goes first.
        self.replaced.sort_by_key(|object| object.key != manifest::NAME);
        for object in self.replaced.iter().filter(|object| object.key != MARK) {
            self.store.remove(object).map_err(&failed)?;
            if object.key == manifest::NAME {
                failpoint::passed(ConvertStep::Revoked);
            }
        }
        progress.progress.begin("uploading", tables.iter().map(|table| table.bytes).sum(), Unit::Bytes);
        let mut done = 0;
        for table in tables {
            for file in &table.files {
                if !self.upload(&file.path, file.bytes, &mut done, progress).map_err(&failed)? {
                    progress.progress.end();
                    return Ok(false);
                }
            }
            failpoint::passed(ConvertStep::TablePlaced);
        }
        progress.progress.end();
        self.store.put(manifest::NAME, text).map_err(&failed)?;
        failpoint::passed(ConvertStep::Complete);
        if let Some(mark) = self.store.find(MARK).map_err(&failed)? {
            self.store.remove(&mark).map_err(&failed)?;
        }
        Ok(true)
    }

    /// Puts a file to the store, and removes it here; `false` if that was interrupted.
    fn upload(&self, path: &str, bytes: u64, done: &mut u64, progress: Progress<'_>) -> io::Result<bool> {
        let staged = self.staging().join(path);
        let mut file = File::open(&staged)?;
        let mut out = self.store.writer(path, Some(bytes))?;
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let length = file.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            out.write_all(&buffer[..length])?;
            *done += length as u64;
            if !sent(progress, *done) {
                return Ok(false);
            }
        }
        out.finish()?;
        fs::remove_file(&staged)?;
        Ok(true)
    }
}

/// A temporary folder, and the lock on a file in it that shows that it is used. What processes
/// that were killed have left is removed.
fn staging() -> io::Result<(TempDir, File)> {
    let folder = std::env::temp_dir();
    for entry in fs::read_dir(&folder)?.filter_map(Result::ok) {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(STAGING));
        let age = |entry: &fs::DirEntry| entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_ours && age(&entry).is_some_and(|age| age > NEW) {
            let lock = File::open(entry.path().join(LOCK));
            if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
                // Somebody else may remove it, too.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
    let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(&folder)?;
    let lock = File::create(staging.path().join(LOCK))?;
    lock.lock()?;
    Ok((staging, lock))
}

/// Whether a conversion may have an object of that key.
fn is_ours(key: &str, known: &[String]) -> bool {
    let is_table = |table: &str| known.iter().any(|known| known == table);
    match key.split_once('/') {
        None => key == manifest::NAME || key == MARK,
        Some((table, file)) => is_table(table) && file.starts_with("part-") && !file.contains('/'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_of_conversions_are_replaced() {
        let known = ["patient".to_owned()];
        for (key, expected) in [
            ("manifest.json", true),
            (".convert", true),
            ("patient/part-00000.parquet", true),
            ("patient/notes.txt", false),
            ("patient/x/part-00000.parquet", false),
            ("patients/part-00000.parquet", false),
            ("part-00000.parquet", false),
        ] {
            assert_eq!(is_ours(key, &known), expected, "{key}");
        }
    }
}
