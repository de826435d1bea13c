//! A *document* is one stream of bytes with FHIR in it. Its layout decides
//! how it is cut: by lines, where a broken line costs only itself, or by
//! values, whatever their lines. A whole compact Bundle is a document of one
//! line; a line too long to be held is read as a value.

use std::io;

use super::archive::Member;
use super::entry::{self, Span};
use super::form;
use super::layer::{Damage, Stream};
use super::layout::{Layout, has_more, line_end, next_value, pass_blank_lines, pass_line};
use super::survey::{self, Survey};
use super::token::{Fault, kind_of};
use super::window::Window;
use super::{
    Document, DocumentFormat, Location, ReadDefect, ReadDefectReason, ReadError, ReadLimits, ResourceHandler,
    Stopped, companion,
};

/// Reads one document of a file; its frames take positions from
/// `next_position` on, and leave there what comes after.
pub(super) fn read(
    member: Member,
    limits: &ReadLimits,
    sink: &mut dyn ResourceHandler,
    next_position: &mut u64,
) -> Result<(), ReadError> {
    let Member { number, name, content } = member;
    let opened = match content {
        Ok(opened) => opened,
        Err(reason) => {
            let mut reader = Reader::new(number, &name, limits, sink, next_position, &no_stream);
            return reader.unreadable(&reason);
        }
    };
    let reopen = |offset| opened.origin.reopen(offset);
    let mut reader = Reader::new(number, &name, limits, sink, next_position, &reopen);
    if let Some(companion) = companion::of_document(&opened.head, &name) {
        reader.announce(DocumentFormat::Companion(companion))?;
        return Ok(());
    }
    if let Some(class) = form::foreign(&opened.head) {
        return reader.unreadable(&ReadDefectReason::NotJson(class));
    }
    reader.read(opened.stream)
}

/// Opens what cannot be opened.
fn no_stream(_: u64) -> io::Result<Stream> {
    Err(io::ErrorKind::NotFound.into())
}

/// Why reading does not simply go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// The file cannot be read further.
    File(ReadError),
    /// The rest of what bounds the value (its line, the Bundle it lies in, or
    /// the document) is lost; the defect has been reported.
    Rest,
}

impl From<Stopped> for Halt {
    fn from(stopped: Stopped) -> Self {
        Self::File(stopped.into())
    }
}

impl From<ReadError> for Halt {
    fn from(error: ReadError) -> Self {
        Self::File(error)
    }
}

/// Cuts one document; `deliver` has the other half of it.
pub(super) struct Reader<'r> {
    pub number: u32,
    pub limits: &'r ReadLimits,
    pub sink: &'r mut dyn ResourceHandler,
    pub next_position: &'r mut u64,
    name: &'r str,
    /// Opens the stream again at an offset.
    reopen: &'r dyn Fn(u64) -> io::Result<Stream>,
    /// The second reading, of values too large to be held; it follows behind
    /// the first and never goes back.
    second: Option<Window<'static>>,
    form: Option<DocumentFormat>,
}

/// Where a value of a document stands, and what it is called there.
#[derive(Clone, Copy, Debug)]
struct Place {
    location: Location,
    /// How its document is called if the value is the first of several.
    several: fn() -> DocumentFormat,
}

impl<'r> Reader<'r> {
    pub fn new(
        number: u32,
        name: &'r str,
        limits: &'r ReadLimits,
        sink: &'r mut dyn ResourceHandler,
        next_position: &'r mut u64,
        reopen: &'r dyn Fn(u64) -> io::Result<Stream>,
    ) -> Self {
        Self { number, limits, sink, next_position, name, reopen, second: None, form: None }
    }

    /// Tells the sink what the document is; the first word on it stands.
    fn announce(&mut self, form: DocumentFormat) -> Result<(), Stopped> {
        if self.form.is_some() {
            return Ok(());
        }
        self.form = Some(form.clone());
        self.sink.document(&Document { member: self.number, name: self.name, format: form })
    }

