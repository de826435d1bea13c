//! The *batches in progress* of a run, in the order in which they were read.
//!
//! Workers load several at the same time, in any order, and a batch waits for the
//! earlier ones only where the result depends on the order: where versions cannot be
//! compared, and where several batches bring versions of one resource whose history is
//! kept. If the newer version were decided on first, the older one would be stale, and
//! its rows would not come into the history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex};

use rustc_hash::FxHashSet;

use crate::lock::{lock, wait_while};

/// See the module. Batches are numbered from 0 as they are read.
#[derive(Debug, Default)]
pub(super) struct BatchesInProgress {
    batches: Mutex<Batches>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Batches {
    /// All batches before this one are done.
    oldest: u64,
    /// Batches from there on that are done.
    done: BTreeSet<u64>,
    /// Batches that wait for earlier ones.
    waiting: BTreeSet<u64>,
    /// By batch the resources with history that it brings, as hashes.
    announced: BTreeMap<u64, FxHashSet<u64>>,
}

impl Batches {
    /// Whether all batches before this one have said what they bring, or are done.
    fn are_announced_before(&self, batch: u64) -> bool {
        let earlier = self.oldest..batch.max(self.oldest);
        let known = self.announced.range(earlier.clone()).map(|(number, _)| number);
        let known = known.chain(self.done.range(earlier.clone())).count();
        known as u64 >= earlier.end - earlier.start
    }
}

impl BatchesInProgress {
    /// The batch is loaded or given up. Returns the oldest one that is not.
    pub fn finish(&self, batch: u64) -> u64 {
        let mut batches = lock(&self.batches);
        batches.announced.remove(&batch);
        batches.done.insert(batch);
        let mut oldest = batches.oldest;
        while batches.done.remove(&oldest) {
            oldest += 1;
        }
        batches.oldest = oldest;
        drop(batches);
        self.changed.notify_all();
        oldest
    }

    /// Whether all batches before this one are loaded or given up.
    pub fn is_oldest(&self, batch: u64) -> bool {
        lock(&self.batches).oldest >= batch
    }

    /// Whether a later batch waits for this one.
    pub fn is_awaited(&self, batch: u64) -> bool {
        lock(&self.batches).waiting.last().is_some_and(|last| *last > batch)
    }

    /// Waits until all batches before this one are loaded or given up.
    pub fn wait_for_earlier(&self, batch: u64) {
        self.wait(batch, |batches| batches.oldest >= batch);
    }

    /// Says which resources with history the batch brings, as hashes. Waits until the
    /// earlier batches have said it, too, and while one of them that brings one of these
    /// resources is in progress. May be called again.
    pub fn announce(&self, batch: u64, resources: FxHashSet<u64>) {
        let mut batches = lock(&self.batches);
        batches.announced.insert(batch, resources.clone());
        drop(batches);
        self.changed.notify_all();
        if resources.is_empty() {
            return;
        }
        self.wait(batch, |batches| batches.are_announced_before(batch));
        self.wait(batch, |batches| {
            batches.announced.range(..batch).all(|(_, earlier)| earlier.is_disjoint(&resources))
        });
    }

    fn wait(&self, batch: u64, is_over: impl Fn(&Batches) -> bool) {
        let mut batches = lock(&self.batches);
        if is_over(&batches) {
            return;
        }
        batches.waiting.insert(batch);
        let mut batches = wait_while(&self.changed, batches, |batches| !is_over(batches));
        batches.waiting.remove(&batch);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_batch_waits_for_earlier_ones_with_the_same_resource_only() {
        let (progress, is_done) = (BatchesInProgress::default(), AtomicBool::new(false));
        let announce =
            |batch, resources: &[u64]| progress.announce(batch, resources.iter().copied().collect());
        thread::scope(|scope| {
            let other = scope.spawn(|| announce(1, &[3]));
            let same = scope.spawn(|| {
                announce(2, &[2, 4]);
                is_done.load(Ordering::SeqCst)
            });
            // Neither knows yet what the first one brings.
            while lock(&progress.batches).waiting.len() < 2 {
                thread::yield_now();
            }
            announce(0, &[1, 2]);
            other.join().expect("it goes on while the first one is in progress");
            is_done.store(true, Ordering::SeqCst);
            progress.finish(0);
            assert!(same.join().expect("it ends"), "it went on before the first one was done");
        });
    }

    #[test]
    fn a_batch_is_awaited_while_a_later_one_waits_for_what_it_brings() {
        let progress = BatchesInProgress::default();
        thread::scope(|scope| {
            scope.spawn(|| progress.announce(1, FxHashSet::from_iter([7])));
            while !progress.is_awaited(0) {
                thread::yield_now();
            }
            assert!(!progress.is_awaited(1));
            progress.finish(0);
        });
        assert!(!progress.is_awaited(0));
    }

    #[test]
    fn batches_that_are_done_out_of_order_count() {
        let progress = BatchesInProgress::default();
        assert_eq!(progress.finish(1), 0);
        progress.announce(0, FxHashSet::from_iter([7]));
        assert!(!progress.is_oldest(2));
        assert_eq!(progress.finish(0), 2);
        progress.announce(2, FxHashSet::from_iter([7]));
        assert!(progress.is_oldest(2));
    }
}
