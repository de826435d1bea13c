//! *Retry-After*: when a server wants to be called again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The longest time that a server can make fhirmill wait.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the header says to wait, at most a day: a number of seconds, or a time.
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64())),
        Ok(_) => return None,
        Err(_) => {
            let until = DateTime::parse_from_rfc2822(text).ok()?;
            until.signed_duration_since(now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn it_is_a_number_of_seconds_or_a_time() {
        let now = "2026-11-29T10:00:00Z".parse::<DateTime<Utc>>().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 7200 ", Some(7200)),
            ("0", Some(0)),
            ("1e99", Some(86_400)),
            ("999999999", Some(86_400)),
            ("Sun, 29 Nov 2026 10:01:40 GMT", Some(100)),
            ("Sun, 29 Nov 2026 09:00:00 GMT", Some(0)),
            ("-5", None),
            ("NaN", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