    /// A document of which nothing can be read.
    fn unreadable(&mut self, reason: &ReadDefectReason) -> Result<(), ReadError> {
        self.announce(DocumentFormat::Unreadable)?;
        self.sink.defect(ReadDefect {
            member: self.number,
            location: Location::default(),
            offset: 0,
            length: None,
            detected_at: 0,
            reason: reason.clone(),
            bytes: &[],
            ends_document: true,
        })?;
        Ok(())
    }

    /// Reads the stream to its end, or as far as sense can be made of it.
    pub fn read(&mut self, stream: Stream) -> Result<(), ReadError> {
        let mut window = Window::new(stream, 0, self.limits.read_bytes);
        match self.values(&mut window) {
            Ok(()) | Err(Halt::Rest) => Ok(()),
            Err(Halt::File(error)) => Err(error),
        }
    }

    fn values(&mut self, window: &mut Window<'_>) -> Result<(), Halt> {
        let first = pass_blank_lines(window);
        let (line, byte) = match first {
            Ok((line, Some(byte))) => (line, byte),
            Ok((_, None)) => return Ok(self.announce(DocumentFormat::Empty)?),
            Err(damage) => {
                let reason = damage.reason()?;
                return Ok(self.unreadable(&reason)?);
            }
        };
        match Layout::of(window, byte, self.limits.memory_document_bytes) {
            Layout::Lines => self.lines(window, line),
            Layout::Values => self.sequence(window),
            Layout::Foreign => Ok(self.unreadable(&ReadDefectReason::NotJson(form::text_class(byte)))?),
        }
    }

    /// NDJSON, or all on one line.
    fn lines(&mut self, window: &mut Window<'_>, first_line: u64) -> Result<(), Halt> {
        let mut line = first_line;
        loop {
            let start = window.offset();
            window.hold(usize::MAX);
            let end = line_end(window, self.limits.memory_document_bytes);
            window.go_to(start);
            window.release();
            let Some(end) = end else {
                self.long_line(window, line)?;
                if window.offset() == start {
                    return Ok(());
                }
                continue;
            };
            let bound = window.set_bound(end);
            let done = self.line(window, line);
            window.set_bound(bound);
            match done {
                Ok(()) | Err(Halt::Rest) => {}
                Err(halt) => return Err(halt),
            }
            if !window.go_to(end) {
                self.or_lost(window, Location::at_line(line), |window| Ok(window.skip_to(end)?))?;
            }
            // The line feed, if this was not the last line.
            match window.peek() {
                Ok(Some(_)) => window.consume(1),
                _ => return Ok(()),
            }
            line += 1;
        }
    }

    /// The values of one line, at which the window is bound to end.
    fn line(&mut self, window: &mut Window<'_>, line: u64) -> Result<(), Halt> {
        let place = Place { location: Location::at_line(line), several: || DocumentFormat::Ndjson };
        while let Some(byte) = self.or_lost(window, place.location, next_value)? {
            if !matches!(byte, b'{' | b'[') {
                self.announce(DocumentFormat::Ndjson)?;
                let reason = ReadDefectReason::NotJson(form::text_class(byte));
                let start = window.offset();
                let fault = Fault::Broken { reason, detected_at: start };
                return Err(self.lost(window, start, place.location, fault));
            }
            self.value(window, byte, place)?;
        }
        Ok(())
    }

    /// One value of a line that is too long to be held, or the blanks or
    /// rubbish in its place.
    fn long_line(&mut self, window: &mut Window<'_>, line: u64) -> Result<(), Halt> {
        let place = Place { location: Location::at_line(line), several: || DocumentFormat::Ndjson };
        match self.or_lost(window, place.location, next_value)? {
            Some(byte @ (b'{' | b'[')) => self.value(window, byte, place),
            Some(byte) => {
                self.announce(DocumentFormat::Ndjson)?;
                let start = window.offset();
                let reason = ReadDefectReason::NotJson(form::text_class(byte));
                self.or_lost(window, place.location, |window| Ok(pass_line(window)?))?;
                let length = Some(window.offset() - start);
                self.report(window, place.location, start, length, start, reason, false)
            }
            None => Ok(()),
        }
    }

