//! Opening: plain, gzip and zip, told apart by their first bytes, each of
//! their documents in turn. A document can be read again from its start.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::{ArchiveError, Limits, SourceError};

/// A document that can be read, more than once.
pub(super) trait Opened {
    /// Its name within the archive; empty for a plain file.
    fn name(&self) -> &str;
    fn reader(&self) -> io::Result<Box<dyn Read + '_>>;
}

const GZIP: &[u8] = b"\x1f\x8b";
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Content that can be opened again: a file, or bytes that were unpacked.
enum Content {
    File(PathBuf),
    Bytes(Vec<u8>),
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl Content {
    fn open(&self) -> io::Result<Box<dyn ReadSeek + '_>> {
        Ok(match self {
            Content::File(path) => Box::new(File::open(path)?),
            Content::Bytes(bytes) => Box::new(Cursor::new(bytes.as_slice())),
        })
    }

    fn length(&self) -> io::Result<u64> {
        Ok(match self {
            Content::File(path) => path.metadata()?.len(),
            Content::Bytes(bytes) => bytes.len() as u64,
        })
    }

    fn begins_with(&self) -> io::Result<Vec<u8>> {
        let mut first = Vec::new();
        self.open()?.take(4).read_to_end(&mut first)?;
        Ok(first)
    }
}

/// A document that is not packed.
struct Plain<'c> {
    name: String,
    content: &'c Content,
}

impl Opened for Plain<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.content.open()?))
    }
}

/// A document packed by gzip.
struct Gzip<'c> {
    name: String,
    content: &'c Content,
    limits: Limits,
}

impl Opened for Gzip<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        let packed = self.content.length()?;
        let decoder = MultiGzDecoder::new(io::BufReader::with_capacity(128 << 10, self.content.open()?));
        Ok(Box::new(Bounded::new(decoder, packed, &self.limits, &self.name)))
    }
}

/// A member of a zip that is too long for memory.
struct ZipMember<'c> {
    name: String,
    content: &'c Content,
    index: usize,
    limits: Limits,
}

impl Opened for ZipMember<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        let archive = ZipArchive::new(self.content.open()?).map_err(io::Error::other)?;
        Ok(Box::new(ZipReader::new(archive, self.index, &self.limits, &self.name)?))
    }
}

/// A reader of one member that owns its archive.
struct ZipReader<'c> {
    source: Box<dyn Read + 'c>,
}

impl<'c> ZipReader<'c> {
    fn new(
        mut archive: ZipArchive<Box<dyn ReadSeek + 'c>>,
        index: usize,
        limits: &Limits,
        name: &str,
    ) -> io::Result<Self> {
        let (start, packed, is_stored) = {
            let member = archive.by_index_raw(index).map_err(io::Error::other)?;
            let start = member.data_start().ok_or_else(|| io::Error::other("no data"))?;
            (start, member.compressed_size(), member.compression() == zip::CompressionMethod::Stored)
        };
        let mut content = archive.into_inner();
        content.seek(SeekFrom::Start(start))?;
        let packed_bytes = io::BufReader::with_capacity(128 << 10, content.take(packed));
        let source: Box<dyn Read + 'c> = if is_stored {
            Box::new(packed_bytes)
        } else {
            let decoder = flate2::bufread::DeflateDecoder::new(packed_bytes);
            Box::new(Bounded::new(decoder, packed, limits, name))
        };
        Ok(ZipReader { source })
    }
}

impl Read for ZipReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

/// Content must grow by that much before its ratio is looked at, since a
/// short text may well be packed a thousand times.
const RATIO_FROM: u64 = 64 << 20;

/// A reader that stops where content grows beyond reason.
struct Bounded<R> {
    reader: R,
    packed: u64,
    unpacked: u64,
    limits: Limits,
    name: String,
}

impl<R> Bounded<R> {
    fn new(reader: R, packed: u64, limits: &Limits, name: &str) -> Self {
        Bounded { reader, packed, unpacked: 0, limits: *limits, name: name.to_owned() }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self
            .reader
            .read(buffer)
            .map_err(|_| io::Error::other(ArchiveError::DamagedGzip(self.name.clone())))?;
        self.unpacked += read as u64;
        let is_beyond_ratio = self.unpacked > RATIO_FROM
            && self.unpacked > self.packed.saturating_mul(self.limits.archive_ratio);
        if is_beyond_ratio || self.unpacked > self.limits.archive_bytes {
            return Err(io::Error::other(ArchiveError::TooLarge(self.name.clone())));
        }
        Ok(read)
    }
}

type Visit<'v, E> = &'v mut dyn FnMut(&dyn Opened) -> Result<(), SourceError<E>>;

/// Visits every document of the file, in the order of the archive.
pub(super) fn each_document<E>(
    path: &Path,
    limits: &Limits,
    visit: Visit<'_, E>,
) -> Result<(), SourceError<E>> {
    let content = Content::File(path.to_owned());
    each_within(&content, String::new(), limits, 0, visit).map_err(unwrapped)
}

