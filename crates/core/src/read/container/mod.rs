//! A *container* is a file with documents in it: plain, gzip, Zstandard, or zip
//! and tar with members in folders, nested up to a limit. Every format is detected
//! from the first bytes. Member names are for display only, never used as paths.

mod compression;
mod part;
mod rewrite;
mod section;
mod spool;
mod stream_error;
mod tar_archive;
mod zip_directory;
mod zip_member;
mod zstandard;

use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use zip::read::Config;
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use compression::{DecodeStep, OutputMeter};
use part::PartReader;
use section::SectionReader;
use tar_archive::{BLOCK_BYTES, SharedStream, TarEntry, TarError, TarMember, TarSource, TarWalker, is_tar};
use zip_directory::{DirectoryCheck, LOCAL_HEADER};
use zstandard::is_zstandard;

use super::defect::ReadDefectReason;
use super::error::ReadError;
use super::limits::ReadLimits;
use super::read_at::ReadAt;

pub(super) use compression::{Stream, StreamOpener};
pub use rewrite::{Editor, Patch, rewrite};
pub(super) use stream_error::StreamError;

/// A document of the file, before it is framed.
pub(super) struct Member {
    pub number: u32,
    /// For display; empty for the file itself.
    pub name: String,
    pub content: Result<MemberContent, ReadDefectReason>,
}

/// A document's stream, and how to open it again.
pub(super) struct MemberContent {
    pub opener: StreamOpener,
    /// The first bytes of the stream, at most [`HEAD_BYTES`].
    pub head: Vec<u8>,
    pub stream: Stream,
}

/// Whether to continue with the next document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Walk {
    Continue,
    Stop,
}

/// Enough bytes to detect every supported format: a tar archive has its signs in
/// all of its first block.
const HEAD_BYTES: usize = BLOCK_BYTES;
/// Magic number of gzip with its only compression method, deflate
/// (RFC 1952, section 2.3.1).
const GZIP: &[u8] = b"\x1f\x8b\x08";
/// Signature of the directory's end record, with which an empty zip starts.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";

type Visit<'v> = dyn FnMut(Member) -> Result<Walk, ReadError> + 'v;

/// Calls `visit` for every document in a file, in reading order.
pub(super) fn walk(
    file: Box<dyn ReadAt>,
    limits: &ReadLimits,
    visit: &mut Visit<'_>,
) -> Result<(), ReadError> {
    let section = SectionReader::file(file).map_err(ReadError::Open)?;
    let meter = Arc::new(OutputMeter::new(section.length(), limits));
    let mut walker = Walker { limits, meter, next_number: 0, members: 0, visit };
    let opened = walker.open(StreamOpener::new(section));
    walker.walk(opened, String::new(), 0)?;
    Ok(())
}

struct Walker<'w, 'v> {
    limits: &'w ReadLimits,
    meter: Arc<OutputMeter>,
    next_number: u32,
    /// Members of all archives so far.
    members: u64,
    visit: &'w mut Visit<'v>,
}

/// A stream that is at its beginning, and how to open it again.
struct Opened {
    opener: StreamOpener,
    stream: Stream,
    /// To open it again would decode all that is before it in its archive.
    is_sequential: bool,
}

impl Walker<'_, '_> {
    fn open(&self, opener: StreamOpener) -> Opened {
        Opened { stream: opener.open(&self.meter), opener, is_sequential: false }
    }

