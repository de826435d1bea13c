//! The *pool* of the memory of batches that are done. The next batches take it:
//! allocating large blocks in one thread and freeing them in another would
//! fragment the heap.

use std::sync::Mutex;

use fhirmill_postgres::lock::lock;

/// See the module.
pub(super) struct BufferPool {
    buffers: Mutex<Vec<Vec<u8>>>,
    max_bytes: usize,
}

impl BufferPool {
    /// An empty pool. A buffer of more than `max_bytes`, which a huge resource
    /// needed, is not kept.
    pub fn new(max_bytes: usize) -> Self {
        BufferPool { buffers: Mutex::default(), max_bytes }
    }

    /// An empty buffer.
    pub fn take(&self) -> Vec<u8> {
        lock(&self.buffers).pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub fn give_back(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= self.max_bytes {
            buffer.clear();
            lock(&self.buffers).push(buffer);
        }
    }
}
