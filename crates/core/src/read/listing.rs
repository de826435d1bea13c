//! The *listing* of a zip: whether its directory names every member that the
//! zip holds. Where it says fewer than it has, where a zip was put behind
//! another one, or where a member was appended without it, the rest would go
//! unseen.
//!
//! A member that is not listed is found where a listed one ends: at once, or
//! behind its data descriptor. What else lies between members (padding, a
//! signature) says nothing.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use zip::read::ZipFileEntry;

use super::ReadError;
use super::cursor::Cursor;
use super::layer::Damage;

const MEMBER: &[u8] = b"PK\x03\x04";
const MEMBER_BYTES: u64 = 30;
/// How long a data descriptor can be: with its signature or without, its
/// lengths of four bytes or of eight.
const DESCRIPTOR_BYTES: [usize; 5] = [0, 12, 16, 20, 24];
/// A directory ends in a signature, two records of zip64 and one more; who
/// writes millions of them wants to keep us busy.
const MOST_RECORDS: usize = 16;

/// See the module. Both sets stay small where members are listed as they lie.
pub(super) struct Listing {
    zip: Cursor,
    /// Where members begin that were found and not listed so far.
    found: HashSet<u64>,
    /// Where members begin that were listed and not found so far.
    listed: HashSet<u64>,
    /// The directory's last entry.
    last_entry: Option<u64>,
}

impl Listing {
    pub fn new(zip: &Cursor) -> Result<Self, ReadError> {
        let mut listing =
            Listing { zip: zip.clone(), found: HashSet::new(), listed: HashSet::new(), last_entry: None };
        listing.look_at(0, &[0])?;
        Ok(listing)
    }

    /// An entry of the directory.
    pub fn note(&mut self, member: &ZipFileEntry<'_>) -> Result<(), ReadError> {
        self.last_entry = Some(member.central_header_start());
        let start = member.header_start();
        if !self.found.remove(&start) {
            self.listed.insert(start);
        }
        let header = self.bytes(start, MEMBER_BYTES)?;
        if header.len() as u64 == MEMBER_BYTES && header.starts_with(MEMBER) {
            let lengths = MEMBER_BYTES + number(&header[26..28]) + number(&header[28..30]);
            let end = start.saturating_add(lengths).saturating_add(member.compressed_size());
            self.look_at(end, &DESCRIPTOR_BYTES)?;
        }
        Ok(())
    }

    /// Where something begins that the directory does not list, when all of
    /// its entries are noted.
    pub fn omission(&mut self) -> Result<Option<u64>, ReadError> {
        if let Some(last_entry) = self.last_entry {
            let header = self.bytes(last_entry, 46)?;
            if header.len() == 46 {
                let lengths = [28..30, 30..32, 32..34].map(|length| number(&header[length]));
                self.look_behind(last_entry + 46 + lengths.iter().sum::<u64>())?;
            }
        }
        Ok(self.found.iter().min().copied())
    }

    /// Passes over what ends a directory. What follows can be one more entry,
    /// or one more zip.
    fn look_behind(&mut self, mut place: u64) -> Result<(), ReadError> {
        for _ in 0..MOST_RECORDS {
            let record = self.bytes(place, 22)?;
            let length = match record.get(..4) {
                Some(b"PK\x01\x02") => {
                    self.found.insert(place);
                    return Ok(());
                }
                Some(b"PK\x05\x05") if record.len() >= 6 => 6 + number(&record[4..6]),
                Some(b"PK\x06\x06") if record.len() >= 12 => number(&record[4..12]).saturating_add(12),
                Some(b"PK\x06\x07") => 20,
                Some(b"PK\x05\x06") if record.len() == 22 => {
                    return self.look_at(place + 22 + number(&record[20..22]), &[0]);
                }
                _ => return Ok(()),
            };
            place = place.saturating_add(length);
        }
        Ok(())
    }

    /// Looks for a member at the first of these distances from a place.
    fn look_at(&mut self, place: u64, distances: &[usize]) -> Result<(), ReadError> {
        let bytes = self.bytes(place, MEMBER_BYTES)?;
        let is_there =
            |distance: &&usize| bytes.get(**distance..).is_some_and(|bytes| bytes.starts_with(MEMBER));
        let Some(distance) = distances.iter().find(is_there) else { return Ok(()) };
        let start = place + *distance as u64;
        let header = self.bytes(start, MEMBER_BYTES)?;
        // Tools that align members fill what is left with one without a name.
        let has_name = header.len() as u64 == MEMBER_BYTES && number(&header[26..28]) > 0;
        if has_name && !self.listed.remove(&start) {
            self.found.insert(start);
        }
        Ok(())
    }

    /// So many bytes from a place, or as many as there are.
    fn bytes(&mut self, place: u64, length: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let sought = self.zip.seek(SeekFrom::Start(place));
        match sought.and_then(|_| (&mut self.zip).take(length).read_to_end(&mut bytes)) {
            Ok(_) => Ok(bytes),
            Err(error) => Damage::from(error).reason().map(|_| bytes),
        }
    }
}

/// Zips have the least byte first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
