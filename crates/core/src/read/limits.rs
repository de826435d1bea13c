//! *Read limits* bound the memory, time and disk space that one file may use.

use super::location::Location;

/// Limits for reading one file.
#[derive(Clone, Debug)]
pub struct ReadLimits {
    /// Largest resource, including its Bundle entry, in bytes. Also the
    /// largest Bundle nested in another Bundle.
    pub resource_bytes: usize,
    /// Bundles up to this size, in bytes, are held in memory; larger ones are
    /// read twice.
    pub memory_document_bytes: usize,
    /// Maximum number of documents in all archives of one file together.
    pub archive_members: u32,
    /// Maximum ratio of unpacked to compressed size of a file.
    pub archive_ratio: u64,
    /// Unpacked size, in bytes, below which the ratio is not checked.
    pub archive_ratio_free_bytes: u64,
    /// Maximum unpacked size of a compressed file, in bytes.
    pub archive_output_bytes: u64,
    /// Maximum nesting of archives; a gzip file in a zip archive is 2.
    pub archive_nesting: u8,
    /// Largest zip archive inside another archive, in bytes. Such an archive
    /// is spooled to a temporary file.
    pub nested_archive_bytes: u64,
    /// Maximum nesting of Bundles; values above [`Location::MAX_DEPTH`] count
    /// as that.
    pub bundle_nesting: u8,
    /// Maximum nesting of brackets in one resource.
    pub json_depth: u32,
    /// Maximum size of one read from the file, in bytes.
    pub read_bytes: usize,
    /// Maximum number of bytes that a [`ReadDefect`](super::ReadDefect)
    /// carries of a value without an end or above `resource_bytes`.
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

impl ReadLimits {
    /// Maximum nesting of Bundles that a [`Location`] can also describe.
    pub(super) fn max_bundle_depth(&self) -> usize {
        usize::from(self.bundle_nesting).min(Location::MAX_DEPTH)
    }
}
