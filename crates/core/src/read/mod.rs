//! A *source* is one delivered file; reading it gives the bytes of each FHIR
//! resource in it, one after the other, as *frames*.
//!
//! The road of a file through this module:
//!
//! 1. `archive` opens it: plain, gzip or zip, told by content, nested ones
//!    too. What comes out is a row of *documents* ("members"), each a stream
//!    of bytes; a plain or gzip file is one document, numbered 0.
//! 2. `document` tells what the stream is (one resource, a JSON array,
//!    NDJSON, a Bundle, a companion that is no FHIR) and cuts it.
//! 3. `survey` goes over each Bundle before its entries are delivered,
//!    since `type`, `timestamp` and the targets of forward references may
//!    come after the entries that need them.
//! 4. The [`ResourceHandler`] gets frames, and a [`ReadDefect`] for what could not be cut.
//!
//! Nothing here builds a tree or holds a file: `scan` follows quotes and
//! brackets through a sliding `window`, which grows to the size of the
//! largest resource at most. A Bundle that is too large to be held is read
//! twice. What a frame holds has balanced brackets and closed strings, and
//! begins with `{`; whether it is JSON, and FHIR, is for the reader of the
//! frame to say. Bytes from outside never panic here, never fill memory, and
//! cost their neighbours nothing where a next line or entry can be found.

mod archive;
mod bundle;
mod companion;
mod cursor;
mod deliver;
mod document;
mod entry;
mod form;
mod full_url;
mod layer;
mod layout;
mod listing;
mod location;
mod read_at;
mod scan;
mod survey;
mod token;
mod window;

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

pub use bundle::Bundle;
pub use companion::Companion;
pub use full_url::id_from_full_url;
pub use location::Location;
pub use read_at::ReadAt;

/// Bounds on what one source may ask of memory, time and disk.
#[derive(Clone, Debug)]
pub struct ReadLimits {
    /// Largest resource (with its Bundle entry), in bytes; also the largest
    /// Bundle inside a Bundle.
    pub resource_bytes: usize,
    /// A Bundle up to this many bytes is held in memory; a larger one is
    /// read twice.
    pub memory_document_bytes: usize,
    /// How many documents the archives in one file may hold together.
    pub archive_members: u32,
    /// How many times its own size a compressed file may unpack to.
    pub archive_ratio: u64,
    /// How much it may unpack to before the ratio is looked at, in bytes.
    pub archive_ratio_free_bytes: u64,
    /// How many bytes a compressed file may unpack to.
    pub archive_output_bytes: u64,
    /// How many archives may lie in each other: a gzip in a zip is 2.
    pub archive_nesting: u8,
    /// Largest zip inside an archive: it is spooled to a temporary file.
    pub nested_archive_bytes: u64,
    /// How many Bundles may lie in each other, at most [`Location::MAX_DEPTH`].
    pub bundle_nesting: u8,
    /// How deep the brackets of one resource may nest.
    pub json_depth: u32,
    /// How much is read from the file at once, in bytes.
    pub read_bytes: usize,
    /// How many bytes a [`ReadDefect`] carries of what could not be cut and has no
    /// end, or is larger than a resource may be.
    pub defect_bytes: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            resource_bytes: 64 << 20,
            memory_document_bytes: 8 << 20,
            archive_members: 100_000,
            archive_ratio: 200,
            archive_ratio_free_bytes: 64 << 20,
            archive_output_bytes: 1 << 40,
            archive_nesting: 3,
            nested_archive_bytes: 1 << 30,
            bundle_nesting: 8,
            json_depth: 512,
            read_bytes: 256 << 10,
            defect_bytes: 64 << 10,
        }
    }
}

/// Takes what is found in a source, in document order.
///
/// Every method may stop the reading; [`read`] then returns
/// [`ReadError::Stopped`].
pub trait ResourceHandler {
    /// A document begins: called once for each, before its frames and
    /// defects. Directories of an archive are no documents.
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped>;

    /// A resource, or a Bundle entry that is none.
    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped>;

    /// Something that could not be cut into frames.
    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped>;
}

/// The sink wants no more; why is its own affair.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("the reading was stopped")]
pub struct Stopped;

