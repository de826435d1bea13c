//! A *read error* ends the reading of a whole file. Errors that cost only a
//! part of it are [`ReadDefect`](super::ReadDefect)s.

use std::io;
use std::sync::Arc;

use thiserror::Error;

/// The handler asked to stop. The handler itself knows why.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("reading was stopped")]
pub struct Stopped;

/// Why a file could not be read, or not to its end.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The operating system refused to open the file.
    #[error("cannot open the file: {0}")]
    Open(#[source] io::Error),
    /// A directory, FIFO, socket or device.
    #[error("not a regular file")]
    NotAFile,
    /// The operating system failed to deliver the file's bytes.
    #[error("cannot read the file: {0}")]
    Io(#[source] Arc<io::Error>),
    /// The file became shorter, or a second pass over it differed from the first.
    #[error("the file changed while it was being read; it will be read again")]
    Changed,
    /// A zip archive without a usable directory.
    #[error("a zip archive that cannot be opened: {0}; request the file again")]
    Archive(String),
    /// More members than [`ReadLimits::archive_members`](super::ReadLimits::archive_members).
    #[error("the archive has more than {0} members; split it or raise the limit")]
    TooManyMembers(u32),
    /// More output than [`ReadLimits::archive_ratio`](super::ReadLimits::archive_ratio) allows.
    #[error(
        "unpacks to more than {0} times its size, which suggests a decompression bomb; \
         raise the limit if the file is genuine"
    )]
    RatioTooHigh(u64),
    /// More output than [`ReadLimits::archive_output_bytes`](super::ReadLimits::archive_output_bytes).
    #[error("unpacks to more than {0} bytes; split it or raise the limit")]
    OutputTooLarge(u64),
    /// No temporary file could be written for a nested archive.
    #[error("cannot spool a nested archive to a temporary file: {0}")]
    Spool(#[source] io::Error),
    /// The requested bytes do not exist; see [`read_range`](super::read_range).
    #[error("the file has no bytes {offset} to {end} in member {member}; it is not the file that was loaded")]
    NoSuchRange {
        /// Number of the document in the file.
        member: u32,
        /// First requested byte in the document's unpacked stream.
        offset: u64,
        /// Offset after the last requested byte.
        end: u64,
    },
    /// The handler asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl ReadError {
    /// Whether the cause is the machine and not the file, so that reading the
    /// same file again may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Io(_) | Self::Spool(_))
    }
}
