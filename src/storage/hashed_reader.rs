//! A *hashed reader* hashes the bytes of an object as they are read, so that it need not be read
//! twice.

use std::io;
use std::sync::{Arc, Mutex};

use fhirmill_core::read::ReadAt;
use fhirmill_postgres::lock::lock;
use sha2::{Digest, Sha256};

use super::reader::ObjectReader;

/// What a reader may leap over: it is hashed all the same, because it is probably in memory.
const LONGEST_LEAP: u64 = 256 << 10;

/// The hash of the bytes from the beginning, as far as they were read.
#[derive(Debug, Default)]
pub struct Hashing(Mutex<(Sha256, u64)>);

impl Hashing {
    /// Hashes the rest, which `stream` gives from there on, and ends.
    pub fn complete(
        &self,
        stream: impl FnOnce(u64, &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<[u8; 32]> {
        let mut hashed = lock(&self.0);
        let (hasher, position) = &mut *hashed;
        stream(*position, &mut |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        Ok(hasher.clone().finalize().into())
    }
}

/// See the module.
#[derive(Debug)]
pub struct HashedReader {
    reader: ObjectReader,
    hashing: Arc<Hashing>,
}

impl HashedReader {
    /// Reads by `reader`, and hashes what is read.
    pub fn new(reader: ObjectReader, hashing: Arc<Hashing>) -> Self {
        HashedReader { reader, hashing }
    }

    /// Notes that these bytes were read at that offset.
    fn note(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut hashed = lock(&self.hashing.0);
        let (hasher, position) = &mut *hashed;
        while *position < offset && offset - *position <= LONGEST_LEAP {
            let mut leapt = vec![0; usize::try_from(offset - *position).unwrap_or_default()];
            let length = self.reader.read_at(&mut leapt, *position)?;
            if length == 0 {
                return Ok(());
            }
            hasher.update(&leapt[..length]);
            *position += length as u64;
        }
        let known = position.checked_sub(offset).and_then(|known| usize::try_from(known).ok());
        if let Some(new) = known.and_then(|known| bytes.get(known..)) {
            hasher.update(new);
            *position += new.len() as u64;
        }
        Ok(())
    }
}

impl ReadAt for HashedReader {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = self.reader.read_at(buffer, offset)?;
        self.note(&buffer[..length], offset)?;
        Ok(length)
    }

    fn size(&self) -> io::Result<u64> {
        self.reader.size()
    }
}
