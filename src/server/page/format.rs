//! Figures and times as people read them. Templates call these functions.

use std::fmt::{self, Display};

use chrono::{DateTime, TimeDelta, Utc};
use fhirmill_postgres::ledger::Account;

/// What templates pass: a value, or a reference to it, or a reference to that.
pub trait Is<Value> {
    /// The value.
    fn value(&self) -> Value;
}

impl<Value, Thing: Is<Value>> Is<Value> for &Thing {
    fn value(&self) -> Value {
        (**self).value()
    }
}

impl Is<i64> for i64 {
    fn value(&self) -> i64 {
        *self
    }
}

impl Is<i64> for i32 {
    fn value(&self) -> i64 {
        i64::from(*self)
    }
}

impl Is<i64> for i16 {
    fn value(&self) -> i64 {
        i64::from(*self)
    }
}

impl Is<i64> for u64 {
    fn value(&self) -> i64 {
        i64::try_from(*self).unwrap_or(i64::MAX)
    }
}

impl Is<DateTime<Utc>> for DateTime<Utc> {
    fn value(&self) -> DateTime<Utc> {
        *self
    }
}

impl Is<TimeDelta> for TimeDelta {
    fn value(&self) -> TimeDelta {
        *self
    }
}

impl Is<Account> for Account {
    fn value(&self) -> Account {
        *self
    }
}

/// A count, with a comma between thousands.
pub fn number(count: impl Is<i64>) -> String {
    let count = count.value();
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    if count < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count that ended at a bound.
pub fn bounded(count: impl Is<i64>, bound: impl Is<i64>) -> String {
    match count.value() > bound.value() {
        true => format!("more than {}", number(bound.value())),
        false => number(count.value()),
    }
}

/// A number of bytes, in the largest unit that leaves three digits.
pub fn bytes(count: impl Is<i64>) -> String {
    let count = count.value().unsigned_abs() as f64;
    for (unit, size) in [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] {
        if count >= size {
            let value = count / size;
            return if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") };
        }
    }
    format!("{count} B")
}

/// A time span in words.
pub fn span(span: impl Is<TimeDelta>) -> String {
    let seconds = span.value().num_seconds().unsigned_abs();
    let plural = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        0..60 => plural(seconds, "second"),
        60..3600 => plural(seconds / 60, "minute"),
        3600..172_800 => plural((seconds + 1800) / 3600, "hour"),
        _ => plural((seconds + 43_200) / 86_400, "day"),
    }
}

/// How long ago a time is, or how long until then.
pub fn ago(time: impl Is<DateTime<Utc>>) -> String {
    let since = Utc::now() - time.value();
    match since.num_seconds() {
        ..-1 => format!("in {}", span(-since)),
        -1..1 => "now".to_owned(),
        _ => format!("{} ago", span(since)),
    }
}

/// A time to the second, in UTC.
pub fn at(time: impl Is<DateTime<Utc>>) -> String {
    time.value().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time for `datetime` attributes.
pub fn machine(time: impl Is<DateTime<Utc>>) -> String {
    time.value().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The word with the article that its count asks for.
pub fn things(count: impl Is<i64>, singular: &str, plural: &str) -> String {
    let count = count.value();
    format!("{} {}", number(count), if count == 1 { singular } else { plural })
}

/// A piece of HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Display for Markup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

// Whatever comes from outside is escaped where a piece is made.
impl askama::filters::HtmlSafe for Markup {}

/// A time, to the second.
pub fn time(time: impl Is<DateTime<Utc>>) -> Markup {
    let time = time.value();
    Markup(format!("<time datetime=\"{}\">{}</time>", machine(time), at(time)))
}

/// A time to the minute, for tables; the mouse shows the seconds.
pub fn minute(time: impl Is<DateTime<Utc>>) -> Markup {
    let time = time.value();
    let text = time.format("%Y-%m-%d %H:%M");
    Markup(format!("<time datetime=\"{}\" title=\"{} UTC\">{text}</time>", machine(time), at(time)))
}

/// How long ago a time is; the mouse shows the time itself.
pub fn since(time: impl Is<DateTime<Utc>>) -> Markup {
    let time = time.value();
    Markup(format!("<time datetime=\"{}\" title=\"{} UTC\">{}</time>", machine(time), at(time), ago(time)))
}

/// A state: a colour and a word.
pub fn badge(class: &str, word: &str) -> Markup {
    Markup(format!("<span class=\"badge {class}\">{}</span>", escaped(word)))
}

/// A text with commands between backticks.
pub fn with_commands(text: impl AsRef<str>) -> Markup {
    let parts = text.as_ref().split('`').enumerate();
    Markup(
        parts
            .map(|(number, part)| match number % 2 {
                1 => format!("<code>{}</code>", escaped(part)),
                _ => escaped(part),
            })
            .collect(),
    )
}

/// A count in a table: zero does not catch the eye.
pub fn count(count: impl Is<i64>) -> Markup {
    match count.value() {
        0 => Markup("<span class=\"zero\">0</span>".to_owned()),
        count => Markup(number(count)),
    }
}

/// What became of records, as a sum without the parts that are zero.
pub fn equation(account: impl Is<Account>) -> String {
    let Account { inserted, updated, unchanged, stale, deleted, rejected, skipped } = account.value();
    let parts = [
        (inserted, "inserted"),
        (updated, "updated"),
        (unchanged, "unchanged"),
        (stale, "stale"),
        (deleted, "deleted"),
        (rejected, "rejected"),
        (skipped, "skipped"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", number(*count)))
        .collect();
    let seen = account.value().total().value();
    if parts.is_empty() {
        "no records".to_owned()
    } else {
        format!("{} seen = {}", number(seen), parts.join(" + "))
    }
}

/// A text that may stand in HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text for the query of a URL.
pub fn query(text: impl AsRef<str>) -> String {
    let mut encoded = String::new();
    for byte in text.as_ref().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn counts_have_separators_and_bytes_units() {
        let numbers = [0, 12, 999, 1000, 123_456, 10_000_000, -1234];
        assert_eq!(numbers.map(number), ["0", "12", "999", "1,000", "123,456", "10,000,000", "-1,234"]);
        assert_eq!(bounded(10_001, 10_000), "more than 10,000");
        assert_eq!(bounded(10_000, 10_000), "10,000");
        let sizes = [0_i64, 999, 1000, 9_940, 12_000, 5_000_000_000];
        assert_eq!(sizes.map(bytes), ["0 B", "999 B", "1.0 kB", "9.9 kB", "12 kB", "5.0 GB"]);
    }

    #[test]
    fn commands_stand_out_and_what_is_written_is_no_markup() {
        let marked = with_commands("a <b>, then `fhirmill <x>`.").to_string();
        assert_eq!(marked, "a &lt;b&gt;, then <code>fhirmill &lt;x&gt;</code>.");
    }

    #[test]
    fn spans_are_in_words() {
        let spans = [1, 59, 60, 119, 3600, 5400, 86_400, 172_800, 1_000_000];
        assert_eq!(
            spans.map(|seconds| span(TimeDelta::seconds(seconds))),
            [
                "1 second",
                "59 seconds",
                "1 minute",
                "1 minute",
                "1 hour",
                "2 hours",
                "24 hours",
                "2 days",
                "12 days"
            ]
        );
        assert_eq!(query("a b&c=ü/"), "a%20b%26c%3D%C3%BC%2F");
    }
}
