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
use zip::read::Config;
use zip::unstable::read::ZipIterable;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::compression::{DecodeStep, StreamOpener};
use super::section::SectionReader;
use super::tar_archive::{BLOCK_BYTES, TarEntry, TarSource, TarWalker};
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
        let mut raw = ZipArchive::new(section.clone()).map_err(io::Error::other)?;
        let mut writer = ZipWriter::new(BufWriter::new(tempfile::tempfile()?));
        let mut check = DirectoryCheck::new(&section).map_err(io::Error::other)?;
        let mut is_changed = false;
        for member in zip.files().map_err(io::Error::other)? {
            let member = member.map_err(io::Error::other)?;
            check.add(&member).map_err(io::Error::other)?;
            let name = zip_member::name(&member).into_owned();
            if member.is_dir() {
                writer.add_directory(name, SimpleFileOptions::default()).map_err(io::Error::other)?;
                continue;
            }
            let new_name = self.name(&name);
            is_changed |= new_name.is_some();
            let new_name = new_name.unwrap_or_else(|| name.clone());
            match zip_member::opener(&section, &member).map_err(io::Error::other)? {
                Ok(opener) => {
                    let (unpacked, is_whole) = self.unpack(&opener)?;
                    let original = unpacked.try_clone()?;
                    let new = match !is_whole && unpacked.metadata()?.len() == 0 {
                        true => self.pass_over()?,
                        false => self.walk(unpacked, depth)?,
                    };
                    is_changed |= new.is_some();
                    let mut new = new.unwrap_or(original);
                    let method = match member.compression() {
                        CompressionMethod::Stored => CompressionMethod::Stored,
                        _ => CompressionMethod::Deflated,
                    };
                    let is_large = new.metadata()?.len() >= u64::from(u32::MAX);
                    let options =
                        SimpleFileOptions::default().compression_method(method).large_file(is_large);
                    writer.start_file(new_name, options).map_err(io::Error::other)?;
                    new.rewind()?;
                    io::copy(&mut new, &mut writer)?;
                }
                Err(_) => {
                    self.pass_over::<()>()?;
                    let index =
                        raw.index_for_name(&name).ok_or_else(|| io::Error::other("a member is lost"))?;
                    let raw = raw.by_index_raw(index).map_err(io::Error::other)?;
                    writer.raw_copy_file_rename(raw, new_name).map_err(io::Error::other)?;
                }
            }
        }
        if check.finish().map_err(io::Error::other)?.is_some() {
            self.next_number += 1;
        }
        if !is_changed {
            return Ok(None);
        }
        let packed = writer.finish().map_err(io::Error::other)?;
        packed.into_inner().map(Some).map_err(|error| error.into_error())
    }

    fn tar(&mut self, content: &File, depth: u8) -> io::Result<Option<File>> {
        let section = SectionReader::file(Box::new(content.try_clone()?))?;
        let mut walker = TarWalker::new(TarSource::Section(section.clone()));
        let mut packed = BufWriter::new(tempfile::tempfile()?);
        let (mut copied, mut is_changed) = (0, false);
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
            let (mut unpacked, start) = (tempfile::tempfile()?, member.offset);
            io::copy(&mut section.subsection(start, member.length), &mut unpacked)?;
            let is_whole = unpacked.metadata()?.len() == member.length;
            let new = self.walk(unpacked, depth)?.filter(|_| is_whole);
            let is_renamed = self.name(&member.name).is_some();
            if new.is_none() && !is_renamed {
                continue;
            }
            is_changed = true;
            let header = start - BLOCK_BYTES as u64;
            let mut before = Vec::new();
            io::copy(&mut section.subsection(copied, header - copied), &mut before)?;
            let mut block = [0; BLOCK_BYTES];
            section.subsection(header, BLOCK_BYTES as u64).read_exact(&mut block)?;
            if is_renamed {
                blank(&mut before, member.name.as_bytes());
                let name = until_nul(&block[..100]).to_vec();
                blank(&mut block[..100], &name);
            }
            let mut new = match new {
                Some(new) => new,
                None => {
                    let mut same = tempfile::tempfile()?;
                    io::copy(&mut section.subsection(start, member.length), &mut same)?;
                    same
                }
            };
            let size = new.seek(SeekFrom::End(0))?;
            new.rewind()?;
            let mut new_header = Header::from_byte_slice(&block).clone();
            if size != member.length {
                new_header.set_size(size);
            }
            new_header.set_cksum();
            packed.write_all(&before)?;
            packed.write_all(new_header.as_bytes())?;
            io::copy(&mut new, &mut packed)?;
            packed.write_all(&vec![0; (size.next_multiple_of(BLOCK_BYTES as u64) - size) as usize])?;
            copied = start + member.length.next_multiple_of(BLOCK_BYTES as u64);
        }
        if !is_changed {
            return Ok(None);
        }
        let rest = section.length().saturating_sub(copied);
        io::copy(&mut section.subsection(copied, rest), &mut packed)?;
        packed.into_inner().map(Some).map_err(|error| error.into_error())
    }
}

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
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::read::{Frame, ReadDefect, read_each};
    use pretty_assertions::assert_eq;

    /// Replaces a word by blanks.
    struct Blanks(&'static str);

    impl Editor for Blanks {
        fn patches(&mut self, _: u32, mut document: &File) -> io::Result<Vec<Patch>> {
            let mut text = Vec::new();
            document.rewind()?;
            document.read_to_end(&mut text)?;
            let word = self.0.as_bytes();
            let patch = |place: usize| Patch { offset: place as u64, bytes: vec![b' '; word.len()] };
            Ok(memchr::memmem::find_iter(&text, word).map(patch).collect())
        }

        fn is_name_replaced(&mut self, name: &str) -> bool {
            name.contains(self.0)
        }
    }

    type Place = (u32, u64, u64, String);

    fn frames(file: impl ReadAt + 'static) -> Vec<Place> {
        let mut frames = Vec::new();
        read_each(file, &ReadLimits::default(), |frame: Result<Frame<'_>, ReadDefect<'_>>| {
            let frame = frame.expect("a frame");
            let text = String::from_utf8(frame.bytes.to_vec()).expect("text");
            frames.push((frame.member, frame.offset, frame.position, text));
            Ok(())
        })
        .expect("read");
        frames
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("packed");
        encoder.finish().expect("packed")
    }

    fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_directory("folder", SimpleFileOptions::default()).expect("a folder");
        for (name, content) in members {
            writer.start_file(*name, SimpleFileOptions::default()).expect("a member");
            writer.write_all(content).expect("written");
        }
        writer.finish().expect("finished").into_inner()
    }

    fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in members {
            let mut header = Header::new_gnu();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, &content[..]).expect("a member");
        }
        builder.into_inner().expect("finished")
    }

    #[test]
    fn every_byte_keeps_its_place_whatever_the_file_is_packed_in() {
        let one = br#"{"resourceType":"Patient","id":"secret"}
{"resourceType":"Patient","id":"b"}
"#
        .to_vec();
        let two = br#"{"resourceType":"Patient","id":"c"}"#.to_vec();
        let long = format!("{}/secret.json", "long".repeat(30));
        let members = [("one.ndjson", one.clone()), ("secret.json", two.clone()), (&*long, two.clone())];
        let packed = [("in.json.gz", gzip(&one)), ("in.zip", zip(&members)), ("c.json", two)];
        let zstandard = ruzstd::encoding::compress_to_vec(&one[..], CompressionLevel::Fastest);
        let files = [
            one.clone(),
            gzip(&one),
            zstandard,
            zip(&members),
            tar(&members),
            gzip(&tar(&packed)),
            zip(&packed),
            tar(&packed),
        ];
        for (number, file) in files.into_iter().enumerate() {
            let expected: Vec<Place> = frames(file.clone())
                .into_iter()
                .map(|(member, offset, position, text)| {
                    (member, offset, position, text.replace("secret", "      "))
                })
                .collect();
            let mut new = rewrite(file, &ReadLimits::default(), &mut Blanks("secret"))
                .expect("rewritten")
                .expect("a copy");
            assert_eq!(frames(new.try_clone().expect("a file")), expected, "file {number}");
            let mut bytes = Vec::new();
            new.rewind().expect("the beginning");
            new.read_to_end(&mut bytes).expect("read");
            assert_eq!(memchr::memmem::find(&bytes, b"secret"), None, "file {number}");
            let again = rewrite(bytes, &ReadLimits::default(), &mut Blanks("secret")).expect("rewritten");
            assert!(again.is_none(), "file {number}");
        }
    }
}
