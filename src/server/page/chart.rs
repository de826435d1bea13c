//! *Charts*: bars by day, stacked by source, as SVG that is drawn on the server. The same
//! figures are beside them as a table.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{NaiveDate, TimeDelta};

use super::format::{escaped, number};

/// How many series have a colour of their own; the others are one.
const COLOURS: usize = 6;
const OTHERS: &str = "others";
/// The size that bars are drawn in; browsers stretch it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;

/// A chart of the last days.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// The days, oldest first.
    pub days: Vec<Day>,
    /// The names of the series, largest first.
    pub series: Vec<String>,
    /// The largest sum of a day.
    pub most: i64,
    /// The sum of all days.
    pub total: i64,
}

/// A day of a chart.
#[derive(Clone, Debug)]
pub struct Day {
    /// The day.
    pub day: NaiveDate,
    /// The count of each series.
    pub counts: Vec<i64>,
    /// Their sum.
    pub sum: i64,
}

impl Chart {
    /// Of so many days that end with `last`, from counts by day and series.
    pub fn new(last: NaiveDate, days: i64, counts: &[(NaiveDate, &str, i64)]) -> Self {
        let mut by_series: BTreeMap<&str, i64> = BTreeMap::new();
        for (_, name, count) in counts {
            *by_series.entry(name).or_default() += count;
        }
        by_series.retain(|_, sum| *sum > 0);
        let mut ranked: Vec<(&str, i64)> = by_series.into_iter().collect();
        ranked.sort_by_key(|(name, sum)| (-sum, *name));
        let own = if ranked.len() > COLOURS { COLOURS - 1 } else { ranked.len() };
        let mut series: Vec<String> = ranked[..own].iter().map(|(name, _)| (*name).to_owned()).collect();
        if own < ranked.len() {
            series.push(OTHERS.to_owned());
        }
        let mut chart = Chart { days: Vec::new(), series, most: 0, total: 0 };
        for back in (0..days).rev() {
            chart.push(last - TimeDelta::days(back), counts);
        }
        chart
    }

    fn push(&mut self, day: NaiveDate, counts: &[(NaiveDate, &str, i64)]) {
        let mut of_day = vec![0; self.series.len()];
        for (_, name, count) in counts.iter().filter(|(found, ..)| *found == day) {
            let place = self.series.iter().position(|series| series == name);
            if let Some(sum) = of_day.get_mut(place.unwrap_or(self.series.len().saturating_sub(1))) {
                *sum += count;
            }
        }
        let sum = of_day.iter().sum();
        self.most = self.most.max(sum);
        self.total += sum;
        self.days.push(Day { day, counts: of_day, sum });
    }

    /// The chart as SVG. Colours are those of the style sheet.
    pub fn svg(&self, label: &str) -> String {
        let mut svg = format!(
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{}\">",
            escaped(label)
        );
        for line in [0.25, 0.5, 0.75] {
            let y = HEIGHT * line;
            let _ = write!(svg, "<line class=\"grid\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>");
        }
        let step = WIDTH / self.days.len().max(1) as f64;
        for (index, day) in self.days.iter().enumerate() {
            self.bar(&mut svg, index as f64 * step, step, day);
        }
        svg.push_str("</svg>");
        svg
    }

    fn bar(&self, svg: &mut String, left: f64, step: f64, day: &Day) {
        let _ = write!(svg, "<g><title>{}: {}</title>", day.day, number(day.sum));
        // The whole column tells its figure to the mouse.
        let _ = write!(
            svg,
            "<rect class=\"day\" x=\"{left:.2}\" y=\"0\" width=\"{step:.2}\" height=\"{HEIGHT}\"/>"
        );
        let mut top = HEIGHT;
        for (colour, count) in day.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            // Whatever there is can be seen.
            let height = (HEIGHT * *count as f64 / self.most.max(1) as f64).max(1.0).min(top);
            top -= height;
            let _ = write!(
                svg,
                "<rect class=\"s{colour}\" x=\"{:.2}\" y=\"{top:.2}\" width=\"{:.2}\" height=\"{height:.2}\"/>",
                left + step * 0.12,
                step * 0.76
            );
        }
        svg.push_str("</g>");
    }

    /// The days that have something, newest first, for the table.
    pub fn filled_days(&self) -> Vec<&Day> {
        self.days.iter().rev().filter(|day| day.sum > 0).collect()
    }

    /// The first day.
    pub fn first(&self) -> String {
        self.days.first().map(|day| day.day.to_string()).unwrap_or_default()
    }

    /// The last day.
    pub fn last(&self) -> String {
        self.days.last().map(|day| day.day.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    #[test]
    fn days_without_anything_are_there_and_series_are_ranked() {
        let chart = Chart::new(
            day(4),
            3,
            &[(day(2), "a", 1), (day(4), "b", 5), (day(4), "a", 2), (day(3), "none", 0)],
        );
        assert_eq!(chart.series, ["b", "a"]);
        let days: Vec<_> = chart.days.iter().map(|day| (day.day, day.counts.clone())).collect();
        assert_eq!(days, [(day(2), vec![0, 1]), (day(3), vec![0, 0]), (day(4), vec![5, 2])]);
        assert_eq!((chart.most, chart.total), (7, 8));
        assert_eq!(chart.filled_days().len(), 2);
        let svg = chart.svg("a \"b\" <c>");
        assert!(svg.contains("aria-label=\"a &quot;b&quot; &lt;c&gt;\""), "{svg}");
        assert_eq!(svg.matches("class=\"s0\"").count(), 1);
        assert!(!svg.contains("style="), "{svg}");
        assert_eq!(Chart::new(day(4), 3, &[]).total, 0);
    }

    #[test]
    fn many_series_share_the_last_colour() {
        let names: Vec<String> = (0..9).map(|number| format!("s{number}")).collect();
        let counts: Vec<_> = names.iter().map(|name| (day(4), name.as_str(), 10)).collect();
        let chart = Chart::new(day(4), 1, &counts);
        assert_eq!(chart.series.len(), COLOURS);
        assert_eq!(chart.series.last().map(String::as_str), Some(OTHERS));
        assert_eq!(chart.days[0].counts, [10, 10, 10, 10, 10, 40]);
    }
}
