//! A prefix in an *object store* that holds snapshots. The manifest is put there last; what has
//! none is not complete. Files that are shared are copied by the store.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{LATEST, NewFile, Target, sort, time_of};
use crate::config::{StorageSettings, StorageUrl};
use crate::snapshot::manifest::{MANIFEST, ManifestFile};
use crate::storage::{Copied, Found, Object, ObjectWriter, Store};

/// See the module.
#[derive(Debug)]
pub struct StoreTarget {
    store: Store,
}

impl StoreTarget {
    /// Opens the prefix.
    pub fn open(url: &StorageUrl, settings: &StorageSettings) -> io::Result<Self> {
        Ok(StoreTarget { store: Store::open(url, settings)? })
    }

    /// The objects of each snapshot, complete or not.
    fn objects(&self) -> io::Result<BTreeMap<String, Vec<Object>>> {
        let mut objects: BTreeMap<String, Vec<Object>> = BTreeMap::new();
        let mut next = None;
        loop {
            let page = self.store.list(next, usize::MAX)?;
            for found in page.found {
                let Found::Object(object) = found else { continue };
                let Some((name, _)) = object.key.split_once('/') else { continue };
                if time_of(name).is_some() {
                    objects.entry(name.to_owned()).or_default().push(object);
                }
            }
            match page.next {
                Some(token) => next = Some(token),
                None => return Ok(objects),
            }
        }
    }

    /// Copies a file of one snapshot to another; false if it is not what it was.
    fn copy(&self, from: &str, name: &str, file: &ManifestFile) -> io::Result<bool> {
        let Some(object) = self.store.find(&format!("{from}/{}", file.path))? else { return Ok(false) };
        let Some(sha256) = sha256(&file.sha256).filter(|_| object.size == file.bytes) else {
            return Ok(false);
        };
        let key = format!("{name}/{}", file.path);
        Ok(self.store.copy_from(&self.store, &object, &key, &sha256)? == Copied::Done)
    }

    fn remove_all(&self, name: &str, mut objects: Vec<Object>) -> io::Result<()> {
        let manifest = format!("{name}/{MANIFEST}");
        objects.sort_by_key(|object| object.key != manifest);
        for object in &objects {
            self.store.remove(object)?;
        }
        Ok(())
    }
}

fn is_complete(name: &str, objects: &[Object]) -> bool {
    let manifest = format!("{name}/{MANIFEST}");
    objects.iter().any(|object| object.key == manifest)
}

impl Target for StoreTarget {
    fn lock(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let objects = self.objects()?;
        let complete = objects.iter().filter(|(name, objects)| is_complete(name, objects));
        let mut names: Vec<String> = complete.map(|(name, _)| name.clone()).collect();
        sort(&mut names);
        Ok(names)
    }

    fn manifest(&self, name: &str) -> io::Result<Vec<u8>> {
        let key = format!("{name}/{MANIFEST}");
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the manifest is not there");
        let object = self.store.find(&key)?.ok_or_else(missing)?;
        Ok(self.store.read(&object, 0, object.size)?.to_vec())
    }

    fn begin(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, name: &str, path: &str) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(StoreFile(self.store.writer(&format!("{name}/{path}"), None)?)))
    }

    fn reuse(&self, from: &str, name: &str, files: &[ManifestFile]) -> io::Result<bool> {
        for (number, file) in files.iter().enumerate() {
            if !self.copy(from, name, file)? {
                for copied in &files[..number] {
                    if let Some(object) = self.store.find(&format!("{name}/{}", copied.path))? {
                        self.store.remove(&object)?;
                    }
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A copy would take as much room.
    fn share(&self, _: &str, _: &str, _: &[ManifestFile]) -> io::Result<bool> {
        Ok(false)
    }

    fn publish(&self, name: &str, manifest: &[u8]) -> io::Result<()> {
        self.store.put(&format!("{name}/{MANIFEST}"), manifest.to_vec())
    }

    fn set_latest(&self, name: &str) -> io::Result<()> {
        self.store.put(LATEST, format!("{name}\n").into_bytes())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match self.objects()?.remove(name) {
            Some(objects) => self.remove_all(name, objects),
            None => Ok(()),
        }
    }

    fn clean(&self) -> io::Result<()> {
        for (name, objects) in self.objects()? {
            if !is_complete(&name, &objects) {
                self.remove_all(&name, objects)?;
            }
        }
        Ok(())
    }
}

struct StoreFile(ObjectWriter);

impl Write for StoreFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl NewFile for StoreFile {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish()
    }
}

fn sha256(hexadecimal: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if hexadecimal.len() != 64 {
        return None;
    }
    for (number, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hexadecimal.get(2 * number..2 * number + 2)?, 16).ok()?;
    }
    Some(hash)
}
