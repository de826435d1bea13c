//! The *handover* is what the reader and the workers of a run share: the queue
//! of batches, the word that the run is given up, and the memory of batches
//! that are done, which the next ones take: large blocks that go to and fro
//! between threads would else leave holes in the heap.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

use super::worker::Work;

pub(super) struct Handover {
    queue: Mutex<Receiver<Work>>,
    is_aborted: AtomicBool,
    spare: Mutex<Vec<Vec<u8>>>,
    spare_bytes: usize,
}

impl Handover {
    /// Memory of more than `spare_bytes`, which a huge resource needed, is not
    /// kept.
    pub fn new(queue: Receiver<Work>, spare_bytes: usize) -> Self {
        let spare = Mutex::default();
        Handover { queue: Mutex::new(queue), is_aborted: AtomicBool::new(false), spare, spare_bytes }
    }

    /// The next batch; `None` when the reader has ended.
    pub fn receive(&self) -> Option<Work> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    pub fn is_aborted(&self) -> bool {
        self.is_aborted.load(Ordering::Relaxed)
    }

    /// Gives the run up; tells whether this was the first to do so.
    pub fn abort(&self) -> bool {
        !self.is_aborted.swap(true, Ordering::Relaxed)
    }

    /// Memory for a batch's bytes, empty.
    pub fn take_spare(&self) -> Vec<u8> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Gives a batch's memory back.
    pub fn give_spare(&self, mut bytes: Vec<u8>) {
        if bytes.capacity() > self.spare_bytes {
            return;
        }
        bytes.clear();
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}
