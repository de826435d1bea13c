//! A *read defect* is a part of a document that could not be cut into frames.
//! It costs only itself: reading continues after it where possible.

use thiserror::Error;

use super::location::Location;

/// A part of a document that could not be cut into frames.
#[derive(Clone, Debug)]
pub struct ReadDefect<'a> {
    /// Number of the document, see [`Document::member`](super::Document::member).
    pub member: u32,
    /// Line, item or entry of the broken value.
    pub location: Location,
    /// Offset of the broken value in the document's unpacked stream.
    pub offset: u64,
    /// Number of bytes skipped, where known.
    pub length: Option<u64>,
    /// Offset in the stream at which the defect was detected.
    pub detected_at: u64,
    /// What is wrong.
    pub reason: ReadDefectReason,
    /// The broken value, or its first
    /// [`ReadLimits::defect_bytes`](super::ReadLimits::defect_bytes) bytes;
    /// empty when they are no longer in memory. May contain patient data.
    pub bytes: &'a [u8],
    /// Whether the rest of the document could not be read.
    pub ends_document: bool,
}

/// Why a part of a document could not be cut into frames.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum ReadDefectReason {
    /// The document or line ends inside a value.
    #[error("ends before its brackets and strings are closed; it was probably truncated in transit")]
    Truncated,
    /// Not what JSON's grammar allows here; names what it does allow.
    #[error("invalid JSON: expected {0}")]
    Expected(&'static str),
    /// Something other than a value follows a value.
    #[error("invalid JSON: unexpected data after the end of the value")]
    Trailing,
    /// A JSON value of another type; names the type.
    #[error("expected a JSON object, found {0}")]
    NotObject(&'static str),
    /// An entry of a Bundle with neither a resource nor a request nor a response,
    /// but with something else in it.
    #[error("a Bundle entry without a resource")]
    NoResource,
    /// Not JSON at all; describes the first bytes.
    #[error("not JSON: starts with {0}")]
    NotJson(&'static str),
    /// XML; says of which kind.
    #[error("{0}, which is not read; ask the sender for FHIR R4 as JSON or NDJSON")]
    Xml(&'static str),
    /// Larger than [`ReadLimits::resource_bytes`](super::ReadLimits::resource_bytes).
    #[error("larger than the limit of {0} bytes per resource")]
    TooLarge(usize),
    /// Deeper than [`ReadLimits::json_depth`](super::ReadLimits::json_depth).
    #[error("nested deeper than the limit of {0} brackets")]
    TooDeep(u32),
    /// Deeper than [`ReadLimits::bundle_nesting`](super::ReadLimits::bundle_nesting).
    #[error("Bundles nested deeper than the limit of {0}")]
    BundleTooDeep(u8),
    /// A gzip, deflate or Zstandard stream without its end.
    #[error("the compressed data end too early; request the file again")]
    CompressedTruncated,
    /// A gzip, deflate or Zstandard stream that does not decode.
    #[error("the compressed data are damaged; request the file again")]
    CompressedDamaged,
    /// The CRC-32 of a zip member does not match its content.
    #[error("the checksum does not match; request the file again")]
    Checksum,
    /// A zip member with a password.
    #[error("encrypted; send it without a password")]
    Encrypted,
    /// A zip member compressed by another method; names the method.
    #[error("compressed with {0}; only stored, deflate, Zstandard and gzip are supported")]
    UnsupportedCompression(String),
    /// A tar archive that ends within a member, or without its end mark.
    #[error("the archive ends too early; request the file again")]
    ArchiveTruncated,
    /// Deeper than [`ReadLimits::archive_nesting`](super::ReadLimits::archive_nesting).
    #[error("archives nested deeper than the limit of {0}")]
    ArchiveTooDeep(u8),
    /// Larger than [`ReadLimits::nested_archive_bytes`](super::ReadLimits::nested_archive_bytes).
    #[error("a nested archive larger than the limit of {0} bytes")]
    ArchiveTooLarge(u64),
    /// A nested zip archive without a usable directory, or a damaged tar archive.
    #[error("an archive that cannot be opened: {0}")]
    Archive(String),
    /// A zip archive contains a member that its directory does not list;
    /// gives the member's offset in the archive.
    #[error(
        "the zip directory does not list everything in the archive: the data at byte {0} were not loaded; \
         request the file again or repair it (zip -FF)"
    )]
    Unlisted(u64),
}

impl ReadDefectReason {
    /// A stable code, for counting and filtering.
    pub fn code(&self) -> &'static str {
        match self {
            ReadDefectReason::Truncated
            | ReadDefectReason::CompressedTruncated
            | ReadDefectReason::ArchiveTruncated => "truncated",
            ReadDefectReason::Xml(_) => "xml",
            ReadDefectReason::Expected(_) | ReadDefectReason::Trailing => "unbalanced",
            ReadDefectReason::NotObject(_) | ReadDefectReason::NotJson(_) => "not_json",
            ReadDefectReason::NoResource => "no_resource",
            ReadDefectReason::TooLarge(_) | ReadDefectReason::ArchiveTooLarge(_) => "too_large",
            ReadDefectReason::TooDeep(_)
            | ReadDefectReason::BundleTooDeep(_)
            | ReadDefectReason::ArchiveTooDeep(_) => "too_deep",
            ReadDefectReason::CompressedDamaged
            | ReadDefectReason::Checksum
            | ReadDefectReason::Archive(_)
            | ReadDefectReason::Unlisted(_) => "damaged",
            ReadDefectReason::Encrypted => "encrypted",
            ReadDefectReason::UnsupportedCompression(_) => "unsupported_compression",
        }
    }
}