    /// Walks one stream, which is nested in `depth` archives.
    fn walk(&mut self, opened: Opened, name: String, depth: u8) -> Result<Walk, ReadError> {
        let Opened { opener, mut stream, is_sequential } = opened;
        let (head, failed) = read_head(&mut stream);
        if let Some(error) = failed {
            if head.is_empty() {
                return self.unreadable(name, StreamError::from(error).into_defect()?);
            }
            stream = Box::new(DeferredError(Some(error)));
        }
        let Some(container) = ContainerFormat::of(&head) else {
            let stream: Stream = Box::new(Cursor::new(head.clone()).chain(stream));
            return self.visit(name, Ok(MemberContent { opener, head, stream }));
        };
        if depth >= self.limits.archive_nesting {
            return self.unreadable(name, ReadDefectReason::ArchiveTooDeep(self.limits.archive_nesting));
        }
        let depth = depth + 1;
        let stream: Stream = Box::new(Cursor::new(head).chain(stream));
        match container {
            ContainerFormat::Compressed(step) => {
                let inner = opener.then(step);
                let opened = if is_sequential {
                    let stream = StreamOpener::decode(stream, step, &self.meter);
                    Opened { opener: inner, stream, is_sequential }
                } else {
                    self.open(inner)
                };
                self.walk(opened, name, depth)
            }
            ContainerFormat::Zip => {
                let section = match opener.undecoded() {
                    Some(section) => section.clone(),
                    None => match spool::spool(stream, self.limits)? {
                        Ok(section) => section,
                        Err(reason) => return self.unreadable(name, reason),
                    },
                };
                self.zip(section, name, depth)
            }
            ContainerFormat::Tar => self.tar(&opener, stream, name, depth),
        }
    }

    fn unreadable(&mut self, name: String, reason: ReadDefectReason) -> Result<Walk, ReadError> {
        self.visit(name, Err(reason))
    }

    fn visit(
        &mut self,
        name: String,
        content: Result<MemberContent, ReadDefectReason>,
    ) -> Result<Walk, ReadError> {
        let number = self.next_number;
        self.next_number += 1;
        (self.visit)(Member { number, name, content })
    }

    /// Walks every member of a zip archive, whose members are nested in
    /// `depth` archives.
    fn zip(&mut self, section: SectionReader, name: String, depth: u8) -> Result<Walk, ReadError> {
        let mut zip = match ZipIterable::try_new(section.clone(), Config::default()) {
            Ok(zip) => zip,
            Err(error) => return self.broken_zip(name, depth, error),
        };
        if zip.is_empty() && starts_with_member(&section) {
            let message = "its directory is empty although it has members".into();
            return self.broken_zip(name, depth, ZipError::InvalidArchive(message));
        }
        self.members += zip.len() as u64;
        if self.members > u64::from(self.limits.archive_members) {
            return Err(ReadError::TooManyMembers(self.limits.archive_members));
        }
        let members = match zip.files() {
            Ok(members) => members,
            Err(error) => return self.broken_zip(name, depth, error),
        };
        let mut check = DirectoryCheck::new(&section)?;
        for member in members {
            let member = match member {
                Ok(member) => member,
                Err(error) => return self.broken_zip(name, depth, error),
            };
            check.add(&member)?;
            if member.is_dir() {
                continue;
            }
            let member_name = display_name(&name, &zip_member::name(&member));
            let walk = match zip_member::opener(&section, &member)? {
                Ok(opener) => self.walk(self.open(opener), member_name, depth)?,
                Err(reason) => self.unreadable(member_name, reason)?,
            };
            if walk == Walk::Stop {
                return Ok(Walk::Stop);
            }
        }
        match check.finish()? {
            Some(offset) => self.unreadable(name, ReadDefectReason::Unlisted(offset)),
            None => Ok(Walk::Continue),
        }
    }

    /// Walks every member of a tar archive, whose members are nested in `depth`
    /// archives.
    fn tar(
        &mut self,
        opener: &StreamOpener,
        stream: Stream,
        name: String,
        depth: u8,
    ) -> Result<Walk, ReadError> {
        let source = match opener.undecoded() {
            Some(section) => TarSource::Section(section.clone()),
            None => TarSource::Stream(SharedStream::new(stream)),
        };
        let mut walker = TarWalker::new(source);
        loop {
            let entry = match walker.next() {
                Ok(TarEntry::End) => return Ok(Walk::Continue),
                Ok(entry) => entry,
                Err(TarError::Damaged) => {
                    let message = "its members cannot be found; request the file again".into();
                    return self.unreadable(name, ReadDefectReason::Archive(message));
                }
                Err(TarError::Stream(error)) => {
                    return self.unreadable(name, StreamError::from(error).into_defect()?);
                }
            };
            self.members += 1;
            if self.members > u64::from(self.limits.archive_members) {
                return Err(ReadError::TooManyMembers(self.limits.archive_members));
            }
            let TarEntry::Member(member) = entry else { continue };
            let member_name = display_name(&name, &member.name);
            let walk = if member.is_sparse {
                let reason = ReadDefectReason::UnsupportedCompression("holes (a sparse file)".to_owned());
                self.unreadable(member_name, reason)?
            } else {
                let opened = self.tar_member(opener, walker.shared(), &member);
                self.walk(opened, member_name, depth)?
            };
            if walk == Walk::Stop {
                return Ok(Walk::Stop);
            }
        }
    }

