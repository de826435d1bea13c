//! A *framer* cuts one document into frames. This file has its state and its
//! reporting; `lines`, `values` and `emit` do the cutting, in that order.

use super::entry;
use super::token::TokenError;
use super::window::{ByteRange, Window};
use crate::read::container::StreamOpener;
use crate::read::defect::{ReadDefect, ReadDefectReason};
use crate::read::document::{Document, DocumentFormat};
use crate::read::error::{ReadError, Stopped};
use crate::read::handler::ResourceHandler;
use crate::read::limits::ReadLimits;
use crate::read::location::Location;

/// Why framing cannot simply continue.
#[derive(Debug)]
pub(super) enum Interrupt {
    /// The file cannot be read further.
    File(ReadError),
    /// The rest of the enclosing line, Bundle or document is lost. The defect
    /// has been reported.
    RestLost,
}

impl From<Stopped> for Interrupt {
    fn from(stopped: Stopped) -> Self {
        Self::File(stopped.into())
    }
}

impl From<ReadError> for Interrupt {
    fn from(error: ReadError) -> Self {
        Self::File(error)
    }
}

/// Cuts one document into frames.
pub(super) struct Framer<'f> {
    /// Number of the document in its file.
    pub member: u32,
    pub name: &'f str,
    pub limits: &'f ReadLimits,
    pub handler: &'f mut dyn ResourceHandler,
    /// Position of the next frame of the file.
    pub next_position: &'f mut u64,
    /// Opens the stream again; `None` for a document without one.
    pub opener: Option<&'f StreamOpener>,
    /// The second pass, over values too large to hold. It follows the first
    /// pass and never goes back.
    pub second_pass: Option<Window<'static>>,
    /// What the document contains, once that has been announced.
    pub format: Option<DocumentFormat>,
}

/// A defect before the framer adds its bytes.
#[derive(Debug)]
pub(super) struct FoundDefect {
    pub location: Location,
    pub offset: u64,
    /// Number of bytes skipped, where known.
    pub length: Option<u64>,
    pub detected_at: u64,
    pub reason: ReadDefectReason,
    pub ends_document: bool,
}

impl FoundDefect {
    /// A defect of the value at `range`, detected at its start.
    pub fn new(location: Location, range: ByteRange, reason: ReadDefectReason) -> Self {
        Self {
            location,
            offset: range.start,
            length: Some(range.end - range.start),
            detected_at: range.start,
            reason,
            ends_document: false,
        }
    }

    /// The same defect, detected at another offset.
    pub fn detected_at(self, offset: u64) -> Self {
        Self { detected_at: offset, ..self }
    }
}

impl<'f> Framer<'f> {
    /// A framer for the document numbered `member`.
    pub fn new(
        member: u32,
        name: &'f str,
        limits: &'f ReadLimits,
        handler: &'f mut dyn ResourceHandler,
        next_position: &'f mut u64,
        opener: Option<&'f StreamOpener>,
    ) -> Self {
        Self { member, name, limits, handler, next_position, opener, second_pass: None, format: None }
    }

    /// Tells the handler what the document contains. Only the first call has
    /// an effect.
    pub fn announce(&mut self, format: DocumentFormat) -> Result<(), Stopped> {
        if self.format.is_some() {
            return Ok(());
        }
        self.format = Some(format.clone());
        self.handler.document(&Document { member: self.member, name: self.name, format })
    }

    /// Reports a document of which nothing can be read.
    pub fn unreadable(&mut self, reason: ReadDefectReason) -> Result<(), Stopped> {
        self.announce(DocumentFormat::Unreadable)?;
        self.handler.defect(ReadDefect {
            member: self.member,
            location: Location::default(),
            offset: 0,
            length: None,
            detected_at: 0,
            reason,
            bytes: &[],
            ends_document: true,
        })
    }

    /// Reports a defect, with its bytes where the window still has them.
    pub fn report(&mut self, window: &Window<'_>, found: FoundDefect) -> Result<(), Interrupt> {
        // A broken value within the size limit of a resource is kept whole, so
        // that it can be retried.
        let size = found
            .length
            .filter(|length| *length <= self.limits.resource_bytes as u64)
            .map_or(self.limits.defect_bytes, |length| length as usize);
        self.handler.defect(ReadDefect {
            member: self.member,
            location: found.location,
            offset: found.offset,
            length: found.length,
            detected_at: found.detected_at,
            reason: found.reason,
            bytes: window.prefix(found.offset, size),
            ends_document: found.ends_document,
        })?;
        Ok(())
    }

    /// Reports the broken value that starts at `start`. Continues after it if
    /// its end can be found; otherwise the rest is lost.
    pub fn report_broken(
        &mut self,
        window: &mut Window<'_>,
        start: u64,
        location: Location,
        error: TokenError,
    ) -> Result<(), Interrupt> {
        if let TokenError::Syntax { reason, detected_at } = &error
            && matches!(entry::skip_broken(window, start, reason), Ok(true))
        {
            let found = FoundDefect::new(location, start..window.offset(), reason.clone());
            return self.report(window, found.detected_at(*detected_at));
        }
        Err(self.report_lost(window, start, location, error))
    }

    /// Reports that everything from `start` on is lost: up to the bound of the
    /// window if it has one, otherwise to the end of the document.
    pub fn report_lost(
        &mut self,
        window: &Window<'_>,
        start: u64,
        location: Location,
        error: TokenError,
    ) -> Interrupt {
        let (reason, detected_at) = match error {
            TokenError::Syntax { reason, detected_at } => (reason, detected_at),
            TokenError::Stream(error) => match error.into_defect() {
                Ok(reason) => (reason, window.offset()),
                Err(error) => return Interrupt::File(error),
            },
        };
        if let Err(stopped) = self.announce(DocumentFormat::Unreadable) {
            return stopped.into();
        }
        let bound = window.bound();
        let found = FoundDefect {
            location,
            offset: start,
            length: bound.map(|bound| bound.saturating_sub(start)),
            detected_at,
            reason,
            ends_document: bound.is_none(),
        };
        match self.report(window, found) {
            Ok(()) => Interrupt::RestLost,
            Err(interrupt) => interrupt,
        }
    }

    /// Does `work`. If it fails, everything from here on is reported as lost.
    pub fn or_lost<'w, T>(
        &mut self,
        window: &mut Window<'w>,
        location: Location,
        work: impl FnOnce(&mut Window<'w>) -> Result<T, TokenError>,
    ) -> Result<T, Interrupt> {
        let start = window.offset();
        work(window).map_err(|error| self.report_lost(window, start, location, error))
    }
}
