//! Inbox, archive and rejects in an object store: what is loaded is what a folder's files would be,
//! and nothing is lost or loaded twice, whatever the store does.

mod azure;
mod backups;
mod erased;
mod faults;
mod kept;
mod killed;
#[cfg(feature = "lake")]
mod lake;
mod parts;
mod proxy;
mod reads;
mod seaweed;

use std::process::Command;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::delivery;
use crate::support::state::{State, difference};
use crate::support::{Run, TestEnvironment};
use seaweed::Bucket;

/// A command that uses the bucket, through `host`.
fn command(environment: &TestEnvironment, bucket: &Bucket, host: &str, arguments: &[&str]) -> Command {
    let mut command = environment.command(arguments);
    command.env_remove("AWS_CA_BUNDLE").envs(delivery::SETTINGS).envs(bucket.settings(host));
    command
}

fn run(environment: &TestEnvironment, bucket: &Bucket, arguments: &[&str]) -> Run {
    environment.run_command(&mut command(environment, bucket, &bucket.host, arguments))
}

fn patient(id: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]})
}

/// The tables of an undisturbed folder that gets the delivery.
fn wanted() -> State {
    let environment = TestEnvironment::new();
    delivery::put_first(&environment);
    delivery::put(&environment);
    environment.run_command(environment.command(&["once"]).envs(delivery::SETTINGS)).expect_code(3);
    State::of(&environment).tables()
}

#[test]
fn a_bucket_is_loaded_as_a_folder_is_and_its_archive_is_read_in_place() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    delivery::put_first(&environment);
    delivery::put(&environment);
    bucket.take_inbox(&environment);
    let keys = bucket.keys("inbox/").len();
    run(&environment, &bucket, &["once"]).expect_code(3);
    assert_eq!(difference(&State::of(&environment).tables(), &wanted()), None);
    assert_eq!(bucket.keys("inbox/"), Vec::<String>::new());
    let reports = bucket.keys("rejects/").into_iter().filter(|key| key.ends_with(".report.txt")).count();
    assert!(reports > 0);
    // Equal content is kept once.
    let kept: i64 = environment
        .value("select count(distinct (archive_path, status = 'rejected')) from etl.load_file where archive_path is not null")
        .parse()
        .unwrap();
    let of_files = |prefix: &str| {
        bucket.keys(prefix).into_iter().filter(|key| !key.ends_with(".report.txt")).count() as i64
    };
    assert_eq!(of_files("archive/") + of_files("rejects/"), kept);
    assert!(kept <= keys as i64);

    let tables = State::of(&environment).tables();
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
    run(&environment, &bucket, &["remap"]).expect_code(0);
    assert_eq!(difference(&State::of(&environment).tables(), &tables), None);
    let mut show =
        command(&environment, &bucket, &bucket.host, &["show", "Patient/p1", "--source", "default"]);
    let shown = environment.run_command(show.env("KEEP_BODIES", "archive")).expect_code(0).stdout;
    assert!(shown.contains("\"p1\""), "{shown}");
    // Records are retried by way of the folder, whose files go to the store's archive, too.
    run(&environment, &bucket, &["retry"]).expect_code(3);
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
    assert_eq!(environment.listing().iter().filter(|path| path.starts_with("archive/")).count(), 0);
}

