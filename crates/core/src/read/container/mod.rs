//! A *container* is a file with documents in it: plain, gzip, or zip with
//! members in folders, nested up to a limit. Every format is detected from the
//! first bytes. Member names are for display only, never used as paths.

mod compression;
mod section;
mod spool;
mod stream_error;
mod zip_directory;
mod zip_member;

use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use zip::read::Config;
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use compression::{DecodeStep, OutputMeter};
use section::SectionReader;
use zip_directory::{DirectoryCheck, LOCAL_HEADER};

use super::defect::ReadDefectReason;
use super::error::ReadError;
use super::limits::ReadLimits;
use super::read_at::ReadAt;

pub(super) use compression::{Stream, StreamOpener};
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

/// Enough bytes to detect every supported format.
const HEAD_BYTES: usize = 64;
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
    walker.walk(StreamOpener::new(section), String::new(), 0)?;
    Ok(())
}

struct Walker<'w, 'v> {
    limits: &'w ReadLimits,
    meter: Arc<OutputMeter>,
    next_number: u32,
    /// Members of all zip archives so far.
    members: u64,
    visit: &'w mut Visit<'v>,
}

impl Walker<'_, '_> {
    /// Walks one stream, which is nested in `depth` archives.
    fn walk(&mut self, opener: StreamOpener, name: String, depth: u8) -> Result<Walk, ReadError> {
        let mut stream = opener.open(&self.meter);
        let (head, failed) = read_head(&mut stream);
        if let Some(error) = failed {
            if head.is_empty() {
                return self.unreadable(name, StreamError::from(error).into_defect()?);
            }
            stream = Box::new(DeferredError(Some(error)));
        }
        let is_gzip = head.starts_with(GZIP);
        let is_zip = head.starts_with(LOCAL_HEADER) || head.starts_with(EMPTY_ZIP);
        if (is_gzip || is_zip) && depth >= self.limits.archive_nesting {
            return self.unreadable(name, ReadDefectReason::ArchiveTooDeep(self.limits.archive_nesting));
        }
        if is_gzip {
            return self.walk(opener.then(DecodeStep::Gzip), name, depth + 1);
        }
        if is_zip {
            let stream = Cursor::new(head).chain(stream);
            let section = match opener.undecoded() {
                Some(section) => section.clone(),
                None => match spool::spool(stream, self.limits)? {
                    Ok(section) => section,
                    Err(reason) => return self.unreadable(name, reason),
                },
            };
            return self.zip(section, name, depth + 1);
        }
        let stream: Stream = Box::new(Cursor::new(head.clone()).chain(stream));
        self.visit(name, Ok(MemberContent { opener, head, stream }))
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
            let member_name = zip_member::display_name(&name, &member);
            let walk = match zip_member::opener(&section, &member)? {
                Ok(opener) => self.walk(opener, member_name, depth)?,
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
