//! A *tar archive* (POSIX.1-2017, pax; GNU's long names and large sizes): one
//! header after the other, each followed by its member's bytes. There is no
//! directory, so the archive is walked from front to back: by jumping, if it is
//! not compressed, and otherwise along the stream, which is decoded once.
//!
//! Folders, links, devices and pipes hold no FHIR and are passed over.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use tar::{Header, PaxExtensions};

use super::compression::Stream;
use super::part::CutShort;
use super::section::SectionReader;

/// Size of a header, to a multiple of which members are padded.
pub(super) const BLOCK_BYTES: usize = 512;
/// Largest long name or set of pax records that is read.
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// A member with content.
pub(super) struct TarMember {
    pub name: String,
    pub offset: u64,
    pub length: u64,
    /// It can only be read by what else is known of it.
    pub is_sparse: bool,
}

/// What stands at a header's place.
pub(super) enum TarEntry {
    Member(TarMember),
    /// Something without content.
    Other,
    /// The end of the archive.
    End,
}

/// Why an archive cannot be walked further.
pub(super) enum TarError {
    /// The bytes are not read, or end within the archive.
    Stream(io::Error),
    /// No header stands where one should.
    Damaged,
}

impl From<io::Error> for TarError {
    fn from(error: io::Error) -> Self {
        TarError::Stream(error)
    }
}

/// Whether a stream with this beginning is a tar archive: the first header has a
/// valid checksum.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.first_chunk().is_some_and(|block: &[u8; BLOCK_BYTES]| is_header(block))
}

fn is_header(block: &[u8; BLOCK_BYTES]) -> bool {
    // The checksum is that of the header with blanks in its place.
    let place = 148..156;
    let sum = |byte: fn(u8) -> i64| -> i64 {
        (0..).zip(block).map(|(at, value)| byte(if place.contains(&at) { b' ' } else { *value })).sum()
    };
    let Ok(written) = Header::from_byte_slice(block).cksum() else { return false };
    let written = i64::from(written);
    // Old programs add signed bytes.
    block[0] != 0 && (sum(i64::from) == written || sum(|byte| i64::from(byte as i8)) == written)
}

/// Where the bytes of an archive come from.
pub(super) enum TarSource {
    Section(SectionReader),
    Stream(SharedStream),
}

/// A stream that the archive and the member that is being read share.
#[derive(Clone)]
pub(super) struct SharedStream(Arc<Mutex<(Stream, u64)>>);

impl SharedStream {
    pub fn new(stream: Stream) -> Self {
        SharedStream(Arc::new(Mutex::new((stream, 0))))
    }

    fn offset(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

impl Read for SharedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (stream, offset) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = stream.read(buffer)?;
        *offset += length as u64;
        Ok(length)
    }
}

/// Walks an archive.
pub(super) struct TarWalker {
    source: TarSource,
    /// Offset of the next header.
    next: u64,
    /// What extended headers say of the next member.
    long_name: Option<Vec<u8>>,
    pax_size: Option<u64>,
    pax_is_sparse: bool,
}

impl TarWalker {
    pub fn new(source: TarSource) -> Self {
        TarWalker { source, next: 0, long_name: None, pax_size: None, pax_is_sparse: false }
    }