    /// Values one after the other, whatever their lines.
    fn sequence(&mut self, window: &mut Window<'_>) -> Result<(), Halt> {
        let mut item = 0;
        loop {
            item += 1;
            let place =
                Place { location: Location::default().at_item(item), several: || DocumentFormat::Sequence };
            match self.or_lost(window, place.location, next_value)? {
                Some(byte @ (b'{' | b'[')) => self.value(window, byte, place)?,
                Some(_) => {
                    let start = window.offset();
                    let fault = Fault::Broken { reason: ReadDefectReason::Trailing, detected_at: start };
                    return Err(self.lost(window, start, place.location, fault));
                }
                None => return Ok(()),
            }
        }
    }

    fn value(&mut self, window: &mut Window<'_>, byte: u8, place: Place) -> Result<(), Halt> {
        match byte {
            b'[' => self.array(window, place),
            _ => self.object(window, place),
        }
    }

    /// An array of resources, and of Bundles.
    fn array(&mut self, window: &mut Window<'_>, place: Place) -> Result<(), Halt> {
        let location = match self.form {
            // The only value, as far as anybody knows.
            None => Location::default(),
            Some(_) => Location { item: 0, ..place.location },
        };
        self.announce(DocumentFormat::Array)?;
        window.consume(1);
        let mut item = 0;
        while let Some(byte) = self.or_lost(window, location, |window| window.next_element())? {
            item += 1;
            let location = location.at_item(item);
            if byte == b'{' {
                self.object(window, Place { location, several: || DocumentFormat::Array })?;
                continue;
            }
            let start = window.offset();
            let depth = self.limits.json_depth;
            self.or_lost(window, location, |window| window.skip_value(depth))?;
            let length = Some(window.offset() - start);
            self.report(
                window,
                location,
                start,
                length,
                start,
                ReadDefectReason::NotObject(kind_of(byte)),
                false,
            )?;
        }
        Ok(())
    }

    /// A resource, a Bundle, or a companion.
    fn object(&mut self, window: &mut Window<'_>, place: Place) -> Result<(), Halt> {
        let start = window.offset();
        window.hold(self.limits.memory_document_bytes);
        let survey = survey::of(window, self.limits, 1);
        let done = self.surveyed(window, start..window.offset(), survey, place);
        window.release();
        done
    }

    /// Delivers the object at `span`, which the latest hold may have, and
    /// leaves the window behind it.
    fn surveyed(
        &mut self,
        window: &mut Window<'_>,
        span: Span,
        survey: Survey,
        mut place: Place,
    ) -> Result<(), Halt> {
        if self.form.is_none() {
            let form = self.first_form(window, &survey, place);
            if form != (place.several)() {
                place.location = Location::default();
            }
            self.announce(form)?;
        }
        if survey.is_bundle() {
            return self.large_or_held(window, span, survey, place.location);
        }
        if let Some(fault) = survey.fault {
            return self.broken(window, span.start, place.location, fault);
        }
        if matches!(self.form, Some(DocumentFormat::Companion(_))) && survey.companion().is_some() {
            return Ok(());
        }
        let size = span.end - span.start;
        if size > self.limits.resource_bytes as u64 {
            let reason = ReadDefectReason::TooLarge(self.limits.resource_bytes);
            // The positions of others must not depend on the limit: they are
            // found by them again.
            *self.next_position += 1;
            return self.report(window, place.location, span.start, Some(size), span.start, reason, false);
        }
        if window.is_held() {
            return self.resource(window, span, place.location);
        }
        // It did not say early that it is no Bundle.
        let mut second = self.second_at(span.start, place.location)?;
        second.hold(self.limits.resource_bytes);
        let end = span.end;
        self.or_lost(&mut second, place.location, |second| Ok(second.skip_to(end)?))?;
        self.resource(&second, span, place.location)?;
        second.release();
        self.second = Some(second);
        Ok(())
    }

    /// A Bundle, from memory or by a second reading.
    fn large_or_held(
        &mut self,
        window: &mut Window<'_>,
        span: Span,
        survey: Survey,
        location: Location,
    ) -> Result<(), Halt> {
        if window.is_held() && window.go_to(span.start) {
            self.bundle(window, survey, None, location, *self.next_position)?;
            window.go_to(span.end);
            return Ok(());
        }
        let mut second = self.second_at(span.start, location)?;
        self.bundle(&mut second, survey, None, location, *self.next_position)?;
        if second.offset() != span.end {
            return Err(ReadError::Changed.into());
        }
        self.second = Some(second);
        Ok(())
    }

