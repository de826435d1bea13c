//! Dates: a parsed moment is in the range that Postgres can store, and its
//! range is not empty.

#![no_main]

use fhirmill_core::datatype::{Timezone, moment};

/// 0001-01-01 and 10000-01-01 with a day on either side, in microseconds
/// since 2000-01-01.
const BOUNDS: std::ops::Range<i64> = -63_082_368_000_000_000..252_455_702_400_000_000;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(days) = moment::date(text) {
        assert!(!days.is_empty() && days.len() <= 366);
        assert_eq!(
            text.len(),
            if days.len() == 1 {
                10
            } else if days.len() <= 31 {
                7
            } else {
                4
            }
        );
    }
    for zone in [Timezone::UTC, "-05:00".parse().expect("an offset")] {
        if let Some(span) = moment::date_time(text, zone) {
            assert!(
                !span.is_empty() && BOUNDS.contains(&span.start) && BOUNDS.contains(&span.end),
                "{span:?}"
            );
        }
    }
    if let Some(time) = moment::time(text) {
        assert!((0..=86_400_000_000).contains(&time));
    }
});