#[test]
fn inbox_and_archive_may_be_in_different_places_and_sources_have_prefixes() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    environment.put("fhirmill.toml", "[[source]]\nname = \"st-marys\"\nprefix = \"exports/of st marys\"\n");
    bucket.put("inbox/exports/of st marys/2026/a.json", patient("a", "Quill").to_string());
    bucket.put("inbox/north/b%20c.json", patient("b", "Quill").to_string());
    bucket.put("inbox/top.json", patient("c", "Quill").to_string());
    let mut to_folder = command(&environment, &bucket, &bucket.host, &["once"]);
    environment.run_command(to_folder.env_remove("ARCHIVE_URL")).expect_code(0);
    let sources =
        "select s.code, f.path from etl.load_file f join etl.source s on s.id = f.source_id order by 1, 2";
    assert_eq!(
        environment.query(sources),
        [
            ["default", "top.json"],
            ["north", "north/b%2520c.json"],
            ["st-marys", "exports/of st marys/2026/a.json"]
        ]
    );
    let archived = environment.listing().into_iter().filter(|path| path.starts_with("archive/"));
    assert_eq!(archived.count(), 3);
    assert_eq!((bucket.keys("inbox/"), bucket.keys("archive/")), (vec![], vec![]));

    environment.put("inbox/north/d.json", patient("d", "Quill").to_string());
    let mut from_folder = command(&environment, &bucket, &bucket.host, &["once"]);
    environment.run_command(from_folder.env_remove("INBOX_URL")).expect_code(0);
    assert_eq!(bucket.keys("archive/").len(), 1);
    let mut show = command(&environment, &bucket, &bucket.host, &["show", "Patient/d"]);
    environment.run_command(show.env("KEEP_BODIES", "archive")).expect_code(0);
}

#[test]
fn a_scan_is_bounded_and_the_next_goes_on() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    for number in 0..7 {
        bucket.put(&format!("inbox/north/{number}.json"), patient(&number.to_string(), "Quill").to_string());
    }
    let mut once = command(&environment, &bucket, &bucket.host, &["once", "--json"]);
    let summary = environment.run_command(once.env("STORAGE_SCAN_KEYS", "3")).expect_code(0).json();
    assert_eq!((&summary["loaded_files"], &summary["seen"]), (&json!(7), &json!(7)));
    assert_eq!(environment.value("select count(*) from etl.load_run where command = 'once'"), "3");
    assert_eq!(environment.value("select count(*) from patient"), "7");
}

#[test]
fn two_processes_on_one_bucket_load_each_object_once() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    for number in 0..24 {
        bucket.put(&format!("inbox/north/{number}.json"), patient(&number.to_string(), "Quill").to_string());
    }
    let mut others =
        [0, 1].map(|_| environment.start(&mut command(&environment, &bucket, &bucket.host, &["once"])));
    others.iter_mut().for_each(|other| assert_eq!(other.wait(), 0, "{}", other.stderr()));
    let count = |what: &str| environment.value(&format!("select count(*) from {what}"));
    assert_eq!(count("etl.load_file where status = 'loaded'"), "24");
    assert_eq!(count("patient"), "24");
    assert_eq!((bucket.keys("inbox/").len(), bucket.keys("archive/").len()), (0, 24));
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
}

#[test]
fn what_is_wrong_with_the_settings_is_told_without_secrets() {
    let environment = TestEnvironment::without_database();
    for (name, value, expected) in [
        ("INBOX_URL", "s3://AK:swordfish@clinic/inbox", "INBOX_URL must be the URL of a bucket"),
        ("ARCHIVE_URL", "s3://clinic/inbox/archive", "ARCHIVE_URL must not be inside INBOX_URL"),
        ("REJECTS_URL", "file://rejects", "REJECTS_URL must have an absolute path"),
        ("STORAGE_ALLOW_HTTP", "yes", "must be on or off"),
    ] {
        let mut once = environment.command(&["once"]);
        let run = environment.run_command(once.env("INBOX_URL", "s3://clinic/inbox").env(name, value));
        let errors = run.expect_code(2).stderr;
        assert!(errors.contains(expected) && !errors.contains("swordfish"), "{errors}");
    }
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    let mut once = command(&environment, &bucket, &bucket.host, &["once"]);
    let run = environment.run_command(once.env("AWS_SECRET_ACCESS_KEY", "herring"));
    let errors = run.expect_code(1).stderr;
    assert!(errors.contains("access is denied") && !errors.contains("herring"), "{errors}");
}
