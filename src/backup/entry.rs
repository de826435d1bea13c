//! The *entries* of a backup's list of files.

use serde::{Deserialize, Serialize};

/// Where a file belongs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// In the archive.
    Archive,
    /// In the rejects.
    Rejects,
    /// In the inbox: it was being loaded when the picture was taken.
    Inbox,
}

/// A file that belongs to a backup.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Where it belongs.
    pub area: Area,
    /// Its location there, escaped.
    pub location: String,
    /// The hash that the ledger has of it; of a report, that of its bytes.
    pub sha256: String,
    /// How many bytes it takes in the archive.
    pub bytes: u64,
    /// Whether it is compressed there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_compressed: bool,
    /// The hash of these bytes.
    pub stored_sha256: String,
}

impl FileEntry {
    /// Its path in the target: equal contents share it.
    pub fn path(&self) -> String {
        path_of(&self.sha256, self.bytes, self.is_compressed)
    }
}

/// The path in the target of a file with this hash that takes so many bytes.
pub fn path_of(sha256: &str, bytes: u64, is_compressed: bool) -> String {
    let ending = if is_compressed { ".zst" } else { "" };
    format!("{FILES}/{}/{sha256}-{bytes}{ending}", sha256.get(..2).unwrap_or("00"))
}

/// The folder of the target that has the files of all backups.
pub const FILES: &str = "files";

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The hash that these digits are.
pub fn hash_of(digits: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (number, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * number..2 * number + 2], 16).ok()?;
    }
    Some(hash)
}
