//! A *folder* of backups. Only its owner can read what is in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::{Target, Written, check};

const LOCK: &str = ".fhirmill-lock";
/// What names of files in the making end with.
pub const PART: &str = ".part";
/// Numbers them.
static NUMBER: AtomicU64 = AtomicU64::new(0);
const COPIED_BYTES: usize = 1 << 20;

/// See the module.
#[derive(Debug)]
pub struct FolderTarget {
    folder: PathBuf,
    /// Locked for as long as it is open.
    lock: Option<File>,
}

impl FolderTarget {
    /// The folder, which need not be there yet.
    pub fn open(folder: &Path) -> Self {
        FolderTarget { folder: folder.to_owned(), lock: None }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

/// Creates a folder for the owner only, and those above it.
fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

impl Target for FolderTarget {
    fn lock(&mut self) -> io::Result<bool> {
        create_folder(&self.folder)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.folder.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => return Ok(false),
            // A file system without locks: the database keeps others away.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(true)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(self.path(&folder)) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = format!("{folder}/{name}");
                let metadata = match entry.metadata() {
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    metadata => metadata?,
                };
                match metadata.is_dir() {
                    true => folders.push(path),
                    false => found.push((path, metadata.len())),
                }
            }
        }
        Ok(found)
    }

    fn put(&self, path: &str, bytes: &mut dyn Read, expected: Option<&[u8; 32]>) -> io::Result<Written> {
        let to = self.path(path);
        let folder = to.parent().unwrap_or(&self.folder);
        create_folder(folder)?;
        // Two files with the same bytes may be written at once.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = to.file_name().unwrap_or_default().display();
        let part = folder.join(format!("{name}.{number}{PART}"));
        let written = write(&part, bytes).and_then(|written| {
            check(&written.1, expected)?;
            fs::rename(&part, &to).map(|()| written)
        });
        if written.is_err() {
            // It would only take room.
            let _ = fs::remove_file(&part);
        }
        written
    }

    fn read(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.path(path))?))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match fs::remove_file(self.path(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn remove_folder(&self, folder: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.path(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn local(&self, folder: &str) -> io::Result<Option<PathBuf>> {
        let path = self.path(folder);
        create_folder(path.parent().unwrap_or(&path))?;
        Ok(Some(path))
    }

    #[cfg(target_os = "linux")]
    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(&self.folder)?)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync(&self) -> io::Result<()> {
        for (path, _) in self.list(super::super::manifest::BACKUPS)? {
            File::open(self.path(&path))?.sync_all()?;
        }
        File::open(&self.folder)?.sync_all()
    }

    fn is_remote(&self) -> bool {
        false
    }
}

fn write(path: &Path, bytes: &mut dyn Read) -> io::Result<Written> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    let (mut size, mut hash, mut buffer) = (0, Sha256::new(), vec![0; COPIED_BYTES]);
    loop {
        let length = match bytes.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            length => length?,
        };
        if length == 0 {
            break;
        }
        hash.update(&buffer[..length]);
        file.write_all(&buffer[..length])?;
        size += length as u64;
    }
    #[cfg(not(target_os = "linux"))]
    file.sync_all()?;
    Ok((size, hash.finalize().into()))
}
