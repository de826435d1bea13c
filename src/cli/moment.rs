//! A *moment* is a time as a person types it: `yesterday`, `2 hours ago`, `2h`,
//! `2026-03-01`, `2026-03-01T08:00`. What has no offset is in the time zone
//! ASSUME_TIMEZONE, so a moment becomes an instant only where the settings are known.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::config::Timezone;

/// A time as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long before now.
    Ago(TimeDelta),
    /// The beginning of the day that was so many days ago.
    Day(u64),
    /// A time by the clocks of the time zone.
    Local(NaiveDateTime),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl Moment {
    /// The instant that is meant.
    pub fn instant(self, now: DateTime<Utc>, timezone: Timezone) -> DateTime<Utc> {
        match self {
            Self::Ago(time) => now.checked_sub_signed(time).unwrap_or(DateTime::<Utc>::MIN_UTC),
            Self::Day(days) => {
                let today = timezone.local_time(now).date();
                let day = today.checked_sub_days(chrono::Days::new(days)).unwrap_or(today);
                timezone.instant_of(day.and_time(NaiveTime::MIN))
            }
            Self::Local(time) => timezone.instant_of(time),
            Self::Instant(instant) => instant,
        }
    }
}

/// The text is no time.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a time is written as today, yesterday, '2 hours ago', 2h, 30min, 3d, 2026-03-01 or 2026-03-01T08:00Z"
)]
pub struct InvalidMoment;

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "now" => return Ok(Self::Ago(TimeDelta::zero())),
            "today" => return Ok(Self::Day(0)),
            "yesterday" => return Ok(Self::Day(1)),
            _ => {}
        }
        ago(&text).or_else(|| iso(&text)).ok_or(InvalidMoment)
    }
}

/// A number and a unit, with or without `ago`.
fn ago(text: &str) -> Option<Moment> {
    let text = text.strip_suffix("ago").map_or(text, str::trim_end);
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let number: i64 = text[..digits].parse().ok()?;
    let seconds = match text[digits..].trim_start() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    };
    TimeDelta::try_seconds(number.checked_mul(seconds)?).map(Moment::Ago)
}

/// A date, or a date and a time, which may have an offset.
fn iso(text: &str) -> Option<Moment> {
    let text = text.to_ascii_uppercase();
    if let Ok(date) = NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        return Some(Moment::Local(date.and_time(NaiveTime::MIN)));
    }
    let text = text.replacen(' ', "T", 1).replace('Z', "+00:00");
    for form in ["%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M%:z"] {
        if let Ok(time) = DateTime::parse_from_str(&text, form) {
            return Some(Moment::Instant(time.to_utc()));
        }
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok()).map(Moment::Local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn instant(text: &str, zone: &str) -> String {
        let now = DateTime::parse_from_rfc3339("2026-03-02T03:30:00Z").unwrap().to_utc();
        let moment: Moment = text.parse().unwrap();
        moment.instant(now, zone.parse().unwrap()).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    #[test]
    fn moments_are_relative_to_now_or_to_the_days_of_the_zone() {
        for (text, expected) in [
            ("now", "2026-03-02T03:30:00Z"),
            ("2 hours ago", "2026-03-02T01:30:00Z"),
            ("2h", "2026-03-02T01:30:00Z"),
            ("90 Min", "2026-03-02T02:00:00Z"),
            ("1 day ago", "2026-03-01T03:30:00Z"),
            ("1w", "2026-02-23T03:30:00Z"),
            ("today", "2026-03-02T00:00:00Z"),
            ("Yesterday", "2026-03-01T00:00:00Z"),
            ("2026-02-28", "2026-02-28T00:00:00Z"),
            ("2026-02-28T08:00", "2026-02-28T08:00:00Z"),
            ("2026-02-28 08:00:30", "2026-02-28T08:00:30Z"),
            ("2026-02-28T08:00Z", "2026-02-28T08:00:00Z"),
            ("2026-02-28t08:00:00.5+02:00", "2026-02-28T06:00:00Z"),
        ] {
            assert_eq!(instant(text, "UTC"), expected, "{text}");
        }
        // In New York, it is still the evening of the first.
        assert_eq!(instant("today", "America/New_York"), "2026-03-01T05:00:00Z");
        assert_eq!(instant("yesterday", "America/New_York"), "2026-02-28T05:00:00Z");
        assert_eq!(instant("2026-07-01", "America/New_York"), "2026-07-01T04:00:00Z");
        assert_eq!(instant("2026-02-28T08:00", "+02:00"), "2026-02-28T06:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused_and_no_number_is_too_large() {
        for wrong in [
            "",
            "soon",
            "2",
            "-2h",
            "2 parsecs",
            "2026-02-30",
            "2026-13-01",
            "01/02/2026",
            "9223372036854775807w",
        ] {
            assert_eq!(wrong.parse::<Moment>(), Err(InvalidMoment), "{wrong}");
        }
        assert!(instant("900000000000s", "UTC").starts_with('-'));
    }
}
