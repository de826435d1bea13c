//! Reading: one delivered file in, the bytes of each FHIR resource in it out,
//! as *frames*.
//!
//! A file passes through two layers:
//!
//! 1. `container` opens it. Plain, gzip, Zstandard, zip and tar files are detected
//!    from content, also when nested. The result is a sequence of *documents*
//!    ("members"), each a stream of bytes. A plain or gzip file is a single
//!    document with number 0.
//! 2. `framing` detects what a document contains (a resource, a JSON array,
//!    NDJSON, a Bundle, or a companion file without FHIR) and cuts it into
//!    frames. Each Bundle is prescanned before its entries are emitted, because
//!    `type`, `timestamp` and the targets of forward references may follow the
//!    entries that need them.
//!
//! The [`ResourceHandler`] receives a [`Frame`] per resource, and a
//! [`ReadDefect`] for each part that could not be cut.
//!
//! Nothing here builds a tree or loads a whole file: a scanner follows quotes
//! and brackets through a sliding window that grows at most to the size of the
//! largest resource. A Bundle too large to hold is read twice. A frame has
//! balanced brackets and closed strings and starts with `{`; whether it is
//! valid JSON and FHIR is for the consumer to check. Malformed input never
//! panics, never exhausts memory, and never affects neighbouring records when
//! the next line or entry can be located.
//!
//! # Example
//!
//! ```
//! use std::io::Write;
//!
//! use fhirmill_core::read::{self, Document, Frame, ReadDefect, ReadLimits, ResourceHandler, Stopped};
//!
//! /// Counts resources, and collects what could not be read.
//! #[derive(Default)]
//! struct Summary {
//!     resources: usize,
//!     problems: Vec<String>,
//! }
//!
//! impl ResourceHandler for Summary {
//!     fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
//!         Ok(())
//!     }
//!
//!     fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
//!         assert!(frame.bytes.starts_with(b"{"));
//!         self.resources += 1;
//!         Ok(())
//!     }
//!
//!     fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
//!         self.problems.push(format!("{}: {}", defect.location, defect.reason));
//!         Ok(())
//!     }
//! }
//!
//! let mut file = tempfile::NamedTempFile::new()?;
//! writeln!(file, r#"{{"resourceType":"Patient","id":"1"}}"#)?;
//! writeln!(file, r#"{{"resourceType":"Patient","id":"#)?;
//! writeln!(file, r#"{{"resourceType":"Patient","id":"3"}}"#)?;
//!
//! let mut summary = Summary::default();
//! read::read(file.path(), &ReadLimits::default(), &mut summary)?;
//! assert_eq!(summary.resources, 2);
//! assert!(summary.problems[0].starts_with("line 2: ends before its brackets"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bundle;
mod bundle_builder;
mod companion;
mod container;
mod content;
mod defect;
mod document;
mod error;
mod frame;
mod framing;
mod full_url;
mod handler;
mod limits;
mod location;
mod read_at;
mod unnamed;

use std::fs::File;
use std::path::Path;

pub use bundle::Bundle;
pub use companion::Companion;
pub use container::{Editor, Patch, rewrite};
pub use content::content_hash;
pub use defect::{ReadDefect, ReadDefectReason};
pub use document::{Document, DocumentFormat};
pub use error::{ReadError, Stopped};
pub use frame::{Frame, Payload, Request, effective_at};
pub use handler::ResourceHandler;
pub use limits::ReadLimits;
pub use location::Location;
pub use read_at::ReadAt;

/// Reads the file at `path` and passes every resource in it to `handler`.
///
/// Broken entries, lines and members are reported to
/// [`ResourceHandler::defect`]; an error means that the file could not be read
/// to its end. Blocks. `path` must be a regular file.
pub fn read(path: &Path, limits: &ReadLimits, handler: &mut dyn ResourceHandler) -> Result<(), ReadError> {
    read_file(open(path)?, limits, handler)
}

/// Like [`read`], for a file that is already open or for an object in a store.
///
/// A file's own read position is neither used nor moved. Because the path is
/// not consulted, a file replaced at its path has no effect.
pub fn read_file(
    file: impl ReadAt + 'static,
    limits: &ReadLimits,
    handler: &mut dyn ResourceHandler,
) -> Result<(), ReadError> {
    read_from(file, limits, handler, &mut 1)
}

/// Like [`read_file`], for a part of a file whose frames have positions from
/// `next_position` on, which is advanced past them. Offsets and lines count from the
/// start of the part.
pub fn read_from(
    file: impl ReadAt + 'static,
    limits: &ReadLimits,
    handler: &mut dyn ResourceHandler,
    next_position: &mut u64,
) -> Result<(), ReadError> {
    container::walk(Box::new(file), limits, &mut |member| {
        framing::frame_member(member, limits, handler, next_position)?;
        Ok(container::Walk::Continue)
    })
}

/// Like [`read_file`], with a closure for frames and defects.
pub fn read_each(
    file: impl ReadAt + 'static,
    limits: &ReadLimits,
    each: impl FnMut(Result<Frame<'_>, ReadDefect<'_>>) -> Result<(), Stopped>,
) -> Result<(), ReadError> {
    read_file(file, limits, &mut handler::EachFrame(each))
}

/// Reads the `length` bytes at `offset` of document `member` again, as a
/// [`Frame`] located them.
///
/// Returns [`ReadError::NoSuchRange`] when they do not exist or are more than
/// [`ReadLimits::resource_bytes`].
pub fn read_range(
    path: &Path,
    limits: &ReadLimits,
    member: u32,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, ReadError> {
    read_range_of(open(path)?, limits, member, offset, length)
}

/// Like [`read_range`], for a file that is already open or for an object in a
/// store.
pub fn read_range_of(
    file: impl ReadAt + 'static,
    limits: &ReadLimits,
    member: u32,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, ReadError> {
    let missing = || ReadError::NoSuchRange { member, offset, end: offset.saturating_add(length) };
    let size = usize::try_from(length).ok().filter(|size| *size <= limits.resource_bytes);
    let size = size.ok_or_else(missing)?;
    let mut bytes = None;
    container::walk(Box::new(file), limits, &mut |found| {
        if found.number < member {
            return Ok(container::Walk::Continue);
        }
        if let Ok(content) = found.content {
            bytes = content.range(offset, size)?;
        }
        Ok(container::Walk::Stop)
    })?;
    bytes.ok_or_else(missing)
}

/// Opens a regular file. The type is checked first because opening a FIFO
/// would block.
fn open(path: &Path) -> Result<File, ReadError> {
    if !path.metadata().map_err(ReadError::Open)?.is_file() {
        return Err(ReadError::NotAFile);
    }
    File::open(path).map_err(ReadError::Open)
}
