//! A *window* is the part of a stream that is in memory. It slides forward as
//! the stream is read, and keeps the bytes on which there is a *hold*.
//!
//! All offsets are offsets in the whole stream. A hold keeps the bytes from the
//! position where it was taken until it is released. A hold that outgrows its
//! limit is lost: reading continues, and the caller finds out on asking for the
//! bytes. The limits of the holds therefore bound memory for any input.

use std::cell::Cell;
use std::io::Read;
use std::ops::Range;

use crate::read::container::StreamError;

/// An error is permanent: every further read returns it again.
type Result<T> = std::result::Result<T, StreamError>;

/// A range of offsets in the stream.
pub(super) type ByteRange = Range<u64>;

pub(super) struct Window<'r> {
    reader: Box<dyn Read + Send + 'r>,
    buffer: Vec<u8>,
    /// Offset in the stream of the buffer's first byte.
    buffer_offset: u64,
    /// Index in the buffer of the next byte.
    position: usize,
    /// Index in the buffer after the last byte read.
    filled: usize,
    holds: Vec<Hold>,
    /// Offset at which the stream appears to end.
    bound: u64,
    /// Size of the next read.
    next_read: usize,
    /// Maximum size of a read.
    read_bytes: usize,
    end: Option<End>,
}

struct Hold {
    /// `None` once the hold is lost.
    start: Option<u64>,
    limit: usize,
}

/// Size of the first read, in bytes. Each further read doubles it, so that
/// small files do not cost a large buffer each.
const FIRST_READ_BYTES: usize = 16 << 10;

/// A buffer larger than this is not kept for the next window.
const LARGE_BUFFER_BYTES: usize = 16 << 20;

/// Why nothing more can be read.
#[derive(Clone)]
enum End {
    Complete,
    Failed(StreamError),
}

thread_local! {
    /// The buffer of the thread's last window, for its next one: for a folder
    /// of small files, allocating a buffer per file costs more than reading.
    static SPARE_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.len() <= LARGE_BUFFER_BYTES {
            SPARE_BUFFER.set(buffer);
        }
    }
}

impl<'r> Window<'r> {
    /// A window on `reader`, whose next byte has this `offset` in the stream.
    pub fn new(reader: Box<dyn Read + Send + 'r>, offset: u64, read_bytes: usize) -> Self {
        Self {
            reader,
            buffer: SPARE_BUFFER.take(),
            buffer_offset: offset,
            position: 0,
            filled: 0,
            holds: Vec::new(),
            bound: u64::MAX,
            next_read: read_bytes.clamp(1, FIRST_READ_BYTES),
            read_bytes: read_bytes.max(1),
            end: None,
        }
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.buffer_offset + self.position as u64
    }

    /// The next bytes that are in memory.
    #[inline]
    pub fn available(&self) -> &[u8] {
        let end = match usize::try_from(self.bound.saturating_sub(self.buffer_offset)) {
            Ok(bound) => self.filled.min(bound),
            Err(_) => self.filled,
        };
        &self.buffer[self.position..end.max(self.position)]
    }

    /// Skips the first `length` available bytes.
    #[inline]
    pub fn consume(&mut self, length: usize) {
        debug_assert!(length <= self.available().len());
        self.position += length;
    }

