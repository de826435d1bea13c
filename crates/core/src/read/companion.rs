//! A *companion* is a file that travels with FHIR and is none: the log and
//! the manifest of a bulk export, checksums and markers of file systems.
//!
//! Companions are told by content. By name only where the content says
//! nothing, and only inside archives.

use std::fmt;

/// What kind of companion a document is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Companion {
    /// NDJSON lines with `exportId` and `eventId`: the log of a bulk export.
    ExportLog,
    /// The manifest of a bulk export, an object with `transactionTime` and
    /// `output`: <https://hl7.org/fhir/uv/bulkdata/export.html#response---complete-status>.
    ExportManifest {
        /// `transactionTime` as written: the exported resources are of then.
        transaction_time: Option<String>,
    },
    /// A `.crc` file as Hadoop lays beside each of its files.
    Checksum,
    /// A marker of a program or file system, such as `.DS_Store` or `_SUCCESS`.
    Marker,
}

impl fmt::Display for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExportLog => "log of a bulk export",
            Self::ExportManifest { .. } => "manifest of a bulk export",
            Self::Checksum => "checksum file",
            Self::Marker => "marker of a file system",
        })
    }
}

/// First bytes of a Hadoop checksum file.
const CHECKSUM: &[u8] = b"crc\0";
/// First bytes of a `.DS_Store`.
const DESKTOP_STORE: &[u8] = b"\0\0\0\x01Bud1";
/// First bytes of an AppleDouble file (`._name`).
const APPLE_DOUBLE: &[u8] = b"\x00\x05\x16\x07";

/// The companion that a document's first bytes and its name in an archive
/// (empty for none) make it.
pub(super) fn of_document(head: &[u8], name: &str) -> Option<Companion> {
    if head.starts_with(CHECKSUM) {
        return Some(Companion::Checksum);
    }
    if head.starts_with(DESKTOP_STORE) || head.starts_with(APPLE_DOUBLE) {
        return Some(Companion::Marker);
    }
    let file_name = name.rsplit('/').next().unwrap_or(name);
    if file_name.ends_with(".crc") {
        return Some(Companion::Checksum);
    }
    match file_name {
        "_SUCCESS" | ".DS_Store" | "Thumbs.db" | "desktop.ini" => Some(Companion::Marker),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_are_told_by_content_and_in_archives_by_name() {
        assert_eq!(of_document(b"crc\0\0\0\x02\0", ""), Some(Companion::Checksum));
        assert_eq!(of_document(b"\0\0\0\x01Bud1\0", ""), Some(Companion::Marker));
        assert_eq!(of_document(b"", "out/_SUCCESS"), Some(Companion::Marker));
        assert_eq!(of_document(b"x", "out/.Patient.ndjson.crc"), Some(Companion::Checksum));
        assert_eq!(of_document(b"{}", "Patient.ndjson"), None);
    }
}
