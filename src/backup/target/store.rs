//! A prefix in an *object store* that holds backups. Objects appear when they are whole.

use std::io::{self, Cursor, Read, Write};
use std::path::PathBuf;

use fhirmill_core::read::ReadAt;
use sha2::{Digest, Sha256};

use super::{Target, Written, check};
use crate::config::{StorageSettings, StorageUrl};
use crate::storage::{Access, Found, ObjectReader, Store};

const COPIED_BYTES: usize = 1 << 20;

/// See the module.
#[derive(Debug)]
pub struct StoreTarget {
    url: StorageUrl,
    settings: StorageSettings,
    store: Store,
}

impl StoreTarget {
    /// Opens the prefix.
    pub fn open(url: &StorageUrl, settings: &StorageSettings) -> io::Result<Self> {
        Ok(StoreTarget { url: url.clone(), settings: settings.clone(), store: Store::open(url, settings)? })
    }
}

impl Target for StoreTarget {
    fn lock(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>> {
        let prefix = format!("{}{folder}/", self.url.prefix);
        let store = Store::open(&StorageUrl { prefix, ..self.url.clone() }, &self.settings)?;
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let page = store.list(next, usize::MAX)?;
            for item in page.found {
                if let Found::Object(object) = item {
                    found.push((format!("{folder}/{}", object.key), object.size));
                }
            }
            match page.next {
                Some(token) => next = Some(token),
                None => return Ok(found),
            }
        }
    }

    fn put(&self, path: &str, bytes: &mut dyn Read, expected: Option<&[u8; 32]>) -> io::Result<Written> {
        let mut writer = self.store.writer(path, None)?;
        let (mut size, mut hash, mut buffer) = (0, Sha256::new(), vec![0; COPIED_BYTES]);
        loop {
            let length = match bytes.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length?,
            };
            if length == 0 {
                break;
            }
            hash.update(&buffer[..length]);
            writer.write_all(&buffer[..length])?;
            size += length as u64;
        }
        let hash = hash.finalize().into();
        // A writer that is dropped leaves nothing.
        check(&hash, expected)?;
        writer.finish()?;
        Ok((size, hash))
    }

    fn read(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the object is not there");
        let object = self.store.find(path)?.ok_or_else(missing)?;
        if object.size == 0 {
            return Ok(Box::new(Cursor::new(Vec::new())));
        }
        Ok(Box::new(Reading { from: self.store.reader(&object, Access::Stream)?, offset: 0 }))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match self.store.find(path)? {
            Some(object) => self.store.remove(&object).map(drop),
            None => Ok(()),
        }
    }

    /// A store has no folders.
    fn remove_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn local(&self, _: &str) -> io::Result<Option<PathBuf>> {
        Ok(None)
    }

    /// A store answers when it has an object for good.
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn is_remote(&self) -> bool {
        true
    }
}

struct Reading {
    from: ObjectReader,
    offset: u64,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}
