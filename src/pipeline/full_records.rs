//! The *full records* of rejects of which only the beginning was kept: they are
//! looked up at their places in the file that they were delivered in, which today's
//! limits may allow.

use std::collections::HashMap;
use std::io;

use memchr::memmem;

use super::reader::place;
use crate::config::Settings;
use fhirmill_core::read::{
    self, Document, Frame, Payload, ReadAt, ReadDefect, ReadError, ResourceHandler, Stopped,
};

/// Rejects to look up, by the place in the file that they name: id and the
/// beginning that was kept.
pub type Wanted = HashMap<String, (i64, Vec<u8>)>;

/// The bytes of a record that must be part of what was kept: members of an archive
/// may have equal names.
const COMPARED_BYTES: usize = 128;

/// Passes the records that are found to `keep`, and removes them from `wanted`.
pub fn find(
    settings: &Settings,
    file: Box<dyn ReadAt>,
    wanted: &mut Wanted,
    keep: &mut dyn FnMut(i64, &[u8]) -> io::Result<()>,
) -> Result<(), ReadError> {
    let mut finder = Finder { wanted, keep, document: String::new(), failed: None };
    let read = read::read_file(file, &settings.read_limits(), &mut finder);
    match finder.failed.take() {
        Some(error) => Err(ReadError::Spool(error)),
        // Reading was stopped, since nothing else is wanted.
        None if finder.wanted.is_empty() => Ok(()),
        None => read,
    }
}

struct Finder<'f> {
    wanted: &'f mut Wanted,
    keep: &'f mut dyn FnMut(i64, &[u8]) -> io::Result<()>,
    document: String,
    failed: Option<io::Error>,
}

impl ResourceHandler for Finder<'_> {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        document.name.clone_into(&mut self.document);
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        // A record that was kept in full is not wanted.
        if frame.payload != Payload::Resource || frame.bytes.len() <= COMPARED_BYTES {
            return Ok(());
        }
        let place = place(&self.document, &frame.location);
        let Some((id, kept)) = self.wanted.get(&place) else { return Ok(()) };
        if memmem::find(kept, &frame.bytes[..COMPARED_BYTES]).is_none() {
            return Ok(());
        }
        if let Err(error) = (self.keep)(*id, frame.bytes) {
            self.failed = Some(error);
            return Err(Stopped);
        }
        self.wanted.remove(&place);
        if self.wanted.is_empty() { Err(Stopped) } else { Ok(()) }
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
