//! The time zone of times that name none.
//!
//! FHIR wants a zone on every time of day, but senders leave it out. What is
//! then meant is the operator's knowledge: a fixed offset, or a zone of the
//! IANA database with its summer time.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Duration, FixedOffset, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// A zone: an offset that never changes, or one with rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timezone {
    Fixed(FixedOffset),
    Named(Tz),
}

impl Timezone {
    /// The instant of a wall-clock time in this zone.
    ///
    /// A time that the clocks show twice in autumn is the first of the two; a
    /// time that they skip in spring is read an hour later, as if they had
    /// been set forward a little late. So every time has exactly one instant.
    pub fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        match self {
            Self::Fixed(offset) => first_instant(offset, local),
            Self::Named(zone) => first_instant(zone, local),
        }
    }
}

fn first_instant<Zone: TimeZone>(zone: &Zone, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.with_timezone(&Utc),
        LocalResult::None => match zone.from_local_datetime(&(local + Duration::hours(1))) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.with_timezone(&Utc),
            // Only at the very ends of the calendar.
            LocalResult::None => local.and_utc(),
        },
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(offset) => write!(formatter, "{offset}"),
            Self::Named(zone) => write!(formatter, "{zone}"),
        }
    }
}

impl FromStr for Timezone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with(['+', '-'])
            && text.len() == "+00:00".len()
            && let Ok(offset) = text.parse::<FixedOffset>()
        {
            return Ok(Self::Fixed(offset));
        }
        match text.parse::<Tz>() {
            Ok(zone) => Ok(Self::Named(zone)),
            Err(_) => Err("a fixed offset such as +02:00, or a zone of the IANA database".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(zone: &str, local: &str) -> String {
        let zone = Timezone::from_str(zone).unwrap();
        let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").unwrap();
        zone.instant(local).format("%Y-%m-%d %H:%M").to_string()
    }

    #[test]
    fn a_fixed_offset_holds_all_year() {
        assert_eq!(instant("+02:00", "2020-01-15 12:00"), "2020-01-15 10:00");
        assert_eq!(instant("-05:30", "2020-07-15 12:00"), "2020-07-15 17:30");
    }

    #[test]
    fn a_named_zone_knows_summer_time() {
        assert_eq!(instant("America/New_York", "2020-01-15 12:00"), "2020-01-15 17:00");
        assert_eq!(instant("America/New_York", "2020-07-15 12:00"), "2020-07-15 16:00");
    }

    #[test]
    fn a_time_shown_twice_is_the_first_and_a_skipped_one_is_an_hour_later() {
        // New York, 2020: clocks went back at 02:00 EDT on 1 November and
        // forward at 02:00 EST on 8 March.
        assert_eq!(instant("America/New_York", "2020-11-01 01:30"), "2020-11-01 05:30");
        assert_eq!(instant("America/New_York", "2020-03-08 02:30"), "2020-03-08 07:30");
    }

    #[test]
    fn what_is_no_zone_is_told_what_a_zone_is() {
        for wrong in ["", "Mars/Olympus", "+2", "+25:00", "02:00", "+02:00:00"] {
            assert!(Timezone::from_str(wrong).is_err(), "{wrong}");
        }
    }
}
