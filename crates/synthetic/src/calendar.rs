//! *Days* and *moments*. All local times are five hours behind UTC, and nothing
//! reads the clock: both are plain numbers that are drawn at random.

use std::fmt;

const SECONDS_A_DAY: i64 = 86_400;

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i64);

/// Local seconds since 1970-01-01T00:00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Day {
    /// January 1st of a year.
    pub const fn of_year(year: i64) -> Self {
        let before = year - 1;
        Self(before * 365 + before / 4 - before / 100 + before / 400 - 719_162)
    }

    /// The moment that many seconds after the day's midnight.
    pub fn at(self, second: i64) -> Moment {
        Moment(self.0 * SECONDS_A_DAY + second)
    }

    /// Year, month and day in the proleptic Gregorian calendar. The computation
    /// uses eras of 400 years that begin in March, so that leap days come last.
    fn date(self) -> (i64, i64, i64) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day)
    }
}

impl Moment {
    /// The day that the moment is in.
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(SECONDS_A_DAY))
    }

    /// The moment that many minutes later.
    pub fn plus_minutes(self, minutes: i64) -> Self {
        Self(self.0 + minutes * 60)
    }

    /// The moment that many days later, at the same time of day.
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0 + days * SECONDS_A_DAY)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.day().date();
        let second = self.0.rem_euclid(SECONDS_A_DAY);
        let mut text = *b"0000-00-00T00:00:00-05:00";
        write_digits(&mut text[0..4], year);
        write_digits(&mut text[5..7], month);
        write_digits(&mut text[8..10], day);
        write_digits(&mut text[11..13], second / 3600);
        write_digits(&mut text[14..16], second / 60 % 60);
        write_digits(&mut text[17..19], second % 60);
        formatter.write_str(str::from_utf8(&text).expect("digits and marks are ASCII"))
    }
}

fn write_digits(places: &mut [u8], mut number: i64) {
    for place in places.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_formatted_as_calendar_dates() {
        assert_eq!(Day(0).to_string(), "1970-01-01");
        assert_eq!(Day(-1).to_string(), "1969-12-31");
        assert_eq!(Day(11_016).to_string(), "2000-02-29");
        assert_eq!(Day::of_year(2024).0, 19_723);
        assert_eq!(Day::of_year(1935).to_string(), "1935-01-01");
    }

    #[test]
    fn moments_are_formatted_with_their_offset() {
        assert_eq!(Day(0).at(3_661).plus_minutes(1).to_string(), "1970-01-01T01:02:01-05:00");
    }
}
