//! *Compression* around a document: gzip, Zstandard, or a zip member's deflate. A *stream
//! opener* knows where a document's bytes are and how to decode them, so that
//! its stream can be opened as often as needed.
//!
//! Decoded output is metered: a small file that unpacks to terabytes is
//! stopped while it does, whatever sizes its headers claim.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use thiserror::Error;

use super::part::PartReader;
use super::section::SectionReader;
use super::zstandard::ZstandardReader;
use crate::read::limits::ReadLimits;

/// The content of a zip member does not have the CRC-32 of its directory entry, or
/// that of a Zstandard frame not its checksum.
#[derive(Debug, Error)]
#[error("the checksum does not match")]
pub(super) struct ChecksumMismatch;

/// The decoded output of a file exceeds a limit.
#[derive(Clone, Copy, Debug, Error)]
pub(super) enum OutputLimit {
    #[error("unpacks to more than {0} times its size")]
    Ratio(u64),
    #[error("unpacks to more than {0} bytes")]
    Bytes(u64),
}

/// One step of decoding a stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum DecodeStep {
    /// Unpack gzip, of one or several members.
    Gzip,
    /// Unpack the raw deflate stream of a zip member.
    Deflate,
    /// Unpack Zstandard, of one or several frames.
    Zstandard,
    /// Take only these bytes of an archive without a directory.
    Part { offset: u64, length: u64 },
    /// Compare the CRC-32 of a zip member's content with this one.
    VerifyChecksum(u32),
}

/// Counts the decoded output of all streams of one file.
#[derive(Debug)]
pub(super) struct OutputMeter {
    file_bytes: u64,
    output: AtomicU64,
    ratio: u64,
    ratio_free_bytes: u64,
    output_bytes: u64,
}

impl OutputMeter {
    /// A meter for a file of `file_bytes` bytes.
    pub fn new(file_bytes: u64, limits: &ReadLimits) -> Self {
        Self {
            file_bytes,
            output: AtomicU64::new(0),
            ratio: limits.archive_ratio,
            ratio_free_bytes: limits.archive_ratio_free_bytes,
            output_bytes: limits.archive_output_bytes,
        }
    }

    fn add(&self, length: usize) -> Result<(), OutputLimit> {
        let output = self.output.fetch_add(length as u64, Ordering::Relaxed) + length as u64;
        if output > self.output_bytes {
            return Err(OutputLimit::Bytes(self.output_bytes));
        }
        if output > self.ratio_free_bytes && output / self.ratio.max(1) > self.file_bytes {
            return Err(OutputLimit::Ratio(self.ratio));
        }
        Ok(())
    }
}

/// A document's decoded bytes.
pub(in crate::read) type Stream = Box<dyn Read + Send>;

/// Opens the stream of one document, any number of times.
#[derive(Clone, Debug)]
pub(in crate::read) struct StreamOpener {
    section: SectionReader,
    /// From the outermost to the innermost.
    steps: Vec<DecodeStep>,
}

impl StreamOpener {
    /// Opens the bytes of a section as they are.
    pub(super) fn new(section: SectionReader) -> Self {
        Self { section, steps: Vec::new() }
    }

    /// Adds a step that decodes the output of the present ones.
    pub(super) fn then(&self, step: DecodeStep) -> Self {
        let mut inner = self.clone();
        inner.steps.push(step);
        inner
    }

    /// The section itself, unless it must be decoded.
    pub(super) fn undecoded(&self) -> Option<&SectionReader> {
        self.steps.is_empty().then_some(&self.section)
    }

    /// Opens the stream at its beginning and meters its decoded output.
    pub(super) fn open(&self, meter: &Arc<OutputMeter>) -> Stream {
        let stream = self.open_unmetered();
        match self.undecoded() {
            Some(_) => stream,
            None => Box::new(MeteredReader { stream, meter: Arc::clone(meter) }),
        }
    }

    /// Decodes a stream that what is before the last step gives, and meters it.
    pub(super) fn decode(stream: Stream, step: DecodeStep, meter: &Arc<OutputMeter>) -> Stream {
        Box::new(MeteredReader { stream: decoded(stream, step), meter: Arc::clone(meter) })
    }

    /// Opens the stream at `offset`, without metering: for output that a
    /// metered stream has already produced.
    pub fn reopen(&self, offset: u64) -> io::Result<Stream> {
        if let Some(section) = self.undecoded() {
            let mut section = section.clone();
            section.seek(SeekFrom::Start(offset))?;
            return Ok(Box::new(section));
        }
        let mut stream = self.open_unmetered();
        io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
        Ok(stream)
    }

    fn open_unmetered(&self) -> Stream {
        let section = self.section.subsection(0, u64::MAX);
        let mut stream: Stream = Box::new(section);
        for step in &self.steps {
            stream = decoded(stream, *step);
        }
        stream
    }
}

fn decoded(stream: Stream, step: DecodeStep) -> Stream {
    match step {
        DecodeStep::Gzip => Box::new(MultiGzDecoder::new(stream)),
        DecodeStep::Deflate => Box::new(DeflateDecoder::new(stream)),
        DecodeStep::Zstandard => Box::new(ZstandardReader::new(stream)),
        DecodeStep::Part { offset, length } => Box::new(PartReader::new(stream, offset, length)),
        DecodeStep::VerifyChecksum(expected) => {
            Box::new(ChecksumReader { stream, crc: Crc::new(), expected })
        }
    }
}

struct MeteredReader {
    stream: Stream,
    meter: Arc<OutputMeter>,
}

impl Read for MeteredReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.meter.add(length).map_err(io::Error::other)?;
        Ok(length)
    }
}

/// Compares the checksum at the end of the stream. A truncated raw deflate
/// stream appears to end normally, so this also detects truncation.
struct ChecksumReader {
    stream: Stream,
    crc: Crc,
    expected: u32,
}

impl Read for ChecksumReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        if length == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, ChecksumMismatch));
        }
        self.crc.update(&buffer[..length]);
        Ok(length)
    }
}
