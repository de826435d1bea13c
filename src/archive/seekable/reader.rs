//! Reading a seekable file at any offset: the seek table by one range at the end of the file, and then
//! a range for each frame. The last few frames are kept, because records lie side by side.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use fhirmill_core::read::ReadAt;
use fhirmill_postgres::lock::lock;
use sha2::{Digest, Sha256};

use super::FRAME_BYTES;
use super::format::{FOOT_BYTES, FrameEntry, Mark, may_be_compressed, read_tail, tail_bytes};
use super::frame::decompress;

/// How much of the end is read at first: mark and seek table of content of 2 GB.
const TAIL_BYTES: u64 = 32 << 10;
/// How many frames are kept.
const KEPT_FRAMES: usize = 2;

/// See the module.
pub struct SeekableReader {
    file: Box<dyn ReadAt>,
    mark: Mark,
    frames: Vec<FrameEntry>,
    /// The frames that were read last, by their numbers.
    kept: Mutex<VecDeque<(usize, Arc<Vec<u8>>)>>,
}

impl SeekableReader {
    /// Opens a file; `None` if fhirmill has not compressed it.
    pub fn open(file: Box<dyn ReadAt>) -> io::Result<Option<Self>> {
        let stored = file.size()?;
        if !may_be_compressed(stored) {
            return Ok(None);
        }
        let mut tail = read_exact(&*file, stored.saturating_sub(TAIL_BYTES), stored)?;
        let foot = &tail[tail.len() - FOOT_BYTES..];
        let Some(needed) = tail_bytes(foot).filter(|needed| *needed <= stored) else { return Ok(None) };
        match tail.len().checked_sub(needed as usize) {
            Some(before) => drop(tail.drain(..before)),
            None => tail = read_exact(&*file, stored - needed, stored)?,
        }
        let Some((mark, frames)) = read_tail(&tail, stored)? else { return Ok(None) };
        Ok(Some(SeekableReader { file, mark, frames, kept: Mutex::default() }))
    }

    /// The size of the content.
    pub fn content_size(&self) -> u64 {
        self.mark.size
    }

    /// Whether its content has this SHA-256, by reading it.
    pub fn is_of(&self, sha256: &[u8; 32]) -> bool {
        self.mark.sha256 == *sha256
            && sha256_of(&mut Sequential::new(self)).is_ok_and(|found| found == *sha256)
    }

    /// The content of a frame.
    fn frame(&self, number: usize) -> io::Result<Arc<Vec<u8>>> {
        if let Some((_, content)) = lock(&self.kept).iter().find(|(kept, _)| *kept == number) {
            return Ok(Arc::clone(content));
        }
        // Not under the lock: other readers go on meanwhile.
        let entry = self.frames[number];
        let frame = read_exact(&*self.file, entry.stored_at, entry.stored_at + u64::from(entry.stored))?;
        let content = Arc::new(decompress(&frame, entry.size as usize)?);
        let mut kept = lock(&self.kept);
        if kept.len() == KEPT_FRAMES {
            kept.pop_front();
        }
        kept.push_back((number, Arc::clone(&content)));
        Ok(content)
    }
}

impl ReadAt for SeekableReader {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.mark.size || buffer.is_empty() {
            return Ok(0);
        }
        let mut number = self.frames.partition_point(|frame| frame.offset <= offset) - 1;
        let mut within = (offset - self.frames[number].offset) as usize;
        let mut read = 0;
        while read < buffer.len() && number < self.frames.len() {
            let content = self.frame(number)?;
            let rest = &content[within..];
            let length = rest.len().min(buffer.len() - read);
            buffer[read..read + length].copy_from_slice(&rest[..length]);
            read += length;
            (number, within) = (number + 1, 0);
        }
        Ok(read)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.mark.size)
    }
}

impl fmt::Debug for SeekableReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SeekableReader({:?})", self.file)
    }
}

/// The bytes from `begin` to `end`.
fn read_exact(file: &dyn ReadAt, begin: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; (end - begin) as usize];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], begin + read as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => read += length,
        }
    }
    Ok(bytes)
}

/// Reads from the beginning to the end.
pub struct Sequential<'s> {
    from: &'s dyn ReadAt,
    offset: u64,
}

impl<'s> Sequential<'s> {
    /// Nothing is read yet.
    pub fn new(from: &'s dyn ReadAt) -> Self {
        Sequential { from, offset: 0 }
    }
}

impl Read for Sequential<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}

/// The SHA-256 of what is read.
pub fn sha256_of(from: &mut dyn Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; FRAME_BYTES];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            length => hasher.update(&buffer[..length]),
        }
    }
}
