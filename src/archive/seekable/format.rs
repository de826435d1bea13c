//! The bytes around the frames: the mark and the seek table. Numbers are little-endian.

use std::io;

use fhirmill_core::read::ReadAt;

use super::MOST_FRAME_BYTES;

/// How many bytes the head of a skipped frame has: magic number and length.
const SKIPPED_HEAD: usize = 8;
/// The skipped frame that is ours, of the sixteen magic numbers that anyone may use.
const MARK_MAGIC: u32 = 0x184D_2A5D;
/// What the mark begins with.
const MARK_NAME: &[u8; 16] = b"fhirmill archive";
/// The mark as a whole: head, name, size and SHA-256 of the content.
pub(super) const MARK_BYTES: usize = SKIPPED_HEAD + MARK_NAME.len() + 8 + 32;

/// The skipped frame of the seek table.
const TABLE_MAGIC: u32 = 0x184D_2A5E;
/// What ends the file.
const FOOT_MAGIC: u32 = 0x8F92_EAB1;
/// Number of entries, descriptor, magic number.
pub(super) const FOOT_BYTES: usize = 9;
/// Compressed and decompressed size.
const ENTRY_BYTES: usize = 8;

/// How many frames a file may have: content of 8 TiB.
const MOST_FRAMES: u32 = 1 << 24;

/// The sizes of one frame, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameEntry {
    /// Its first byte in the file.
    pub stored_at: u64,
    /// Its size in the file.
    pub stored: u32,
    /// Its first byte in the content.
    pub offset: u64,
    /// Its size in the content.
    pub size: u32,
}

/// What the mark says of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its size.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl Mark {
    /// The mark as a skipped frame.
    #[cfg_attr(not(feature = "compression"), expect(dead_code, reason = "only a writer needs it"))]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MARK_BYTES);
        bytes.extend(MARK_MAGIC.to_le_bytes());
        bytes.extend(((MARK_BYTES - SKIPPED_HEAD) as u32).to_le_bytes());
        bytes.extend(MARK_NAME);
        bytes.extend(self.size.to_le_bytes());
        bytes.extend(self.sha256);
        bytes
    }

    fn of(bytes: &[u8]) -> Option<Mark> {
        let rest = bytes.strip_prefix(&MARK_MAGIC.to_le_bytes())?;
        let rest = rest.strip_prefix(&((MARK_BYTES - SKIPPED_HEAD) as u32).to_le_bytes())?;
        let (size, sha256) = rest.strip_prefix(MARK_NAME)?.split_first_chunk::<8>()?;
        Some(Mark { size: u64::from_le_bytes(*size), sha256: sha256.try_into().ok()? })
    }
}

/// The seek table of frames with these compressed and decompressed sizes. The mark is one of them.
#[cfg_attr(not(feature = "compression"), expect(dead_code, reason = "only a writer needs it"))]
pub(super) fn table(sizes: &[(u32, u32)]) -> io::Result<Vec<u8>> {
    let too_many = || io::Error::new(io::ErrorKind::FileTooLarge, "the file is too large to be compressed");
    let count = u32::try_from(sizes.len() + 1).ok().filter(|count| *count < MOST_FRAMES);
    let count = count.ok_or_else(too_many)?;
    let mut bytes = Vec::with_capacity(SKIPPED_HEAD + count as usize * ENTRY_BYTES + FOOT_BYTES);
    bytes.extend(TABLE_MAGIC.to_le_bytes());
    bytes.extend((count * ENTRY_BYTES as u32 + FOOT_BYTES as u32).to_le_bytes());
    for (stored, size) in sizes.iter().chain(&[(MARK_BYTES as u32, 0)]) {
        bytes.extend(stored.to_le_bytes());
        bytes.extend(size.to_le_bytes());
    }
    bytes.extend(count.to_le_bytes());
    // No checksums in the table: each frame has its own.
    bytes.push(0);
    bytes.extend(FOOT_MAGIC.to_le_bytes());
    Ok(bytes)
}

/// How many bytes at the end of a file hold mark and seek table, by its last [`FOOT_BYTES`]; `None` if
/// that is no seek table that fhirmill has written.
pub(super) fn tail_bytes(foot: &[u8]) -> Option<u64> {
    let (count, rest) = foot.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count);
    let is_ours = rest[0] == 0 && rest[1..] == FOOT_MAGIC.to_le_bytes() && (1..MOST_FRAMES).contains(&count);
    let table = SKIPPED_HEAD as u64 + u64::from(count) * ENTRY_BYTES as u64 + FOOT_BYTES as u64;
    is_ours.then_some(MARK_BYTES as u64 + table)
}

/// The mark and the frames of a file of `stored` bytes, by its last [`tail_bytes`]. `None` if there is
/// no mark; an error if there is one, and the table contradicts it or the file.
pub(super) fn read_tail(tail: &[u8], stored: u64) -> io::Result<Option<(Mark, Vec<FrameEntry>)>> {
    let Some((mark, table)) = tail.split_at_checked(MARK_BYTES) else { return Ok(None) };
    let Some(mark) = Mark::of(mark) else { return Ok(None) };
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its seek table is damaged");
    let (head, entries) = table.split_at_checked(SKIPPED_HEAD).ok_or_else(damaged)?;
    let length = entries.len() as u32;
    if head[..4] != TABLE_MAGIC.to_le_bytes() || head[4..] != length.to_le_bytes() {
        return Err(damaged());
    }
    let entries = entries.get(..entries.len() - FOOT_BYTES).ok_or_else(damaged)?;
    let (entries, _) = entries.as_chunks::<ENTRY_BYTES>();
    let (_, entries) = entries.split_last().ok_or_else(damaged)?;
    let (mut frames, mut stored_at, mut offset) = (Vec::with_capacity(entries.len()), 0, 0);
    for [a, b, c, d, e, f, g, h] in entries {
        let (stored, size) = (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]));
        if size == 0 || size.max(stored) as usize > MOST_FRAME_BYTES {
            return Err(damaged());
        }
        frames.push(FrameEntry { stored_at, stored, offset, size });
        stored_at += u64::from(stored);
        offset += u64::from(size);
    }
    if offset != mark.size || stored_at + tail.len() as u64 != stored {
        return Err(damaged());
    }
    Ok(Some((mark, frames)))
}

/// Whether a file is worth compressing: it is neither empty nor compressed already.
pub fn gains(file: &dyn ReadAt) -> io::Result<bool> {
    let mut head = [0; 8];
    let length = file.read_at(&mut head, 0)?;
    Ok(length > 0 && !is_compressed(&head[..length]))
}

/// Whether a file that begins with these bytes is compressed: gzip, Zstandard, zip, bzip2 or xz.
fn is_compressed(head: &[u8]) -> bool {
    matches!(
        head,
        [0x1f, 0x8b, ..]
            | [0x28, 0xb5, 0x2f, 0xfd, ..]
            | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]
            | [b'P', b'K', 3 | 5 | 7, ..]
            | [b'B', b'Z', b'h', ..]
            | [0xfd, b'7', b'z', b'X', b'Z', ..]
    )
}

/// Whether a file may be one that fhirmill has compressed, by its size.
pub fn may_be_compressed(stored: u64) -> bool {
    stored > (MARK_BYTES + SKIPPED_HEAD + FOOT_BYTES) as u64
}
