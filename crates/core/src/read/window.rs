//! A *window* is the part of a stream that is in memory: it slides along with
//! the reading, and keeps what somebody *holds*.
//!
//! All places are offsets in the whole stream. A hold keeps the bytes from
//! where it was taken on, until it is released or outgrows its limit; then it
//! is lost, reading goes on, and the holder finds out when it asks for its
//! bytes. So memory is bounded by the limits of the holds, whatever comes in.

use std::cell::Cell;
use std::io::Read;
use std::ops::Range;

use super::layer::Damage;

/// What could not be read; the same again on every further try.
type Result<T> = std::result::Result<T, Damage>;

pub(super) struct Window<'r> {
    reader: Box<dyn Read + Send + 'r>,
    buffer: Vec<u8>,
    /// Offset in the stream of the buffer's first byte.
    base: u64,
    /// Index in the buffer of the next byte.
    position: usize,
    /// Index in the buffer after the last byte that was read.
    filled: usize,
    holds: Vec<Hold>,
    /// Offset at which the stream shall seem to end.
    bound: u64,
    /// How much the next reading asks for, and the most that any does.
    next_read: usize,
    read_bytes: usize,
    end: Option<End>,
}

struct Hold {
    start: Option<u64>,
    limit: usize,
}

/// The first reading asks for so much, each further one for twice as much: of
/// thousands of small files none is worth a large buffer.
const FIRST_READ: usize = 16 << 10;

/// A buffer of more than these is not kept for later.
const LARGE_BYTES: usize = 16 << 20;

/// Why there is no more to be read.
#[derive(Clone)]
enum End {
    Whole,
    Damaged(Damage),
}

thread_local! {
    /// The buffer of the thread's last window, for its next one: making one
    /// for every file of a folder costs the kernel more than reading the file.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.len() <= LARGE_BYTES {
            SPARE.set(buffer);
        }
    }
}

