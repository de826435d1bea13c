//! `lowBoundary()` and `highBoundary()`: the least and the greatest value that a
//! value of limited precision may mean.

use std::borrow::Cow;

use super::super::program::{Boundary, BoundaryOf};
use super::item::Item;
use crate::datatype::moment;
use crate::json::NameId;

/// The boundary of the item; `None` if it has none.
pub(super) fn boundary<'t>(item: &Item<'t>, boundary: Boundary) -> Option<Item<'t>> {
    let Boundary { is_high, of } = boundary;
    if of == BoundaryOf::Period {
        let end = if is_high { NameId::END } else { NameId::START };
        let bound = Item::Value(item.object()?.get(end)?);
        return self::boundary(&bound, Boundary { is_high, of: BoundaryOf::DateTime });
    }
    if of == BoundaryOf::Number {
        return item.number()?.boundary(is_high).map(Item::Number);
    }
    let text = item.text()?;
    let bound = match of {
        BoundaryOf::Date => date(&text, is_high)?,
        BoundaryOf::Time => time(&text, is_high)?,
        _ => date_time(&text, is_high)?,
    };
    Some(Item::Text(Cow::Owned(bound)))
}

/// The first or last day of a date.
fn date(text: &str, is_high: bool) -> Option<String> {
    let days = moment::date(text)?;
    Some(match text.len() {
        4 => format!("{text}-{}", if is_high { "12-31" } else { "01-01" }),
        7 if is_high => format!("{text}-{:02}", days.len()),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    })
}

/// The first or last instant of a dateTime. Without an offset, it may be that of any
/// time zone.
fn date_time(text: &str, is_high: bool) -> Option<String> {
    let anywhere = if is_high { "-12:00" } else { "+14:00" };
    let Some((day, rest)) = text.split_once('T') else {
        let day = date(text, is_high)?;
        return Some(format!("{day}T{}{anywhere}", if is_high { "23:59:59.999" } else { "00:00:00.000" }));
    };
    let day = date(day, is_high)?;
    let end = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (time_of_day, offset) = rest.split_at(end);
    let time = time(time_of_day, is_high)?;
    Some(format!("{day}T{time}{}", if offset.is_empty() { anywhere } else { offset }))
}

/// The first or last millisecond of a time of day.
fn time(text: &str, is_high: bool) -> Option<String> {
    moment::time(text)?;
    let filled = |text: &str, all: &str| format!("{text}{}", all.get(text.len()..).unwrap_or_default());
    Some(match (is_high, text.contains('.')) {
        (true, _) => filled(text, "23:59:59.999"),
        (false, _) => filled(text, "00:00:00.000"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_partial_date_or_time_is_bounded() {
        let both = |of: fn(&str, bool) -> Option<String>, text| {
            [of(text, false).unwrap_or_default(), of(text, true).unwrap_or_default()]
        };
        assert_eq!(both(date, "2012"), ["2012-01-01", "2012-12-31"]);
        assert_eq!(both(date, "2012-02"), ["2012-02-01", "2012-02-29"]);
        assert_eq!(both(date, "2013-02"), ["2013-02-01", "2013-02-28"]);
        assert_eq!(both(date, "2013-02-05"), ["2013-02-05", "2013-02-05"]);
        assert_eq!(both(date, "2013-13"), ["", ""]);
        let bounds = ["2012-01-01T00:00:00.000+14:00", "2012-12-31T23:59:59.999-12:00"];
        assert_eq!(both(date_time, "2012"), bounds);
        let bounds = ["2012-01-05T10:30:00.000Z", "2012-01-05T10:30:00.999Z"];
        assert_eq!(both(date_time, "2012-01-05T10:30:00Z"), bounds);
        let bounds = ["2012-01-05T10:30:00.500-05:00", "2012-01-05T10:30:00.599-05:00"];
        assert_eq!(both(date_time, "2012-01-05T10:30:00.5-05:00"), bounds);
        assert_eq!(both(time, "12:34"), ["12:34:00.000", "12:34:59.999"]);
        assert_eq!(both(time, "12:34:56.1234"), ["12:34:56.1234", "12:34:56.1234"]);
    }
}
