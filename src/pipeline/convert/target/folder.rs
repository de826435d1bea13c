//! The folder that a conversion is written to.
//!
//! Everything is written below the hidden folder `.convert`, and moved from there when it is
//! whole: first the tables, then the manifest. What a killed conversion leaves is there, or
//! is tables without a manifest, and the next conversion removes it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use fhirmill_postgres::failpoint::{self, ConvertStep};

use super::super::error::ConvertError;
use super::super::manifest::{self, Manifest, TableOutput};
use super::super::output::sync_folder;

/// The hidden folder.
const STAGING: &str = ".convert";
/// A file in it that the process holds a lock on.
const LOCK: &str = "lock";

/// See the module.
pub struct FolderTarget {
    folder: PathBuf,
    staging: PathBuf,
    _lock: File,
    /// The tables of the conversion that is replaced.
    replaced: Vec<String>,
}

impl FolderTarget {
    /// Prepares the folder. `known` are the tables that a conversion may have.
    ///
    /// # Errors
    /// The folder has anything else in it, or a conversion that is not to be replaced.
    pub fn prepare(folder: &Path, is_replaced: bool, known: &[String]) -> Result<Self, ConvertError> {
        let path = || folder.to_owned();
        fs::create_dir_all(folder).map_err(ConvertError::output(folder))?;
        let names = names(folder).map_err(ConvertError::output(folder))?;
        let old = manifest(folder);
        let is_ours = |name: &String| name == STAGING || known.contains(name);
        let has_started = names.iter().any(|name| name == STAGING);
        match &old {
            Some(_) if !is_replaced => return Err(ConvertError::Exists { path: path() }),
            None if has_started && names.iter().all(is_ours) => {}
            None if !names.is_empty() => return Err(ConvertError::NotEmpty { path: path() }),
            _ => {}
        }
        let staging = folder.join(STAGING);
        fs::create_dir_all(&staging).map_err(ConvertError::output(&staging))?;
        let lock = lock(&staging.join(LOCK))?.ok_or_else(|| ConvertError::Busy { path: path() })?;
        let of_old = old.map(|old| old.tables.into_iter().map(|table| table.name).collect());
        let replaced = of_old.unwrap_or_else(|| names.into_iter().filter(|name| name != STAGING).collect());
        let target = FolderTarget { folder: folder.to_owned(), staging, _lock: lock, replaced };
        target.clear()?;
        Ok(target)
    }

    /// Where everything is written first.
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Removes what an earlier conversion has left below the hidden folder.
    fn clear(&self) -> Result<(), ConvertError> {
        for name in names(&self.staging).map_err(ConvertError::output(&self.staging))? {
            if name != LOCK {
                remove(&self.staging.join(name))?;
            }
        }
        Ok(())
    }

    /// Moves the tables to their places, and then the manifest.
    pub fn commit(self, tables: &[TableOutput], manifest: &Manifest) -> Result<(), ConvertError> {
        let staged = self.staging.join(manifest::NAME);
        let text = serde_json::to_vec_pretty(manifest).map_err(io::Error::from);
        let file = File::create(&staged).and_then(|mut file| {
            io::Write::write_all(&mut file, &text?)?;
            file.sync_all()
        });
        file.map_err(ConvertError::output(&staged))?;
        let place = self.folder.join(manifest::NAME);
        remove(&place)?;
        sync_folder(&self.folder)?;
        failpoint::passed(ConvertStep::Revoked);
        for table in &self.replaced {
            remove(&self.folder.join(table))?;
        }
        for table in tables {
            let place = self.folder.join(&table.name);
            let moved = fs::rename(self.staging.join(&table.name), &place);
            moved.map_err(ConvertError::output(&place))?;
            failpoint::passed(ConvertStep::TablePlaced);
        }
        sync_folder(&self.folder)?;
        fs::rename(&staged, &place).map_err(ConvertError::output(&place))?;
        failpoint::passed(ConvertStep::Complete);
        remove(&self.staging)?;
        sync_folder(&self.folder)
    }

    /// Removes what was written.
    pub fn abandon(self) -> Result<(), ConvertError> {
        remove(&self.staging)
    }
}

/// The manifest of the conversion in a folder.
fn manifest(folder: &Path) -> Option<Manifest> {
    let text = fs::read(folder.join(manifest::NAME)).ok()?;
    let manifest: Manifest = serde_json::from_slice(&text).ok()?;
    // The names become paths of what is removed.
    let is_plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    manifest.tables.iter().all(|table| is_plain(&table.name)).then_some(manifest)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// The lock; `None` if another process has it.
fn lock(path: &Path) -> Result<Option<File>, ConvertError> {
    let file = File::options().create(true).append(true).open(path).map_err(ConvertError::output(path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(ConvertError::output(path)(error)),
    }
}

fn remove(path: &Path) -> Result<(), ConvertError> {
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(ConvertError::output(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        vec!["patient".to_owned()]
    }

    #[test]
    fn only_folders_of_conversions_are_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let target = FolderTarget::prepare(&folder, false, &known()).unwrap();
        let busy = FolderTarget::prepare(&folder, false, &known());
        assert!(matches!(busy.err(), Some(ConvertError::Busy { .. })));
        drop(target);
        // What a killed conversion leaves.
        fs::create_dir(folder.join("patient")).unwrap();
        fs::write(folder.join(STAGING).join("x"), "half").unwrap();
        let target = FolderTarget::prepare(&folder, false, &known()).unwrap();
        assert!(!target.staging().join("x").exists());
        target.abandon().unwrap();
        assert!(!folder.join(STAGING).exists());
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        for is_replaced in [false, true] {
            let refused = FolderTarget::prepare(&folder, is_replaced, &known());
            assert!(matches!(refused.err(), Some(ConvertError::NotEmpty { .. })));
        }
    }
}
