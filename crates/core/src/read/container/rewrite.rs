//! *Rewriting* a file: bytes of its documents are replaced by as many others, in a copy. A
//! container is packed anew with the same members in the same order, so that every document
//! keeps its number and every byte its offset in its document.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, FrameCompressor};
use tar::Header;
use zip::read::{Config, ZipFileEntry};
use zip::unstable::read::ZipIterable;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::compression::{DecodeStep, StreamOpener};
use super::section::SectionReader;
use super::tar_archive::{BLOCK_BYTES, TarEntry, TarMember, TarSource, TarWalker};
use super::zip_directory::DirectoryCheck;
use super::{ContainerFormat, HEAD_BYTES, starts_with_member, zip_member};
use crate::read::error::ReadError;
use crate::read::limits::ReadLimits;
use crate::read::read_at::ReadAt;

/// Bytes that stand in a document instead of as many others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The offset of the first one in the document's unpacked stream.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Decides what is replaced.
pub trait Editor {
    /// The patches of a document, whose unpacked bytes these are. Its number is
    /// [`Document::member`](crate::read::Document::member).
    fn patches(&mut self, member: u32, document: &File) -> io::Result<Vec<Patch>>;

    /// Whether the name of an archive's member is replaced by one that says nothing.
    fn is_name_replaced(&mut self, name: &str) -> bool;
}

/// Writes a copy of the file with the patches that the editor gives; `None` if it gives
/// none. A member that cannot be unpacked stays as it is in a zip or tar archive; of a compressed
/// stream that breaks off, the copy has what could be unpacked.
///
/// # Errors
/// The file cannot be read, or is an archive that cannot be opened.
pub fn rewrite(
    file: impl ReadAt + 'static,
    limits: &ReadLimits,
    editor: &mut dyn Editor,
) -> Result<Option<File>, ReadError> {
    let mut section = SectionReader::file(Box::new(file)).map_err(ReadError::Open)?;
    let mut copy = tempfile::tempfile().map_err(ReadError::Spool)?;
    io::copy(&mut section, &mut copy).map_err(unreadable)?;
    let mut rewriter = Rewriter { limits, editor, next_number: 0, replaced_names: 0 };
    rewriter.walk(copy, 0).map_err(unreadable)
}

fn unreadable(error: io::Error) -> ReadError {
    ReadError::Io(Arc::new(error))
}

struct Rewriter<'r> {
    limits: &'r ReadLimits,
    editor: &'r mut dyn Editor,
    next_number: u32,
    replaced_names: u32,
}