/// One stream of bytes in a source: the file itself, or a member of an archive.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// Number in the file, in reading order, from 0; members of nested
    /// archives count on.
    pub member: u32,
    /// The member's path in the archive, control characters escaped; to be
    /// shown, never to be opened. Empty for a plain or gzip file.
    pub name: &'a str,
    pub format: DocumentFormat,
}

/// What a document is, told by its first value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DocumentFormat {
    /// One resource.
    Resource,
    /// A JSON array of resources.
    Array,
    /// One resource (or Bundle) a line.
    Ndjson,
    /// Several JSON values that span lines, one after the other.
    Sequence,
    /// One Bundle.
    Bundle,
    /// No FHIR, but a known companion of it: nothing is delivered.
    Companion(Companion),
    /// Nothing but blanks.
    Empty,
    /// Could not be told; a [`ReadDefect`] follows and says why.
    Unreadable,
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Payload {
    /// A resource to be loaded.
    Resource,
    /// A Bundle entry with `request.method` DELETE; `request.url` says of what.
    Delete,
    /// A Bundle entry with `request.method` PATCH.
    Patch,
    /// A Bundle entry that brings nothing: GET, HEAD, or without resource.
    None,
}

/// The `request` of a Bundle entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// As written; FHIR has upper case.
    pub method: Cow<'a, str>,
    /// As written; empty when it is missing.
    pub url: Cow<'a, str>,
}

/// The bytes of one resource (or one Bundle entry without) and where they stand.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The resource exactly as received, from `{` to `}`; for
    /// [`Payload::Delete`], [`Payload::Patch`] and [`Payload::None`] the
    /// whole entry.
    pub bytes: &'a [u8],
    pub payload: Payload,
    /// Number of the document, see [`Document::member`].
    pub member: u32,
    /// Offset of `bytes` in the document's stream, after decompression.
    pub offset: u64,
    pub location: Location,
    /// The order in which frames of this file take effect: from 1, unique
    /// over all its documents, not without gaps. Document order, but the
    /// entries of a history Bundle count from last to first (they are
    /// written newest first, <https://hl7.org/fhir/R4/http.html#history>) and those of
    /// a transaction DELETE before POST before PUT and PATCH before the rest
    /// (<https://hl7.org/fhir/R4/http.html#trules>).
    pub position: u64,
    /// `entry.fullUrl`.
    pub full_url: Option<Cow<'a, str>>,
    /// `entry.request`, when it has a method.
    pub request: Option<Request<'a>>,
    /// `entry.response.lastModified`, as written.
    pub last_modified: Option<Cow<'a, str>>,
    /// The (innermost) Bundle that the frame is an entry of.
    pub bundle: Option<&'a Arc<Bundle>>,
}

/// Something in a document that could not be cut into frames.
#[derive(Clone, Debug)]
pub struct ReadDefect<'a> {
    /// Number of the document, see [`Document::member`].
    pub member: u32,
    pub location: Location,
    /// Where the broken value begins in the document's stream.
    pub offset: u64,
    /// How many bytes were passed over, where that is known.
    pub length: Option<u64>,
    /// Where in the stream it was seen to be broken.
    pub detected_at: u64,
    pub reason: ReadDefectReason,
    /// Its bytes, or the first [`ReadLimits::defect_bytes`] of them; empty where
    /// they were not kept. May hold a patient's values.
    pub bytes: &'a [u8],
    /// The rest of the document could not be read.
    pub ends_document: bool,
}

/// Why something could not be cut into frames.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum ReadDefectReason {
    #[error("ends before its brackets and strings are closed; it may have been cut off on its way")]
    Truncated,
    #[error("broken JSON: expected {0}")]
    Expected(&'static str),
    #[error("broken JSON: more data after the end of the value")]
    Trailing,
    #[error("expected a JSON object, found {0}")]
    NotObject(&'static str),
    #[error("not JSON: begins with {0}")]
    NotJson(&'static str),
    #[error("larger than the limit of {0} bytes for one resource")]
    TooLarge(usize),
    #[error("nested deeper than the limit of {0} brackets")]
    TooDeep(u32),
    #[error("Bundles nested deeper than the limit of {0}")]
    BundleTooDeep(u8),
    #[error("the compressed data end too early; ask for the file again")]
    CompressedTruncated,
    #[error("the compressed data are damaged; ask for the file again")]
    CompressedDamaged,
    #[error("the checksum does not match; ask for the file again")]
    Checksum,
    #[error("encrypted; deliver it without a password")]
    Encrypted,
    #[error("compressed by method {0}; only stored, deflate and gzip are read")]
    UnsupportedCompression(String),
    #[error("archives nested deeper than the limit of {0}")]
    ArchiveTooDeep(u8),
    #[error("an archive inside an archive, larger than the limit of {0} bytes")]
    ArchiveTooLarge(u64),
    #[error("an archive that cannot be opened: {0}")]
    Archive(String),
    #[error(
        "the zip's directory does not list all that the zip holds: what begins at byte {0} of it is not loaded; \
         ask for the file again, or repair it (zip -FF)"
    )]
    Unlisted(u64),
}