impl<'r> Window<'r> {
    /// Begins at the offset `base`, where `reader` stands.
    pub fn new(reader: Box<dyn Read + Send + 'r>, base: u64, read_bytes: usize) -> Self {
        Self {
            reader,
            buffer: SPARE.take(),
            base,
            position: 0,
            filled: 0,
            holds: Vec::new(),
            bound: u64::MAX,
            next_read: read_bytes.clamp(1, FIRST_READ),
            read_bytes: read_bytes.max(1),
            end: None,
        }
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    /// The next bytes, as far as they are in memory.
    #[inline]
    pub fn available(&self) -> &[u8] {
        let end = match usize::try_from(self.bound.saturating_sub(self.base)) {
            Ok(bound) => self.filled.min(bound),
            Err(_) => self.filled,
        };
        &self.buffer[self.position..end.max(self.position)]
    }

    /// Passes over the first `length` available bytes.
    #[inline]
    pub fn consume(&mut self, length: usize) {
        debug_assert!(length <= self.available().len());
        self.position += length;
    }

    /// The next byte, which stays; `None` at the end of the stream or bound.
    #[inline]
    pub fn peek(&mut self) -> Result<Option<u8>> {
        if let Some(byte) = self.available().first() {
            return Ok(Some(*byte));
        }
        match self.fill()? {
            true => Ok(self.available().first().copied()),
            false => Ok(None),
        }
    }

    /// Makes at least one byte available; false at the end.
    pub fn fill(&mut self) -> Result<bool> {
        if !self.available().is_empty() {
            return Ok(true);
        }
        if self.offset() >= self.bound {
            return Ok(false);
        }
        self.read_on()
    }

    /// Makes at least `length` bytes available, if there are so many.
    pub fn want(&mut self, length: usize) -> Result<()> {
        while self.filled - self.position < length {
            if !self.read_on()? {
                break;
            }
        }
        Ok(())
    }

    /// Reads one more stretch behind what is there; false at the end.
    fn read_on(&mut self) -> Result<bool> {
        match &self.end {
            Some(End::Whole) => return Ok(false),
            Some(End::Damaged(damage)) => return Err(damage.clone()),
            None => {}
        }
        self.make_room();
        let room = &mut self.buffer[self.filled..self.filled + self.next_read];
        loop {
            match self.reader.read(room) {
                Ok(0) => {
                    self.end = Some(End::Whole);
                    return Ok(false);
                }
                Ok(length) => {
                    self.filled += length;
                    self.next_read = (self.next_read * 2).min(self.read_bytes);
                    return Ok(true);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let damage = Damage::from(error);
                    self.end = Some(End::Damaged(damage.clone()));
                    return Err(damage);
                }
            }
        }
    }

    /// Drops holds that outgrew their limits, slides, and grows as needed.
    fn make_room(&mut self) {
        let offset = self.offset();
        for hold in &mut self.holds {
            if hold.start.is_some_and(|start| offset.saturating_sub(start) > hold.limit as u64) {
                hold.start = None;
            }
        }
        let held =
            self.holds.iter().filter_map(|hold| hold.start).min().map_or(offset, |held| held.min(offset));
        let keep = (held - self.base) as usize;
        let has_room = self.filled + self.next_read <= self.buffer.len();
        // To slide when little is kept costs little and stays in the cache.
        if keep > 0 && (!has_room || keep >= self.filled - keep) {
            self.buffer.copy_within(keep..self.filled, 0);
            self.base = held;
            self.position -= keep;
            self.filled -= keep;
        }
        // A large buffer goes when what it was for has gone.
        let enough = (self.filled + self.read_bytes) * 4;
        if self.buffer.len() > enough.max(LARGE_BYTES) {
            self.buffer.truncate(enough);
            self.buffer.shrink_to_fit();
        }
        if self.filled + self.next_read > self.buffer.len() {
            self.buffer.resize(self.filled + self.next_read.max(self.filled / 2), 0);
        }
    }

    /// Keeps the bytes from here on, until more than `limit` of them are kept.
    pub fn hold(&mut self, limit: usize) {
        self.holds.push(Hold { start: Some(self.offset()), limit });
    }

    /// Lets the latest hold keep up to `limit` bytes.
    pub fn raise(&mut self, limit: usize) {
        if let Some(hold) = self.holds.last_mut() {
            hold.limit = hold.limit.max(limit);
        }
    }

    /// Ends the latest hold; bytes stay in memory until the next reading.
    pub fn release(&mut self) {
        self.holds.pop();
    }

    /// Whether the latest hold still has all its bytes.
    pub fn is_held(&self) -> bool {
        self.holds.last().is_some_and(|hold| hold.start.is_some())
    }

    /// The bytes at these offsets, if they are in memory.
    pub fn slice(&self, span: Range<u64>) -> Option<&[u8]> {
        let start = usize::try_from(span.start.checked_sub(self.base)?).ok()?;
        let end = usize::try_from(span.end.checked_sub(self.base)?).ok()?;
        self.buffer[..self.filled].get(start..end)
    }

    /// Goes back (or on) to an offset that is in memory; false if it is not.
    pub fn go_to(&mut self, offset: u64) -> bool {
        let index = offset.checked_sub(self.base).and_then(|index| usize::try_from(index).ok());
        match index.filter(|index| *index <= self.filled) {
            Some(index) => {
                self.position = index;
                true
            }
            None => false,
        }
    }

    /// Passes over everything up to an offset further on.
    pub fn skip_to(&mut self, offset: u64) -> Result<()> {
        while self.offset() < offset {
            if !self.fill()? {
                break;
            }
            let wanted = usize::try_from(offset - self.offset()).unwrap_or(usize::MAX);
            self.consume(self.available().len().min(wanted));
        }
        Ok(())
    }

    /// Lets the stream seem to end at `bound`; gives the bound before.
    /// `u64::MAX` stands for none.
    pub fn set_bound(&mut self, bound: u64) -> u64 {
        std::mem::replace(&mut self.bound, bound)
    }

    /// The bound, if there is one.
    pub fn bound(&self) -> Option<u64> {
        (self.bound != u64::MAX).then_some(self.bound)
    }

    /// The first `limit` bytes from `start`, as far as they are in memory.
    pub fn prefix(&self, start: u64, limit: usize) -> &[u8] {
        let end = (self.base + self.filled as u64).min(self.bound).min(start.saturating_add(limit as u64));
        self.slice(start..end.max(start)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Gives a few bytes at a time.
    struct Slowly(&'static [u8], usize);

    impl Read for Slowly {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn window(bytes: &'static [u8], read_bytes: usize) -> Window<'static> {
        Window::new(Box::new(Slowly(bytes, read_bytes)), 0, read_bytes)
    }

    #[test]
    fn a_hold_keeps_its_bytes_while_the_window_slides() {
        let mut window = window(b"0123456789abcdef", 3);
        window.skip_to(4).unwrap();
        window.hold(100);
        window.skip_to(15).unwrap();
        assert_eq!(window.slice(4..15), Some(&b"456789abcde"[..]));
        assert!(window.go_to(5));
        assert_eq!(window.peek().unwrap(), Some(b'5'));
        window.release();
    }

    #[test]
    fn a_hold_that_outgrows_its_limit_is_lost_and_others_are_not() {
        let mut window = window(b"0123456789abcdef", 2);
        window.hold(4);
        window.skip_to(6).unwrap();
        window.hold(100);
        window.skip_to(16).unwrap();
        assert!(window.is_held());
        assert_eq!(window.slice(6..16), Some(&b"6789abcdef"[..]));
        window.release();
        assert!(!window.is_held());
        assert_eq!(window.slice(0..6), None);
    }

    #[test]
    fn a_bound_is_an_end() {
        let mut window = window(b"0123456789", 4);
        window.set_bound(3);
        window.skip_to(9).unwrap();
        assert_eq!(window.offset(), 3);
        assert_eq!(window.peek().unwrap(), None);
        window.set_bound(u64::MAX);
        assert_eq!(window.peek().unwrap(), Some(b'3'));
    }
}
