//! The *schedule*: when the inbox is scanned, as a cron expression.
//!
//! An expression has cron's five fields (minute, hour, day of month, month, day
//! of week), or six with seconds first. The scheduler needs six, so five get a
//! leading `0`. Expressions are checked with the scheduler's own parser, so
//! that a wrong one is a complaint at start and not a job that never runs.

use std::fmt;
use std::str::FromStr;

use croner::parser::{CronParser, Seconds};

/// A cron expression with six fields that the scheduler accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(String);

impl Schedule {
    /// The six fields, seconds first.
    pub fn expression(&self) -> &str {
        &self.0
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
        // As tokio-cron-scheduler configures it.
        let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
        match parser.parse(&expression) {
            Ok(_) => Ok(Self(expression)),
            Err(error) => Err(format!("{expected}: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
