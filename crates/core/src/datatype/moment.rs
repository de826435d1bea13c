//! A *moment* is a FHIR date, dateTime, instant or time, read from its text: the
//! span that it states (a point, a day, a month or a year), in the numbers that
//! Postgres stores.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#dateTime>.

use std::ops::Range;

use super::spelling;
use super::timezone::Timezone;
use crate::fhir::trimmed;

/// In microseconds, as all times here.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2000-01-01, the epoch of Postgres, in seconds since 1970.
const EPOCH_SECONDS: i64 = 946_684_800;

/// The calendar days that a FHIR date states, as days since 2000-01-01: one
/// day, or all days of a month or a year. `None` if it is not a FHIR date.
///
/// ```
/// # use fhirmill_core::datatype::moment::date;
/// assert_eq!(date("2000-02"), Some(31..60));
/// ```
pub fn date(text: &str) -> Option<Range<i32>> {
    let mut reader = TextReader { rest: text.as_bytes() };
    let days = reader.days()?;
    reader.rest.is_empty().then_some(days)
}

/// The span that a FHIR date, dateTime or instant states, as microseconds
/// since 2000-01-01 00:00 UTC, its end excluded. With a time of day it is a
/// single microsecond. `assumed` is the time zone of a text that states none.
/// `None` if it is not a FHIR dateTime, nor another spelling of one: without
/// seconds, with `+0000`, with a blank for `T`.
pub fn date_time(text: &str, assumed: Timezone) -> Option<Range<i64>> {
    as_defined(text, assumed).or_else(|| as_defined(&spelling::date_time(text)?, assumed))
}

/// The same, but only of a FHIR dateTime or instant as R4 spells it.
pub(super) fn as_defined(text: &str, assumed: Timezone) -> Option<Range<i64>> {
    let mut reader = TextReader { rest: text.as_bytes() };
    let days = reader.days()?;
    if reader.rest.is_empty() {
        let bound = |days: i32| {
            let local = i64::from(days) * DAY;
            local - offset_at(assumed, local)
        };
        return Some(bound(days.start)..bound(days.end));
    }
    if days.len() > 1 {
        return None;
    }
    reader.byte(b'T')?;
    let local = i64::from(days.start) * DAY + reader.time_of_day()?;
    let offset = if reader.rest.is_empty() { offset_at(assumed, local) } else { reader.offset()? };
    reader.rest.is_empty().then_some(local - offset..local - offset + 1)
}

/// Microseconds to subtract from a local time to get UTC.
fn offset_at(timezone: Timezone, local: i64) -> i64 {
    timezone.offset_at(local.div_euclid(SECOND) + EPOCH_SECONDS) * SECOND
}

/// A FHIR time as microseconds since midnight. A leap second is 24:00:00, the
/// latest time that Postgres has. `None` if it is not a FHIR time, nor one
/// without seconds.
pub fn time(text: &str) -> Option<i64> {
    time_as_defined(text).or_else(|| time_as_defined(&spelling::time(trimmed(text))?))
}

/// The same, but only of a FHIR time as R4 spells it.
pub(super) fn time_as_defined(text: &str) -> Option<i64> {
    let mut reader = TextReader { rest: text.as_bytes() };
    let time = reader.time_of_day()?.min(DAY);
    reader.rest.is_empty().then_some(time)
}

/// Whether the text has the form of a date, or begins like a dateTime, and the
/// calendar has no such day, month or year.
pub(super) fn is_missing_day(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or(text);
    let has_form = matches!(date.len(), 4 | 7 | 10)
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    has_form && self::date(date).is_none()
}

/// What is left of a text.
struct TextReader<'t> {
    rest: &'t [u8],
}

impl TextReader<'_> {
    fn byte(&mut self, expected: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (*first == expected).then_some(())
    }

    fn digits<const COUNT: usize>(&mut self) -> Option<i32> {
        let (digits, rest) = self.rest.split_first_chunk::<COUNT>()?;
        self.rest = rest;
        let mut value = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value * 10 + i32::from(digit - b'0');
        }
        Some(value)
    }

    fn days(&mut self) -> Option<Range<i32>> {
        let year = self.digits::<4>().filter(|year| *year > 0)?;
        if self.rest.first() != Some(&b'-') {
            return Some(first_of(year, 1)..first_of(year + 1, 1));
        }
        self.byte(b'-')?;
        let month = self.digits::<2>().filter(|month| (1..=12).contains(month))?;
        let first = first_of(year, month);
        let after = || if month == 12 { first_of(year + 1, 1) } else { first_of(year, month + 1) };
        if self.rest.first() != Some(&b'-') {
            return Some(first..after());
        }
        self.byte(b'-')?;
        let is_in_month = |day: &i32| *day >= 1 && (*day <= 28 || *day <= after() - first);
        let day = self.digits::<2>().filter(is_in_month)?;
        Some(first + day - 1..first + day)
    }

    /// `hh:mm:ss` with any fraction of a second, truncated to microseconds; `:60`
    /// is a leap second and equals the first second of the next minute.
    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.digits::<2>().filter(|hour| *hour < 24)?;
        self.byte(b':')?;
        let minute = self.digits::<2>().filter(|minute| *minute < 60)?;
        self.byte(b':')?;
        let second = self.digits::<2>().filter(|second| *second <= 60)?;
        let mut time = i64::from(hour) * HOUR + i64::from(minute) * MINUTE + i64::from(second) * SECOND;
        if self.rest.first() == Some(&b'.') {
            self.byte(b'.')?;
            let count = self.rest.iter().take_while(|digit| digit.is_ascii_digit()).count();
            let (fraction, rest) = self.rest.split_at(count);
            if fraction.is_empty() {
                return None;
            }
            let mut unit = SECOND;
            for digit in fraction.iter().take(6) {
                unit /= 10;
                time += i64::from(digit - b'0') * unit;
            }
            self.rest = rest;
        }
        Some(time)
    }

    fn offset(&mut self) -> Option<i64> {
        let (sign, rest) = self.rest.split_first()?;
        self.rest = rest;
        let sign = match sign {
            b'Z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.digits::<2>()?;
        self.byte(b':')?;
        let minutes = self.digits::<2>().filter(|minutes| *minutes < 60)?;
        let offset = i64::from(hours) * HOUR + i64::from(minutes) * MINUTE;
        (offset <= 14 * HOUR).then_some(sign * offset)
    }
}

