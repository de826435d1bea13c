//! A *companion* is a file that accompanies FHIR without being FHIR: the log
//! and the manifest of a bulk export, checksum files, file system markers.
//!
//! Companions are detected from content. The name decides only where the
//! content is inconclusive, and only inside archives.

use std::fmt;

/// The type of a companion file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Companion {
    /// NDJSON lines with `exportId` and `eventId`: the log of a bulk export.
    ExportLog,
    /// The manifest of a bulk export, an object with `transactionTime` and
    /// `output`: <https://hl7.org/fhir/uv/bulkdata/export.html#response---complete-status>.
    ExportManifest {
        /// `transactionTime` as written: the time of the exported state.
        transaction_time: Option<String>,
        /// `request` as written: the URL that the export was requested with.
        request: Option<String>,
    },
    /// A `.crc` file, as Hadoop writes next to each of its files.
    Checksum,
    /// A marker file of a program or file system, such as `.DS_Store` or `_SUCCESS`.
    Marker,
}

impl fmt::Display for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExportLog => "log of a bulk export",
            Self::ExportManifest { .. } => "manifest of a bulk export",
            Self::Checksum => "checksum file",
            Self::Marker => "file system marker",
        })
    }
}

/// First bytes of a Hadoop checksum file.
const CHECKSUM: &[u8] = b"crc\0";
/// First bytes of a `.DS_Store`.
const DESKTOP_STORE: &[u8] = b"\0\0\0\x01Bud1";
/// First bytes of an AppleDouble file (`._name`).
const APPLE_DOUBLE: &[u8] = b"\x00\x05\x16\x07";

/// Detects a companion from a document's first bytes and its name in an
/// archive (empty for a file that is not in one).
pub(super) fn detect(head: &[u8], name: &str) -> Option<Companion> {
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
    fn companions_are_detected_from_content_and_in_archives_from_names() {
        assert_eq!(detect(b"crc\0\0\0\x02\0", ""), Some(Companion::Checksum));
        assert_eq!(detect(b"\0\0\0\x01Bud1\0", ""), Some(Companion::Marker));
        assert_eq!(detect(b"", "out/_SUCCESS"), Some(Companion::Marker));
        assert_eq!(detect(b"x", "out/.Patient.ndjson.crc"), Some(Companion::Checksum));
        assert_eq!(detect(b"{}", "Patient.ndjson"), None);
    }
}
