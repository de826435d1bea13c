//! A *part* of a stream: the bytes of one member of an archive that has no
//! directory. It ends with an error where the stream ends before it.

use std::io::{self, Read};

use thiserror::Error;

use super::compression::Stream;

/// The archive ends within a member.
#[derive(Debug, Error)]
#[error("the archive ends too early")]
pub(super) struct CutShort;

/// Reads a part of a stream that is at its beginning.
pub(super) struct PartReader {
    stream: Stream,
    /// How many bytes are before the part.
    skip: u64,
    remaining: u64,
}

impl PartReader {
    /// The `length` bytes at `offset` of the stream.
    pub fn new(stream: Stream, offset: u64, length: u64) -> Self {
        PartReader { stream, skip: offset, remaining: length }
    }
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.skip > 0 {
            let skipped = io::copy(&mut (&mut self.stream).take(self.skip), &mut io::sink())?;
            if skipped < self.skip {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, CutShort));
            }
            self.skip = 0;
        }
        let wanted = buffer.len().min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        let length = self.stream.read(&mut buffer[..wanted])?;
        if length == 0 && wanted > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, CutShort));
        }
        self.remaining -= length as u64;
        Ok(length)
    }
}
