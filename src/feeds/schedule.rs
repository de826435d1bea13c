//! When a feed is *due*: at the first time of its schedule after its last run began. A time
//! that passed while nothing ran is made up for, once.

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};

use crate::config::{Schedule, Timezone};

/// The next time of a schedule after `after`; none if there is none. Times of the schedule
/// are in the time zone, with its daylight saving time.
pub fn next_after(schedule: &Schedule, timezone: Timezone, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
    // It was parsed in the same way when the settings were checked.
    let cron: Cron = parser.parse(schedule.expression()).ok()?;
    match timezone {
        Timezone::Fixed(offset) => {
            Some(cron.find_next_occurrence(&after.with_timezone(&offset), false).ok()?.to_utc())
        }
        Timezone::Named(zone) => {
            Some(cron.find_next_occurrence(&after.with_timezone(&zone), false).ok()?.to_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn times_are_those_of_the_zone() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let schedule: Schedule = "0 2 * * *".parse().unwrap();
        let vienna: Timezone = "Europe/Vienna".parse().unwrap();
        assert_eq!(
            next_after(&schedule, vienna, at("2026-01-10T00:00:00Z")),
            Some(at("2026-01-10T01:00:00Z"))
        );
        assert_eq!(
            next_after(&schedule, vienna, at("2026-01-10T01:00:00Z")),
            Some(at("2026-01-11T01:00:00Z"))
        );
        assert_eq!(
            next_after(&schedule, vienna, at("2026-07-10T00:30:00Z")),
            Some(at("2026-07-11T00:00:00Z"))
        );
        let fixed: Timezone = "+05:30".parse().unwrap();
        assert_eq!(
            next_after(&schedule, fixed, at("2026-01-10T00:00:00Z")),
            Some(at("2026-01-10T20:30:00Z"))
        );
    }
}
