//! The *health* of the stores that this process uses: since when one throttles or does not answer.

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fhirmill_postgres::lock::lock;
use tracing::{info, warn};

use super::runtime::handle;

/// How many calls in a row must fail before a store is in trouble: single ones are throttled every
/// day.
const FAILURES: u32 = 3;
/// How long a store must fail before nothing waits for it that others wait behind.
const AWAY: Duration = Duration::from_secs(5);
/// How long a store that does not say anything is waited for then.
const SILENT: Duration = Duration::from_secs(20);

/// All stores that were used.
static STORES: Mutex<Vec<Record>> = Mutex::new(Vec::new());

#[derive(Default)]
struct Record {
    /// The bucket or container, as a URL.
    bucket: String,
    failures: u32,
    since: Option<Instant>,
    /// When it last answered.
    answered: Option<Instant>,
    /// The last failure.
    what: String,
    /// Whether it is asked whether it is there again, without anybody who waits for it.
    is_asked: bool,
}

/// Notes how a call of a store ended: well, or with this failure.
pub(super) fn note(bucket: &str, failure: Option<String>) {
    let mut stores = lock(&STORES);
    let store = of(&mut stores, bucket);
    let Some(what) = failure else {
        if store.failures >= FAILURES {
            info!("{bucket} answers again");
        }
        (store.failures, store.since, store.answered) = (0, None, Some(Instant::now()));
        return;
    };
    store.failures += 1;
    store.since.get_or_insert_with(Instant::now);
    store.what = what;
    if store.failures == FAILURES {
        warn!("{bucket}: {}; trying again for some minutes", store.what);
    }
}

/// The record of a bucket.
fn of<'s>(stores: &'s mut Vec<Record>, bucket: &str) -> &'s mut Record {
    let number = stores.iter().position(|store| store.bucket == bucket).unwrap_or_else(|| {
        stores.push(Record { bucket: bucket.to_owned(), ..Record::default() });
        stores.len() - 1
    });
    &mut stores[number]
}

/// Whether a store is away, so that nothing that others wait behind should wait for it any longer: a
/// call was made then. It fails for some seconds, or does not say anything.
pub(super) fn is_away(bucket: &str, since: Instant) -> bool {
    let mut stores = lock(&STORES);
    let store = of(&mut stores, bucket);
    let is_failing = store.failures >= FAILURES && store.since.is_some_and(|since| since.elapsed() >= AWAY);
    let is_silent = since.elapsed() >= SILENT && store.answered.is_none_or(|answered| answered < since);
    if is_silent && !is_failing {
        store.failures = store.failures.max(FAILURES);
        store.since = Some(since);
        "it does not answer".clone_into(&mut store.what);
        warn!("{bucket}: it does not answer; what else waits goes on");
    }
    is_failing || is_silent
}

/// Asks a store that is away whether it is there again, unless it is being asked.
pub(super) fn ask(bucket: &str, call: impl Future<Output: Send> + Send + 'static) -> io::Result<()> {
    let mut stores = lock(&STORES);
    let store = of(&mut stores, bucket);
    if store.is_asked {
        return Ok(());
    }
    let bucket = bucket.to_owned();
    handle()?.spawn(async move {
        drop(call.await);
        of(&mut lock(&STORES), &bucket).is_asked = false;
    });
    store.is_asked = true;
    Ok(())
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
