//! The *zip directory* check: does the directory list every member that the
//! archive contains? When it gives too low a count, when two archives were
//! concatenated, or when a member was appended without an entry, the remaining
//! members would be skipped silently.
//!
//! An unlisted member is found where a listed one ends: immediately after its
//! data, or after its data descriptor. Other bytes between members (padding, a
//! signature) are ignored. The records are described in PKWARE's APPNOTE.TXT,
//! sections 4.3.7 to 4.3.16.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use zip::read::ZipFileEntry;

use super::section::SectionReader;
use super::stream_error::StreamError;
use crate::read::error::ReadError;

/// Signature of a member's local header.
pub(super) const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
/// Length of a local header without its name and extra field.
pub(super) const LOCAL_HEADER_BYTES: usize = 30;
/// Length of a directory entry without its name, extra field and comment.
const DIRECTORY_ENTRY_BYTES: usize = 46;
/// Length of the record that ends a directory, without its comment.
const END_RECORD_BYTES: usize = 22;
/// Possible lengths of a data descriptor: none, or with and without a
/// signature, with lengths of four or eight bytes.
const DESCRIPTOR_BYTES: [usize; 5] = [0, 12, 16, 20, 24];
/// A directory ends with a signature, two zip64 records and the end record.
/// More than this many records serve only to waste time.
const MAX_TRAILING_RECORDS: usize = 16;

/// Compares the members that the directory lists with those that are there.
/// Both sets stay small when members are listed in the order of their data.
pub(super) struct DirectoryCheck {
    zip: SectionReader,
    /// Offsets of members that were found and are not listed so far.
    found: HashSet<u64>,
    /// Offsets of members that were listed and are not found so far.
    listed: HashSet<u64>,
    /// Offset of the last directory entry.
    last_entry: Option<u64>,
}

impl DirectoryCheck {
    /// Starts the check of an archive. Every entry of its directory must be
    /// passed to [`DirectoryCheck::add`].
    pub fn new(zip: &SectionReader) -> Result<Self, ReadError> {
        let mut check =
            Self { zip: zip.clone(), found: HashSet::new(), listed: HashSet::new(), last_entry: None };
        check.find_member(0, &[0])?;
        Ok(check)
    }

    /// Adds an entry of the directory.
    pub fn add(&mut self, member: &ZipFileEntry<'_>) -> Result<(), ReadError> {
        self.last_entry = Some(member.central_header_start());
        let start = member.header_start();
        if !self.found.remove(&start) {
            self.listed.insert(start);
        }
        let header = self.bytes(start, LOCAL_HEADER_BYTES)?;
        if header.len() == LOCAL_HEADER_BYTES && header.starts_with(LOCAL_HEADER) {
            let end =
                start.saturating_add(local_header_length(&header)).saturating_add(member.compressed_size());
            self.find_member(end, &DESCRIPTOR_BYTES)?;
        }
        Ok(())
    }

    /// Offset of the first member that the directory does not list, once all
    /// of its entries were added; `None` when it lists them all.
    pub fn finish(mut self) -> Result<Option<u64>, ReadError> {
        if let Some(last_entry) = self.last_entry {
            let header = self.bytes(last_entry, DIRECTORY_ENTRY_BYTES)?;
            if header.len() == DIRECTORY_ENTRY_BYTES {
                let lengths: u64 =
                    [28..30, 30..32, 32..34].map(|length| little_endian(&header[length])).iter().sum();
                self.find_behind_directory(last_entry + DIRECTORY_ENTRY_BYTES as u64 + lengths)?;
            }
        }
        Ok(self.found.iter().min().copied())
    }

    /// Skips the records that end a directory. They may be followed by a
    /// surplus entry or by another archive.
    fn find_behind_directory(&mut self, mut offset: u64) -> Result<(), ReadError> {
        for _ in 0..MAX_TRAILING_RECORDS {
            let record = self.bytes(offset, END_RECORD_BYTES)?;
            let length = match record.get(..4) {
                // A directory entry beyond the count that the end record gives.
                Some(b"PK\x01\x02") => {
                    self.found.insert(offset);
                    return Ok(());
                }
                // The digital signature.
                Some(b"PK\x05\x05") if record.len() >= 6 => 6 + little_endian(&record[4..6]),
                // The zip64 end record and its locator.
                Some(b"PK\x06\x06") if record.len() >= 12 => little_endian(&record[4..12]).saturating_add(12),
                Some(b"PK\x06\x07") => 20,
                Some(b"PK\x05\x06") if record.len() == END_RECORD_BYTES => {
                    let comment = little_endian(&record[20..22]);
                    return self.find_member(offset + END_RECORD_BYTES as u64 + comment, &[0]);
                }
                _ => return Ok(()),
            };
            offset = offset.saturating_add(length);
        }
        Ok(())
    }

    /// Looks for a local header at the given distances from `offset`; the
    /// first one found counts.
    fn find_member(&mut self, offset: u64, distances: &[usize]) -> Result<(), ReadError> {
        let bytes = self.bytes(offset, LOCAL_HEADER_BYTES)?;
        let has_header =
            |distance: &&usize| bytes.get(**distance..).is_some_and(|bytes| bytes.starts_with(LOCAL_HEADER));
        let Some(distance) = distances.iter().find(has_header) else { return Ok(()) };
        let start = offset + *distance as u64;
        let header = self.bytes(start, LOCAL_HEADER_BYTES)?;
        // Tools that align members fill gaps with a member without a name.
        let has_name = header.len() == LOCAL_HEADER_BYTES && little_endian(&header[26..28]) > 0;
        if has_name && !self.listed.remove(&start) {
            self.found.insert(start);
        }
        Ok(())
    }

    /// The `length` bytes at `offset`, or fewer where the archive ends.
    fn bytes(&mut self, offset: u64, length: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let sought = self.zip.seek(SeekFrom::Start(offset));
        match sought.and_then(|_| (&mut self.zip).take(length as u64).read_to_end(&mut bytes)) {
            Ok(_) => Ok(bytes),
            Err(error) => StreamError::from(error).into_defect().map(|_| bytes),
        }
    }
}

/// Length of a local header with its name and extra field, which `header`
/// gives at bytes 26 and 28.
pub(super) fn local_header_length(header: &[u8]) -> u64 {
    LOCAL_HEADER_BYTES as u64 + little_endian(&header[26..28]) + little_endian(&header[28..30])
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
