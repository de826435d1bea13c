//! The row that is being written, and how the values of JSON enter it.

use std::borrow::Cow;
use std::ops::Range;

use super::defect::{ValueDefect, ValueDefectReason};
use super::moment;
use super::resolve::References;
use super::timezone::Timezone;
use crate::json::{JsonType, NameId, Value};
use crate::rows::{MAX_VALUE_BYTES, RowBuffer};

/// A row that is being written, and what datatypes need for it.
///
/// Its methods write one value per column that their names tell, null where the
/// element is missing. They fail, with a [`ValueDefect`], on an element of
/// another JSON type or format than FHIR defines.
pub struct Row<'r> {
    /// Where the row is written.
    pub buffer: &'r mut RowBuffer,
    /// What resolves references.
    pub references: &'r mut dyn References,
    /// The time zone of times that state none.
    pub timezone: Timezone,
    /// Takes the [`Value::index`] of each value that R4 spells otherwise.
    pub coerced: &'r mut Vec<u32>,
}

/// A dateTime as written, and the microseconds that it states.
pub(super) type WrittenSpan<'t> = (Cow<'t, str>, Range<i64>);

impl Row<'_> {
    /// Writes a string.
    pub(super) fn text(&mut self, value: Option<Value<'_>>) -> Result<(), ValueDefect> {
        let Some(value) = value else {
            self.buffer.null();
            return Ok(());
        };
        match value.plain_bytes().filter(|written| written.len() <= MAX_VALUE_BYTES) {
            Some(written) => self.buffer.bytes(written),
            None => self.buffer.text(&text(value)?),
        }
        Ok(())
    }

    /// Writes a whole number.
    pub(super) fn integer(&mut self, value: Option<Value<'_>>) -> Result<(), ValueDefect> {
        match value {
            Some(value) => self.buffer.integer(integer(value)?),
            None => self.buffer.null(),
        }
        Ok(())
    }

    /// Writes a boolean.
    pub(super) fn boolean(&mut self, value: Option<Value<'_>>) -> Result<(), ValueDefect> {
        let Some(value) = value else {
            self.buffer.null();
            return Ok(());
        };
        let defect = ValueDefect::new(value, ValueDefectReason::ExpectedBoolean);
        self.buffer.boolean(value.as_boolean().ok_or(defect)?);
        Ok(())
    }

    /// Writes a number with all its digits.
    pub(super) fn number(&mut self, value: Option<Value<'_>>) -> Result<(), ValueDefect> {
        let Some(value) = value else {
            self.buffer.null();
            return Ok(());
        };
        let written = value.as_number().ok_or(ValueDefect::new(value, ValueDefectReason::ExpectedNumber))?;
        let out_of_range = |_| ValueDefect::new(value, ValueDefectReason::NumberOutOfRange);
        self.buffer.numeric(written).map_err(out_of_range)
    }

    /// Writes the string in an object's member.
    pub fn member_text(&mut self, value: Option<Value<'_>>, name: NameId) -> Result<(), ValueDefect> {
        self.text(member(value, name))
    }

    /// Writes the whole number in an object's member.
    pub fn member_integer(&mut self, value: Value<'_>, name: NameId) -> Result<(), ValueDefect> {
        self.integer(value.get(name))
    }

    /// Writes the boolean in an object's member.
    pub fn member_boolean(&mut self, value: Value<'_>, name: NameId) -> Result<(), ValueDefect> {
        self.boolean(value.get(name))
    }

    /// Writes the number in an object's member.
    pub(super) fn member_number(
        &mut self,
        value: Option<Value<'_>>,
        name: NameId,
    ) -> Result<(), ValueDefect> {
        self.number(member(value, name))
    }

    /// Writes the first and the last instant of a Period, without their texts.
    pub fn bounds(&mut self, period: Option<Value<'_>>) -> Result<(), ValueDefect> {
        self.first_instant(member(period, NameId::START))?;
        match self.span(member(period, NameId::END))? {
            Some((_, span)) => self.buffer.timestamptz(span.end - 1),
            None => self.buffer.null(),
        }
        Ok(())
    }

    /// Writes the first instant of a dateTime, without its text.
    pub fn first_instant(&mut self, value: Option<Value<'_>>) -> Result<(), ValueDefect> {
        match self.span(value)? {
            Some((_, span)) => self.buffer.timestamptz(span.start),
            None => self.buffer.null(),
        }
        Ok(())
    }

    /// What a dateTime states.
    pub(super) fn span<'t>(
        &mut self,
        value: Option<Value<'t>>,
    ) -> Result<Option<WrittenSpan<'t>>, ValueDefect> {
        let Some(value) = value else { return Ok(None) };
        let written = text(value)?;
        match moment::as_defined(&written, self.timezone) {
            Some(span) => Ok(Some((written, span))),
            None => self.respelled_span(value, written),
        }
    }

    /// What a dateTime states that R4 spells otherwise.
    #[cold]
    fn respelled_span<'t>(
        &mut self,
        value: Value<'t>,
        written: Cow<'t, str>,
    ) -> Result<Option<WrittenSpan<'t>>, ValueDefect> {
        match moment::date_time(&written, self.timezone) {
            Some(span) => {
                self.coerced.push(value.index());
                Ok(Some((written, span)))
            }
            None if moment::is_missing_day(&written) => {
                Err(ValueDefect::new(value, ValueDefectReason::NoSuchDay))
            }
            None => Err(ValueDefect::new(value, ValueDefectReason::InvalidDateTime)),
        }
    }
}

/// A string.
pub(super) fn text(value: Value<'_>) -> Result<Cow<'_, str>, ValueDefect> {
    let text = value.as_text().ok_or(ValueDefect::new(value, ValueDefectReason::ExpectedString))?;
    if text.len() > MAX_VALUE_BYTES {
        return Err(ValueDefect::new(value, ValueDefectReason::TooLong));
    }
    Ok(text)
}

/// A whole number of 32 bits.
pub(super) fn integer(value: Value<'_>) -> Result<i32, ValueDefect> {
    let defect = ValueDefect::new(value, ValueDefectReason::ExpectedInteger);
    value.as_number().ok_or(defect)?.parse().map_err(|_| defect)
}

/// The string in an object's member, if there is one.
pub(super) fn member_text<'t>(
    value: Option<Value<'t>>,
    name: NameId,
) -> Result<Option<Cow<'t, str>>, ValueDefect> {
    member(value, name).map(text).transpose()
}

fn member<'t>(value: Option<Value<'t>>, name: NameId) -> Option<Value<'t>> {
    value.and_then(|value| value.get(name))
}

/// The first of the elements, which must be an object.
pub(super) fn object<'t>(elements: &[Value<'t>]) -> Result<Option<Value<'t>>, ValueDefect> {
    match elements.first() {
        Some(value) if value.json_type() == JsonType::Object => Ok(Some(*value)),
        Some(value) => Err(ValueDefect::new(*value, ValueDefectReason::ExpectedObject)),
        None => Ok(None),
    }
}