/// Takes an archive's error out of the I/O error that carried it.
fn unwrapped<E>(error: SourceError<E>) -> SourceError<E> {
    if let SourceError::Io(io_error) = &error
        && let Some(archive) = io_error.get_ref().and_then(|inner| inner.downcast_ref::<ArchiveError>())
    {
        return SourceError::Archive(archive.clone());
    }
    error
}

fn each_within<E>(
    content: &Content,
    name: String,
    limits: &Limits,
    depth: usize,
    visit: Visit<'_, E>,
) -> Result<(), SourceError<E>> {
    let first = content.begins_with()?;
    if first.starts_with(GZIP) {
        // What gzip packs may itself be an archive; only a look inside tells.
        let gzip = Gzip { name: name.clone(), content, limits: *limits };
        let mut inner = Vec::new();
        gzip.reader()?.take(4).read_to_end(&mut inner)?;
        if inner.starts_with(GZIP) || ZIP.iter().any(|magic| inner.starts_with(magic)) {
            check_depth(depth, &name, limits)?;
            let bytes = read_bounded(&gzip, limits)?;
            return each_within(&Content::Bytes(bytes), name, limits, depth + 1, visit);
        }
        return visit(&gzip);
    }
    if ZIP.iter().any(|magic| first.starts_with(magic)) {
        check_depth(depth, &name, limits)?;
        return each_member(content, &name, limits, depth, visit);
    }
    visit(&Plain { name, content })
}

fn check_depth(depth: usize, name: &str, limits: &Limits) -> Result<(), ArchiveError> {
    if depth >= limits.archive_depth {
        return Err(ArchiveError::TooDeep(name.to_owned()));
    }
    Ok(())
}

/// An archive within an archive is unpacked to memory, up to the limit for
/// one resource.
fn read_bounded(opened: &dyn Opened, limits: &Limits) -> Result<Vec<u8>, io::Error> {
    let mut bytes = Vec::new();
    opened.reader()?.take(limits.resource_bytes as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limits.resource_bytes {
        return Err(io::Error::other(ArchiveError::TooLarge(opened.name().to_owned())));
    }
    Ok(bytes)
}

fn each_member<E>(
    content: &Content,
    outer: &str,
    limits: &Limits,
    depth: usize,
    visit: Visit<'_, E>,
) -> Result<(), SourceError<E>> {
    let damaged = |_: ZipError| ArchiveError::DamagedZip(outer.to_owned());
    let mut archive = ZipArchive::new(content.open()?).map_err(damaged)?;
    if archive.len() > limits.archive_members {
        return Err(ArchiveError::TooManyMembers(outer.to_owned()).into());
    }
    let total = Cell::new(0u64);
    for index in 0..archive.len() {
        let (name, size, is_directory) = {
            let member = archive.by_index_raw(index).map_err(damaged)?;
            let written = member.name().map_err(damaged)?.into_owned();
            let name = display_name(outer, &written);
            if member.encrypted() {
                return Err(ArchiveError::Encrypted(name).into());
            }
            let is_known = matches!(
                member.compression(),
                zip::CompressionMethod::Stored | zip::CompressionMethod::Deflated
            );
            if !is_known && !member.is_dir() {
                return Err(ArchiveError::UnsupportedMethod(name).into());
            }
            (name, member.size(), member.is_dir())
        };
        if is_directory {
            continue;
        }
        let member = ZipMember { name: name.clone(), content, index, limits: *limits };
        total.set(total.get().saturating_add(size));
        if total.get() > limits.archive_bytes {
            return Err(ArchiveError::TooLarge(name).into());
        }
        // What an archive says of its sizes is a hint; reading is bounded.
        let mut bytes = Vec::new();
        member.reader()?.take(limits.memory_document_bytes as u64 + 1).read_to_end(&mut bytes)?;
        let is_archive = bytes.starts_with(GZIP) || ZIP.iter().any(|magic| bytes.starts_with(magic));
        if bytes.len() <= limits.memory_document_bytes {
            each_within(&Content::Bytes(bytes), name, limits, depth + 1, visit)?;
        } else if is_archive {
            let bytes = read_bounded(&member, limits)?;
            each_within(&Content::Bytes(bytes), name, limits, depth + 1, visit)?;
        } else {
            drop(bytes);
            visit(&member)?;
        }
    }
    Ok(())
}

/// A member's name for people: no control characters, never used as a path.
fn display_name(outer: &str, name: &str) -> String {
    let clean: String = name.chars().flat_map(char::escape_debug).collect();
    if outer.is_empty() { clean } else { format!("{outer}/{clean}") }
}

/// The bytes of one resource again: `length` bytes from `offset` of document
/// number `member` of the file.
pub fn read_span(
    path: &Path,
    limits: &Limits,
    member: u32,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, SourceError<io::Error>> {
    let mut number = 0;
    let mut found = None;
    each_document(path, limits, &mut |opened| {
        if number == member {
            let mut reader = opened.reader()?;
            io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
            let mut bytes = Vec::new();
            reader.take(length).read_to_end(&mut bytes)?;
            found = Some(bytes);
        }
        number += 1;
        Ok(())
    })?;
    found.filter(|bytes| bytes.len() as u64 == length).ok_or_else(|| {
        SourceError::Sink(io::Error::new(io::ErrorKind::UnexpectedEof, "the file no longer has these bytes"))
    })
}
