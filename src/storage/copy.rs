//! *Copying* an object so that the copy is proven: by the ETag, which is a hash of the content
//! unless the object was put in parts or is encrypted, and otherwise by reading it.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use fhirmill_core::read::ReadAt;
use fhirmill_postgres::failpoint::{self, StoreStep};
use object_store::{Error, ObjectStoreExt};
use sha2::{Digest, Sha256};

use super::copy_parts::PartCopier;
use super::error::{io_error, is_replaced};
use super::reader::Access;
use super::runtime::wait;
use super::store::{Object, Store};
use crate::config::StoreKind;

/// What S3 copies in one call; larger objects are copied in parts.
const ONE_CALL_BYTES: u64 = 5 << 30;
const READ_BYTES: usize = 1 << 20;

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The copy has the content.
    Done,
    /// Something else is at the target, and stays there.
    Taken,
    /// The original is another object by now, or none.
    Replaced,
}

impl Store {
    /// Copies an object with this SHA-256 to a key of this store. The store copies it itself if the
    /// object is in the same bucket. What is at the key already is never replaced.
    pub fn copy_from(
        &self,
        other: &Store,
        object: &Object,
        key: &str,
        sha256: &[u8; 32],
    ) -> io::Result<Copied> {
        if let Some(found) = self.find(key)? {
            return self.compare(&found, object, sha256);
        }
        if !self.is_beside(other) {
            return self.pass_through(other, object, key, sha256);
        }
        let one_call_bytes = failpoint::limit("store-one-call", ONE_CALL_BYTES);
        let is_one_call = self.kind() != StoreKind::S3 || object.size <= one_call_bytes;
        let copied = match &self.copier {
            _ if is_one_call => self.copy_whole(other, object, key)?,
            None => return self.pass_through(other, object, key, sha256),
            Some(copier) => match self.copy_parts(copier, other, object, key)? {
                // Not every store that speaks the protocol of S3 copies parts.
                Err(error) if is_refused(&error) => {
                    return self.pass_through(other, object, key, sha256);
                }
                copied => copied,
            },
        };
        if let Err(error) = copied {
            let error = io_error(&self.address(key), &error);
            if is_replaced(&error) {
                return Ok(Copied::Replaced);
            }
            return match self.find(key)? {
                // Another process was faster.
                Some(found) if error.kind() == ErrorKind::AlreadyExists => {
                    self.compare(&found, object, sha256)
                }
                _ => Err(error),
            };
        }
        failpoint::passed(StoreStep::Copied);
        self.prove(other, object, key, sha256)
    }

    /// The store copies the object by one call.
    fn copy_whole(&self, other: &Store, object: &Object, key: &str) -> io::Result<object_store::Result<()>> {
        let (backend, from, to) = (Arc::clone(&self.backend), other.path(&object.key)?, self.path(key)?);
        wait(async move {
            match backend.copy_if_not_exists(&from, &to).await {
                // Few stores that speak the protocol of S3 have conditions for copies.
                Err(error) if is_unknown(&error) => backend.copy(&from, &to).await,
                other => other,
            }
        })
    }

    /// The store copies the object part by part.
    fn copy_parts(
        &self,
        copier: &Arc<PartCopier>,
        other: &Store,
        object: &Object,
        key: &str,
    ) -> io::Result<object_store::Result<()>> {
        let (copier, from, to) = (Arc::clone(copier), other.path(&object.key)?, self.path(key)?);
        let (etag, size) = (object.etag.clone(), object.size);
        wait(async move { copier.copy(&from, etag.as_deref(), size, &to).await })
    }

    /// The object passes through this machine.
    fn pass_through(
        &self,
        other: &Store,
        object: &Object,
        key: &str,
        sha256: &[u8; 32],
    ) -> io::Result<Copied> {
        let from = other.reader(object, Access::Stream)?;
        self.write_from(&mut Reading { from: &from, offset: 0 }, object.size, key, sha256)
    }

    /// What to call an object that is at the target already.
    fn compare(&self, found: &Object, object: &Object, sha256: &[u8; 32]) -> io::Result<Copied> {
        let is_same_etag = found.etag.is_some() && found.etag == object.etag;
        let is_copy = found.size == object.size && (is_same_etag || self.has(found, sha256)?);
        Ok(if is_copy { Copied::Done } else { Copied::Taken })
    }

    /// Whether the copy that was made at the key is the object.
    fn prove(&self, other: &Store, object: &Object, key: &str, sha256: &[u8; 32]) -> io::Result<Copied> {
        let missing = || io::Error::other(format!("{}: the copy is not there", self.address(key)));
        let copy = self.find(key)?.ok_or_else(missing)?;
        if self.compare(&copy, object, sha256)? == Copied::Done {
            return Ok(Copied::Done);
        }
        // The key has the hash of the content in it: what is there is what the original was replaced
        // by, or damaged.
        self.remove(&copy)?;
        match other.find(&object.key)? {
            Some(found) if found.is_same_version(object) => {
                Err(io::Error::other(format!("{}: the copy is not the same", self.address(key))))
            }
            _ => Ok(Copied::Replaced),
        }
    }

    /// Writes what is read to a key of this store, if it has that size and SHA-256. What is at the
    /// key already is never replaced.
    pub fn write_from(
        &self,
        from: &mut dyn Read,
        size: u64,
        key: &str,
        sha256: &[u8; 32],
    ) -> io::Result<Copied> {
        if let Some(found) = self.find(key)? {
            return Ok(if self.has(&found, sha256)? { Copied::Done } else { Copied::Taken });
        }
        let mut to = self.writer(key, Some(size))?;
        let mut written = 0;
        let hash = hash(from, &mut |piece| {
            written += piece.len() as u64;
            to.write_all(piece)
        })?;
        if written != size || hash != *sha256 {
            // The writer is dropped, and leaves nothing.
            return Ok(Copied::Replaced);
        }
        to.finish()?;
        match self.find(key)? {
            Some(copy) if copy.size == size => Ok(Copied::Done),
            _ => Err(io::Error::other(format!("{}: the copy is not complete", self.address(key)))),
        }
    }

    /// Whether the object has this SHA-256, by reading it.
    pub fn has(&self, object: &Object, sha256: &[u8; 32]) -> io::Result<bool> {
        let mut hasher = Sha256::new();
        self.stream(object, 0, &mut |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        Ok(<[u8; 32]>::from(hasher.finalize()) == *sha256)
    }
}

/// Whether the store says that it cannot copy on a condition.
fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::NotImplemented { .. } | Error::NotSupported { .. })
        || error.to_string().contains("status code: 501")
}

/// Whether the store does not copy parts, or not in this way.
fn is_refused(error: &Error) -> bool {
    let is_of = |status: &str| error.to_string().contains(&format!("status code: {status}"));
    is_unknown(error) || ["400", "403", "405"].into_iter().any(is_of)
}

/// The SHA-256 of what is read; each piece is passed on.
fn hash(from: &mut dyn Read, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..length]);
        each(&buffer[..length])?;
    }
}

/// Reads from the beginning.
struct Reading<'r> {
    from: &'r dyn ReadAt,
    offset: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}
