//! *Seekable* files: archived files that are compressed at rest and can still be read at any offset.
//!
//! The format is that of `contrib/seekable_format` of Zstandard: frames that each hold
//! [`FRAME_BYTES`] of content, and at the end a table of their sizes in a frame that decoders skip.
//! So `zstd -d` and `zstdcat` read these files, too. Before the table is another skipped frame, the
//! *mark*: it tells files that fhirmill has compressed from those that a sender has, and holds the
//! size and the SHA-256 of the content.

mod format;
mod frame;
mod reader;
mod writer;

pub(super) use format::gains;
#[cfg(feature = "storage")]
pub(super) use reader::sha256_of;
pub(super) use reader::{SeekableReader, Sequential};
pub(super) use writer::{Compressed, compress};

/// What is appended to the name of a file that is compressed.
pub(super) const ENDING: &str = ".zst";

/// How much content a frame holds: what has to be decompressed to read one record.
const FRAME_BYTES: usize = 512 << 10;
/// How much a frame may hold, whoever wrote it.
const MOST_FRAME_BYTES: usize = 16 << 20;

#[cfg(all(test, feature = "compression"))]
mod tests {
    use std::io::Read;

    use fhirmill_core::read::ReadAt;
    use pretty_assertions::assert_eq;
    use sha2::{Digest, Sha256};

    use super::*;

    /// Content that compresses, of that size.
    fn content(size: usize) -> Vec<u8> {
        let line = |number: usize| format!("{{\"resourceType\":\"Patient\",\"id\":\"{number}\"}}\n");
        let mut bytes: Vec<u8> = (0..).flat_map(|number| line(number).into_bytes()).take(size).collect();
        bytes.truncate(size);
        bytes
    }

    fn compressed(content: &[u8]) -> Vec<u8> {
        let mut to = Vec::new();
        let done = compress(&mut &content[..], &mut to).expect("compressed");
        assert_eq!((done.size, done.stored), (content.len() as u64, to.len() as u64));
        assert_eq!(done.sha256[..], Sha256::digest(content)[..]);
        to
    }

    fn opened(bytes: Vec<u8>) -> SeekableReader {
        SeekableReader::open(Box::new(bytes)).expect("read").expect("a seekable file")
    }

    #[test]
    fn every_offset_can_be_read_and_zstd_reads_the_whole() {
        for size in [1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES + 7] {
            let content = content(size);
            let stored = compressed(&content);
            assert_eq!(zstd::decode_all(&stored[..]).expect("decoded"), content);
            let reader = opened(stored);
            assert_eq!(reader.size().expect("a size"), size as u64);
            for offset in [0, 1, size / 2, FRAME_BYTES - 1, FRAME_BYTES, size - 1, size, size + 1] {
                let mut buffer = vec![0; 1000];
                let read = reader.read_at(&mut buffer, offset as u64).expect("read");
                let rest = content.get(offset..).unwrap_or_default();
                assert_eq!(read == 0, rest.is_empty(), "{offset} of {size}");
                assert_eq!(buffer[..read], rest[..read]);
            }
        }
    }

    #[test]
    fn the_decoder_of_a_build_without_the_feature_reads_the_same() {
        let content = content(FRAME_BYTES + 1);
        let stored = zstd::bulk::compress(&content, 3).expect("compressed");
        assert_eq!(frame::decompress_without_zstd(&stored, content.len()).expect("decoded"), content);
        assert!(frame::decompress_without_zstd(&stored, content.len() - 1).is_err());
        assert!(frame::decompress_without_zstd(&stored[..stored.len() / 2], content.len()).is_err());
    }

    #[test]
    fn other_files_are_not_taken_for_seekable_ones() {
        let plain = content(100_000);
        for other in [Vec::new(), plain.clone(), zstd::encode_all(&plain[..], 3).expect("compressed")] {
            assert!(SeekableReader::open(Box::new(other)).expect("read").is_none());
        }
    }

    #[test]
    fn damage_is_an_error_and_never_other_content() {
        let size = 3000;
        let (content, stored) = (content(size), compressed(&content(size)));
        let read = |bytes: Vec<u8>| {
            let reader = SeekableReader::open(Box::new(bytes)).ok()??;
            let mut all = Vec::new();
            Sequential::new(&reader).take(2 * size as u64).read_to_end(&mut all).ok()?;
            Some(all)
        };
        let mut unnoticed = 0;
        for at in 0..stored.len() {
            let mut bytes = stored.clone();
            bytes[at] ^= 0x55;
            if let Some(all) = read(bytes) {
                assert!(all == content, "byte {at}");
                unnoticed += 1;
            }
        }
        // The hash in the mark, and what a frame may say or not about its window.
        assert!(unnoticed < 64, "{unnoticed} of {}", stored.len());
        for length in 0..stored.len() {
            assert_eq!(read(stored[..length].to_vec()), None, "cut to {length}");
        }
    }
}
