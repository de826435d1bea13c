//! Settings of what is *kept*, in which form, and for how long.

use std::time::Duration;

use super::check::Check;
use super::values;

/// How files are kept in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveCompression {
    /// As they were sent.
    None,
    /// Compressed in frames, so that each record can be read by itself.
    Zstd,
}

/// How long things are kept; `None`: for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepSettings {
    /// Loaded files, in the archive.
    pub archive: Option<Duration>,
    /// Whether those that hold the current version of a resource stay all the same.
    pub current: bool,
    /// Rejected files with their reports, and the text of rejected records.
    pub rejects: Option<Duration>,
    /// Rows of the ledger that nothing needs any more.
    pub ledger: Option<Duration>,
}

impl Check<'_> {
    /// What ARCHIVE_KEEP, ARCHIVE_KEEP_CURRENT, REJECTS_KEEP and LEDGER_KEEP say.
    pub(super) fn keep(&mut self) -> Option<KeepSettings> {
        let archive = self.value("ARCHIVE_KEEP", values::retention);
        let current = self.value("ARCHIVE_KEEP_CURRENT", values::true_or_false);
        let rejects = self.value("REJECTS_KEEP", values::retention);
        let ledger = self.value("LEDGER_KEEP", values::retention);
        Some(KeepSettings { archive: archive?, current: current?, rejects: rejects?, ledger: ledger? })
    }

    /// What ARCHIVE_COMPRESSION says, if this build can do it.
    pub(super) fn archive_compression(&mut self) -> Option<ArchiveCompression> {
        let compression = self.value("ARCHIVE_COMPRESSION", values::archive_compression);
        if compression == Some(ArchiveCompression::Zstd) && !cfg!(feature = "compression") {
            self.complain_of(
                "ARCHIVE_COMPRESSION",
                "is zstd, but this fhirmill was built without the feature `compression`; it reads compressed \
                 files all the same",
            );
        }
        compression
    }
}
