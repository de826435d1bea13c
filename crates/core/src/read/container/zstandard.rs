//! *Zstandard* (RFC 8878): a stream of one or several frames, of which each is
//! compressed data or skipped.

use std::io::{self, Cursor, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use thiserror::Error;

use super::compression::{ChecksumMismatch, Stream};

/// The largest window that a frame may ask for, which its decoder holds in
/// memory: what `zstd` accepts too unless told otherwise, and more than any level
/// of it uses.
const MAX_WINDOW_BYTES: u64 = 128 << 20;

/// Zstandard that no stream alone can be decoded of.
#[derive(Clone, Copy, Debug, Error)]
#[error("{0}")]
pub(super) struct UnsupportedFrame(pub &'static str);

/// Whether a stream with this beginning is Zstandard: a frame, or one that is
/// skipped.
pub(super) fn is_zstandard(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Decodes a stream to its end.
pub(super) struct ZstandardReader {
    source: Source,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

/// The compressed stream, which remembers why it could not be read.
struct Source {
    stream: Stream,
    is_at_end: bool,
    failed: Option<io::Error>,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            Ok(length) => {
                self.is_at_end |= length == 0 && !buffer.is_empty();
                Ok(length)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

impl ZstandardReader {
    pub fn new(stream: Stream) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES);
        let source = Source { stream, is_at_end: false, failed: None };
        ZstandardReader { source, decoder, is_in_frame: false }
    }

    /// Begins the next frame; false at the end of the stream.
    fn begin_frame(&mut self) -> io::Result<bool> {
        let mut first = [0];
        if self.source.read(&mut first)? == 0 {
            return Ok(false);
        }
        match self.decoder.reset(Cursor::new(first).chain(&mut self.source)) {
            Ok(()) => self.is_in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                let skipped = io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                if skipped < u64::from(length) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) => return Err(self.reason(&error)),
        }
        Ok(true)
    }

    /// Compares the checksum at the end of a frame, if it has one.
    fn end_frame(&mut self) -> io::Result<()> {
        self.is_in_frame = false;
        let expected = self.decoder.get_checksum_from_data();
        match expected.is_none() || expected == self.decoder.get_calculated_checksum() {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, ChecksumMismatch)),
        }
    }

    /// Why decoding failed: the stream itself, its end, or what it holds.
    fn reason(&mut self, error: &FrameDecoderError) -> io::Error {
        if let Some(failed) = self.source.failed.take() {
            return failed;
        }
        match error {
            _ if self.source.is_at_end => io::ErrorKind::UnexpectedEof.into(),
            FrameDecoderError::WindowSizeTooBig { .. } => {
                io::Error::other(UnsupportedFrame("Zstandard with a window of more than 128 MiB"))
            }
            FrameDecoderError::DictNotProvided { .. } => {
                io::Error::other(UnsupportedFrame("Zstandard and a dictionary"))
            }
            _ => io::ErrorKind::InvalidData.into(),
        }
    }
}

impl Read for ZstandardReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_in_frame {
                match self.begin_frame()? {
                    true => continue,
                    false => return Ok(0),
                }
            }
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if self.decoder.is_finished() {
                self.end_frame()?;
                continue;
            }
            let strategy = BlockDecodingStrategy::UptoBlocks(1);
            if let Err(error) = self.decoder.decode_blocks(&mut self.source, strategy) {
                return Err(self.reason(&error));
            }
        }
    }
}
