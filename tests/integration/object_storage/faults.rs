//! What stores do now and then.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;
use serde_json::json;

use super::proxy::{Call, Fate, Proxy, listed};
use super::seaweed::{Bucket, Seaweed};
use super::{command, patient, run};
use crate::support::{TestEnvironment, wait_until};

/// Lists odd keys besides, and throttles each call once.
fn odd_and_slow() -> impl FnMut(&Call) -> Fate + Send {
    let keys = ["inbox/a//b.json", "inbox/../x.json", "/inbox/lead.json", "inbox/./d.json", "inbox/folder/"];
    let more = ["inbox/caf&#xe9;/tab&#x9;.json", "inbox/gone.json"];
    let contents: String = keys.iter().chain(&more).map(|key| listed(key)).collect();
    let mut calls: HashMap<String, u32> = HashMap::new();
    move |call| {
        let number = calls.entry(format!("{} {} {:?}", call.method, call.path, call.from)).or_default();
        *number += 1;
        match (*number, call.method == "GET") {
            (1, _) => Fate::Throttled,
            (2, true) => Fate::BrokenOff,
            _ if call.is_listing() => Fate::WithContents(contents.clone()),
            _ => Fate::Passed,
        }
    }
}

#[test]
fn odd_keys_are_named_and_left_alone_and_a_store_that_throttles_is_asked_again() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    bucket.put("inbox/north/a.json", patient("a", "Quill").to_string());
    let proxy = Proxy::start(&bucket.host, odd_and_slow());
    let mut once = command(&environment, &bucket, &proxy.host, &["once", "--json"]);
    let summary = environment.run_command(&mut once).expect_code(3).json();
    let skipped = summary["skipped_paths"].as_array().unwrap();
    let mut paths: Vec<&str> = skipped.iter().map(|skipped| skipped["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    // What is listed and gone is not named: it has been taken by another process.
    assert_eq!(
        paths,
        ["../x.json", "./d.json", "/inbox/lead.json", "a//b.json", "café/tab%09.json", "folder/"]
    );
    assert_eq!(environment.value("select count(*) from patient"), "1");
    assert_eq!(environment.value("select count(*) from etl.load_file"), "1");
    let odd = |call: &&String| {
        ["//", "..", "lead", "/d.json", "folder", "tab"].iter().any(|odd| call.contains(odd))
    };
    assert_eq!(proxy.seen().iter().find(odd), None);
    assert_eq!((bucket.keys("inbox/").len(), bucket.keys("archive/").len()), (0, 1));
}

#[test]
fn an_object_that_is_replaced_while_it_is_read_is_loaded_anew() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    let content = |family: &str| -> String {
        let long = |id: u32| {
            let mut patient = patient(&id.to_string(), family);
            patient["text"] = json!({"status": "generated", "div": "long ".repeat(1000)});
            format!("{patient}\n")
        };
        (0..300).map(long).collect()
    };
    bucket.put("inbox/north/a.ndjson", content("Maiden"));
    let is_replaced = Arc::new(AtomicBool::new(false));
    let (by_proxy, other) =
        (Arc::clone(&is_replaced), Bucket { host: bucket.host.clone(), name: bucket.name.clone() });
    let proxy = Proxy::start(&bucket.host, move |call| {
        let is_of_reader = call.method == "GET" && call.from.is_some_and(|from| from > 0);
        if is_of_reader && !by_proxy.swap(true, Ordering::Relaxed) {
            other.put("inbox/north/a.ndjson", content("Quill"));
        }
        Fate::Passed
    });
    let mut once = command(&environment, &bucket, &proxy.host, &["once", "--json"]);
    // Smaller than the object, which is therefore read in ranges.
    let summary = environment.run_command(once.env("STORAGE_READ_AHEAD", "1MiB")).expect_code(3).json();
    assert!(is_replaced.load(Ordering::Relaxed));
    assert_eq!((&summary["changed_files"], &summary["loaded_files"]), (&1.into(), &0.into()));
    assert_eq!((bucket.keys("inbox/").len(), bucket.keys("archive/").len()), (1, 0));
    run(&environment, &bucket, &["once"]).expect_code(0);
    assert_eq!(
        environment.query("select count(*), count(*) filter (where family = 'Quill') from patient_name"),
        [["300", "300"]]
    );
    assert_eq!((bucket.keys("inbox/").len(), bucket.keys("archive/").len()), (0, 1));
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
}

