//! A *section reader* reads one section of a file, independently of any other
//! section reader on the same open file.
//!
//! It keeps reading the file that was opened, whatever happens to the path.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use thiserror::Error;

use crate::read::read_at::ReadAt;

/// The file ended before the length that it had when it was opened.
#[derive(Debug, Error)]
#[error("the file became shorter while it was being read")]
pub(super) struct Shrunk;

#[derive(Debug)]
enum Storage {
    Stored(Box<dyn ReadAt>),
    Memory(Vec<u8>),
}

/// A reader of the bytes from `start` to `end`; offsets that callers give and
/// get are relative to `start`.
#[derive(Clone, Debug)]
pub(super) struct SectionReader {
    storage: Arc<Storage>,
    start: u64,
    end: u64,
    position: u64,
}

impl SectionReader {
    /// Reads a whole file, with its current length.
    pub fn file(file: Box<dyn ReadAt>) -> io::Result<Self> {
        let end = file.size()?;
        Ok(Self { storage: Arc::new(Storage::Stored(file)), start: 0, end, position: 0 })
    }

    /// Reads bytes in memory.
    pub fn memory(bytes: Vec<u8>) -> Self {
        let end = bytes.len() as u64;
        Self { storage: Arc::new(Storage::Memory(bytes)), start: 0, end, position: 0 }
    }

    /// Reads `length` bytes of this section from `start`, truncated to this section.
    pub fn subsection(&self, start: u64, length: u64) -> Self {
        let start = self.start.saturating_add(start).min(self.end);
        let end = start.saturating_add(length).min(self.end);
        Self { storage: Arc::clone(&self.storage), start, end, position: start }
    }

    /// Length of the section in bytes.
    pub fn length(&self) -> u64 {
        self.end - self.start
    }
}

impl Read for SectionReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let remaining = self.end.saturating_sub(self.position);
        let wanted = buffer.len().min(usize::try_from(remaining).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let length = match &*self.storage {
            Storage::Stored(file) => file.read_at(&mut buffer[..wanted], self.position)?,
            Storage::Memory(bytes) => {
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

impl Seek for SectionReader {
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
    fn a_subsection_reads_its_bytes_and_no_others() {
        let whole = SectionReader::memory(b"0123456789".to_vec());
        let mut section = whole.subsection(3, 4);
        let mut text = String::new();
        section.read_to_string(&mut text).unwrap();
        assert_eq!(text, "3456");
        assert_eq!(section.seek(SeekFrom::End(-1)).unwrap(), 3);
        let mut last = [0; 8];
        assert_eq!(section.read(&mut last).unwrap(), 1);
        assert_eq!(last[0], b'6');
        assert_eq!(whole.subsection(8, 100).length(), 2);
        assert!(section.seek(SeekFrom::Current(-9)).is_err());
    }
}
