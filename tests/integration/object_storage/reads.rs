//! How often objects are read: once, and not at all if the ledger knows them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::proxy::{Call, Fate, Proxy};
use super::seaweed::Bucket;
use super::{command, patient, run};
use crate::support::TestEnvironment;

/// Patients of 5 KB, as NDJSON.
pub(super) fn large(ids: std::ops::Range<u32>, family: &str) -> String {
    let one = |id: u32| {
        let mut patient = patient(&id.to_string(), family);
        patient["text"] = json!({"status": "generated", "div": "long ".repeat(1000)});
        format!("{patient}\n")
    };
    ids.map(one).collect()
}

/// How often the bytes from there on were asked for, by key and first byte.
type Reads = Arc<Mutex<BTreeMap<(String, u64), u32>>>;

/// Notes what is read of objects below `inbox/`.
fn counting(reads: &Reads) -> impl FnMut(&Call) -> Fate + Send + 'static {
    let reads = Arc::clone(reads);
    move |call| {
        if call.method == "GET" && !call.is_listing() && call.path.contains("/inbox/") {
            let read = (call.path.clone(), call.from.unwrap_or(0));
            *reads.lock().unwrap().entry(read).or_default() += 1;
        }
        Fate::Passed
    }
}

const FILES: &str = "select path, status, encode(sha256, 'hex'), is_hashed, etag is not null, modified_at is not null \
                     from etl.load_file order by path, id";

#[test]
fn an_object_is_read_once_and_not_again_if_the_ledger_knows_its_version() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    // One is hashed as it is loaded, one is not JSON to its end, and one is kept in memory.
    let (whole, small) = (large(0..300, "Quill"), patient("small", "Quill").to_string());
    let broken = format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}", "x".repeat(2 << 20));
    let contents = [("broken.json", &broken), ("large.ndjson", &whole), ("small.json", &small)];
    for (name, content) in contents {
        bucket.put(&format!("inbox/north/{name}"), content);
    }
    let reads = Reads::default();
    let mut count = counting(&reads);
    let can_move = Arc::new(AtomicBool::new(false));
    let moves = Arc::clone(&can_move);
    let proxy = Proxy::start(&bucket.host, move |call| {
        // The store copies nothing, so that all stays in the inbox.
        let is_copy = call.method == "PUT" && call.length == 0;
        if is_copy && !moves.load(Ordering::Relaxed) { Fate::Refused } else { count(call) }
    });
    let once = || {
        let mut once = command(&environment, &bucket, &proxy.host, &["once"]);
        environment.run_command(once.env("STORAGE_READ_AHEAD", "1MiB")).expect_code(3);
    };
    once();
    let first = std::mem::take(&mut *reads.lock().unwrap());
    assert!(first.len() > 8, "it is read in ranges: {first:?}");
    assert_eq!(first.iter().filter(|(_, count)| **count > 1).collect::<Vec<_>>(), []);
    assert_eq!(bucket.keys("inbox/").len(), 3);
    can_move.store(true, Ordering::Relaxed);
    once();
    assert_eq!(*reads.lock().unwrap(), BTreeMap::new(), "the second process reads nothing again");
    assert_eq!(bucket.keys("inbox/"), Vec::<String>::new());
    let hash =
        |content: &str| Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let statuses = ["rejected", "loaded", "loaded"];
    let wanted = contents.iter().zip(statuses).map(|((name, content), status)| {
        [&format!("north/{name}"), status, &hash(content), "true", "true", "true"].map(str::to_owned).to_vec()
    });
    assert_eq!(environment.query(FILES), wanted.collect::<Vec<_>>());
    assert_eq!(environment.value("select count(*) from patient"), "301");
    let archived = bucket.keys("archive/");
    assert!(archived.iter().any(|key| key.contains(&hash(&whole)[..12])), "{archived:?}");
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
}

#[test]
fn equal_objects_that_are_hashed_as_they_are_loaded_are_loaded_once() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    let content = large(0..300, "Quill");
    bucket.put("inbox/north/a.ndjson", &content);
    bucket.put("inbox/north/b.ndjson", &content);
    // Another of the same size, and the same of another sender.
    bucket.put("inbox/north/c.ndjson", large(0..300, "Quilt"));
    bucket.put("inbox/south/a.ndjson", &content);
    // A process dies in the middle of the first.
    let mut mortal = command(&environment, &bucket, &bucket.host, &["once"]);
    mortal.env("BATCH_BYTES", "256KiB").env("FAILPOINTS", "committed=2*off->return");
    environment.run_command(&mut mortal).expect_code(-1);
    run(&environment, &bucket, &["once"]).expect_code(0);
    bucket.put("inbox/north/d.ndjson", &content);
    run(&environment, &bucket, &["once"]).expect_code(0);
    let files = "select s.code, f.path, f.status, f.is_hashed from etl.load_file f join etl.source s on s.id = f.source_id \
                  order by 1, 2";
    let wanted = [
        ["north", "north/a.ndjson", "loaded", "true"],
        ["north", "north/b.ndjson", "duplicate", "true"],
        ["north", "north/c.ndjson", "loaded", "true"],
        // Its content brings back what the third has replaced.
        ["north", "north/d.ndjson", "loaded", "true"],
        ["south", "south/a.ndjson", "loaded", "true"],
    ];
    assert_eq!(environment.query(files), wanted);
    let hashes = "select count(distinct sha256), count(*) from etl.load_file";
    assert_eq!(environment.query(hashes), [["2", "5"]]);
    assert_eq!(environment.value("select count(*) from patient"), "600");
    assert_eq!((bucket.keys("inbox/").len(), bucket.keys("archive/").len()), (0, 4));
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
}