    /// The next entry.
    pub fn next(&mut self) -> Result<TarEntry, TarError> {
        let Some(block) = self.next_block()? else { return Ok(TarEntry::End) };
        if !is_header(&block) {
            return Err(TarError::Damaged);
        }
        let header = Header::from_byte_slice(&block);
        let written = header.entry_size().map_err(|_| TarError::Damaged)?;
        let kind = header.as_old().linkflag[0];
        match kind {
            b'L' | b'x' => {
                let record = self.record(written)?;
                match kind {
                    b'L' => self.long_name = Some(until_nul(&record).to_vec()),
                    _ => self.pax(&record),
                }
                return Ok(TarEntry::Other);
            }
            b'K' | b'g' => {
                self.advance(written);
                return Ok(TarEntry::Other);
            }
            _ => {}
        }
        let name = self.long_name.take().unwrap_or_else(|| header.path_bytes().into_owned());
        let size = self.pax_size.take().unwrap_or(written);
        let is_sparse = std::mem::take(&mut self.pax_is_sparse) || kind == b'S';
        let offset = self.next;
        // Links and devices have no bytes, whatever size they state.
        let has_bytes = !matches!(kind, b'2'..=b'6');
        if has_bytes {
            self.advance(size);
        }
        let is_folder = kind == 0 && name.ends_with(b"/");
        if matches!(kind, b'1'..=b'6' | b'D' | b'V') || is_folder {
            return Ok(TarEntry::Other);
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        Ok(TarEntry::Member(TarMember { name, offset, length: size, is_sparse }))
    }

    /// The bytes of a member.
    pub fn shared(&self) -> Option<&SharedStream> {
        match &self.source {
            TarSource::Stream(stream) => Some(stream),
            TarSource::Section(_) => None,
        }
    }

    /// The next block that is not empty; `None` at the end. Archives that were
    /// concatenated have empty blocks between them.
    fn next_block(&mut self) -> Result<Option<[u8; BLOCK_BYTES]>, TarError> {
        let mut has_end = false;
        loop {
            let mut block = [0; BLOCK_BYTES];
            match self.read_at_next(&mut block)? {
                BLOCK_BYTES => self.next += BLOCK_BYTES as u64,
                0 if has_end => return Ok(None),
                length if has_end && block[..length].iter().all(|byte| *byte == 0) => return Ok(None),
                _ => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, CutShort).into()),
            }
            if block.iter().any(|byte| *byte != 0) {
                return Ok(Some(block));
            }
            has_end = true;
        }
    }

    /// The bytes of an extended header.
    fn record(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > MAX_RECORD_BYTES {
            return Err(TarError::Damaged);
        }
        let mut record = vec![0; size as usize];
        if self.read_at_next(&mut record)? < record.len() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, CutShort).into());
        }
        self.advance(size);
        Ok(record)
    }

    /// Notes what the pax records say of the next member.
    fn pax(&mut self, record: &[u8]) {
        for (key, value) in
            PaxExtensions::new(record).flatten().map(|pax| (pax.key_bytes(), pax.value_bytes()))
        {
            match key {
                b"path" => self.long_name = Some(value.to_vec()),
                b"size" => self.pax_size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok()),
                key => self.pax_is_sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
    }

    /// Moves behind content of that size and its padding.
    fn advance(&mut self, size: u64) {
        let block = BLOCK_BYTES as u64;
        self.next = self.next.saturating_add(size).checked_next_multiple_of(block).unwrap_or(u64::MAX);
    }

    /// Fills the buffer with what stands at the next header's place; gives how much
    /// of it there is.
    fn read_at_next(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        match &mut self.source {
            TarSource::Section(section) => {
                if self.next >= section.length() {
                    // Padding of the last member may be missing; more may not.
                    return match self.next - section.length() {
                        0 => Ok(0),
                        _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, CutShort)),
                    };
                }
                section.seek(SeekFrom::Start(self.next))?;
                fill(section, buffer, &mut filled)?;
            }
            TarSource::Stream(stream) => {
                let skip = self.next.saturating_sub(stream.offset());
                let skipped = io::copy(&mut stream.clone().take(skip), &mut io::sink())?;
                if skipped < skip {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, CutShort));
                }
                fill(stream, buffer, &mut filled)?;
            }
        }
        Ok(filled)
    }
}

fn fill(stream: &mut impl Read, buffer: &mut [u8], filled: &mut usize) -> io::Result<()> {
    while *filled < buffer.len() {
        match stream.read(&mut buffer[*filled..]) {
            Ok(0) => break,
            Ok(length) => *filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
