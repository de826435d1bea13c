//! A buffered writer that counts and hashes what passes it.

use std::io::{self, BufWriter, Write};

use sha2::{Digest, Sha256};

/// Counts the bytes that are written, and computes their SHA-256.
pub struct Checked<W: Write> {
    out: BufWriter<Hashed<W>>,
}

struct Hashed<W> {
    out: W,
    bytes: u64,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> Checked<W> {
    /// Nothing is written yet.
    pub fn new(out: W) -> Self {
        let hashed = Hashed { out, bytes: 0, hash: Sha256::new() };
        Checked { out: BufWriter::with_capacity(64 << 10, hashed) }
    }

    /// Flushes, and returns the writer, how many bytes it got, and their SHA-256.
    ///
    /// # Errors
    /// The last bytes could not be written.
    pub fn finish(self) -> io::Result<(W, u64, [u8; 32])> {
        let Hashed { out, bytes, hash } = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((out, bytes, hash.finalize().into()))
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
