//! A *layer* is one compression around a document: gzip, or a zip member's
//! deflate. An *origin* is where a document's bytes lie and the layers around
//! them, so that its stream can be opened as often as it is needed.
//!
//! What comes out of layers is metered: a small file that unpacks to
//! terabytes is stopped on its way, not believed by its header.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use thiserror::Error;

use super::cursor::Cursor;
use super::{ReadDefectReason, ReadError, ReadLimits};

/// A file that ended before the length it had when it was opened.
#[derive(Debug, Error)]
#[error("the file became shorter while it was read")]
pub(super) struct Shrunk;

/// A checksum that does not match.
#[derive(Debug, Error)]
#[error("the checksum does not match")]
struct WrongChecksum;

/// More came out of the layers than the limits allow.
#[derive(Clone, Copy, Debug, Error)]
enum TooMuch {
    #[error("unpacks to more than {0} times its size")]
    Ratio(u64),
    #[error("unpacks to more than {0} bytes")]
    Output(u64),
}

/// Why a stream could not be read further.
#[derive(Clone, Debug)]
pub(super) enum Damage {
    /// The document is broken here; others of the file may be whole.
    Document(ReadDefectReason),
    Changed,
    Ratio(u64),
    Output(u64),
    /// The operating system would not give the bytes.
    System(Arc<io::Error>),
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        if let Some(inner) = error.get_ref() {
            if inner.is::<Shrunk>() {
                return Self::Changed;
            }
            if inner.is::<WrongChecksum>() {
                return Self::Document(ReadDefectReason::Checksum);
            }
            match inner.downcast_ref() {
                Some(TooMuch::Ratio(ratio)) => return Self::Ratio(*ratio),
                Some(TooMuch::Output(bytes)) => return Self::Output(*bytes),
                None => {}
            }
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Document(ReadDefectReason::CompressedTruncated),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => {
                Self::Document(ReadDefectReason::CompressedDamaged)
            }
            _ => Self::System(Arc::new(error)),
        }
    }
}

impl Damage {
    /// The reason, when only a document is broken; otherwise why the whole
    /// file cannot be read further.
    pub fn reason(self) -> Result<ReadDefectReason, ReadError> {
        match self {
            Self::Document(reason) => Ok(reason),
            Self::Changed => Err(ReadError::Changed),
            Self::Ratio(ratio) => Err(ReadError::Ratio { ratio }),
            Self::Output(bytes) => Err(ReadError::Output(bytes)),
            Self::System(error) => Err(ReadError::Io(error)),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Layer {
    Gzip,
    /// A deflated zip member.
    Deflate,
    /// The checksum of a zip member's content.
    Checksum(u32),
}

/// Counts what came out of all layers of one file.
#[derive(Debug)]
pub(super) struct Meter {
    file_bytes: u64,
    output: AtomicU64,
    ratio: u64,
    ratio_free_bytes: u64,
    output_bytes: u64,
}

impl Meter {
    pub fn new(file_bytes: u64, limits: &ReadLimits) -> Self {
        Self {
            file_bytes,
            output: AtomicU64::new(0),
            ratio: limits.archive_ratio,
            ratio_free_bytes: limits.archive_ratio_free_bytes,
            output_bytes: limits.archive_output_bytes,
        }
    }

    fn add(&self, length: usize) -> Result<(), TooMuch> {
        let output = self.output.fetch_add(length as u64, Ordering::Relaxed) + length as u64;
        if output > self.output_bytes {
            return Err(TooMuch::Output(self.output_bytes));
        }
        if output > self.ratio_free_bytes && output / self.ratio.max(1) > self.file_bytes {
            return Err(TooMuch::Ratio(self.ratio));
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
pub(super) struct Origin {
    cursor: Cursor,
    layers: Vec<Layer>,
}

/// A document's stream.
pub(super) type Stream = Box<dyn Read + Send>;

impl Origin {
    pub fn new(cursor: Cursor) -> Self {
        Self { cursor, layers: Vec::new() }
    }

    /// The same, with one more layer inside those that it has.
    pub fn within(&self, layer: Layer) -> Self {
        let mut inner = self.clone();
        inner.layers.push(layer);
        inner
    }

    /// The bytes themselves, if no layer is around them.
    pub fn bare(&self) -> Option<&Cursor> {
        self.layers.is_empty().then_some(&self.cursor)
    }

    /// The stream from its beginning, metered.
    pub fn open(&self, meter: &Arc<Meter>) -> Stream {
        let stream = self.unmetered();
        match self.bare() {
            Some(_) => stream,
            None => Box::new(Metered { stream, meter: Arc::clone(meter) }),
        }
    }

    /// The stream from `offset` on. Not metered: for what a metered stream
    /// has passed already.
    pub fn reopen(&self, offset: u64) -> io::Result<Stream> {
        if let Some(cursor) = self.bare() {
            let mut cursor = cursor.clone();
            cursor.seek(SeekFrom::Start(offset))?;
            return Ok(Box::new(cursor));
        }
        let mut stream = self.unmetered();
        io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
        Ok(stream)
    }

    fn unmetered(&self) -> Stream {
        let mut cursor = self.cursor.clone();
        // To its own beginning, which no cursor refuses.
        let _ = cursor.rewind();
        let mut stream: Stream = Box::new(cursor);
        for layer in &self.layers {
            stream = match layer {
                Layer::Gzip => Box::new(MultiGzDecoder::new(stream)),
                Layer::Deflate => Box::new(DeflateDecoder::new(stream)),
                Layer::Checksum(expected) => {
                    Box::new(Checked { stream, crc: Crc::new(), expected: *expected })
                }
            };
        }
        stream
    }
}

struct Metered {
    stream: Stream,
    meter: Arc<Meter>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.meter.add(length).map_err(io::Error::other)?;
        Ok(length)
    }
}

/// Compares the checksum when the stream ends. A raw deflate stream that was
/// cut off seems to end well, so this is also how that is found.
struct Checked {
    stream: Stream,
    crc: Crc,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        if length == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, WrongChecksum));
        }
        self.crc.update(&buffer[..length]);
        Ok(length)
    }
}
