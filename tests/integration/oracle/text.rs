//! FHIR primitives as Postgres prints them with `::text` in a session with
//! `TimeZone = UTC` and `DateStyle = ISO`.
//!
//! Every function takes the text as FHIR has it and returns nothing if it is
//! not a value of the type.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

/// A JSON number as `numeric` keeps it: no exponent, no sign of zero, trailing zeros kept.
pub fn numeric(written: &str) -> String {
    let (sign, unsigned) = match written.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", written),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
        None => (unsigned, 0_i64),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    let mut scale = fraction.len() as i64 - exponent;
    while scale < 0 {
        digits.push('0');
        scale += 1;
    }
    while (digits.len() as i64) <= scale {
        digits.insert(0, '0');
    }
    let point = digits.len() - scale as usize;
    let whole = digits[..point].trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = &digits[point..];
    let is_zero = digits.bytes().all(|digit| digit == b'0');
    let sign = if is_zero { "" } else { sign };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A JSON number that fits `integer`.
pub fn integer(written: &str) -> Option<String> {
    let value: i32 = written.parse().ok()?;
    Some(value.to_string())
}

/// A stated span of time, from its first instant to the one after its last.
struct Span {
    first: DateTime<Utc>,
    after: DateTime<Utc>,
}

fn digits(text: &str, length: usize) -> Option<u32> {
    if text.len() != length || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The first day of a year, month or day, and the first day after it.
fn days(written: &str) -> Option<(NaiveDate, NaiveDate)> {
    let parts: Vec<&str> = written.split('-').collect();
    let year = digits(parts.first()?, 4)? as i32;
    if year == 0 || parts.len() > 3 {
        return None;
    }
    let Some(month) = parts.get(1) else {
        let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
        return Some((first, NaiveDate::from_ymd_opt(year + 1, 1, 1)?));
    };
    let month = digits(month, 2)?;
    let Some(day) = parts.get(2) else {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let after = match month {
            12 => NaiveDate::from_ymd_opt(year + 1, 1, 1)?,
            _ => NaiveDate::from_ymd_opt(year, month + 1, 1)?,
        };
        return Some((first, after));
    };
    let first = NaiveDate::from_ymd_opt(year, month, digits(day, 2)?)?;
    Some((first, first.succ_opt()?))
}

fn offset(written: &str) -> Option<FixedOffset> {
    if written == "Z" {
        return FixedOffset::east_opt(0);
    }
    let sign = match written.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = written[1..].split_once(':')?;
    let seconds = digits(hours, 2)? as i32 * 3600 + digits(minutes, 2)? as i32 * 60;
    FixedOffset::east_opt(sign * seconds)
}

/// Hours, minutes, seconds and microseconds; digits beyond the sixth are cut off. The second 60,
/// which FHIR allows for leap seconds, is the first second of the next minute.
fn clock(written: &str) -> Option<Duration> {
    let (seconds, fraction) = match written.split_once('.') {
        Some((seconds, fraction)) if !fraction.is_empty() => (seconds, fraction),
        Some(_) => return None,
        None => (written, "0"),
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let parts: Vec<&str> = seconds.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else {
        return None;
    };
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let microseconds: i64 = format!("{fraction:0<6}")[..6].parse().ok()?;
    Some(
        Duration::seconds(i64::from(hour * 3600 + minute * 60 + second))
            + Duration::microseconds(microseconds),
    )
}

fn span(written: &str, assumed: FixedOffset) -> Option<Span> {
    let Some((day, rest)) = written.split_once('T') else {
        let (first, after) = days(written)?;
        let start = |day: NaiveDate| -> Option<DateTime<Utc>> {
            let local = assumed.from_local_datetime(&day.and_time(NaiveTime::MIN)).single()?;
            Some(local.with_timezone(&Utc))
        };
        return Some(Span { first: start(first)?, after: start(after)? });
    };
    if day.len() != 10 {
        return None;
    }
    let (time, zone) = match rest.find(['Z', '+', '-']) {
        Some(place) => (&rest[..place], offset(&rest[place..])?),
        None => (rest, assumed),
    };
    let local: NaiveDateTime = days(day)?.0.and_time(NaiveTime::MIN) + clock(time)?;
    let instant = zone.from_local_datetime(&local).single()?.with_timezone(&Utc);
    Some(Span { first: instant, after: instant + Duration::microseconds(1) })
}

fn trimmed(formatted: String) -> String {
    formatted.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn timestamp(instant: DateTime<Utc>) -> String {
    let text = instant.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    format!("{}+00", trimmed(text))
}

/// The first instant of a date, dateTime or instant; `assumed` is the offset where none is written.
pub fn first_instant(written: &str, assumed: FixedOffset) -> Option<String> {
    Some(timestamp(span(written, assumed)?.first))
}

/// The last microsecond of a date or month or year, or the instant that is written.
pub fn last_instant(written: &str, assumed: FixedOffset) -> Option<String> {
    let last = span(written, assumed)?.after - Duration::microseconds(1);
    Some(timestamp(last))
}

/// The first day of a date; of a dateTime the day that is written.
pub fn date(written: &str) -> Option<String> {
    let day = written.split('T').next().unwrap_or(written);
    Some(days(day)?.0.format("%Y-%m-%d").to_string())
}

/// A time of day.
pub fn time(written: &str) -> Option<String> {
    let time = NaiveDate::from_ymd_opt(2000, 1, 1)?.and_time(NaiveTime::MIN) + clock(written)?;
    Some(trimmed(time.format("%H:%M:%S%.6f").to_string()))
}

/// A list as Postgres prints an array.
pub fn array(items: &[String]) -> String {
    let mut out = String::from("{");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let is_plain = !item.is_empty()
            && !item.eq_ignore_ascii_case("null")
            && !item.contains(['{', '}', ',', '"', '\\', ' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
        if is_plain {
            out.push_str(item);
            continue;
        }
        out.push('"');
        for character in item.chars() {
            if matches!(character, '"' | '\\') {
                out.push('\\');
            }
            out.push(character);
        }
        out.push('"');
    }
    out.push('}');
    out
}

/// Base64 with or without line breaks, decoded as UTF-8.
pub fn base64_text(written: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut pending = 0_u32;
    let mut letters = 0;
    let mut padding = 0;
    for letter in written.bytes() {
        let six_bits = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            b' ' | b'\n' | b'\r' | b'\t' => continue,
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        pending = (pending << 6 | u32::from(six_bits)) & 0xff_ffff;
        letters += 1;
        match letters % 4 {
            2 => bytes.push((pending >> 4) as u8),
            3 => bytes.push((pending >> 2) as u8),
            0 => bytes.push(pending as u8),
            _ => {}
        }
    }
    if letters % 4 == 1 || (letters + padding) % 4 != 0 {
        return None;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc() -> FixedOffset {
        FixedOffset::east_opt(0).unwrap()
    }

    #[test]
    fn numerics_are_written_out() {
        assert_eq!(numeric("0.0"), "0.0");
        assert_eq!(numeric("-0.0"), "0.0");
        assert_eq!(numeric("112.41600000000001"), "112.41600000000001");
        assert_eq!(numeric("1E-3"), "0.001");
        assert_eq!(numeric("-1.50e1"), "-15.0");
        assert_eq!(numeric("1.5E+3"), "1500");
        assert_eq!(numeric("100"), "100");
        assert_eq!(numeric("-1.000000000000000000E+3"), "-1000.000000000000000");
        assert_eq!(numeric("0e5"), "0");
        assert_eq!(numeric("0e-3"), "0.000");
    }

    #[test]
    fn partial_dates_start_with_their_first_instant() {
        assert_eq!(first_instant("2019", utc()).unwrap(), "2019-01-01 00:00:00+00");
        assert_eq!(first_instant("2019-02", utc()).unwrap(), "2019-02-01 00:00:00+00");
        let new_york = FixedOffset::west_opt(5 * 3600).unwrap();
        assert_eq!(first_instant("2019-02-03", new_york).unwrap(), "2019-02-03 05:00:00+00");
        assert_eq!(
            first_instant("2019-02-03T10:00:00.250+01:00", new_york).unwrap(),
            "2019-02-03 09:00:00.25+00"
        );
    }

    #[test]
    fn partial_ends_are_the_last_microsecond() {
        assert_eq!(last_instant("2020-02", utc()).unwrap(), "2020-02-29 23:59:59.999999+00");
        assert_eq!(last_instant("2019", utc()).unwrap(), "2019-12-31 23:59:59.999999+00");
        assert_eq!(last_instant("2019-01-01T00:00:00Z", utc()).unwrap(), "2019-01-01 00:00:00+00");
    }

    #[test]
    fn what_is_no_date_gives_nothing() {
        for written in [
            "",
            "19",
            "2019-13",
            "2019-02-30",
            "0000",
            "2019-1-1",
            "2019-01-01T",
            "2019-01-01T25:00:00Z",
            "2019T10:00:00Z",
        ] {
            assert_eq!(first_instant(written, utc()), None, "{written}");
        }
    }

    #[test]
    fn arrays_quote_what_needs_it() {
        let items = ["Ann", "Mary Jane", "", "null", "a\"b", "c\\d", "e\u{a0}f"].map(str::to_owned);

        assert_eq!(array(&items), "{Ann,\"Mary Jane\",\"\",\"null\",\"a\\\"b\",\"c\\\\d\",e\u{a0}f}");
    }

    #[test]
    fn base64_is_decoded() {
        assert_eq!(base64_text("SGVsbG8=").unwrap(), "Hello");
        assert_eq!(base64_text("SGVs\nbG8=").unwrap(), "Hello");
        assert_eq!(base64_text("SGVsbG8"), None);
        assert_eq!(base64_text("/w=="), None);
    }

    #[test]
    fn times_of_day() {
        assert_eq!(time("09:30:00.500").unwrap(), "09:30:00.5");
        assert_eq!(time("9:30"), None);
        assert_eq!(date("1970-05").unwrap(), "1970-05-01");
    }
}