impl Rewriter<'_> {
    /// The rewritten content of a stream, which is nested in `depth` archives; as
    /// `Walker::walk` reads it.
    fn walk(&mut self, content: File, depth: u8) -> io::Result<Option<File>> {
        let mut head = vec![0; HEAD_BYTES];
        let length = read_fully(&content, &mut head)?;
        head.truncate(length);
        let Some(container) = ContainerFormat::of(&head) else { return self.document(content) };
        if depth >= self.limits.archive_nesting {
            return self.pass_over();
        }
        let depth = depth + 1;
        match container {
            ContainerFormat::Compressed(step) => self.compressed(&content, step, depth),
            ContainerFormat::Zip => self.zip(&content, depth),
            ContainerFormat::Tar => self.tar(&content, depth),
        }
    }

    /// A document that is left as it is.
    fn pass_over<T>(&mut self) -> io::Result<Option<T>> {
        self.next_number += 1;
        Ok(None)
    }

    fn document(&mut self, content: File) -> io::Result<Option<File>> {
        let number = self.next_number;
        self.next_number += 1;
        let patches = self.editor.patches(number, &content)?;
        let size = content.metadata()?.len();
        for Patch { offset, bytes } in &patches {
            // A longer document would be another one.
            if offset.saturating_add(bytes.len() as u64) > size {
                return Err(io::Error::other("the file changed while it was being read"));
            }
            content.write_all_at(bytes, *offset)?;
        }
        Ok((!patches.is_empty()).then_some(content))
    }

    fn compressed(&mut self, content: &File, step: DecodeStep, depth: u8) -> io::Result<Option<File>> {
        let section = SectionReader::file(Box::new(content.try_clone()?))?;
        let opener = StreamOpener::new(section).then(step);
        let (unpacked, is_whole) = self.unpack(&opener)?;
        if !is_whole && unpacked.metadata()?.len() == 0 {
            return self.pass_over();
        }
        let Some(mut inner) = self.walk(unpacked, depth)? else { return Ok(None) };
        inner.rewind()?;
        let packed = BufWriter::new(tempfile::tempfile()?);
        let packed = match step {
            DecodeStep::Zstandard => {
                let mut compressor = FrameCompressor::new(CompressionLevel::Fastest);
                compressor.set_source(BufReader::new(inner));
                compressor.set_drain(packed);
                compressor.compress();
                compressor.take_drain().ok_or_else(|| io::Error::other("nothing was packed"))?
            }
            _ => {
                let mut encoder = GzEncoder::new(packed, Compression::default());
                io::copy(&mut inner, &mut encoder)?;
                encoder.finish()?
            }
        };
        packed.into_inner().map(Some).map_err(|error| error.into_error())
    }

    /// What a stream unpacks to, and whether that is all of it.
    fn unpack(&self, opener: &StreamOpener) -> io::Result<(File, bool)> {
        let mut unpacked = tempfile::tempfile()?;
        let Ok(stream) = opener.reopen(0) else { return Ok((unpacked, false)) };
        let mut stream = stream.take(self.limits.archive_output_bytes);
        let mut buffer = vec![0; 1 << 16];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok((unpacked, true)),
                Ok(length) => unpacked.write_all(&buffer[..length])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Ok((unpacked, false)),
            }
        }
    }

    /// A name that says nothing, instead of one that does.
    fn name(&mut self, name: &str) -> Option<String> {
        self.editor.is_name_replaced(name).then(|| {
            self.replaced_names += 1;
            let ending = name.rsplit_once('.').map(|(_, ending)| ending);
            let ending = ending.filter(|ending| ending.len() <= 6 && ending.is_ascii());
            match ending {
                Some(ending) => format!("erased-{}.{ending}", self.replaced_names),
                None => format!("erased-{}", self.replaced_names),
            }
        })
    }

    fn zip(&mut self, content: &File, depth: u8) -> io::Result<Option<File>> {
        let section = SectionReader::file(Box::new(content.try_clone()?))?;
        let opened = ZipIterable::try_new(section.clone(), Config::default());
        let mut zip = match opened {
            Ok(zip) if !(zip.is_empty() && starts_with_member(&section)) => zip,
            _ if depth == 1 => return Err(io::Error::other("a zip archive that cannot be opened")),
            _ => return self.pass_over(),
        };
        let raw = ZipArchive::new(section.clone()).map_err(io::Error::other)?;
        let writer = ZipWriter::new(BufWriter::new(tempfile::tempfile()?));
        let mut packing = ZipPacking { section: section.clone(), raw, writer, is_changed: false };
        let mut check = DirectoryCheck::new(&section).map_err(io::Error::other)?;
        for member in zip.files().map_err(io::Error::other)? {
            let member = member.map_err(io::Error::other)?;
            check.add(&member).map_err(io::Error::other)?;
            self.zip_member(&member, &mut packing, depth)?;
        }
        if check.finish().map_err(io::Error::other)?.is_some() {
            self.next_number += 1;
        }
        if !packing.is_changed {
            return Ok(None);
        }
        let packed = packing.writer.finish().map_err(io::Error::other)?;
        packed.into_inner().map(Some).map_err(|error| error.into_error())
    }

    /// Packs a member again.
    fn zip_member(
        &mut self,
        member: &ZipFileEntry<'_>,
        packing: &mut ZipPacking,
        depth: u8,
    ) -> io::Result<()> {
        let name = zip_member::name(member).into_owned();
        if member.is_dir() {
            let options = SimpleFileOptions::default();
            return packing.writer.add_directory(name, options).map_err(io::Error::other);
        }
        let new_name = self.name(&name);
        packing.is_changed |= new_name.is_some();
        let new_name = new_name.unwrap_or_else(|| name.clone());
        let opener = zip_member::opener(&packing.section, member).map_err(io::Error::other)?;
        let Ok(opener) = opener else {
            self.pass_over::<()>()?;
            let index = packing.raw.index_for_name(&name);
            let index = index.ok_or_else(|| io::Error::other("a member of the archive is lost"))?;
            let raw = packing.raw.by_index_raw(index).map_err(io::Error::other)?;
            return packing.writer.raw_copy_file_rename(raw, new_name).map_err(io::Error::other);
        };
        let (unpacked, is_whole) = self.unpack(&opener)?;
        let original = unpacked.try_clone()?;
        let new = match !is_whole && unpacked.metadata()?.len() == 0 {
            true => self.pass_over()?,
            false => self.walk(unpacked, depth)?,
        };
        packing.is_changed |= new.is_some();
        let mut new = new.unwrap_or(original);
        let method = match member.compression() {
            CompressionMethod::Stored => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        let is_large = new.metadata()?.len() >= u64::from(u32::MAX);
        let options = SimpleFileOptions::default().compression_method(method).large_file(is_large);
        packing.writer.start_file(new_name, options).map_err(io::Error::other)?;
        new.rewind()?;
        io::copy(&mut new, &mut packing.writer)?;
        Ok(())
    }

    fn tar(&mut self, content: &File, depth: u8) -> io::Result<Option<File>> {
        let section = SectionReader::file(Box::new(content.try_clone()?))?;
        let mut walker = TarWalker::new(TarSource::Section(section.clone()));
        let packed = BufWriter::new(tempfile::tempfile()?);
        let mut packing = TarPacking { section, packed, copied: 0, is_changed: false };
        loop {
            let member = match walker.next() {
                Ok(TarEntry::Member(member)) => member,
                Ok(TarEntry::Other) => continue,
                Ok(TarEntry::End) => break,
                Err(_) => {
                    self.next_number += 1;
                    break;
                }
            };
            if member.is_sparse {
                self.next_number += 1;
                continue;
            }
            let unpacked = packing.content(&member)?;
            let is_whole = unpacked.metadata()?.len() == member.length;
            let new = self.walk(unpacked, depth)?.filter(|_| is_whole);
            let is_renamed = self.name(&member.name).is_some();
            if new.is_some() || is_renamed {
                packing.put(&member, new, is_renamed)?;
            }
        }
        packing.finish()
    }
}

