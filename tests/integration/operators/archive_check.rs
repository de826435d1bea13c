//! What the archive should have is proven, and a remap says what is missing.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use pretty_assertions::assert_eq;

use super::{observation, patient};
use crate::support::{Run, TestEnvironment, execute, wait_until};

/// Files of three forms, one of which came twice; and a rejected one.
fn loaded() -> TestEnvironment {
    let environment = TestEnvironment::new();
    let lines = patient("a") + &observation("o1", "a") + "no JSON\n" + &patient("b");
    environment.put("inbox/north/lines.ndjson", &lines);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all((patient("c") + &patient("d")).as_bytes()).unwrap();
    environment.put("inbox/north/packed.ndjson.gz", gzip.finish().unwrap());
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{{\"request\":{{\"method\":\"PUT\",\
         \"url\":\"Observation/o2\"}},\"resource\":{}}},{{\"resource\":{}}},{{\"request\":{{\"method\":\"DELETE\",\
         \"url\":\"Patient/x\"}}}}]}}",
        observation("o2", "e").trim(),
        patient("e").trim()
    );
    environment.put("inbox/south/bundle.json", bundle);
    environment.put("inbox/south/broken.json", "no JSON");
    environment.run(&["once"]).expect_code(3);
    environment.put("inbox/north/again.ndjson", &lines);
    environment.run(&["once"]).expect_code(0);
    environment
}

fn archived(environment: &TestEnvironment, name: &str) -> std::path::PathBuf {
    let found =
        environment.listing().into_iter().find(|path| path.starts_with("archive/") && path.ends_with(name));
    environment.path(&found.unwrap())
}

fn check(environment: &TestEnvironment, code: i32) -> Run {
    environment.run(&["check", "--archive"]).expect_code(code)
}

#[test]
fn a_sound_archive_passes_and_rejected_files_may_go() {
    let environment = loaded();
    let run = check(&environment, 0);
    assert!(run.stdout.contains("3 archived files with 7 resources read, 0 files broken"), "{}", run.stdout);
    fs::remove_file(environment.path("rejects/south/broken.json")).unwrap();
    check(&environment, 0);
    // It also passes elsewhere, and with other settings.
    fs::rename(environment.path("archive"), environment.path("moved")).unwrap();
    let mut moved = environment.command(&["check", "--archive", "--json"]);
    moved.env("ARCHIVE_DIR", "moved").env("EOB_COVERAGE", "drop").env("RESOURCE_TYPES", "Patient");
    assert_eq!(environment.run_command(&mut moved).expect_code(0).json(), serde_json::json!([]));
    // Without --archive it is not read.
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn explanations_whose_coverage_was_dropped_are_recognized() {
    let environment = TestEnvironment::new();
    let eob = "{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"e\",\"insurance\":[{\"focal\":true,\
               \"coverage\":{\"reference\":\"Coverage/1\"}}]}\n";
    environment.put("inbox/e.ndjson", eob);
    environment.run_command(environment.command(&["once"]).env("EOB_COVERAGE", "drop")).expect_code(0);
    check(&environment, 0);
}

/// Damages the archive; `named` must be in what `check --archive` and `remap` say.
#[track_caller]
fn expect_broken(damage: impl Fn(&TestEnvironment), named: &[&str], remap_code: i32) {
    let environment = loaded();
    let before = environment.query("select fhir_id, birth_date, gender from patient order by 1");
    damage(&environment);
    let run = check(&environment, 5);
    let remap = environment.run(&["remap"]).expect_code(remap_code);
    for part in named {
        assert!(run.stdout.contains(part), "{part} is not in {}", run.stdout);
        assert!(remap.stderr.contains(part), "{part} is not in {}", remap.stderr);
    }
    let findings = environment.run(&["check", "--archive", "--json"]).expect_code(5).json();
    assert!(findings.as_array().is_some_and(|findings| !findings.is_empty()), "{findings}");
    // Nothing that cannot be read is rewritten.
    assert_eq!(environment.query("select fhir_id, birth_date, gender from patient order by 1"), before);
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_missing_folder_is_found() {
    let remove = |environment: &TestEnvironment| fs::remove_dir_all(environment.path("archive")).unwrap();
    expect_broken(remove, &["ARCHIVE_DIR", "does not exist", "lines.ndjson"], 1);
}

#[test]
fn an_empty_folder_is_found() {
    let empty = |environment: &TestEnvironment| {
        fs::remove_dir_all(environment.path("archive")).unwrap();
        fs::create_dir(environment.path("archive")).unwrap();
    };
    expect_broken(empty, &["is missing in", "ARCHIVE_DIR"], 1);
}

#[test]
fn a_missing_file_is_found() {
    let remove =
        |environment: &TestEnvironment| fs::remove_file(archived(environment, "bundle.json")).unwrap();
    expect_broken(remove, &["bundle.json is missing in"], 3);
}

#[test]
fn a_truncated_file_is_found() {
    let truncate = |environment: &TestEnvironment| {
        let path = archived(environment, "lines.ndjson");
        OpenOptions::new().write(true).open(path).unwrap().set_len(100).unwrap();
    };
    expect_broken(truncate, &["lines.ndjson has 100 bytes and had "], 3);
}

#[test]
fn changed_content_is_found_even_if_it_is_as_long() {
    let change = |environment: &TestEnvironment| {
        let path = archived(environment, "lines.ndjson");
        let text = fs::read_to_string(&path).unwrap().replace("female", "unknow");
        fs::write(path, text).unwrap();
    };
    expect_broken(change, &["lines.ndjson has changed since it was loaded"], 3);
}

#[test]
fn a_folder_in_the_place_of_a_file_is_found() {
    let replace = |environment: &TestEnvironment| {
        let path = archived(environment, "packed.ndjson.gz");
        fs::remove_file(&path).unwrap();
        fs::create_dir(path).unwrap();
    };
    expect_broken(replace, &["packed.ndjson.gz cannot be opened: not a regular file"], 3);
}

#[test]
fn a_position_that_is_not_in_the_file_is_found() {
    for change in [
        "byte_offset = byte_offset + 1",
        "byte_length = byte_length - 1",
        "member = member + 1",
        "position = position + 100",
        "content_hash = sha256('other')",
    ] {
        let environment = loaded();
        execute(
            environment.database_url(),
            &format!(
                "update etl.resource_version v set {change} from etl.resource_key k \
                 where k.id = v.id and k.fhir_id = 'd'"
            ),
        );
        let run = check(&environment, 5);
        let broken = "1 rows: north/packed.ndjson.gz: resources are not at the positions";
        assert!(run.stdout.contains(broken), "{change}: {}", run.stdout);
    }
}

/// Two services with inboxes of their own share a source and the archive.
#[test]
fn a_duplicate_that_overtakes_the_move_of_its_original_makes_no_second_copy() {
    let environment = TestEnvironment::new();
    environment.put("inbox/north/a.json", patient("a"));
    let mut slow = environment.command(&["once"]);
    let mut slow = environment.start(slow.env("FAILPOINTS", "noted=sleep(4000)"));
    wait_until("the location is stored", || {
        environment.value("select count(*) from etl.load_file where archive_path is not null") == "1"
    });
    environment.put("other/north/b.json", patient("a"));
    let mut fast = environment.command(&["once", "--json"]);
    let run = environment.run_command(fast.env("INBOX_DIR", "other")).expect_code(0);
    assert_eq!(run.json()["duplicate_files"], 1);
    assert_eq!(slow.wait(), 0);
    let archived: Vec<String> =
        environment.listing().into_iter().filter(|path| path.starts_with("archive/")).collect();
    assert_eq!(archived.len(), 1, "{archived:?}");
    assert_eq!(environment.value("select count(distinct archive_path) from etl.load_file"), "1");
    assert!(environment.inbox_is_empty());
    check(&environment, 0);
}

#[test]
fn a_lost_file_that_is_delivered_again_comes_back_to_its_place() {
    let environment = loaded();
    let path = archived(&environment, "lines.ndjson");
    let lines = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    check(&environment, 5);
    environment.put("inbox/north/third.ndjson", lines);
    environment.run(&["once"]).expect_code(0);
    check(&environment, 0);
}
