//! The schedule: when the inbox is looked at, as a cron expression.
//!
//! Operators write the five fields that cron has always had (minute, hour,
//! day of month, month, day of week) or six with seconds first. The scheduler
//! wants six, so five get a leading `0`. An expression is parsed here once,
//! with the scheduler's own parser, so that a wrong one is a complaint at
//! start and not a job that never runs.

use std::fmt;
use std::str::FromStr;

use croner::parser::{CronParser, Seconds};

/// A cron expression of six fields that the scheduler takes.
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
        let expected = "a cron expression of five fields (minute hour day month weekday) or of \
                        six with seconds first";
        let fields: Vec<&str> = text.split_whitespace().collect();
        let expression = match fields.len() {
            5 => format!("0 {}", fields.join(" ")),
            6 => fields.join(" "),
            _ => return Err(expected.to_owned()),
        };
        // These are the choices that tokio-cron-scheduler makes.
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
    fn six_fields_are_taken_as_they_are() {
        assert_eq!(Schedule::from_str("*/10 * * * * *").unwrap().expression(), "*/10 * * * * *");
    }

    #[test]
    fn anything_else_is_told_what_a_schedule_is() {
        for wrong in ["", "every minute", "* * * *", "61 * * * *", "* * * * * * *"] {
            let complaint = Schedule::from_str(wrong).unwrap_err();
            assert!(complaint.starts_with("a cron expression of five fields"), "{complaint}");
        }
    }
}
