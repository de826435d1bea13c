//! date, dateTime, instant, Period and time: a column to compute with beside
//! a column with the text as written, which alone tells the precision and the
//! local calendar day.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#dateTime>.

use crate::json::{Name, Value};

use super::{Column, Datatype, Defect, DefectReason, Row, SqlType, join, moment, object, text};

/// date: its first day, and the text.
pub(super) struct Date;

impl Datatype for Date {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            Column::new(prefix.to_owned(), SqlType::Date, ""),
            Column::new(join(prefix, "text"), SqlType::Text, " as written"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        let Some(value) = elements.first() else {
            row.copy.nulls(2);
            return Ok(());
        };
        let written = text(*value)?;
        let days = moment::date(&written).ok_or(Defect::new(*value, DefectReason::InvalidDate))?;
        row.copy.date(days.start);
        row.copy.text(&written);
        Ok(())
    }
}

/// dateTime, instant: the first instant of what is stated, and the text.
pub(super) struct DateTime;

impl Datatype for DateTime {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            Column::new(prefix.to_owned(), SqlType::Timestamptz, ""),
            Column::new(join(prefix, "text"), SqlType::Text, " as written"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        write_bound(elements.first().copied(), Bound::First, row)
    }
}

/// Which instant of a partial date a column holds.
#[derive(Clone, Copy)]
enum Bound {
    First,
    Last,
}

fn write_bound(value: Option<Value<'_>>, bound: Bound, row: &mut Row<'_>) -> Result<(), Defect> {
    match row.span(value)? {
        Some((written, span)) => {
            row.copy.timestamptz(match bound {
                Bound::First => span.start,
                Bound::Last => span.end - 1,
            });
            row.copy.text(&written);
        }
        None => row.copy.nulls(2),
    }
    Ok(())
}

/// Period: start and end. A partial end means the last microsecond of the
/// day, month or year that it states, so that SQL's BETWEEN works.
pub(super) struct Period;

impl Period {
    /// Writes the four columns from a Period, or from a dateTime, which is
    /// its start.
    pub(super) fn write_any(value: Option<Value<'_>>, row: &mut Row<'_>) -> Result<(), Defect> {
        match value {
            Some(value) if value.kind() == crate::json::Kind::Object => Period.write(&[value], row),
            other => {
                write_bound(other, Bound::First, row)?;
                row.copy.nulls(2);
                Ok(())
            }
        }
    }
}

impl Datatype for Period {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            Column::new(join(prefix, "start"), SqlType::Timestamptz, "start"),
            Column::new(join(prefix, "start_text"), SqlType::Text, "start as written"),
            Column::new(join(prefix, "end"), SqlType::Timestamptz, "end"),
            Column::new(join(prefix, "end_text"), SqlType::Text, "end as written"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        let Some(period) = object(elements)? else {
            row.copy.nulls(4);
            return Ok(());
        };
        write_bound(period.get(Name::START), Bound::First, row)?;
        write_bound(period.get(Name::END), Bound::Last, row)
    }
}

/// time: a time of day.
pub(super) struct Time;

impl Datatype for Time {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Time, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        let Some(value) = elements.first() else {
            row.copy.null();
            return Ok(());
        };
        let time = moment::time(&text(*value)?).ok_or(Defect::new(*value, DefectReason::InvalidTime))?;
        row.copy.time(time);
        Ok(())
    }
}