#[test]
#[ignore = "waits for a store that is away: make object-storage"]
fn a_store_that_is_away_does_not_hold_up_the_files_of_the_folder() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    for id in 0..20 {
        bucket.put(&format!("inbox/north/{id}.json"), patient(&id.to_string(), "Quill").to_string());
    }
    // It lists its objects, and gives none of them; then it does not answer at all.
    let (is_away, is_listing) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
    let (away, listing) = (Arc::clone(&is_away), Arc::clone(&is_listing));
    let proxy = Proxy::start(&bucket.host, move |call| match away.load(Ordering::Relaxed) {
        true if call.is_listing() && listing.load(Ordering::Relaxed) => Fate::Passed,
        true => Fate::BrokenOff,
        false => Fate::Passed,
    });
    let mut service = command(&environment, &bucket, &proxy.host, &["run"]);
    service.env("SCHEDULE", "* * * * * *").env("SETTLE_SECONDS", "0");
    let service = environment.start(service.env_remove("ARCHIVE_URL").env_remove("REJECTS_URL"));
    let count = || environment.value("select count(*) from patient");
    for (number, is_listed) in [true, false, false].into_iter().enumerate() {
        is_listing.store(is_listed, Ordering::Relaxed);
        environment
            .put(&format!("inbox/south/{number}.json"), patient(&format!("s{number}"), "Quill").to_string());
        // Half of what a call is tried for.
        wait_until("the file of the folder is loaded", || count() == (number + 1).to_string());
    }
    is_away.store(false, Ordering::Relaxed);
    wait_until("the objects are loaded", || count() == "23" && bucket.keys("inbox/").is_empty());
    service.end(nix::sys::signal::Signal::SIGTERM);
    run(&environment, &bucket, &["check"]).expect_code(0);
}

#[test]
#[ignore = "takes a minute: make object-storage"]
fn a_store_that_dies_while_a_service_loads_from_it_loses_and_doubles_nothing() {
    let Some(mut server) = Seaweed::start() else { return };
    let bucket = Bucket::of(&server);
    let environment = TestEnvironment::new();
    let put = |from: u32| {
        (from..from + 40).for_each(|id| {
            bucket.put(&format!("inbox/{id}.json"), patient(&id.to_string(), "Quill").to_string())
        });
    };
    put(0);
    let count = |what: &str| environment.value(&format!("select count(*) from {what}"));
    let mut service = command(&environment, &bucket, &bucket.host, &["run"]);
    service.env("SCHEDULE", "* * * * * *").env("SETTLE_SECONDS", "0");
    let service = environment.start(&mut service);
    wait_until("objects are archived", || count("etl.load_file where archive_path is not null") != "0");
    server.kill();
    let health = || run(&environment, &bucket, &["status", "--health"]);
    wait_until("the store is missed", || {
        let told = health();
        told.code == 5 && format!("{}{}", told.stdout, told.stderr).contains(&bucket.name)
    });
    server.start_again();
    put(40);
    wait_until("all is loaded", || count("patient") == "80" && bucket.keys("inbox/").is_empty());
    wait_until("the store is not missed", || health().code == 0);
    service.end(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(count("etl.load_file where status = 'loaded'"), "80");
    assert_eq!(count("etl.load_file"), "80");
    assert_eq!(bucket.keys("archive/").len(), 80);
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
}
