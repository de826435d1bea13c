//! Cuts JSON *values*: concatenated ones, the elements of an array, and single
//! objects. An object is prescanned, and then emitted from memory or, when it
//! is too large to hold, in a second pass over the stream.

use super::framer::{FoundDefect, Framer, Interrupt};
use super::layout::{is_last_value, next_value};
use super::parameters;
use super::prescan::Prescan;
use super::token::{TokenError, describe_value};
use super::window::{ByteRange, Window};
use crate::read::container::StreamError;
use crate::read::defect::ReadDefectReason;
use crate::read::document::DocumentFormat;
use crate::read::error::ReadError;
use crate::read::location::Location;

/// Where in its document a value is.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValuePlace {
    pub location: Location,
    /// Format of the document if the value is the first of several.
    pub format_of_many: fn() -> DocumentFormat,
}

impl Framer<'_> {
    /// Cuts concatenated values, regardless of lines.
    pub fn sequence(&mut self, window: &mut Window<'_>) -> Result<(), Interrupt> {
        let mut item = 0;
        loop {
            item += 1;
            let location = Location::default().at_item(item);
            match self.or_lost(window, location, next_value)? {
                Some(byte @ (b'{' | b'[')) => {
                    let place = ValuePlace { location, format_of_many: || DocumentFormat::Sequence };
                    self.value(window, byte, place)?;
                }
                Some(_) => {
                    let start = window.offset();
                    let error = TokenError::Syntax { reason: ReadDefectReason::Trailing, detected_at: start };
                    return Err(self.report_lost(window, start, location, error));
                }
                None => return Ok(()),
            }
        }
    }

    /// Cuts the object or array at the window's position, which starts with `byte`.
    pub fn value(&mut self, window: &mut Window<'_>, byte: u8, place: ValuePlace) -> Result<(), Interrupt> {
        match byte {
            b'[' => self.array(window, place),
            _ => self.object(window, place),
        }
    }

    /// Cuts an array of resources and Bundles.
    fn array(&mut self, window: &mut Window<'_>, place: ValuePlace) -> Result<(), Interrupt> {
        let location = match self.format {
            // The only value, as far as is known.
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
                self.object(window, ValuePlace { location, format_of_many: || DocumentFormat::Array })?;
                continue;
            }
            let start = window.offset();
            let depth = self.limits.json_depth;
            self.or_lost(window, location, |window| window.skip_value(depth))?;
            let reason = ReadDefectReason::NotObject(describe_value(byte));
            self.report(window, FoundDefect::new(location, start..window.offset(), reason))?;
        }
        Ok(())
    }

    /// Cuts a resource or a Bundle, or recognizes a companion file.
    fn object(&mut self, window: &mut Window<'_>, place: ValuePlace) -> Result<(), Interrupt> {
        let start = window.offset();
        window.hold(self.limits.memory_document_bytes);
        let prescan = Prescan::run(window, self.limits, 1);
        let done = self.prescanned(window, start..window.offset(), prescan, place);
        window.release();
        done
    }

    /// Emits the object at `range`, which the latest hold may still have, and
    /// leaves the window after it.
    fn prescanned(
        &mut self,
        window: &mut Window<'_>,
        range: ByteRange,
        prescan: Prescan,
        mut place: ValuePlace,
    ) -> Result<(), Interrupt> {
        if self.format.is_none() {
            let format = self.detect_format(window, &prescan, place);
            if format != (place.format_of_many)() {
                place.location = Location::default();
            }
            self.announce(format)?;
        }
        if prescan.is_bundle() {
            return self.top_level_bundle(window, range, prescan, place.location);
        }
        if let Some(error) = prescan.error.clone() {
            return self.report_broken(window, range.start, place.location, error);
        }
        if matches!(self.format, Some(DocumentFormat::Companion(_))) && prescan.companion().is_some() {
            return Ok(());
        }
        if range.end - range.start > self.limits.resource_bytes as u64 {
            let reason = ReadDefectReason::TooLarge(self.limits.resource_bytes);
            // It takes a position all the same: frames are found again by their
            // positions, which therefore must not depend on the limit.
            *self.next_position += 1;
            return self.report(window, FoundDefect::new(place.location, range, reason));
        }
        if window.is_held() {
            return self.resource(window, range, &prescan, place.location);
        }
        // The hold was lost before `resourceType` showed that it is no Bundle.
        let mut second = self.second_pass_at(range.start, place.location)?;
        second.hold(self.limits.resource_bytes);
        let end = range.end;
        self.or_lost(&mut second, place.location, |second| Ok(second.skip_to(end)?))?;
        self.resource(&mut second, range, &prescan, place.location)?;
        second.release();
        self.second_pass = Some(second);
        Ok(())
    }

    /// Emits the resource at `range`, which is in memory, and what it carries.
    fn resource(
        &mut self,
        window: &mut Window<'_>,
        range: ByteRange,
        prescan: &Prescan,
        location: Location,
    ) -> Result<(), Interrupt> {
        let position = *self.next_position;
        self.emit_resource(window, range.clone(), location)?;
        if prescan.is_parameters {
            let inner = parameters::resources(window, range.clone(), self.limits);
            let counts = inner.iter().map(|inner| parameters::position_count(window, inner, self.limits, 1));
            *self.next_position += counts.sum::<u64>();
            self.emit_parameters(window, range, None, location, position + 1)?;
        }
        Ok(())
    }

    /// Emits a Bundle, from memory or in a second pass.
    fn top_level_bundle(
        &mut self,
        window: &mut Window<'_>,
        range: ByteRange,
        prescan: Prescan,
        location: Location,
    ) -> Result<(), Interrupt> {
        if window.is_held() && window.go_to(range.start) {
            self.emit_bundle(window, prescan, None, location, *self.next_position)?;
            window.go_to(range.end);
            return Ok(());
        }
        let mut second = self.second_pass_at(range.start, location)?;
        self.emit_bundle(&mut second, prescan, None, location, *self.next_position)?;
        if second.offset() != range.end {
            return Err(ReadError::Changed.into());
        }
        self.second_pass = Some(second);
        Ok(())
    }

    /// What the document contains, judged by its first value.
    fn detect_format(&self, window: &mut Window<'_>, prescan: &Prescan, place: ValuePlace) -> DocumentFormat {
        if let Some(companion) = prescan.companion() {
            return DocumentFormat::Companion(companion);
        }
        // A value that is too large to hold, or has no end, is taken to be the only one.
        let has_end = prescan.error.is_none() || window.bound().is_some();
        if has_end && window.is_held() && !is_last_value(window) {
            return (place.format_of_many)();
        }
        match prescan.is_bundle() {
            true => DocumentFormat::Bundle,
            false => DocumentFormat::Resource,
        }
    }

    /// The second pass, moved forward to `offset`, which it has not passed.
    fn second_pass_at(&mut self, offset: u64, location: Location) -> Result<Window<'static>, Interrupt> {
        let mut second = match self.second_pass.take() {
            Some(second) => second,
            None => self.open_second_pass(offset)?,
        };
        let byte = self.or_lost(&mut second, location, |second| {
            second.skip_to(offset)?;
            Ok(second.peek()?)
        })?;
        match byte {
            Some(_) => Ok(second),
            None => Err(ReadError::Changed.into()),
        }
    }

    fn open_second_pass(&self, offset: u64) -> Result<Window<'static>, ReadError> {
        let opener = self.opener.ok_or(ReadError::Changed)?;
        match opener.reopen(offset) {
            Ok(stream) => Ok(Window::new(stream, offset, self.limits.read_bytes)),
            // The first pass got further.
            Err(error) => Err(StreamError::from(error).into_defect().err().unwrap_or(ReadError::Changed)),
        }
    }
}