    /// The next byte, without consuming it; `None` at the end of the stream or
    /// at the bound.
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
        self.read_more()
    }

    /// Makes at least `length` bytes available, unless the stream ends before.
    pub fn ensure(&mut self, length: usize) -> Result<()> {
        while self.filled - self.position < length {
            if !self.read_more()? {
                break;
            }
        }
        Ok(())
    }

    /// Reads once more from the stream; false at the end.
    fn read_more(&mut self) -> Result<bool> {
        match &self.end {
            Some(End::Complete) => return Ok(false),
            Some(End::Failed(error)) => return Err(error.clone()),
            None => {}
        }
        self.make_room();
        let room = &mut self.buffer[self.filled..self.filled + self.next_read];
        loop {
            match self.reader.read(room) {
                Ok(0) => {
                    self.end = Some(End::Complete);
                    return Ok(false);
                }
                Ok(length) => {
                    self.filled += length;
                    self.next_read = (self.next_read * 2).min(self.read_bytes);
                    return Ok(true);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let error = StreamError::from(error);
                    self.end = Some(End::Failed(error.clone()));
                    return Err(error);
                }
            }
        }
    }

    /// Drops holds that outgrew their limits, then slides or grows the buffer.
    fn make_room(&mut self) {
        let offset = self.offset();
        for hold in &mut self.holds {
            if hold.start.is_some_and(|start| offset.saturating_sub(start) > hold.limit as u64) {
                hold.start = None;
            }
        }
        let held =
            self.holds.iter().filter_map(|hold| hold.start).min().map_or(offset, |held| held.min(offset));
        let keep = (held - self.buffer_offset) as usize;
        let has_room = self.filled + self.next_read <= self.buffer.len();
        // Sliding while little is kept is cheap and stays in the cache.
        if keep > 0 && (!has_room || keep >= self.filled - keep) {
            self.buffer.copy_within(keep..self.filled, 0);
            self.buffer_offset = held;
            self.position -= keep;
            self.filled -= keep;
        }
        // A large buffer is released once its content is gone.
        let enough = (self.filled + self.read_bytes) * 4;
        if self.buffer.len() > enough.max(LARGE_BUFFER_BYTES) {
            self.buffer.truncate(enough);
            self.buffer.shrink_to_fit();
        }
        if self.filled + self.next_read > self.buffer.len() {
            self.buffer.resize(self.filled + self.next_read.max(self.filled / 2), 0);
        }
    }

    /// Takes a hold on the bytes from here on, up to `limit` of them.
    pub fn hold(&mut self, limit: usize) {
        self.holds.push(Hold { start: Some(self.offset()), limit });
    }

    /// Raises the limit of the latest hold to at least `limit` bytes.
    pub fn raise_hold_limit(&mut self, limit: usize) {
        if let Some(hold) = self.holds.last_mut() {
            hold.limit = hold.limit.max(limit);
        }
    }

    /// Releases the latest hold. Its bytes stay in memory until the next read.
    pub fn release(&mut self) {
        self.holds.pop();
    }

    /// Whether the latest hold still has all its bytes.
    pub fn is_held(&self) -> bool {
        self.holds.last().is_some_and(|hold| hold.start.is_some())
    }

    /// The bytes at `range`, if they are in memory.
    pub fn slice(&self, range: ByteRange) -> Option<&[u8]> {
        let start = usize::try_from(range.start.checked_sub(self.buffer_offset)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.buffer_offset)?).ok()?;
        self.buffer[..self.filled].get(start..end)
    }

    /// Moves to an offset, back or forward; false if it is not in memory.
    pub fn go_to(&mut self, offset: u64) -> bool {
        let index = offset.checked_sub(self.buffer_offset).and_then(|index| usize::try_from(index).ok());
        match index.filter(|index| *index <= self.filled) {
            Some(index) => {
                self.position = index;
                true
            }
            None => false,
        }
    }

    /// Skips everything up to `offset`, or to the end.
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

    /// Makes the stream appear to end at `bound` and returns the previous
    /// bound; `u64::MAX` is none.
    pub fn set_bound(&mut self, bound: u64) -> u64 {
        std::mem::replace(&mut self.bound, bound)
    }

    /// The bound, if there is one.
    pub fn bound(&self) -> Option<u64> {
        (self.bound != u64::MAX).then_some(self.bound)
    }

    /// The first `limit` bytes from `start` that are in memory.
    pub fn prefix(&self, start: u64, limit: usize) -> &[u8] {
        let end =
            (self.buffer_offset + self.filled as u64).min(self.bound).min(start.saturating_add(limit as u64));
        self.slice(start..end.max(start)).unwrap_or_default()
    }

    /// Does `work` at the start of `range`, which is in memory, as if the
    /// stream ended with it. Then restores the position and the bound.
    pub fn within<T>(&mut self, range: ByteRange, work: impl FnOnce(&mut Self) -> T) -> T {
        let offset = self.offset();
        let bound = self.set_bound(range.end);
        self.go_to(range.start);
        self.hold((range.end - range.start) as usize);
        let result = work(self);
        self.release();
        self.set_bound(bound);
        self.go_to(offset);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Returns a few bytes per read.
    struct Trickle(&'static [u8], usize);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn window(bytes: &'static [u8], read_bytes: usize) -> Window<'static> {
        Window::new(Box::new(Trickle(bytes, read_bytes)), 0, read_bytes)
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
