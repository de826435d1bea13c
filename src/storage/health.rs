//! The *health* of the stores that this process uses: since when one throttles or does not answer.

use std::sync::Mutex;
use std::time::Instant;

use fhirmill_postgres::lock::lock;
use tracing::{info, warn};

/// How many calls in a row must fail before a store is in trouble: single ones are throttled every
/// day.
const FAILURES: u32 = 3;

/// All stores that were used.
static STORES: Mutex<Vec<Record>> = Mutex::new(Vec::new());

struct Record {
    /// The bucket or container, as a URL.
    bucket: String,
    failures: u32,
    since: Option<Instant>,
    /// The last failure.
    what: String,
}

/// Notes how a call of a store ended: well, or with this failure.
pub(super) fn note(bucket: &str, failure: Option<String>) {
    let mut stores = lock(&STORES);
    let number = stores.iter().position(|store| store.bucket == bucket).unwrap_or_else(|| {
        stores.push(Record { bucket: bucket.to_owned(), failures: 0, since: None, what: String::new() });
        stores.len() - 1
    });
    let store = &mut stores[number];
    let Some(what) = failure else {
        if store.failures >= FAILURES {
            info!("{bucket} answers again");
        }
        (store.failures, store.since) = (0, None);
        return;
    };
    store.failures += 1;
    store.since.get_or_insert_with(Instant::now);
    store.what = what;
    if store.failures == FAILURES {
        warn!("{bucket}: {}; trying again for some minutes", store.what);
    }
}

/// What is wrong with a store that this process uses; `None` if all answer.
pub fn trouble() -> Option<String> {
    let stores = lock(&STORES);
    let store = stores.iter().find(|store| store.failures >= FAILURES)?;
    let seconds = store.since.map_or(0, |since| since.elapsed().as_secs());
    Some(format!("{} fails since {seconds} seconds ({}); it is tried again", store.bucket, store.what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_in_trouble_until_it_answers() {
        let failure = || Some("503 Service Unavailable".to_owned());
        let is_told = || trouble().is_some_and(|text| text.contains("s3://of-this-test"));
        note("s3://of-this-test", failure());
        note("s3://of-this-test", None);
        note("s3://of-this-test", failure());
        note("s3://of-this-test", failure());
        assert!(!is_told());
        note("s3://of-this-test", failure());
        assert!(is_told());
        note("s3://of-this-test", None);
        assert!(!is_told());
    }
}
