//! A *source file* is whatever a sender dropped: plain, gzip or zip, and in it
//! one resource, an array, NDJSON or Bundles, nested as they like. This module
//! cuts it into *frames*: the bytes of one resource each, exactly as received,
//! with what its Bundle says about it.
//!
//! What a file is, is told by its content, never by its name. Memory stays
//! flat whatever the file's size: a document is held whole only up to
//! `Limits::memory_document_bytes`, and a single resource only up to
//! `Limits::resource_bytes`. Framing checks brackets and quotes; whether a
//! frame is JSON is for its parser to say.

mod bundle;
mod document;
mod full_url;
mod open;
mod scan;
mod stream;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

pub use bundle::Bundle;
pub use full_url::FullUrlIndex;
pub use open::read_span;

/// What a file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest resource.
    pub resource_bytes: usize,
    /// The longest document that is held in memory whole.
    pub memory_document_bytes: usize,
    /// The most members of one archive.
    pub archive_members: usize,
    /// The most bytes that an archive may become.
    pub archive_bytes: u64,
    /// How many times longer than its compressed bytes content may be.
    pub archive_ratio: u64,
    /// How deep archives may stand in archives.
    pub archive_depth: usize,
    /// How deep Bundles may stand in Bundles.
    pub bundle_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            resource_bytes: 64 << 20,
            memory_document_bytes: 8 << 20,
            archive_members: 100_000,
            archive_bytes: 1 << 40,
            archive_ratio: 200,
            archive_depth: 3,
            bundle_depth: 8,
        }
    }
}

/// What a document was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Resource,
    Array,
    Ndjson,
    Bundle,
    /// The log of a bulk export.
    ExportLog,
    /// The manifest of a bulk export.
    ExportManifest,
    /// A checksum file, as Hadoop writes beside its output.
    Checksum,
    Empty,
}

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Form::Resource => "resource",
            Form::Array => "array",
            Form::Ndjson => "NDJSON",
            Form::Bundle => "Bundle",
            Form::ExportLog => "log of a bulk export",
            Form::ExportManifest => "manifest of a bulk export",
            Form::Checksum => "checksum",
            Form::Empty => "empty",
        }
    }

    /// Whether it accompanies FHIR data and is none itself.
    pub fn is_companion(self) -> bool {
        matches!(self, Form::ExportLog | Form::ExportManifest | Form::Checksum | Form::Empty)
    }
}

/// One document: the file itself, or a member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Counted from 0 over the whole file.
    pub member: u32,
    /// Its name within the archive; empty for a plain file.
    pub name: String,
    pub form: Form,
}

/// Where a frame stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// The document's only value, or the value with that number.
    Value(u64),
    Line(u64),
    Item(u64),
    /// Numbers of the entry in its Bundle, of that Bundle's entry, …, from 1.
    Entry(Vec<u64>),
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Value(1) => out.write_str("the document"),
            Location::Value(number) => write!(out, "value {number}"),
            Location::Line(number) => write!(out, "line {number}"),
            Location::Item(number) => write!(out, "item {number}"),
            Location::Entry(numbers) => {
                out.write_str("entry ")?;
                for (index, number) in numbers.iter().enumerate() {
                    if index > 0 {
                        out.write_str(".")?;
                    }
                    write!(out, "{number}")?;
                }
                Ok(())
            }
        }
    }
}

/// What a frame asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A resource to keep.
    Resource,
    /// `DELETE` of what that URL names.
    Delete(String),
    /// A change that only the sender's server can carry out.
    Patch,
    /// An entry without a resource: GET, HEAD, or nothing.
    Nothing,
}

/// The bytes of one resource, or of an entry that has none.
#[derive(Clone, Debug)]
pub struct Frame<'f> {
    pub bytes: &'f [u8],
    pub content: Content,
    /// The document that it stands in.
    pub member: u32,
    /// Of `bytes`, in the decompressed document.
    pub offset: u64,
    pub location: Location,
    /// Unique in the file, from 1: the order in which records take effect.
    /// Document order, but for history Bundles, which run newest first, and
    /// transactions, where DELETE goes before POST before PUT
    /// (<https://hl7.org/fhir/R4/http.html#trules>).
    pub position: u64,
    pub full_url: Option<&'f str>,
    /// `entry.response.lastModified`.
    pub last_modified: Option<&'f str>,
    pub bundle: Option<&'f Arc<Bundle>>,
}

/// Why a stretch of a document is no frame.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DefectReason {
    #[error("the document ends in the middle of a value")]
    Truncated,
    #[error("brackets or quotes do not match")]
    Unbalanced,
    #[error("longer than the limit for one resource (MAX_RESOURCE_BYTES)")]
    TooLarge,
    #[error("not JSON: the document is {0}")]
    NotJson(&'static str),
    #[error("Bundles are nested too deep")]
    TooDeep,
}

impl DefectReason {
    /// A word for counting and filtering.
    pub fn word(self) -> &'static str {
        match self {
            DefectReason::Truncated => "truncated",
            DefectReason::Unbalanced => "unbalanced",
            DefectReason::TooLarge => "too_large",
            DefectReason::NotJson(_) => "not_json",
            DefectReason::TooDeep => "too_deep",
        }
    }
}

/// What could not be framed.
#[derive(Clone, Debug)]
pub struct Defect<'f> {
    pub reason: DefectReason,
    pub member: u32,
    pub offset: u64,
    pub location: Location,
    pub position: u64,
    /// The beginning of its bytes, at most 64 KiB.
    pub bytes: &'f [u8],
}

/// The receiver of a file's frames. Any method may stop the reading with its
/// own error.
pub trait Sink {
    type Error;

    /// A document begins. Its frames follow.
    fn document(&mut self, document: &Document) -> Result<(), Self::Error>;
    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Self::Error>;
    fn defect(&mut self, defect: Defect<'_>) -> Result<(), Self::Error>;
}

/// Why a file cannot be read further.
#[derive(Debug, Error)]
pub enum SourceError<E> {
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Sink(E),
}

/// Why an archive cannot be read further.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ArchiveError {
    #[error("the gzip data of {0} are damaged or end too early; ask the sender for the file again")]
    DamagedGzip(String),
    #[error("the zip archive {0} is damaged or ends too early; ask the sender for the file again")]
    DamagedZip(String),
    #[error("{0} is encrypted; ask the sender for it without a password")]
    Encrypted(String),
    #[error("{0} is packed in a way that is not supported; use deflate or store")]
    UnsupportedMethod(String),
    #[error("{0} has more members than MAX_ARCHIVE_MEMBERS allows")]
    TooManyMembers(String),
    #[error("{0} grows beyond what MAX_ARCHIVE_RATIO or MAX_ARCHIVE_BYTES allow; it may be a bomb")]
    TooLarge(String),
    #[error("{0} holds archives in archives deeper than is opened")]
    TooDeep(String),
}

/// Reads the file and gives its frames to `sink`, document after document.
pub fn read<S: Sink>(path: &Path, limits: &Limits, sink: &mut S) -> Result<(), SourceError<S::Error>> {
    let mut counters = document::Counters::default();
    open::each_document(path, limits, &mut |opened| document::read(opened, limits, &mut counters, sink))
}

/// The resource type that the JSON object states, read by its brackets alone.
pub fn resource_type(bytes: &[u8]) -> Option<&str> {
    bundle::Head::read(bytes).resource_type
}
