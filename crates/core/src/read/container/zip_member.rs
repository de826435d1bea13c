//! A *zip member* as its directory entry describes it: how to open its
//! content, and its path for display.

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};

use zip::CompressionMethod;
use zip::read::ZipFileEntry;

use super::compression::{DecodeStep, StreamOpener};
use super::section::SectionReader;
use super::stream_error::StreamError;
use super::zip_directory::{LOCAL_HEADER, LOCAL_HEADER_BYTES, local_header_length};
use crate::read::defect::ReadDefectReason;
use crate::read::error::ReadError;

/// How to open the member's content, or why that is impossible. The outer
/// error ends the reading of the file.
pub(super) fn opener(
    zip: &SectionReader,
    member: &ZipFileEntry<'_>,
) -> Result<Result<StreamOpener, ReadDefectReason>, ReadError> {
    if member.encrypted() {
        return Ok(Err(ReadDefectReason::Encrypted));
    }
    // Only the local header says where the content starts: its name and extra
    // field may differ from those of the directory entry.
    let mut header = [0; LOCAL_HEADER_BYTES];
    let mut section = zip.clone();
    let read =
        section.seek(SeekFrom::Start(member.header_start())).and_then(|_| section.read_exact(&mut header));
    if let Err(error) = read {
        return StreamError::from(error).into_defect().map(Err);
    }
    if !header.starts_with(LOCAL_HEADER) {
        return Ok(Err(ReadDefectReason::CompressedDamaged));
    }
    let start = member.header_start() + local_header_length(&header);
    let content = StreamOpener::new(zip.subsection(start, member.compressed_size()));
    let content = match member.compression() {
        CompressionMethod::Stored => content,
        CompressionMethod::Deflated => content.then(DecodeStep::Deflate),
        CompressionMethod::ZSTD => content.then(DecodeStep::Zstandard),
        other => return Ok(Err(ReadDefectReason::UnsupportedCompression(other.to_string()))),
    };
    Ok(Ok(content.then(DecodeStep::VerifyChecksum(member.crc32()))))
}

/// The member's path as its archive has it.
pub(super) fn name<'m>(member: &'m ZipFileEntry<'_>) -> Cow<'m, str> {
    member.name().unwrap_or_else(|_| String::from_utf8_lossy(member.name_raw()))
}
