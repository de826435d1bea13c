//! *Confirmations*: resources that a batch found unchanged, and that it
//! therefore does not write.
//!
//! Although nothing is written of such a record, the order rule must hold: a
//! batch that was read earlier and is decided later has to see that its version
//! was followed by the one that the registry holds. The loaders of a run tell
//! each other for as long as such a batch is in progress.

use std::sync::{Condvar, Mutex, MutexGuard};

use fhirmill_core::version::Place;
use rustc_hash::FxHashMap;

use crate::lock::{lock, wait_while};

/// A record that was found unchanged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confirmation {
    /// Where it was read.
    pub place: Place,
    /// Its content, which the registry had.
    pub content_hash: [u8; 32],
}

/// What the batches of a run have confirmed while older ones are in progress.
///
/// Nobody asks while somebody writes, who may just be replacing what is asked
/// for. Any number may ask at the same time, and any number may write.
#[derive(Debug, Default)]
pub(super) struct Confirmations {
    /// By batch, then by the resource's key.
    confirmed: Mutex<Vec<(u64, FxHashMap<i64, Confirmation>)>>,
    turn: Mutex<Turn>,
    turn_changed: Condvar,
}

/// How many ask, write, and wait until they can write.
#[derive(Debug, Default)]
struct Turn {
    asking: usize,
    writing: usize,
    waiting_to_write: usize,
}

/// While it lives nobody writes.
pub(super) struct Asking<'c>(&'c Confirmations);

/// A worker's turn to write a batch; while it lives nobody asks which records
/// are unchanged.
pub(crate) struct Writing<'c>(&'c Confirmations);

impl Confirmations {
    /// Notes what the batch has confirmed, by the resources' keys.
    pub fn add(&self, batch: u64, confirmed: FxHashMap<i64, Confirmation>) {
        if !confirmed.is_empty() {
            lock(&self.confirmed).push((batch, confirmed));
        }
    }

    /// Forgets what batches have confirmed that no batch before `oldest` needs to know:
    /// all those are done.
    pub fn forget_before(&self, oldest: u64) {
        lock(&self.confirmed).retain(|(batch, _)| *batch > oldest);
    }

    /// A turn to write. Writers come before those who want to ask: there are
    /// fewer of them than workers, and whoever has written asks again.
    pub fn writing(&self) -> Writing<'_> {
        let mut turn = lock(&self.turn);
        turn.waiting_to_write += 1;
        let mut turn = self.wait_while(turn, |turn| turn.asking > 0);
        turn.waiting_to_write -= 1;
        turn.writing += 1;
        Writing(self)
    }

    /// A turn to ask.
    pub fn asking(&self) -> Asking<'_> {
        let mut turn = self.wait_while(lock(&self.turn), |turn| turn.writing + turn.waiting_to_write > 0);
        turn.asking += 1;
        Asking(self)
    }

    fn wait_while<'c>(
        &'c self,
        turn: MutexGuard<'c, Turn>,
        is_taken: impl Fn(&Turn) -> bool,
    ) -> MutexGuard<'c, Turn> {
        wait_while(&self.turn_changed, turn, |turn| is_taken(turn))
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        lock(&self.0.turn).asking -= 1;
        self.0.turn_changed.notify_all();
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        lock(&self.0.turn).writing -= 1;
        self.0.turn_changed.notify_all();
    }
}

impl Writing<'_> {
    /// What a batch that was read after `batch` has confirmed of the resource with
    /// that key.
    pub(super) fn confirmed_after(&self, batch: u64, key: i64) -> Option<Confirmation> {
        let confirmed = lock(&self.0.confirmed);
        let mut later = confirmed.iter().rev().filter(|(confirmed, _)| *confirmed > batch);
        later.find_map(|(_, confirmations)| confirmations.get(&key).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn asking_and_writing_exclude_each_other_and_all_get_their_turn() {
        let confirmations = Confirmations::default();
        let (asking, writing, most_asking) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let turn = |own: &AtomicUsize, other: &AtomicUsize| {
            let together = own.fetch_add(1, Ordering::SeqCst) + 1;
            thread::yield_now();
            assert_eq!(other.load(Ordering::SeqCst), 0);
            own.fetch_sub(1, Ordering::SeqCst);
            together
        };
        thread::scope(|scope| {
            for worker in 0..4 {
                let (confirmations, asking, writing, most_asking, turn) =
                    (&confirmations, &asking, &writing, &most_asking, &turn);
                scope.spawn(move || {
                    for round in 0..2_000 {
                        if (round + worker) % 3 == 0 {
                            let _writing = confirmations.writing();
                            turn(writing, asking);
                        } else {
                            let _asking = confirmations.asking();
                            most_asking.fetch_max(turn(asking, writing), Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert!(most_asking.into_inner() > 1, "nobody asked beside another");
    }
}
