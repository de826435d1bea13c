//! Writing a seekable file.

use std::io::{self, Read, Write};

/// What was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compressed {
    /// The size of the content.
    pub size: u64,
    /// The SHA-256 of the content.
    pub sha256: [u8; 32],
    /// How many bytes were written.
    pub stored: u64,
}

/// Compresses all that `from` gives into `to`.
#[cfg(feature = "compression")]
pub fn compress(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<Compressed> {
    use sha2::{Digest, Sha256};

    use super::format::{Mark, table};

    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))?;
    let (mut hasher, mut sizes, mut size, mut stored) = (Sha256::new(), Vec::new(), 0, 0);
    let mut content = Vec::with_capacity(super::FRAME_BYTES);
    let mut frame = Vec::with_capacity(zstd::zstd_safe::compress_bound(super::FRAME_BYTES));
    loop {
        content.clear();
        (&mut *from).take(super::FRAME_BYTES as u64).read_to_end(&mut content)?;
        if content.is_empty() {
            break;
        }
        hasher.update(&content);
        frame.clear();
        compressor.compress_to_buffer(&content, &mut frame)?;
        to.write_all(&frame)?;
        sizes.push((frame.len() as u32, content.len() as u32));
        size += content.len() as u64;
        stored += frame.len() as u64;
    }
    let sha256 = hasher.finalize().into();
    for tail in [Mark { size, sha256 }.to_bytes(), table(&sizes)?] {
        to.write_all(&tail)?;
        stored += tail.len() as u64;
    }
    Ok(Compressed { size, sha256, stored })
}

/// What the library calls its level: 3 is its own default.
#[cfg(feature = "compression")]
const LEVEL: i32 = 3;

/// A build without the feature cannot compress.
#[cfg(not(feature = "compression"))]
pub fn compress(_: &mut dyn Read, _: &mut dyn Write) -> io::Result<Compressed> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this fhirmill was built without the feature `compression`, and cannot compress",
    ))
}
