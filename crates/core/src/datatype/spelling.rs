//! Other *spellings* of dates and times than R4 defines, where they have only one
//! meaning: written here as R4 would.

use crate::fhir::{is_blank, trimmed};

/// A dateTime with seconds, `T` and a colon in its offset; `None` if the text is
/// not one without these.
pub(super) fn date_time(text: &str) -> Option<String> {
    let text = trimmed(text);
    let (date, rest) = text.split_at_checked("2000-01-01".len())?;
    let rest = rest.strip_prefix(['T', 't']).unwrap_or_else(|| rest.trim_start_matches(is_blank));
    let end = rest.find(|character: char| !matches!(character, '0'..='9' | ':' | '.' | ','));
    let (time, offset) = rest.split_at(end.unwrap_or(rest.len()));
    let offset = self::offset(trimmed(offset))?;
    Some(format!("{date}T{}{offset}", self::time(time)?))
}

/// A time with seconds, whose fraction follows a point.
pub(super) fn time(time: &str) -> Option<String> {
    let seconds = match time.bytes().filter(|byte| *byte == b':').count() {
        1 if time.len() == "00:00".len() => ":00",
        2 => "",
        _ => return None,
    };
    Some(format!("{}{seconds}", time.replace(',', ".")))
}

/// `+00:00` of `+0000` and `+00`, `Z` of `z`.
fn offset(offset: &str) -> Option<String> {
    let digits = offset.strip_prefix(['+', '-']).unwrap_or_default();
    match (offset, digits.len()) {
        ("" | "Z" | "z", _) => Some(offset.to_ascii_uppercase()),
        (_, 5) => Some(offset.to_owned()),
        (_, 4) if digits.is_ascii() => Some(format!("{}:{}", &offset[..3], &offset[3..])),
        (_, 2) => Some(format!("{offset}:00")),
        _ => None,
    }
}
