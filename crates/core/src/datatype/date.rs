//! date, dateTime, instant, Period and time: a column to compute with, and a
//! column with the text as written, which alone holds the precision and the
//! local calendar day.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#dateTime>.

use crate::json::{JsonType, NameId, Value};

use super::column::{Column, SqlType, join};
use super::defect::{ValueDefect, ValueDefectReason};
use super::definition::Datatype;
use super::moment;
use super::row::{Row, object, text};

/// date: its first day, and the text as written.
pub(super) struct Date;

impl Datatype for Date {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            Column::new(prefix.to_owned(), SqlType::Date, ""),
            Column::new(join(prefix, "text"), SqlType::Text, " as written"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let Some(value) = elements.first() else {
            row.buffer.nulls(2);
            return Ok(());
        };
        let written = text(*value)?;
        let reason = || match moment::is_missing_day(&written) && !written.contains(['T', 't', ' ']) {
            true => ValueDefectReason::NoSuchDay,
            false => ValueDefectReason::InvalidDate,
        };
        let days = moment::date(&written).ok_or_else(|| ValueDefect::new(*value, reason()))?;
        row.buffer.date(days.start);
        row.buffer.text(&written);
        Ok(())
    }
}

/// dateTime, instant: the first instant that it states, and the text as written.
pub(super) struct DateTime;

impl Datatype for DateTime {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            Column::new(prefix.to_owned(), SqlType::Timestamptz, ""),
            Column::new(join(prefix, "text"), SqlType::Text, " as written"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        write_bound(elements.first().copied(), Bound::First, row)
    }
}

/// Which instant of a partial date a column holds.
#[derive(Clone, Copy)]
enum Bound {
    First,
    Last,
}

fn write_bound(value: Option<Value<'_>>, bound: Bound, row: &mut Row<'_>) -> Result<(), ValueDefect> {
    match row.span(value)? {
        Some((written, span)) => {
            row.buffer.timestamptz(match bound {
                Bound::First => span.start,
                Bound::Last => span.end - 1,
            });
            row.buffer.text(&written);
        }
        None => row.buffer.nulls(2),
    }
    Ok(())
}

/// Period: start and end. A partial end is the last microsecond of the day,
/// month or year that it states, so that SQL's BETWEEN works.
pub(super) struct Period;

impl Period {
    /// Writes the four columns from a Period, or from a dateTime as its start.
    pub(super) fn write_any(value: Option<Value<'_>>, row: &mut Row<'_>) -> Result<(), ValueDefect> {
        match value {
            Some(value) if value.json_type() == JsonType::Object => Period.write(&[value], row),
            other => {
                write_bound(other, Bound::First, row)?;
                row.buffer.nulls(2);
                Ok(())
            }
        }
    }
}

impl Datatype for Period {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            Column::new(join(prefix, "start"), SqlType::Timestamptz, "start, the first instant"),
            Column::new(join(prefix, "start_text"), SqlType::Text, "start as written"),
            Column::new(
                join(prefix, "end"),
                SqlType::Timestamptz,
                "end, the last instant; of a year, month or day the end of it",
            ),
            Column::new(join(prefix, "end_text"), SqlType::Text, "end as written"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let Some(period) = object(elements)? else {
            row.buffer.nulls(4);
            return Ok(());
        };
        write_bound(period.get(NameId::START), Bound::First, row)?;
        write_bound(period.get(NameId::END), Bound::Last, row)
    }
}

/// time: a time of day.
pub(super) struct Time;

impl Datatype for Time {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Time, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let Some(value) = elements.first() else {
            row.buffer.null();
            return Ok(());
        };
        let written = text(*value)?;
        let time = match moment::time_as_defined(&written) {
            Some(time) => time,
            None => {
                row.coerced.push(value.index());
                moment::time(&written).ok_or(ValueDefect::new(*value, ValueDefectReason::InvalidTime))?
            }
        };
        row.buffer.time(time);
        Ok(())
    }
}
