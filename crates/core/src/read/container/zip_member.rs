//! A *zip member* as its directory entry describes it: how to open its
//! content, and its path for display.

use std::io::{Read, Seek, SeekFrom};

use zip::CompressionMethod;
use zip::read::ZipFileEntry;

use super::compression::{DecodeStep, StreamOpener};
use super::section::SectionReader;
use super::stream_error::StreamError;
use super::zip_directory::{LOCAL_HEADER, LOCAL_HEADER_BYTES, local_header_length};
use crate::read::defect::ReadDefectReason;
use crate::read::error::ReadError;

/// Longest displayed name, in characters.
const NAME_CHARACTERS: usize = 500;

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
        other => return Ok(Err(ReadDefectReason::UnsupportedCompression(other.to_string()))),
    };
    Ok(Ok(content.then(DecodeStep::VerifyChecksum(member.crc32()))))
}

/// The member's path, after that of the archive that contains it, with control
/// characters escaped.
pub(super) fn display_name(archive: &str, member: &ZipFileEntry<'_>) -> String {
    let name = match member.name() {
        Ok(name) => name.into_owned(),
        Err(_) => String::from_utf8_lossy(member.name_raw()).into_owned(),
    };
    let mut shown = String::new();
    if !archive.is_empty() {
        shown = format!("{archive}/");
    }
    for character in name.chars().take(NAME_CHARACTERS) {
        match character.is_control() {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    if name.chars().nth(NAME_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}
