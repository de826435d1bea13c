//! An *archive* is a file with documents in it: gzip, or zip with members in
//! folders, and these in each other up to a bound. Everything is told by its
//! first bytes. Names of members are for reading only, never paths.

use std::io::{self, Cursor as Memory, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use zip::CompressionMethod;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::cursor::Cursor;
use super::layer::{Damage, Layer, Meter, Origin, Stream};
use super::listing::Listing;
use super::read_at::ReadAt;
use super::{ReadDefectReason, ReadError, ReadLimits};

/// A document of the file.
pub(super) struct Member {
    pub number: u32,
    /// Fit for display; empty for the file itself.
    pub name: String,
    pub content: Result<Opened, ReadDefectReason>,
}

/// A document's stream, and where to open it again.
pub(super) struct Opened {
    pub origin: Origin,
    /// The first bytes of the stream, at most [`HEAD_BYTES`].
    pub head: Vec<u8>,
    pub stream: Stream,
}

/// Whether to go on to the next document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Walk {
    Continue,
    Stop,
}

/// Enough to tell what a stream is.
const HEAD_BYTES: usize = 64;
/// Longest name that is shown.
const NAME_CHARACTERS: usize = 500;

type Visit<'v> = dyn FnMut(Member) -> Result<Walk, ReadError> + 'v;

/// Shows `visit` every document in a file, in reading order.
pub(super) fn walk(
    file: Box<dyn ReadAt>,
    limits: &ReadLimits,
    visit: &mut Visit<'_>,
) -> Result<(), ReadError> {
    let cursor = Cursor::file(file).map_err(ReadError::Open)?;
    let meter = Arc::new(Meter::new(cursor.length(), limits));
    let mut walker = Walker { limits, meter, next_number: 0, members: 0, visit };
    walker.walk(Origin::new(cursor), String::new(), 0)?;
    Ok(())
}

struct Walker<'w, 'v> {
    limits: &'w ReadLimits,
    meter: Arc<Meter>,
    next_number: u32,
    /// Members of all zips so far.
    members: u64,
    visit: &'w mut Visit<'v>,
}

impl Walker<'_, '_> {
    /// One stream, which lies in `depth` archives.
    fn walk(&mut self, origin: Origin, name: String, depth: u8) -> Result<Walk, ReadError> {
        let mut stream = origin.open(&self.meter);
        let (head, failed) = read_head(&mut stream);
        if let Some(error) = failed {
            if head.is_empty() {
                return self.unreadable(name, Damage::from(error).reason()?);
            }
            stream = Box::new(Failed(Some(error)));
        }
        let is_gzip = head.starts_with(b"\x1f\x8b\x08");
        let is_zip = head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
        if (is_gzip || is_zip) && depth >= self.limits.archive_nesting {
            return self.unreadable(name, ReadDefectReason::ArchiveTooDeep(self.limits.archive_nesting));
        }
        if is_gzip {
            return self.walk(origin.within(Layer::Gzip), name, depth + 1);
        }
        if is_zip {
            let stream = Memory::new(head).chain(stream);
            let cursor = match origin.bare() {
                Some(cursor) => cursor.clone(),
                None => match self.spool(stream)? {
                    Ok(cursor) => cursor,
                    Err(reason) => return self.unreadable(name, reason),
                },
            };
            return self.zip(cursor, name, depth + 1);
        }
        let stream: Stream = Box::new(Memory::new(head.clone()).chain(stream));
        self.show(name, Ok(Opened { origin, head, stream }))
    }

    fn unreadable(&mut self, name: String, reason: ReadDefectReason) -> Result<Walk, ReadError> {
        self.show(name, Err(reason))
    }

    fn show(&mut self, name: String, content: Result<Opened, ReadDefectReason>) -> Result<Walk, ReadError> {
        let number = self.next_number;
        self.next_number += 1;
        (self.visit)(Member { number, name, content })
    }

    /// Every member of a zip, which lies in `depth` archives with itself.
    fn zip(&mut self, cursor: Cursor, name: String, depth: u8) -> Result<Walk, ReadError> {
        let mut zip = match ZipIterable::try_new(cursor.clone(), Config::default()) {
            Ok(zip) => zip,
            Err(error) => return self.broken_zip(name, depth, error),
        };
        if zip.is_empty() && begins_with_member(&cursor) {
            let says = "its directory is empty, and its members are there".into();
            return self.broken_zip(name, depth, ZipError::InvalidArchive(says));
        }
        self.members += zip.len() as u64;
        if self.members > u64::from(self.limits.archive_members) {
            return Err(ReadError::TooManyMembers(self.limits.archive_members));
        }
        let members = match zip.files() {
            Ok(members) => members,
            Err(error) => return self.broken_zip(name, depth, error),
        };
        let mut listing = Listing::new(&cursor)?;
        for member in members {
            let member = match member {
                Ok(member) => member,
                Err(error) => return self.broken_zip(name, depth, error),
            };
            listing.note(&member)?;
            if member.is_dir() {
                continue;
            }
            let member_name = display_name(&name, &member);
            let walk = match member_origin(&cursor, &member)? {
                Ok(origin) => self.walk(origin, member_name, depth)?,
                Err(reason) => self.unreadable(member_name, reason)?,
            };
            if walk == Walk::Stop {
                return Ok(Walk::Stop);
            }
        }
        match listing.omission()? {
            Some(place) => self.unreadable(name, ReadDefectReason::Unlisted(place)),
            None => Ok(Walk::Continue),
        }
    }