/// Days from 2000-01-01 to the first of a month, in the proleptic Gregorian
/// calendar, as in Postgres and ISO 8601.
fn first_of(year: i32, month: i32) -> i32 {
    // Years begin in March, so that a leap day is the last day of its year.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days_before_month = (153 * month + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + days_before_month - 730_425
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, NaiveDate};
    use pretty_assertions::assert_eq;

    fn utc(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).expect(text).timestamp_micros() - EPOCH_SECONDS * SECOND
    }

    #[test]
    fn a_partial_date_is_all_its_days() {
        assert_eq!(date("2000-01-01"), Some(0..1));
        assert_eq!(date("1999-12-31"), Some(-1..0));
        assert_eq!(date("2000-02"), Some(31..60));
        assert_eq!(date("2001"), Some(366..731));
        for text in [
            "",
            "200",
            "2000-13",
            "2000-00",
            "2001-02-29",
            "2015-02-30",
            "0000",
            "2000-1-1",
            "20000101",
            "2000-01-01 ",
            "-200",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_agrees_with_chrono() {
        let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day");
        for days in (-730_119..2_921_940).step_by(97) {
            let day = epoch + chrono::Duration::days(i64::from(days));
            assert_eq!(date(&day.format("%Y-%m-%d").to_string()), Some(days..days + 1), "{day}");
        }
    }

    #[test]
    fn a_date_time_is_a_point_and_a_date_a_span() {
        let point = |text| date_time(text, Timezone::UTC).map(|span| span.start);
        assert_eq!(point("2015-02-07T13:28:17.239+02:00"), Some(utc("2015-02-07T11:28:17.239Z")));
        assert_eq!(point("2015-02-07T13:28:17Z"), Some(utc("2015-02-07T13:28:17Z")));
        assert_eq!(point("2015-02-07T13:28:17"), Some(utc("2015-02-07T13:28:17Z")));
        assert_eq!(point("2015-02-07T13:28:17.1234567Z"), Some(utc("2015-02-07T13:28:17.123456Z")));
        assert_eq!(point("2016-12-31T23:59:60Z"), Some(utc("2017-01-01T00:00:00Z")));
        assert_eq!(point("2015-02-07T13:28:17-14:00"), Some(utc("2015-02-08T03:28:17Z")));
        let february = date_time("2015-02", Timezone::UTC).expect("a month");
        assert_eq!(february, utc("2015-02-01T00:00:00Z")..utc("2015-03-01T00:00:00Z"));
        for text in [
            "2015-02-07T24:00:00Z",
            "2015-02-07T13:60:00Z",
            "2015-02-07T13:28:61Z",
            "2015-02T13:28:17Z",
            "2015-02-07T13:28:17+15:00",
            "2015-02-07T13:28:17.Z",
            "2015-02-07T13Z",
            "2015-02-07T13:2Z",
            "2015-02-07T13:28:17+2",
            "2015-02-07T13:28:17+é0",
            "2015-02-07T13:28:17 UTC",
            "2015-02-30T13:28Z",
            "2015-02-07T",
            "2015-02-07T13:28:17ZZ",
        ] {
            assert_eq!(point(text), None, "{text}");
        }
    }

    #[test]
    fn other_spellings_with_one_meaning_are_read() {
        let point = |text| date_time(text, Timezone::UTC).map(|span| span.start);
        for text in [
            "2015-02-07T13:28Z",
            "2015-02-07T13:28",
            "2015-02-07 13:28:00",
            "2015-02-07T13:28:00+0000",
            "2015-02-07T13:28:00+00",
            "2015-02-07T13:28:00,0Z",
            "2015-02-07t13:28:00z",
            " 2015-02-07  15:28 +0200 ",
        ] {
            assert_eq!(point(text), Some(utc("2015-02-07T13:28:00Z")), "{text}");
            assert_eq!(as_defined(text, Timezone::UTC).is_some(), text == "2015-02-07T13:28:00Z", "{text}");
        }
        assert_eq!(point(" 2015-02 "), None);
        assert_eq!(time("13:05"), Some(13 * HOUR + 5 * MINUTE));
        assert_eq!(time(" 13:05:01,5"), Some(13 * HOUR + 5 * MINUTE + SECOND + SECOND / 2));
        assert_eq!(time("13"), None);
    }

    #[test]
    fn a_day_that_does_not_exist_has_the_form_of_one() {
        for text in
            ["2015-02-30", "2015-13", "2015-00-01", "0000", "2015-02-30T12:00:00Z", "2015-04-31 12:00"]
        {
            assert!(is_missing_day(text), "{text}");
        }
        for text in ["2015-02-28", "2015-02-28T25:00:00Z", "2015-2-30", "soon", "", "10000-01-01", "201é"] {
            assert!(!is_missing_day(text), "{text}");
        }
    }

    #[test]
    fn an_assumed_time_zone_counts_where_no_offset_is_written() {
        let new_york = Timezone::Named(chrono_tz::America::New_York);
        let start = |text, zone| date_time(text, zone).map(|span| span.start);
        assert_eq!(start("2024-07-01", new_york), Some(utc("2024-07-01T04:00:00Z")));
        assert_eq!(start("2024-01-01", new_york), Some(utc("2024-01-01T05:00:00Z")));
        assert_eq!(
            start("2024-01-01", "+02:00".parse().expect("an offset")),
            Some(utc("2023-12-31T22:00:00Z"))
        );
        assert_eq!(start("2024-07-01T12:00:00Z", new_york), Some(utc("2024-07-01T12:00:00Z")));
        // The hour that the clocks skip.
        assert!(start("2024-03-10T02:30:00", new_york).is_some());
    }

    proptest::proptest! {
        #[test]
        fn every_point_agrees_with_chrono(
            seconds in -62_135_510_400i64..253_402_214_400,
            microseconds in 0u32..1_000_000,
            offset in -14 * 60i32..=14 * 60,
        ) {
            let zone = chrono::FixedOffset::east_opt(offset * 60).expect("an offset");
            let point = DateTime::from_timestamp(seconds, microseconds * 1000).expect("a point").with_timezone(&zone);
            let text = point.format("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string();
            let expected = point.timestamp_micros() - EPOCH_SECONDS * SECOND;
            proptest::prop_assert_eq!(date_time(&text, Timezone::UTC), Some(expected..expected + 1));
        }

        #[test]
        fn no_text_makes_it_panic_or_exceed_the_range_of_postgres(text in "[-0-9:.TZ+]{0,32}") {
            if let Some(time) = time(&text) {
                proptest::prop_assert!((0..=DAY).contains(&time));
            }
            if let Some(days) = date(&text) {
                proptest::prop_assert!(!days.is_empty() && days.len() <= 366);
            }
            if let Some(span) = date_time(&text, Timezone::Named(chrono_tz::America::New_York)) {
                proptest::prop_assert!(span.start < span.end);
            }
        }
    }

    /// The instant that a local time means, as UTC.
    fn instant(zone: &str, local: &str) -> String {
        let span = date_time(local, zone.parse().expect(zone)).expect(local);
        let instant =
            DateTime::from_timestamp_micros(span.start + EPOCH_SECONDS * SECOND).expect("an instant");
        instant.format("%Y-%m-%d %H:%M").to_string()
    }

    #[test]
    fn a_fixed_offset_holds_all_year() {
        assert_eq!(instant("+02:00", "2020-01-15T12:00:00"), "2020-01-15 10:00");
        assert_eq!(instant("-05:30", "2020-07-15T12:00:00"), "2020-07-15 17:30");
    }

    #[test]
    fn a_named_zone_follows_daylight_saving_time() {
        assert_eq!(instant("America/New_York", "2020-01-15T12:00:00"), "2020-01-15 17:00");
        assert_eq!(instant("America/New_York", "2020-07-15T12:00:00"), "2020-07-15 16:00");
    }

    #[test]
    fn an_ambiguous_time_is_the_first_and_a_skipped_one_has_the_offset_from_before() {
        // New York, 2020: clocks went back at 02:00 EDT on 1 November and
        // forward at 02:00 EST on 8 March.
        assert_eq!(instant("America/New_York", "2020-11-01T01:30:00"), "2020-11-01 05:30");
        assert_eq!(instant("America/New_York", "2020-03-08T02:30:00"), "2020-03-08 07:30");
    }

    #[test]
    fn times_are_microseconds_since_midnight() {
        assert_eq!(time("00:00:00"), Some(0));
        assert_eq!(time("13:05:07.25"), Some(13 * HOUR + 5 * MINUTE + 7 * SECOND + 250_000));
        assert_eq!(time("24:00:00"), None);
        assert_eq!(time("23:59:60"), Some(DAY));
        // Found by fuzzing: no time of Postgres is later.
        assert_eq!(time("23:59:60.11234"), Some(DAY));
    }
}
