//! The *schedule*: when the inbox is scanned, as a cron expression.
//!
//! An expression has cron's five fields (minute, hour, day of month, month, day
//! of week), or six with seconds first. The scheduler needs six, so five get a
//! leading `0`. Expressions are checked with the scheduler's own parser, so
//! that a wrong one is a complaint at start and not a job that never runs.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use fhirmill_core::datatype::Timezone;

/// A cron expression with six fields that the scheduler accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(String);

impl Schedule {
    /// The six fields, seconds first.
    pub fn expression(&self) -> &str {
        &self.0
    }

    /// Its next time after `after`; none if there is none. Its times are in the time zone, with
    /// its daylight saving time.
    pub fn next_after(&self, timezone: Timezone, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // It was parsed in the same way when the settings were checked.
        let cron: Cron = parser().parse(&self.0).ok()?;
        match timezone {
            Timezone::Fixed(offset) => {
                Some(cron.find_next_occurrence(&after.with_timezone(&offset), false).ok()?.to_utc())
            }
            Timezone::Named(zone) => {
                Some(cron.find_next_occurrence(&after.with_timezone(&zone), false).ok()?.to_utc())
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "a cron expression with five fields (minute hour day month weekday), or \
                        six with seconds first";
        let fields: Vec<&str> = text.split_whitespace().collect();
        let expression = match fields.len() {
            5 => format!("0 {}", fields.join(" ")),
            6 => fields.join(" "),
            _ => return Err(expected.to_owned()),
        };
        match parser().parse(&expression) {
            Ok(_) => Ok(Self(expression)),
            Err(error) => Err(format!("{expected}: {error}")),
        }
    }
}

/// As tokio-cron-scheduler configures it.
fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn five_fields_run_at_second_zero() {
        assert_eq!(Schedule::from_str("*/5 * * * *").unwrap().expression(), "0 */5 * * * *");
        assert_eq!(Schedule::from_str(" 0  2 * *  Mon-Fri ").unwrap().expression(), "0 0 2 * * Mon-Fri");
    }

    #[test]
    fn six_fields_are_kept() {
        assert_eq!(Schedule::from_str("*/10 * * * * *").unwrap().expression(), "*/10 * * * * *");
    }

    #[test]
    fn anything_else_is_answered_with_what_a_schedule_is() {
        for wrong in ["", "every minute", "* * * *", "61 * * * *", "* * * * * * *"] {
            let complaint = Schedule::from_str(wrong).unwrap_err();
            assert!(complaint.starts_with("a cron expression with five fields"), "{complaint}");
        }
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let schedule: Schedule = "0 2 * * *".parse().unwrap();
        let vienna: Timezone = "Europe/Vienna".parse().unwrap();
        assert_eq!(schedule.next_after(vienna, at("2026-01-10T00:00:00Z")), Some(at("2026-01-10T01:00:00Z")));
        assert_eq!(schedule.next_after(vienna, at("2026-01-10T01:00:00Z")), Some(at("2026-01-11T01:00:00Z")));
        assert_eq!(schedule.next_after(vienna, at("2026-07-10T00:30:00Z")), Some(at("2026-07-11T00:00:00Z")));
        let fixed: Timezone = "+05:30".parse().unwrap();
        assert_eq!(schedule.next_after(fixed, at("2026-01-10T00:00:00Z")), Some(at("2026-01-10T20:30:00Z")));
    }
}
