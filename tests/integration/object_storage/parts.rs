//! Objects that are too large to be copied by one call: the store copies their parts. The limits are
//! lowered.

use fhirmill_postgres::failpoint::StoreStep;
use pretty_assertions::assert_eq;

use super::proxy::{Call, Fate, Proxy};
use super::reads::large;
use super::seaweed::Bucket;
use super::{command, run};
use crate::support::TestEnvironment;

/// One call copies 1 MiB, and a part has 5 MiB, the least that S3 takes.
const LIMITS: &str = "store-one-call=return(1048576);store-copied-part=return(5242880)";

/// Loads an object of some 11 MB through a proxy; gives the parts that were asked to be copied, and
/// those that were sent.
fn parts(
    bucket: &Bucket,
    mut fate: impl FnMut(&Call) -> Fate + Send + 'static,
    failpoints: &str,
    code: i32,
) -> (usize, usize) {
    let environment = TestEnvironment::new();
    let content = large(0..2200, "Quill");
    bucket.put("inbox/north/a.ndjson", &content);
    let proxy =
        Proxy::start(
            &bucket.host,
            move |call| {
                if call.path.contains("partNumber=") { fate(call) } else { Fate::Passed }
            },
        );
    let mut once = command(&environment, bucket, &proxy.host, &["once"]);
    environment.run_command(once.env("FAILPOINTS", failpoints)).expect_code(code);
    let calls = proxy.seen_with_length();
    let of = |is_copied: bool| {
        let is_it = |(call, length): &&(String, usize)| {
            call.starts_with("PUT") && call.contains("partNumber=") && (*length == 0) == is_copied
        };
        calls.iter().filter(is_it).count()
    };
    let found = (of(true), of(false));
    run(&environment, bucket, &["once"]).expect_code(0);
    assert_eq!(environment.value("select count(*) from patient"), "2200");
    assert_eq!(bucket.keys("inbox/"), Vec::<String>::new());
    let archived = bucket.keys("archive/");
    assert_eq!(archived.len(), 1, "{archived:?}");
    assert!(bucket.get(&archived[0]).unwrap() == content.as_bytes());
    run(&environment, bucket, &["check", "--archive"]).expect_code(0);
    found
}

#[test]
fn an_object_that_one_call_cannot_copy_is_copied_in_parts_by_the_store_and_proven() {
    let Some(bucket) = Bucket::new() else { return };
    assert_eq!(parts(&bucket, |_| Fate::Passed, LIMITS, 0), (3, 0));
}

#[test]
fn a_death_between_the_parts_loses_nothing() {
    let Some(bucket) = Bucket::new() else { return };
    let step = StoreStep::PartCopied.name();
    let (copied, sent) = parts(&bucket, |_| Fate::Passed, &format!("{LIMITS};{step}=return"), -1);
    assert!((1..=3).contains(&copied) && sent == 0, "{copied} {sent}");
}

#[test]
fn where_the_store_copies_no_parts_they_pass_through_this_machine() {
    let Some(bucket) = Bucket::new() else { return };
    let refuse = |call: &Call| if call.length == 0 { Fate::Refused } else { Fate::Passed };
    let (copied, sent) = parts(&bucket, refuse, LIMITS, 0);
    assert!(copied > 0 && sent == 2, "{copied} {sent}");
}
