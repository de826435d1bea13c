//! A *folder* of snapshots. One in the making has a hidden name, and files that are shared are
//! hard links, so removing a snapshot never takes a file from another.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{LATEST, NewFile, Target, sort, time_of};
use crate::snapshot::manifest::{MANIFEST, ManifestFile};

const LOCK: &str = ".fhirmill-lock";
/// What hidden names of snapshots in the making and of those being removed end with.
const PART: &str = ".part";

/// See the module.
#[derive(Debug)]
pub struct FolderTarget {
    folder: PathBuf,
    /// Locked for as long as it is open.
    lock: Option<File>,
}

impl FolderTarget {
    /// Opens the folder; creates it if it is missing.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(FolderTarget { folder: folder.to_owned(), lock: None })
    }

    fn hidden(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}{PART}"))
    }

    /// Where the file would be in the snapshot in the making; its folder is created.
    fn place(&self, name: &str, path: &str) -> io::Result<PathBuf> {
        let place = self.hidden(name).join(path);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(place)
    }

    /// Writes a small file so that there is either the old or the new one.
    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let part = self.folder.join(format!(".{name}{PART}"));
        let mut file = File::create(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, self.folder.join(name))?;
        sync_folder(&self.folder)
    }
}

impl Target for FolderTarget {
    fn lock(&mut self) -> io::Result<bool> {
        let file = File::options().create(true).truncate(false).write(true).open(self.folder.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => return Ok(false),
            // A file system without locks: the database keeps others away.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(true)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if time_of(&name).is_some() && entry.path().join(MANIFEST).is_file() {
                names.push(name);
            }
        }
        sort(&mut names);
        Ok(names)
    }

    fn manifest(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(name).join(MANIFEST))
    }

    fn begin(&self, name: &str) -> io::Result<()> {
        fs::create_dir(self.hidden(name))
    }

    fn create(&self, name: &str, path: &str) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(FolderFile(File::create_new(self.place(name, path)?)?)))
    }

    fn reuse(&self, from: &str, name: &str, files: &[ManifestFile]) -> io::Result<bool> {
        let from = self.folder.join(from);
        if !are_unharmed(&from, files)? {
            return Ok(false);
        }
        for file in files {
            link(&from.join(&file.path), &self.place(name, &file.path)?)?;
        }
        Ok(true)
    }

    fn share(&self, from: &str, name: &str, files: &[ManifestFile]) -> io::Result<bool> {
        let from = self.folder.join(from);
        if !are_unharmed(&from, files)? {
            return Ok(false);
        }
        for file in files {
            let linked = self.place(name, &format!("{}.link", file.path))?;
            if fs::hard_link(from.join(&file.path), &linked).is_err() {
                return Ok(false);
            }
            fs::rename(&linked, self.place(name, &file.path)?)?;
        }
        Ok(true)
    }

    fn publish(&self, name: &str, manifest: &[u8]) -> io::Result<()> {
        let hidden = self.hidden(name);
        let part = hidden.join(format!("{MANIFEST}{PART}"));
        let mut file = File::create(&part)?;
        file.write_all(manifest)?;
        file.sync_all()?;
        fs::rename(&part, hidden.join(MANIFEST))?;
        sync_all(&hidden)?;
        fs::rename(&hidden, self.folder.join(name))?;
        sync_folder(&self.folder)
    }

    fn set_latest(&self, name: &str) -> io::Result<()> {
        self.replace(LATEST, format!("{name}\n").as_bytes())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let hidden = self.hidden(name);
        fs::rename(self.folder.join(name), &hidden)?;
        fs::remove_dir_all(hidden)
    }

    fn clean(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let hidden = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(PART));
            if hidden.is_some_and(|name| time_of(name).is_some()) && entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

struct FolderFile(File);

impl Write for FolderFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl NewFile for FolderFile {
    /// All files are flushed to the disk at once, when the snapshot is published.
    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// A second name for a file; a copy where the file system has no hard links.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(error),
        Err(_) => {
            fs::copy(from, to)?;
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Whether the files in a folder have the bytes that they were written with.
fn are_unharmed(folder: &Path, files: &[ManifestFile]) -> io::Result<bool> {
    for file in files {
        match hash(&folder.join(&file.path)) {
            Ok(found) if found == (file.bytes, file.sha256.clone()) => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// The size of a file, and the SHA-256 of its bytes.
fn hash(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut size, mut hash, mut buffer) = (0, Sha256::new(), vec![0; 256 << 10]);
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok((size, crate::snapshot::write::hexadecimal(&hash.finalize())));
        }
        size += length as u64;
        hash.update(&buffer[..length]);
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Flushes everything in a folder to the disk: its file system at once, since some hundred
/// files one by one take much longer.
#[cfg(target_os = "linux")]
fn sync_all(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync_all(&path)? } else { File::open(path)?.sync_all()? }
    }
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn only_what_is_published_is_there_and_removing_leaves_shared_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut target = FolderTarget::open(folder.path()).unwrap();
        assert!(target.lock().unwrap());
        let (first, second) = ("2026-11-29T10-00-00Z", "2026-11-29T10-00-00Z-2");
        target.begin(first).unwrap();
        let mut file = target.create(first, "patient/part-0.parquet").unwrap();
        file.write_all(b"rows").unwrap();
        file.finish().unwrap();
        assert_eq!(target.names().unwrap(), Vec::<String>::new());
        target.publish(first, b"{}").unwrap();
        target.set_latest(first).unwrap();
        assert_eq!(target.names().unwrap(), [first]);
        assert_eq!(fs::read_to_string(folder.path().join(LATEST)).unwrap(), format!("{first}\n"));
        assert!(!FolderTarget::open(folder.path()).unwrap().lock().unwrap(), "two write");
        let (path, sha256) = ("patient/part-0.parquet".to_owned(), "of other bytes".to_owned());
        let mut shared = ManifestFile { path, rows: 1, bytes: 4, sha256 };
        target.begin(second).unwrap();
        assert!(!target.reuse(first, second, std::slice::from_ref(&shared)).unwrap(), "other bytes");
        // `printf rows | sha256sum`
        shared.sha256 = "bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e".to_owned();
        assert!(target.reuse(first, second, std::slice::from_ref(&shared)).unwrap());
        target.publish(second, b"{}").unwrap();
        target.remove(first).unwrap();
        let left = folder.path().join(second).join(&shared.path);
        assert_eq!(fs::read(left).unwrap(), b"rows");
        target.begin("2026-11-29T10-00-01Z").unwrap();
        fs::create_dir(folder.path().join(".mine.part")).unwrap();
        target.clean().unwrap();
        let mut left: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [LOCK, ".mine.part", second, LATEST]);
    }
}
