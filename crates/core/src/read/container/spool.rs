//! To *spool* a nested zip archive is to store its unpacked bytes where they
//! can be read at any offset, as its directory requires.

use std::io::{Read, Write};

use super::section::SectionReader;
use super::stream_error::StreamError;
use crate::read::defect::ReadDefectReason;
use crate::read::error::ReadError;
use crate::read::limits::ReadLimits;

/// Stores a nested archive: in memory when it is smaller than
/// [`ReadLimits::memory_document_bytes`], otherwise in an unnamed temporary
/// file. The outer error ends the reading of the file.
pub(super) fn spool(
    stream: impl Read,
    limits: &ReadLimits,
) -> Result<Result<SectionReader, ReadDefectReason>, ReadError> {
    let limit = limits.nested_archive_bytes;
    let mut stream = stream.take(limit.saturating_add(1));
    let mut buffer = Vec::new();
    let in_memory = limits.memory_document_bytes.max(1) as u64;
    if let Err(error) = stream.by_ref().take(in_memory).read_to_end(&mut buffer) {
        return StreamError::from(error).into_defect().map(Err);
    }
    if (buffer.len() as u64) < in_memory {
        return Ok(Ok(SectionReader::memory(buffer)));
    }
    let mut file = tempfile::tempfile().map_err(ReadError::Spool)?;
    file.write_all(&buffer).map_err(ReadError::Spool)?;
    let mut length = buffer.len() as u64;
    loop {
        let piece = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(piece) => piece,
            Err(error) => return StreamError::from(error).into_defect().map(Err),
        };
        file.write_all(&buffer[..piece]).map_err(ReadError::Spool)?;
        length += piece as u64;
        if length > limit {
            return Ok(Err(ReadDefectReason::ArchiveTooLarge(limit)));
        }
    }
    SectionReader::file(Box::new(file)).map(Ok).map_err(ReadError::Spool)
}