    /// A zip that cannot be read (on): the whole file's fault, or one member's.
    fn broken_zip(&mut self, name: String, depth: u8, error: ZipError) -> Result<Walk, ReadError> {
        let text = match error {
            ZipError::Io(error) => match Damage::from(error) {
                Damage::Document(_) => "its directory ends too early".to_owned(),
                damage => match damage.reason() {
                    Ok(reason) => reason.to_string(),
                    Err(error) => return Err(error),
                },
            },
            other => other.to_string(),
        };
        match depth {
            1 => Err(ReadError::Archive(text)),
            _ => self.unreadable(name, ReadDefectReason::Archive(text)),
        }
    }

    /// Lays a nested zip where it can be read from any place: in memory when
    /// it is small, else in a temporary file without a name.
    fn spool(&self, stream: impl Read) -> Result<Result<Cursor, ReadDefectReason>, ReadError> {
        let limit = self.limits.nested_archive_bytes;
        let mut stream = stream.take(limit.saturating_add(1));
        let mut small = Vec::new();
        let in_memory = self.limits.memory_document_bytes.max(1) as u64;
        if let Err(error) = stream.by_ref().take(in_memory).read_to_end(&mut small) {
            return Damage::from(error).reason().map(Err);
        }
        if (small.len() as u64) < in_memory {
            return Ok(Ok(Cursor::memory(small)));
        }
        let mut file = tempfile::tempfile().map_err(ReadError::Spool)?;
        file.write_all(&small).map_err(ReadError::Spool)?;
        let mut length = small.len() as u64;
        loop {
            let piece = match stream.read(&mut small) {
                Ok(0) => break,
                Ok(piece) => piece,
                Err(error) => return Damage::from(error).reason().map(Err),
            };
            file.write_all(&small[..piece]).map_err(ReadError::Spool)?;
            length += piece as u64;
            if length > limit {
                return Ok(Err(ReadDefectReason::ArchiveTooLarge(limit)));
            }
        }
        Cursor::file(Box::new(file)).map(Ok).map_err(ReadError::Spool)
    }
}

/// Whether a zip has a member before its directory, whatever that says.
fn begins_with_member(zip: &Cursor) -> bool {
    let mut signature = [0; 4];
    let mut cursor = zip.clone();
    cursor.rewind().and_then(|()| cursor.read_exact(&mut signature)).is_ok() && signature == *b"PK\x03\x04"
}

/// The first bytes of a stream, and the error that came after them.
fn read_head(stream: &mut Stream) -> (Vec<u8>, Option<io::Error>) {
    let mut head = Vec::new();
    // What was read before an error stays in `head`.
    let failed = stream.take(HEAD_BYTES as u64).read_to_end(&mut head).err();
    (head, failed)
}

/// Gives an error that came too early when its time has come.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Where a member's bytes lie and what is around them.
fn member_origin(
    zip: &Cursor,
    member: &ZipFileEntry<'_>,
) -> Result<Result<Origin, ReadDefectReason>, ReadError> {
    if member.encrypted() {
        return Ok(Err(ReadDefectReason::Encrypted));
    }
    // The local header says by how much it is longer than its fixed part.
    let mut header = [0; 30];
    let mut cursor = zip.clone();
    let read =
        cursor.seek(SeekFrom::Start(member.header_start())).and_then(|_| cursor.read_exact(&mut header));
    if let Err(error) = read {
        return Damage::from(error).reason().map(Err);
    }
    if !header.starts_with(b"PK\x03\x04") {
        return Ok(Err(ReadDefectReason::CompressedDamaged));
    }
    let length_at = |index: usize| u64::from(u16::from_le_bytes([header[index], header[index + 1]]));
    let start = member.header_start() + header.len() as u64 + length_at(26) + length_at(28);
    let origin = Origin::new(zip.part(start, member.compressed_size()));
    let origin = match member.compression() {
        CompressionMethod::Stored => origin,
        CompressionMethod::Deflated => origin.within(Layer::Deflate),
        other => return Ok(Err(ReadDefectReason::UnsupportedCompression(other.to_string()))),
    };
    Ok(Ok(origin.within(Layer::Checksum(member.crc32()))))
}

/// The member's path behind that of the zip it is in, fit for display.
fn display_name(zip: &str, member: &ZipFileEntry<'_>) -> String {
    let name = match member.name() {
        Ok(name) => name.into_owned(),
        Err(_) => String::from_utf8_lossy(member.name_raw()).into_owned(),
    };
    let mut shown = String::new();
    if !zip.is_empty() {
        shown = format!("{zip}/");
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

impl Opened {
    /// The `length` bytes at `offset`; `None` when the stream is not so long.
    pub fn span(&self, offset: u64, length: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let mut bytes = Vec::new();
        let read =
            self.origin.reopen(offset).and_then(|stream| stream.take(length as u64).read_to_end(&mut bytes));
        if let Err(error) = read {
            return Damage::from(error).reason().map(|_| None);
        }
        Ok((bytes.len() == length).then_some(bytes))
    }
}
