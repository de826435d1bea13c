//! A *part* of a file of NDJSON: the lines that begin in a range of its bytes.

use std::io;

use fhirmill_core::read::ReadAt;

/// See the module.
#[derive(Debug)]
pub struct Window<R> {
    file: R,
    start: u64,
    end: u64,
}

const CHUNK: usize = 1 << 16;

impl<R: ReadAt> Window<R> {
    /// The lines of the file that begin at or after `start` and before `end`. A line begins
    /// with a brace: a line break within a resource ends no line.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn new(file: R, start: u64, end: u64) -> io::Result<Self> {
        let start = line_at(&file, start)?;
        let end = line_at(&file, end)?.max(start);
        Ok(Window { file, start, end })
    }
}

/// The first line that begins at that offset or after it: the end of the file if none does.
fn line_at(file: &impl ReadAt, offset: u64) -> io::Result<u64> {
    let Some(mut at) = offset.checked_sub(1) else { return Ok(0) };
    let mut buffer = vec![0; CHUNK];
    let mut is_after_break = false;
    loop {
        let length = file.read_at(&mut buffer, at)?;
        if length == 0 {
            return file.size();
        }
        for (number, byte) in buffer[..length].iter().enumerate() {
            if is_after_break && *byte == b'{' {
                return Ok(at + number as u64);
            }
            is_after_break = *byte == b'\n';
        }
        at += length as u64;
    }
}

impl<R: ReadAt> ReadAt for Window<R> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let at = self.start.saturating_add(offset).min(self.end);
        let left = usize::try_from(self.end - at).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        self.file.read_at(&mut buffer[..length], at)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.end - self.start)
    }
}