/// Why a whole source could not be read, or not to its end.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("cannot open the file: {0}")]
    Open(#[source] io::Error),
    #[error("not a regular file")]
    NotAFile,
    #[error("cannot read the file: {0}")]
    Io(#[source] Arc<io::Error>),
    #[error("the file changed while it was read; it will be read again")]
    Changed,
    #[error("a zip archive that cannot be opened: {0}; ask for the file again")]
    Archive(String),
    #[error("the archive has more than {0} members; split it, or raise the limit")]
    TooManyMembers(u32),
    #[error(
        "unpacks to more than {ratio} times its size, which looks like an archive made to fill the disk; \
         raise the limit if it is a true delivery"
    )]
    Ratio { ratio: u64 },
    #[error("unpacks to more than {0} bytes; split it, or raise the limit")]
    Output(u64),
    #[error("cannot spool a nested archive to a temporary file: {0}")]
    Spool(#[source] io::Error),
    #[error("the file has no bytes {offset} to {end} in member {member}; it is not the file that was loaded")]
    NoSuchRange { member: u32, offset: u64, end: u64 },
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl ReadError {
    /// Whether the fault is not the file's: it may be read another time.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Io(_) | Self::Spool(_))
    }
}

/// Reads the file at `path` and gives every resource in it to `sink`.
///
/// Broken entries, lines and members go to [`ResourceHandler::defect`]; an error means
/// that the file could not be read to its end. Blocks; `path` must be a
/// regular file.
pub fn read(path: &Path, limits: &ReadLimits, sink: &mut dyn ResourceHandler) -> Result<(), ReadError> {
    read_file(open(path)?, limits, sink)
}

/// As [`read`], of a file that is open already, or of an object in a store.
/// A file's own read position is neither used nor moved, so a replaced path
/// does not matter.
pub fn read_file(
    file: impl ReadAt + 'static,
    limits: &ReadLimits,
    sink: &mut dyn ResourceHandler,
) -> Result<(), ReadError> {
    let mut next_position = 1;
    archive::walk(Box::new(file), limits, &mut |member| {
        document::read(member, limits, sink, &mut next_position)?;
        Ok(archive::Walk::Continue)
    })
}

/// The `length` bytes at `offset` of document `member` again, as a
/// [`Frame`] located them.
///
/// Errors with [`ReadError::NoSuchRange`] when they are not there, or are
/// more than [`ReadLimits::resource_bytes`].
pub fn read_range(
    path: &Path,
    limits: &ReadLimits,
    member: u32,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, ReadError> {
    read_range_of(open(path)?, limits, member, offset, length)
}

/// As [`read_range`], of a file that is open already, or of an object in a
/// store.
pub fn read_range_of(
    file: impl ReadAt + 'static,
    limits: &ReadLimits,
    member: u32,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, ReadError> {
    let missing = || ReadError::NoSuchRange { member, offset, end: offset.saturating_add(length) };
    let size = usize::try_from(length).ok().filter(|size| *size <= limits.resource_bytes);
    let size = size.ok_or_else(missing)?;
    let mut span = None;
    archive::walk(Box::new(file), limits, &mut |found| {
        if found.number < member {
            return Ok(archive::Walk::Continue);
        }
        if let Ok(opened) = found.content {
            span = opened.span(offset, size)?;
        }
        Ok(archive::Walk::Stop)
    })?;
    span.ok_or_else(missing)
}

/// Opens a regular file; asks first, because opening a FIFO would wait.
fn open(path: &Path) -> Result<File, ReadError> {
    if !path.metadata().map_err(ReadError::Open)?.is_file() {
        return Err(ReadError::NotAFile);
    }
    File::open(path).map_err(ReadError::Open)
}
