//! A *stream* is a reader with a window that can be looked at, grown and moved
//! on: what lets values be taken out of ten gigabytes in a few megabytes.

use std::io::{self, Read};

use super::scan::{Scan, ValueScanner, is_blank};

/// How much is asked of the reader at a time.
const CHUNK: usize = 256 << 10;

pub(super) struct Stream<'r> {
    reader: Box<dyn Read + 'r>,
    buffer: Vec<u8>,
    start: usize,
    /// The offset of `buffer[start]` in the document.
    offset: u64,
    is_at_end: bool,
}

/// What stands next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A value of that many bytes is in the window.
    Value(usize),
    /// The value was longer than the limit and has been passed over.
    TooLarge,
    Truncated,
    Unbalanced,
}

impl<'r> Stream<'r> {
    pub fn new(reader: Box<dyn Read + 'r>) -> Self {
        Stream { reader, buffer: Vec::new(), start: 0, offset: 0, is_at_end: false }
    }

    /// What is in the window.
    pub fn window(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The offset of the window in the document.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Moves the window on.
    pub fn consume(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads more into the window; false at the end of the document.
    pub fn grow(&mut self) -> io::Result<bool> {
        if self.is_at_end {
            return Ok(false);
        }
        if self.start > 0 && self.start >= self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let before = self.buffer.len();
        self.buffer.resize(before + CHUNK, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(before);
                    return Err(error);
                }
                Ok(read) => break read,
            }
        };
        self.buffer.truncate(before + read);
        self.is_at_end = read == 0;
        Ok(read > 0)
    }

    /// The first byte that is no blank, to which the window is moved.
    pub fn next_byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            let blanks = self.window().iter().take_while(|&&byte| is_blank(byte)).count();
            self.consume(blanks);
            if let Some(&byte) = self.window().first() {
                return Ok(Some(byte));
            }
            if !self.grow()? {
                return Ok(None);
            }
        }
    }

    /// Looks for the end of the value that the window begins with, which must
    /// be no blank. A value of more than `limit` bytes is passed over.
    pub fn value(&mut self, limit: usize) -> io::Result<Next> {
        let mut scanner = ValueScanner::default();
        let mut scanned = 0;
        let mut is_too_large = false;
        loop {
            match scanner.feed(&self.window()[scanned..]) {
                Scan::End(length) if is_too_large => {
                    self.consume(scanned + length);
                    return Ok(Next::TooLarge);
                }
                Scan::End(length) => return Ok(Next::Value(scanned + length)),
                Scan::Unbalanced => return Ok(Next::Unbalanced),
                Scan::More => scanned = self.window().len(),
            }
            if scanned > limit {
                is_too_large = true;
                self.consume(scanned);
                scanned = 0;
            }
            if !self.grow()? {
                return Ok(match scanner.is_whole_at_end() && scanned > 0 {
                    true => Next::Value(scanned),
                    false => Next::Truncated,
                });
            }
        }
    }

    /// The length of the line that the window begins with, without its end;
    /// `None` where it is longer than the limit, and then it is passed over.
    pub fn line(&mut self, limit: usize) -> io::Result<Option<usize>> {
        let mut scanned = 0;
        let mut is_too_large = false;
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.window()[scanned..]) {
                if is_too_large {
                    self.consume(scanned + found);
                    return Ok(None);
                }
                return Ok(Some(scanned + found));
            }
            scanned = self.window().len();
            if scanned > limit {
                is_too_large = true;
                self.consume(scanned);
                scanned = 0;
            }
            if !self.grow()? {
                return Ok((!is_too_large).then_some(scanned));
            }
        }
    }
}
