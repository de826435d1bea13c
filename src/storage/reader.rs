//! A *reader* reads an object in ranges, several of them ahead of whoever reads it, and in bounded
//! memory. All ranges are of one version: if the object is replaced, reading fails.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fhirmill_core::read::ReadAt;
use fhirmill_postgres::lock::{lock, wait_for};

use super::error::{io_error, is_absent, is_replaced};
use super::runtime::handle;
use super::store::{Object, Store};

/// How an object will be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// From its beginning to its end.
    Stream,
    /// Some of it, or all; what comes is learned from what came.
    Random,
}

/// The largest range.
const RANGE_BYTES: u64 = 4 << 20;
/// The range of an object of which perhaps little is read.
const SMALL_RANGE_BYTES: u64 = 1 << 20;

/// How often a wait looks whether it is to be given up.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// See the module.
pub struct ObjectReader {
    shared: Arc<Shared>,
    store: Store,
    object: Object,
    range_bytes: u64,
    /// How many ranges are kept, those that are under way included.
    most_ranges: usize,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// The object is another one by now, or none.
    is_gone: Arc<AtomicBool>,
    address: String,
}

#[derive(Default)]
struct State {
    ranges: HashMap<u64, Range>,
    /// Counts the reads.
    clock: u64,
    last: Option<u64>,
    /// How many ranges are fetched ahead.
    ahead: u64,
}

struct Range {
    used: u64,
    content: Content,
}

enum Content {
    Pending,
    Ready(Bytes),
    Failed(object_store::Error),
}

impl ObjectReader {
    pub(super) fn new(store: &Store, object: &Object, access: Access) -> io::Result<Self> {
        // An error in the key shows here.
        store.path(&object.key)?;
        let largest = match access {
            Access::Stream => RANGE_BYTES,
            Access::Random => SMALL_RANGE_BYTES,
        };
        // Half of what may be read ahead: the other half is for small objects, and for the beginning
        // of the next one.
        let room = store.read_ahead_bytes() / 2;
        // One that is being parsed, one that was, and at least one ahead.
        let range_bytes = (room / 3).clamp(64 << 10, largest);
        let most_ranges = (room / range_bytes).clamp(3, 64) as usize;
        let ahead = if access == Access::Stream { most_ranges as u64 - 2 } else { 0 };
        let shared = Shared {
            state: Mutex::new(State { ahead, ..State::default() }),
            changed: Condvar::new(),
            is_gone: Arc::default(),
            address: store.address(&object.key),
        };
        let (store, object) = (store.clone(), object.clone());
        Ok(ObjectReader { shared: Arc::new(shared), store, object, range_bytes, most_ranges })
    }

    /// Sets `is_gone` when the object turns out to be another one, or none.
    pub fn telling(mut self, is_gone: &Arc<AtomicBool>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.is_gone = Arc::clone(is_gone);
        }
        self
    }

    /// Begins to fetch the first range.
    pub fn begin_first(&self) -> io::Result<()> {
        self.begin(&mut lock(&self.shared.state), 0)
    }

    /// Begins to fetch a range, unless it is there or under way.
    fn begin(&self, state: &mut State, number: u64) -> io::Result<()> {
        let begin = number * self.range_bytes;
        if begin >= self.object.size || state.ranges.contains_key(&number) {
            return Ok(());
        }
        let end = (begin + self.range_bytes).min(self.object.size);
        let fetch = self.store.fetch(&self.object, begin, end)?;
        let shared = Arc::clone(&self.shared);
        state.ranges.insert(number, Range { used: state.clock, content: Content::Pending });
        handle()?.spawn(async move {
            let content = match fetch.await {
                Ok(bytes) => Content::Ready(bytes),
                Err(error) => Content::Failed(error),
            };
            if let Some(range) = lock(&shared.state).ranges.get_mut(&number) {
                range.content = content;
            }
            shared.changed.notify_all();
        });
        Ok(())
    }

    /// Forgets the ranges that were used longest ago, until there is room for one more.
    fn make_room(&self, state: &mut State) {
        while state.ranges.len() >= self.most_ranges {
            let ready = state.ranges.iter().filter(|(_, range)| !matches!(range.content, Content::Pending));
            let Some(oldest) = ready.min_by_key(|(_, range)| range.used).map(|(number, _)| *number) else {
                return;
            };
            state.ranges.remove(&oldest);
        }
    }

    /// Notes that a range is read, and fetches it and those behind it.
    fn note(&self, state: &mut State, number: u64) -> io::Result<()> {
        state.clock += 1;
        if state.last != Some(number) {
            let is_next = state.last.is_some_and(|last| last + 1 == number);
            let most = self.most_ranges as u64 - 2;
            if is_next {
                state.ahead = (2 * state.ahead).clamp(1, most);
            }
            state.last = Some(number);
        }
        let clock = state.clock;
        if let Some(range) = state.ranges.get_mut(&number) {
            range.used = clock;
        }
        for next in number..=number + state.ahead {
            if !state.ranges.contains_key(&next) && next * self.range_bytes < self.object.size {
                self.make_room(state);
                if next == number || state.ranges.len() < self.most_ranges {
                    self.begin(state, next)?;
                }
            }
        }
        Ok(())
    }
}

impl ReadAt for ObjectReader {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.object.size || buffer.is_empty() {
            return Ok(0);
        }
        let since = Instant::now();
        let number = offset / self.range_bytes;
        let mut state = lock(&self.shared.state);
        self.note(&mut state, number)?;
        loop {
            match state.ranges.get(&number).map(|range| &range.content) {
                Some(Content::Ready(bytes)) => {
                    let within = usize::try_from(offset % self.range_bytes).unwrap_or(usize::MAX);
                    let rest = bytes.get(within..).unwrap_or_default();
                    if rest.is_empty() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    let length = rest.len().min(buffer.len());
                    buffer[..length].copy_from_slice(&rest[..length]);
                    return Ok(length);
                }
                Some(Content::Failed(error)) => {
                    let error = io_error(&self.shared.address, error);
                    if is_absent(&error) || is_replaced(&error) {
                        self.shared.is_gone.store(true, Ordering::Relaxed);
                    }
                    state.ranges.remove(&number);
                    return Err(error);
                }
                Some(Content::Pending) => {
                    state = wait_for(&self.shared.changed, state, LOOK_EVERY);
                    self.store.gives_up(since)?;
                }
                // Another thread made room for what it reads.
                None => self.note(&mut state, number)?,
            }
        }
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.object.size)
    }
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ObjectReader({})", self.shared.address)
    }
}