    /// Opens a member of the tar archive that `archive` opens, along the archive's
    /// stream if that is shared.
    fn tar_member(
        &self,
        archive: &StreamOpener,
        shared: Option<&SharedStream>,
        member: &TarMember,
    ) -> Opened {
        let TarMember { offset, length, .. } = *member;
        let part = archive.then(DecodeStep::Part { offset, length });
        match (archive.undecoded(), shared) {
            (_, Some(shared)) => {
                let stream = Box::new(PartReader::new(Box::new(shared.clone()), 0, length));
                Opened { opener: part, stream, is_sequential: true }
            }
            (Some(section), None) if offset.saturating_add(length) <= section.length() => {
                self.open(StreamOpener::new(section.subsection(offset, length)))
            }
            _ => self.open(part),
        }
    }

    /// Handles a zip archive that cannot be read any further: an error of the
    /// file when it is the file itself, a defect when it is nested.
    fn broken_zip(&mut self, name: String, depth: u8, error: ZipError) -> Result<Walk, ReadError> {
        let message = match error {
            ZipError::Io(error) => match StreamError::from(error) {
                StreamError::Document(_) => "its directory is truncated".to_owned(),
                error => error.into_defect()?.to_string(),
            },
            other => other.to_string(),
        };
        match depth {
            1 => Err(ReadError::Archive(message)),
            _ => self.unreadable(name, ReadDefectReason::Archive(message)),
        }
    }
}

/// What documents are packed in.
enum ContainerFormat {
    Compressed(DecodeStep),
    Zip,
    Tar,
}

impl ContainerFormat {
    /// That of a stream with this beginning; `None` if it is a document itself.
    fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(GZIP) {
            Some(ContainerFormat::Compressed(DecodeStep::Gzip))
        } else if is_zstandard(head) {
            Some(ContainerFormat::Compressed(DecodeStep::Zstandard))
        } else if head.starts_with(LOCAL_HEADER) || head.starts_with(EMPTY_ZIP) {
            Some(ContainerFormat::Zip)
        } else if is_tar(head) {
            Some(ContainerFormat::Tar)
        } else {
            None
        }
    }
}

/// Longest displayed name, in characters.
const NAME_CHARACTERS: usize = 500;

/// A member's path, after that of the archive that contains it, with control
/// characters escaped.
fn display_name(archive: &str, name: &str) -> String {
    let mut shown = String::new();
    if !archive.is_empty() {
        shown = format!("{archive}/");
    }
    for character in name.chars().take(NAME_CHARACTERS) {
        match character.is_control() {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    if name.chars().nth(NAME_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a zip archive starts with a member, whatever its directory says.
fn starts_with_member(zip: &SectionReader) -> bool {
    let mut signature = [0; 4];
    let mut section = zip.clone();
    section.rewind().and_then(|()| section.read_exact(&mut signature)).is_ok() && signature == LOCAL_HEADER
}

/// The first bytes of a stream, and the error that followed them.
fn read_head(stream: &mut Stream) -> (Vec<u8>, Option<io::Error>) {
    let mut head = Vec::new();
    // Bytes read before an error stay in `head`.
    let failed = stream.take(HEAD_BYTES as u64).read_to_end(&mut head).err();
    (head, failed)
}

/// Returns an error that occurred while reading the head, after the head.
struct DeferredError(Option<io::Error>);

impl Read for DeferredError {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

impl MemberContent {
    /// Reads the `length` bytes at `offset`; `None` when the stream ends before.
    pub fn range(&self, offset: u64, length: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let mut bytes = Vec::new();
        let read =
            self.opener.reopen(offset).and_then(|stream| stream.take(length as u64).read_to_end(&mut bytes));
        if let Err(error) = read {
            return StreamError::from(error).into_defect().map(|_| None);
        }
        Ok((bytes.len() == length).then_some(bytes))
    }
}