/// A zip archive that is packed again.
struct ZipPacking {
    section: SectionReader,
    /// For members that cannot be unpacked.
    raw: ZipArchive<SectionReader>,
    writer: ZipWriter<BufWriter<File>>,
    is_changed: bool,
}

/// A tar archive that is packed again.
struct TarPacking {
    section: SectionReader,
    packed: BufWriter<File>,
    /// How much of the archive is in the new one.
    copied: u64,
    is_changed: bool,
}

impl TarPacking {
    fn content(&self, member: &TarMember) -> io::Result<File> {
        let mut content = tempfile::tempfile()?;
        io::copy(&mut self.section.subsection(member.offset, member.length), &mut content)?;
        Ok(content)
    }

    /// Packs a member with new content, if it has any.
    fn put(&mut self, member: &TarMember, new: Option<File>, is_renamed: bool) -> io::Result<()> {
        self.is_changed = true;
        let header = member.offset - BLOCK_BYTES as u64;
        let mut before = Vec::new();
        io::copy(&mut self.section.subsection(self.copied, header - self.copied), &mut before)?;
        let mut block = [0; BLOCK_BYTES];
        self.section.subsection(header, BLOCK_BYTES as u64).read_exact(&mut block)?;
        if is_renamed {
            blank(&mut before, member.name.as_bytes());
            let name = until_nul(&block[..NAME_BYTES]).to_vec();
            blank(&mut block[..NAME_BYTES], &name);
        }
        let mut new = match new {
            Some(new) => new,
            None => self.content(member)?,
        };
        let size = new.seek(SeekFrom::End(0))?;
        new.rewind()?;
        let mut new_header = Header::from_byte_slice(&block).clone();
        if size != member.length {
            new_header.set_size(size);
        }
        new_header.set_cksum();
        self.packed.write_all(&before)?;
        self.packed.write_all(new_header.as_bytes())?;
        io::copy(&mut new, &mut self.packed)?;
        self.packed.write_all(&vec![0; (size.next_multiple_of(BLOCK_BYTES as u64) - size) as usize])?;
        self.copied = member.offset + member.length.next_multiple_of(BLOCK_BYTES as u64);
        Ok(())
    }

    fn finish(mut self) -> io::Result<Option<File>> {
        if !self.is_changed {
            return Ok(None);
        }
        let rest = self.section.length().saturating_sub(self.copied);
        io::copy(&mut self.section.subsection(self.copied, rest), &mut self.packed)?;
        self.packed.into_inner().map(Some).map_err(|error| error.into_error())
    }
}

/// How long the name in a tar header is.
const NAME_BYTES: usize = 100;

/// Writes `x` over every place where the bytes stand; only the ending of a name stays.
fn blank(text: &mut [u8], name: &[u8]) {
    if name.is_empty() {
        return;
    }
    let kept = name.iter().rev().take(7).position(|byte| *byte == b'.').map_or(0, |length| length + 1);
    let places: Vec<usize> = memchr::memmem::find_iter(text, name).collect();
    for place in places {
        text[place..place + name.len() - kept].fill(b'x');
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn read_fully(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match FileExt::read_at(file, &mut buffer[filled..], filled as u64)? {
            0 => break,
            length => filled += length,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
