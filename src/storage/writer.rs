//! A *writer* puts an object into a store in parts, a few of them at a time. The object appears,
//! whole, when it is finished; one that is dropped before leaves nothing.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::error::io_error;
use super::runtime::{handle, wait};
use super::store::Store;

/// The size of a part, unless the object is so large that it would have too many.
const PART_BYTES: u64 = 8 << 20;
/// Stores take 10,000 parts, Azure 50,000.
const MOST_PARTS: u64 = 9000;
/// How many parts are under way.
const PARTS_AT_ONCE: usize = 3;

/// See the module.
pub struct ObjectWriter {
    store: Store,
    path: Path,
    address: String,
    part_bytes: usize,
    buffer: Vec<u8>,
    /// None before the first part is full.
    upload: Option<Box<dyn MultipartUpload>>,
    /// The parts that are under way.
    sent: Vec<Receiver<object_store::Result<()>>>,
}

impl ObjectWriter {
    pub(super) fn new(store: &Store, key: &str, size: Option<u64>) -> io::Result<Self> {
        let part_bytes = size.map_or(PART_BYTES, |size| PART_BYTES.max(size.div_ceil(MOST_PARTS)));
        Ok(ObjectWriter {
            store: store.clone(),
            path: store.path(key)?,
            address: store.address(key),
            part_bytes: usize::try_from(part_bytes).unwrap_or(usize::MAX),
            buffer: Vec::new(),
            upload: None,
            sent: Vec::new(),
        })
    }

    /// Sends what is in the buffer as a part.
    fn send(&mut self) -> io::Result<()> {
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => {
                let (backend, path) = (Arc::clone(&self.store.backend), self.path.clone());
                let begun = wait(async move { backend.put_multipart(&path).await })?;
                begun.map_err(|error| io_error(&self.address, &error))?
            }
        };
        if self.sent.len() == PARTS_AT_ONCE {
            let oldest = self.sent.remove(0);
            self.received(oldest)?;
        }
        let (sender, receiver) = channel();
        let part = upload.put_part(PutPayload::from(std::mem::take(&mut self.buffer)));
        self.upload = Some(upload);
        handle()?.spawn(async move {
            let _ = sender.send(part.await);
        });
        self.sent.push(receiver);
        Ok(())
    }

    fn received(&self, part: Receiver<object_store::Result<()>>) -> io::Result<()> {
        let sent = part.recv().map_err(|_| io::Error::other("a part was given up"))?;
        sent.map_err(|error| io_error(&self.address, &error))
    }

    /// Ends the object: from now on it is there.
    pub fn finish(mut self) -> io::Result<()> {
        if self.upload.is_none() {
            let (backend, path) = (Arc::clone(&self.store.backend), self.path.clone());
            let bytes = std::mem::take(&mut self.buffer);
            let put = wait(async move { backend.put(&path, PutPayload::from(bytes)).await })?;
            return put.map(drop).map_err(|error| io_error(&self.address, &error));
        }
        if !self.buffer.is_empty() {
            self.send()?;
        }
        for part in std::mem::take(&mut self.sent) {
            self.received(part)?;
        }
        let Some(mut upload) = self.upload.take() else { return Ok(()) };
        let completed = wait(async move {
            let completed = upload.complete().await;
            if completed.is_err() {
                // Stores keep, and charge, parts that nobody completes.
                let _ = upload.abort().await;
            }
            completed
        })?;
        completed.map(drop).map_err(|error| io_error(&self.address, &error))
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.part_bytes - self.buffer.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() == self.part_bytes {
            self.send()?;
        }
        Ok(taken.len())
    }

    /// Does nothing: bytes are in the store when the object is finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for ObjectWriter {
    fn drop(&mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Ok(handle) = handle()
        {
            handle.spawn(async move {
                let _ = upload.abort().await;
            });
        }
    }
}

impl std::fmt::Debug for ObjectWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ObjectWriter({})", self.address)
    }
}
