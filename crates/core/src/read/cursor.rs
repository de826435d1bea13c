//! A *cursor* reads one stretch of a file's bytes, from any place in it and
//! beside any number of other cursors on the same open file.
//!
//! The file stays the one that was opened, whatever becomes of its path.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use super::layer::Shrunk;
use super::read_at::ReadAt;

/// Where a cursor's bytes are.
#[derive(Debug)]
enum Bytes {
    Stored(Box<dyn ReadAt>),
    Memory(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(super) struct Cursor {
    bytes: Arc<Bytes>,
    start: u64,
    end: u64,
    position: u64,
}

impl Cursor {
    /// Over a whole file, as long as it is now.
    pub fn file(file: Box<dyn ReadAt>) -> io::Result<Self> {
        let end = file.size()?;
        Ok(Self { bytes: Arc::new(Bytes::Stored(file)), start: 0, end, position: 0 })
    }

    /// Over bytes in memory.
    pub fn memory(bytes: Vec<u8>) -> Self {
        let end = bytes.len() as u64;
        Self { bytes: Arc::new(Bytes::Memory(bytes)), start: 0, end, position: 0 }
    }

    /// Over `length` bytes from `start`, cut off where this one ends.
    pub fn part(&self, start: u64, length: u64) -> Self {
        let start = self.start.saturating_add(start).min(self.end);
        let end = start.saturating_add(length).min(self.end);
        Self { bytes: Arc::clone(&self.bytes), start, end, position: start }
    }

    pub fn length(&self) -> u64 {
        self.end - self.start
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.position);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let length = match &*self.bytes {
            Bytes::Stored(file) => file.read_at(&mut buffer[..wanted], self.position)?,
            Bytes::Memory(bytes) => {
                let start = self.position as usize;
                buffer[..wanted].copy_from_slice(&bytes[start..start + wanted]);
                wanted
            }
        };
        if length == 0 {
            return Err(io::Error::other(Shrunk));
        }
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => self.start.checked_add(offset),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let target = target.filter(|target| *target >= self.start);
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position - self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reads_its_bytes_and_no_others() {
        let whole = Cursor::memory(b"0123456789".to_vec());
        let mut part = whole.part(3, 4);
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        assert_eq!(text, "3456");
        assert_eq!(part.seek(SeekFrom::End(-1)).unwrap(), 3);
        let mut last = [0; 8];
        assert_eq!(part.read(&mut last).unwrap(), 1);
        assert_eq!(last[0], b'6');
        assert_eq!(whole.part(8, 100).length(), 2);
        assert!(part.seek(SeekFrom::Current(-9)).is_err());
    }
}
