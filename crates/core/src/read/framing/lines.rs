//! Cuts a document by *lines*: NDJSON, or a single value on one line. A broken
//! line costs only itself. A line too long to hold is read as a value.

use super::framer::{FoundDefect, Framer, Interrupt};
use super::layout::{line_end, next_value, skip_line};
use super::not_json::describe_text;
use super::token::TokenError;
use super::values::ValuePlace;
use super::window::Window;
use crate::read::defect::ReadDefectReason;
use crate::read::document::DocumentFormat;
use crate::read::location::Location;

impl Framer<'_> {
    /// Cuts the document from the line numbered `first_line` on.
    pub fn lines(&mut self, window: &mut Window<'_>, first_line: u64) -> Result<(), Interrupt> {
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
                Ok(()) | Err(Interrupt::RestLost) => {}
                Err(interrupt) => return Err(interrupt),
            }
            if !window.go_to(end) {
                self.or_lost(window, Location::at_line(line), |window| Ok(window.skip_to(end)?))?;
            }
            // The line feed, unless this was the last line.
            match window.peek() {
                Ok(Some(_)) => window.consume(1),
                _ => return Ok(()),
            }
            line += 1;
        }
    }

    /// Cuts the values of one line. The window is bounded by the end of the line.
    fn line(&mut self, window: &mut Window<'_>, line: u64) -> Result<(), Interrupt> {
        let place = line_place(line);
        while let Some(byte) = self.or_lost(window, place.location, next_value)? {
            if !matches!(byte, b'{' | b'[') {
                self.announce(DocumentFormat::Ndjson)?;
                let reason = ReadDefectReason::NotJson(describe_text(byte));
                let start = window.offset();
                let error = TokenError::Syntax { reason, detected_at: start };
                return Err(self.report_lost(window, start, place.location, error));
            }
            self.value(window, byte, place)?;
        }
        Ok(())
    }

    /// Cuts one value of a line that is too long to hold, or skips what is
    /// there instead of one.
    fn long_line(&mut self, window: &mut Window<'_>, line: u64) -> Result<(), Interrupt> {
        let place = line_place(line);
        match self.or_lost(window, place.location, next_value)? {
            Some(byte @ (b'{' | b'[')) => self.value(window, byte, place),
            Some(byte) => {
                self.announce(DocumentFormat::Ndjson)?;
                let start = window.offset();
                let reason = ReadDefectReason::NotJson(describe_text(byte));
                self.or_lost(window, place.location, |window| Ok(skip_line(window)?))?;
                let found = FoundDefect::new(place.location, start..window.offset(), reason);
                self.report(window, found)
            }
            None => Ok(()),
        }
    }
}

fn line_place(line: u64) -> ValuePlace {
    ValuePlace { location: Location::at_line(line), format_of_many: || DocumentFormat::Ndjson }
}
