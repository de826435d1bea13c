//! *Items* of work that several sessions of a picture share out among themselves.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use fhirmill_postgres::picture::Picture;

use super::error::SnapshotError;

/// How often whoever waits is asked whether to go on.
const TICK: Duration = Duration::from_millis(200);

/// Whoever waits for items.
pub(super) trait Watcher<Done> {
    /// An item is done.
    fn done(&mut self, number: usize, done: Done) -> Result<(), SnapshotError>;
    /// Some time has passed; an error ends the work.
    fn tick(&mut self) -> Result<(), SnapshotError>;
    /// The work ends early: ends the queries that are in progress.
    fn interrupt(&mut self);
}

/// Does all items, one at a time in each session, and tells of each as it is done. After an
/// error no further one is begun, and `work` finds its flag set.
pub(super) fn each<Item: Sync, Done: Send>(
    sessions: &mut [Picture],
    items: &[Item],
    watcher: &mut dyn Watcher<Done>,
    work: &(dyn Fn(&mut Picture, &Item, &AtomicBool) -> Result<Done, SnapshotError> + Sync),
) -> Result<(), SnapshotError> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for session in sessions.iter_mut() {
            let (sender, next, stop) = (sender.clone(), &next, &stop);
            scope.spawn(move || take_turns((session, items), (next, stop), &sender, work));
        }
        drop(sender);
        let mut outcome = Ok(());
        loop {
            let step = match receiver.recv_timeout(TICK) {
                Ok((number, done)) => done.and_then(|done| watcher.done(number, done)),
                Err(RecvTimeoutError::Timeout) => watcher.tick(),
                Err(RecvTimeoutError::Disconnected) => return outcome,
            };
            // Those that follow the first are because of it.
            if step.is_err() && outcome.is_ok() {
                stop.store(true, Ordering::Relaxed);
                watcher.interrupt();
                outcome = step;
            }
        }
    })
}

fn take_turns<Item, Done>(
    (session, items): (&mut Picture, &[Item]),
    (next, stop): (&AtomicUsize, &AtomicBool),
    sender: &Sender<(usize, Result<Done, SnapshotError>)>,
    work: &(dyn Fn(&mut Picture, &Item, &AtomicBool) -> Result<Done, SnapshotError> + Sync),
) {
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(item) = items.get(number) else { return };
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| work(session, item, stop)));
        let done = done.unwrap_or(Err(SnapshotError::Panicked));
        if sender.send((number, done)).is_err() {
            return;
        }
    }
}
