//! A *stream error* says why a document's stream cannot be read further, and
//! whether that concerns the document alone or the whole file.

use std::io;
use std::sync::Arc;

use super::compression::{ChecksumMismatch, OutputLimit};
use super::part::CutShort;
use super::section::Shrunk;
use super::zstandard::UnsupportedFrame;
use crate::read::defect::ReadDefectReason;
use crate::read::error::ReadError;

/// Why a stream cannot be read further.
#[derive(Clone, Debug)]
pub(in crate::read) enum StreamError {
    /// The document is damaged here; other documents of the file may be intact.
    Document(ReadDefectReason),
    /// The file became shorter while it was being read.
    Changed,
    /// The file unpacks to more than this many times its size.
    Ratio(u64),
    /// The file unpacks to more than this many bytes.
    Output(u64),
    /// The operating system could not read the file.
    System(Arc<io::Error>),
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        if let Some(inner) = error.get_ref() {
            if inner.is::<Shrunk>() {
                return Self::Changed;
            }
            if inner.is::<CutShort>() {
                return Self::Document(ReadDefectReason::ArchiveTruncated);
            }
            if let Some(UnsupportedFrame(what)) = inner.downcast_ref() {
                return Self::Document(ReadDefectReason::UnsupportedCompression((*what).to_owned()));
            }
            if inner.is::<ChecksumMismatch>() {
                return Self::Document(ReadDefectReason::Checksum);
            }
            match inner.downcast_ref() {
                Some(OutputLimit::Ratio(ratio)) => return Self::Ratio(*ratio),
                Some(OutputLimit::Bytes(bytes)) => return Self::Output(*bytes),
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

impl StreamError {
    /// The reason of the defect when only the document is damaged; otherwise
    /// the error that ends the reading of the file.
    pub fn into_defect(self) -> Result<ReadDefectReason, ReadError> {
        match self {
            Self::Document(reason) => Ok(reason),
            Self::Changed => Err(ReadError::Changed),
            Self::Ratio(ratio) => Err(ReadError::RatioTooHigh(ratio)),
            Self::Output(bytes) => Err(ReadError::OutputTooLarge(bytes)),
            Self::System(error) => Err(ReadError::Io(error)),
        }
    }
}
