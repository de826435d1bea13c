//! One *frame*: compressed by the library of Zstandard itself, which a build with the feature
//! `compression` has; and decompressed by it, or by the decoder that reads what senders compress.

use std::io;

/// The content of a frame, which must have exactly that size.
pub(super) fn decompress(frame: &[u8], size: usize) -> io::Result<Vec<u8>> {
    #[cfg(feature = "compression")]
    let content = zstd::bulk::decompress(frame, size)?;
    #[cfg(not(feature = "compression"))]
    let content = decompress_without_zstd(frame, size)?;
    if content.len() == size { Ok(content) } else { Err(damaged()) }
}

/// The same, by a decoder that every build has.
#[cfg(any(test, not(feature = "compression")))]
pub(super) fn decompress_without_zstd(frame: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let mut decoder = ruzstd::decoding::FrameDecoder::new();
    decoder.set_max_window_size(super::MOST_FRAME_BYTES as u64);
    let mut content = vec![0; size];
    let decoded = decoder.decode_all(frame, &mut content).map_err(|_| damaged())?;
    let expected = decoder.get_checksum_from_data();
    if decoded != size || expected.is_some() && expected != decoder.get_calculated_checksum() {
        return Err(damaged());
    }
    Ok(content)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a compressed part of it is damaged")
}
