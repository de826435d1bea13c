//! The time zone of times that state none.
//!
//! FHIR requires an offset on every time of day, but senders leave it out. Only
//! the operator knows what is meant: a fixed offset, or a zone of the IANA
//! database with its daylight-saving rules.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use thiserror::Error;

/// A time zone: an offset that never changes, or one with rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timezone {
    /// The same offset all year.
    Fixed(FixedOffset),
    /// A zone of the IANA database.
    Named(Tz),
}

/// The text is not a time zone. Read after "must be".
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a fixed offset such as +02:00, or a zone of the IANA database")]
pub struct InvalidTimezone;

impl Timezone {
    /// Coordinated Universal Time.
    pub const UTC: Timezone = match FixedOffset::east_opt(0) {
        Some(zero) => Timezone::Fixed(zero),
        None => unreachable!(),
    };

    /// Seconds to subtract from a local time, itself in seconds since 1970-01-01,
    /// to get UTC.
    ///
    /// Of a time that occurs twice when clocks go back, the first is meant. A
    /// time that is skipped when clocks go forward is read with the offset from
    /// before. So every local time has exactly one instant.
    pub(super) fn offset_at(self, local: i64) -> i64 {
        let offset = match self {
            Timezone::Fixed(offset) => offset,
            Timezone::Named(zone) => {
                let local = DateTime::from_timestamp(local, 0).unwrap_or_default().naive_utc();
                match zone.offset_from_local_datetime(&local).earliest() {
                    Some(offset) => offset.fix(),
                    None => zone.offset_from_utc_datetime(&local).fix(),
                }
            }
        };
        i64::from(offset.local_minus_utc())
    }

    /// The instant at which the clocks of this zone show `local`.
    pub fn instant_of(self, local: NaiveDateTime) -> DateTime<Utc> {
        let local = local.and_utc();
        let offset = TimeDelta::seconds(self.offset_at(local.timestamp()));
        local.checked_sub_signed(offset).unwrap_or(local)
    }

    /// What the clocks of this zone show at an instant.
    pub fn local_time(self, instant: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Timezone::Fixed(offset) => instant.with_timezone(&offset).naive_local(),
            Timezone::Named(zone) => instant.with_timezone(&zone).naive_local(),
        }
    }
}

impl Default for Timezone {
    /// [`Timezone::UTC`].
    fn default() -> Self {
        Timezone::UTC
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Timezone::Fixed(offset) => write!(formatter, "{offset}"),
            Timezone::Named(zone) => write!(formatter, "{zone}"),
        }
    }
}

impl FromStr for Timezone {
    type Err = InvalidTimezone;

    fn from_str(text: &str) -> Result<Self, InvalidTimezone> {
        if text.starts_with(['+', '-'])
            && text.len() == "+00:00".len()
            && let Ok(offset) = text.parse::<FixedOffset>()
        {
            return Ok(Timezone::Fixed(offset));
        }
        text.parse().map(Timezone::Named).map_err(|_| InvalidTimezone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_zone_is_written_as_it_is_read() {
        for zone in ["+02:00", "-05:30", "+00:00", "Europe/Berlin", "UTC"] {
            assert_eq!(zone.parse::<Timezone>().expect(zone).to_string(), zone);
        }
        assert_eq!(Timezone::UTC.to_string(), "+00:00");
    }

    #[test]
    fn what_is_not_a_zone_is_refused() {
        for wrong in ["", "Mars/Olympus", "+2", "+25:00", "02:00", "+02:00:00"] {
            assert_eq!(wrong.parse::<Timezone>(), Err(InvalidTimezone), "{wrong}");
        }
    }
}
