//! A *document* is one stream of bytes that contains FHIR: a plain or gzip
//! file, or one member of an archive.

use super::companion::Companion;

/// One stream of bytes in a file: the file itself, or a member of an archive.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// Number in the file, in reading order, from 0. Members of nested
    /// archives are counted in the same sequence.
    pub member: u32,
    /// Path of the member in the archive with control characters escaped, for
    /// display only. Empty for a plain or gzip file.
    pub name: &'a str,
    /// What the document contains.
    pub format: DocumentFormat,
}

/// What a document contains, detected from its first value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DocumentFormat {
    /// One resource.
    Resource,
    /// A JSON array of resources and Bundles.
    Array,
    /// One resource or Bundle per line.
    Ndjson,
    /// Several concatenated JSON values that span lines.
    Sequence,
    /// One Bundle.
    Bundle,
    /// A known companion file of an export, without FHIR; it has no frames.
    Companion(Companion),
    /// Nothing but whitespace.
    Empty,
    /// Not detectable; a [`ReadDefect`](super::ReadDefect) follows and says why.
    Unreadable,
}

impl DocumentFormat {
    /// What people call it.
    pub fn name(&self) -> &'static str {
        match self {
            DocumentFormat::Resource => "resource",
            DocumentFormat::Array => "array",
            DocumentFormat::Ndjson => "NDJSON",
            DocumentFormat::Sequence => "sequence of resources",
            DocumentFormat::Bundle => "Bundle",
            DocumentFormat::Companion(Companion::ExportLog) => "log of a bulk export",
            DocumentFormat::Companion(Companion::ExportManifest { .. }) => "manifest of a bulk export",
            DocumentFormat::Companion(Companion::Checksum) => "checksum",
            DocumentFormat::Companion(Companion::Marker) => "marker",
            DocumentFormat::Empty => "empty",
            DocumentFormat::Unreadable => "unreadable",
        }
    }
}
