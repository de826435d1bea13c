//! *Places*: how many connections there may be, and whose place a newcomer takes.
//!
//! Where all places are taken, the oldest connection that has not made a call yet gives
//! its place up to a newcomer. So whoever opens connections and says nothing keeps
//! nobody out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use fhirmill_postgres::lock::lock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The places of all connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    /// Those that may be silent, the oldest first.
    silent: Arc<Mutex<VecDeque<Weak<Place>>>>,
    most: usize,
}

/// The place of one connection, until it is dropped or given up.
#[derive(Debug)]
pub struct Place {
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    has_called: AtomicBool,
    given_up: CancellationToken,
}

impl Places {
    /// So many places, all of them free.
    pub fn new(most: usize) -> Self {
        Places { free: Arc::new(Semaphore::new(most)), silent: Arc::default(), most }
    }

    /// A place for a newcomer; none if all of them are in use.
    pub fn take(&self) -> Option<Arc<Place>> {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.take_over()?,
        };
        let place = Arc::new(Place {
            permit: Mutex::new(Some(permit)),
            has_called: AtomicBool::new(false),
            given_up: CancellationToken::new(),
        });
        let mut silent = lock(&self.silent);
        if silent.len() >= 2 * self.most {
            silent.retain(|place| place.upgrade().is_some_and(|place| place.is_silent()));
        }
        silent.push_back(Arc::downgrade(&place));
        Some(place)
    }

    /// Ends the oldest connection that is silent, for its place.
    fn take_over(&self) -> Option<OwnedSemaphorePermit> {
        let mut silent = lock(&self.silent);
        while let Some(oldest) = silent.pop_front() {
            let Some(place) = oldest.upgrade().filter(|place| place.is_silent()) else { continue };
            if let Some(permit) = lock(&place.permit).take() {
                place.given_up.cancel();
                return Some(permit);
            }
        }
        None
    }
}

impl Place {
    /// The connection has made a call: it keeps its place.
    pub fn note_call(&self) {
        self.has_called.store(true, Ordering::Relaxed);
    }

    /// Whether the connection has made no call yet.
    pub fn is_silent(&self) -> bool {
        !self.has_called.load(Ordering::Relaxed)
    }

    /// Waits until the place is given up; the connection is to end then.
    pub fn given_up(&self) -> WaitForCancellationFutureOwned {
        self.given_up.clone().cancelled_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_takes_the_place_of_the_oldest_that_is_silent() {
        let places = Places::new(2);
        let (first, second) = (places.take().expect("free"), places.take().expect("free"));
        first.note_call();
        let third = places.take().expect("the second is silent");
        assert!(second.given_up.is_cancelled() && !first.given_up.is_cancelled());
        third.note_call();
        assert!(places.take().is_none(), "nobody is silent");
        drop(first);
        assert!(places.take().is_some(), "one has ended");
        assert!(!third.given_up.is_cancelled());
    }

    #[test]
    fn connections_that_ended_are_forgotten() {
        let places = Places::new(2);
        for _ in 0..100 {
            places.take().expect("the one before has ended");
        }
        assert!(lock(&places.silent).len() <= 4);
    }
}