    /// What a document is whose first value has been surveyed.
    fn first_form(&self, window: &mut Window<'_>, survey: &Survey, place: Place) -> DocumentFormat {
        if let Some(companion) = survey.companion() {
            return DocumentFormat::Companion(companion);
        }
        // What is too large to be held, or has no end, is taken to be alone.
        let has_end = survey.fault.is_none() || window.bound().is_some();
        if has_end && window.is_held() && has_more(window) {
            return (place.several)();
        }
        match survey.is_bundle() {
            true => DocumentFormat::Bundle,
            false => DocumentFormat::Resource,
        }
    }

    /// The second reading, at an offset that it has not passed.
    fn second_at(&mut self, offset: u64, location: Location) -> Result<Window<'static>, Halt> {
        let second = match self.second.take() {
            Some(second) => Ok(second),
            None => (self.reopen)(offset).map(|stream| Window::new(stream, offset, self.limits.read_bytes)),
        };
        let mut second = second.map_err(|error| match Damage::from(error).reason() {
            // The first reading came further.
            Ok(_) => ReadError::Changed,
            Err(error) => error,
        })?;
        let byte = self.or_lost(&mut second, location, |second| {
            second.skip_to(offset)?;
            Ok(second.peek()?)
        })?;
        match byte {
            Some(_) => Ok(second),
            None => Err(ReadError::Changed.into()),
        }
    }

    /// Reports the broken value that begins at `start`, and goes on behind it
    /// where that can be found.
    fn broken(
        &mut self,
        window: &mut Window<'_>,
        start: u64,
        location: Location,
        fault: Fault,
    ) -> Result<(), Halt> {
        if let Fault::Broken { reason, detected_at } = &fault
            && matches!(entry::pass(window, start, reason), Ok(true))
        {
            let length = Some(window.offset() - start);
            return self.report(window, location, start, length, *detected_at, reason.clone(), false);
        }
        Err(self.lost(window, start, location, fault))
    }

    /// Does what may fail for the bytes' sake; if it does, the rest is lost.
    pub fn or_lost<'w, T>(
        &mut self,
        window: &mut Window<'w>,
        location: Location,
        work: impl FnOnce(&mut Window<'w>) -> Result<T, Fault>,
    ) -> Result<T, Halt> {
        let start = window.offset();
        work(window).map_err(|fault| self.lost(window, start, location, fault))
    }

    /// Reports that from `start` on the rest is lost.
    pub fn lost(&mut self, window: &Window<'_>, start: u64, location: Location, fault: Fault) -> Halt {
        let (reason, detected_at) = match fault {
            Fault::Broken { reason, detected_at } => (reason, detected_at),
            Fault::Damaged(damage) => match damage.reason() {
                Ok(reason) => (reason, window.offset()),
                Err(error) => return Halt::File(error),
            },
        };
        let bound = window.bound();
        let length = bound.map(|bound| bound.saturating_sub(start));
        if let Err(stopped) = self.announce(DocumentFormat::Unreadable) {
            return stopped.into();
        }
        match self.report(window, location, start, length, detected_at, reason, bound.is_none()) {
            Ok(()) => Halt::Rest,
            Err(halt) => halt,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the fields of a defect")]
    pub fn report(
        &mut self,
        window: &Window<'_>,
        location: Location,
        offset: u64,
        length: Option<u64>,
        detected_at: u64,
        reason: ReadDefectReason,
        ends_document: bool,
    ) -> Result<(), Halt> {
        // What is broken and no larger than a resource may be is kept whole, so
        // that it can be tried again.
        let size = length
            .filter(|length| *length <= self.limits.resource_bytes as u64)
            .map_or(self.limits.defect_bytes, |length| length as usize);
        self.sink.defect(ReadDefect {
            member: self.number,
            location,
            offset,
            length,
            detected_at,
            reason,
            bytes: window.prefix(offset, size),
            ends_document,
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
