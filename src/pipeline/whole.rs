//! The *whole* of records of which only the beginning was kept when they were
//! rejected: looked for at their places in the file that they came in, where
//! today's limits may let them through.

use std::collections::HashMap;
use std::io;

use memchr::memmem;

use super::limits;
use super::reader::place;
use crate::config::Settings;
use fhirmill_core::read::{
    self, Document, Frame, Payload, ReadAt, ReadDefect, ReadError, ResourceHandler, Stopped,
};

/// What is looked for, by its place as the reject says it: the reject, and the
/// beginning of what was kept.
pub type Wanted = HashMap<String, (i64, Vec<u8>)>;

/// So much of a record must stand in what was kept, so that members of equal
/// names in an archive are not taken for each other.
const COMPARED_BYTES: usize = 128;

/// Gives the records that can be had to `keep`, and takes them off `wanted`.
pub fn find(
    settings: &Settings,
    file: Box<dyn ReadAt>,
    wanted: &mut Wanted,
    keep: &mut dyn FnMut(i64, &[u8]) -> io::Result<()>,
) -> Result<(), ReadError> {
    let mut finder = Finder { wanted, keep, document: String::new(), failed: None };
    let read = read::read_file(file, &limits(settings), &mut finder);
    match finder.failed.take() {
        Some(error) => Err(ReadError::Spool(error)),
        // Not read further than it had to be.
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
        // Kept whole, it would not be wanted.
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
