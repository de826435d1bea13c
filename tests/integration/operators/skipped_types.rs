//! RESOURCE_TYPES: unknown types are wrong settings, and what is skipped can be
//! loaded later.

use pretty_assertions::assert_eq;

use super::{observation, patient};
use crate::steps::{account, rows_as_written};
use crate::support::{Run, TestEnvironment, execute};

fn once_with(environment: &TestEnvironment, types: &str, code: i32) -> Run {
    let run = environment.run_command(environment.command(&["once", "--json"]).env("RESOURCE_TYPES", types));
    run.expect_code(code)
}

const SKIPPED: &str = "select f.path, k.resource_type, sum(k.records) as records from etl.skipped_range k \
                       join etl.load_file f on f.id = k.file_id group by 1, 2 order by 1, 2";

#[test]
fn an_unknown_type_is_a_wrong_setting_that_names_the_nearest_and_nothing_is_done() {
    let environment = TestEnvironment::new();
    environment.put("inbox/p.json", patient("a"));
    for (types, meant) in [
        ("Pateint", "Patient"),
        ("patient", "Patient"),
        ("Patient,OBSERVATION", "Observation"),
        ("Patient,Encounters", "Encounter"),
    ] {
        let run = once_with(&environment, types, 2);
        assert!(run.stderr.contains("RESOURCE_TYPES is "), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("did you mean {meant}?")), "{}", run.stderr);
    }
    once_with(&environment, "Patient;Observation", 2);
    environment.put("fhirmill.toml", "resource_types = ['Patient', 'Obsrvation']\n");
    let run = environment.run(&["once"]).expect_code(2);
    assert!(
        run.stderr.contains("line 1: resource_types") && run.stderr.contains("did you mean Observation?")
    );
    std::fs::remove_file(environment.path("fhirmill.toml")).unwrap();
    let run = environment.run(&["remap", "--resource-type", "observation"]).expect_code(2);
    assert!(run.stderr.contains("did you mean Observation?"), "{}", run.stderr);
    assert!(environment.path("inbox/p.json").exists());
    assert_eq!(environment.value("select count(*) from etl.load_file"), "0");
    once_with(&environment, "All", 0);
}

#[test]
fn skipped_records_are_counted_by_type_and_loaded_later_in_their_place() {
    let environment = TestEnvironment::new();
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{{\"resource\":{}}},\
         {{\"resource\":{}}},{{\"request\":{{\"method\":\"GET\",\"url\":\"Patient/x\"}}}},{{\"resource\":{}}}]}}",
        patient("b"),
        observation("o2", "b"),
        observation("bad", "b").replace("\"final\"", "{}")
    );
    let lines = patient("a") + &observation("o1", "a") + "not JSON\n" + &observation("o3", "a");
    environment.put("inbox/north/lines.ndjson", &lines);
    environment.put("inbox/north/bundle.json", &bundle);
    let summary = once_with(&environment, "Patient", 3).json();
    assert_eq!(account(&summary), [("inserted", 2), ("rejected", 1), ("skipped", 5)]);
    assert_eq!(summary["skipped_by_type"], serde_json::json!({ "Observation": 4 }));
    assert_eq!(
        environment.query(SKIPPED),
        [["north/bundle.json", "Observation", "2"], ["north/lines.ndjson", "Observation", "2"]]
    );
    let files = environment.run(&["files", "--json"]).expect_code(0).json();
    assert_eq!(files[0]["skipped_by_type"], serde_json::json!({ "Observation": 2 }));
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!(status["skipped_by_type"], serde_json::json!({ "Observation": 4 }));

    // Another version of one of them came meanwhile, when the setting was wider.
    let newer = observation("o1", "a").replace("final", "amended");
    environment.put("inbox/north/newer.ndjson", newer);
    once_with(&environment, "Patient,Observation", 0);

    let mut remap = environment.command(&["remap", "--resource-type", "Observation"]);
    let run = environment.run_command(remap.env("RESOURCE_TYPES", "Patient")).expect_code(3);
    assert!(
        run.stdout.contains("4 skipped records loaded = inserted 2 + updated 0 + unchanged 0 + stale 1"),
        "{}",
        run.stdout
    );
    assert_eq!(
        environment.query("select fhir_id, status from observation order by 1"),
        [["o1", "amended"], ["o2", "final"], ["o3", "final"]]
    );
    assert_eq!(environment.value("select count(*) from observation where patient_id is not null"), "3");
    assert_eq!(
        environment
            .query("select path, seen, inserted, stale, rejected, skipped from etl.load_file order by path"),
        [
            ["north/bundle.json", "4", "2", "0", "1", "1"],
            ["north/lines.ndjson", "4", "2", "1", "1", "0"],
            ["north/newer.ndjson", "1", "1", "0", "0", "0"],
        ]
    );
    assert_eq!(
        environment.value("select location from etl.rejected_record where fhir_id = 'bad'"),
        "entry 4"
    );
    assert!(environment.query(SKIPPED).is_empty());
    environment.run(&["check"]).expect_code(0);
    environment.run(&["show", "Observation/o2"]).expect_code(0);

    // Once more there is nothing to load.
    let before = rows_as_written(&environment);
    let run = environment.run(&["remap", "--resource-type", "Condition"]).expect_code(0);
    assert!(!run.stdout.contains("skipped"), "{}", run.stdout);
    assert_eq!(rows_as_written(&environment), before);
}

#[test]
fn a_wider_setting_loads_what_was_skipped_by_remap_or_by_another_delivery() {
    let environment = TestEnvironment::new();
    let lines = patient("a") + &observation("o1", "a");
    environment.put("inbox/a.ndjson", &lines);
    once_with(&environment, "Patient", 0);
    // The same file, with the same setting, changes nothing.
    environment.put("inbox/a.ndjson", &lines);
    assert_eq!(once_with(&environment, "Patient", 0).json()["duplicate_files"], 1);
    // With a wider one it brings what was skipped.
    environment.put("inbox/a.ndjson", &lines);
    let summary = once_with(&environment, "Patient,Observation", 0).json();
    assert_eq!(account(&summary), [("inserted", 1), ("unchanged", 1)]);
    environment.put("inbox/a.ndjson", &lines);
    assert_eq!(once_with(&environment, "all", 0).json()["duplicate_files"], 1);

    // Without types, remap takes those of the setting.
    environment.put("inbox/b.ndjson", patient("b") + &observation("o2", "b"));
    once_with(&environment, "Patient", 0);
    let mut remap = environment.command(&["remap"]);
    environment.run_command(remap.env("RESOURCE_TYPES", "Patient")).expect_code(0);
    assert_eq!(environment.value("select count(*) from observation"), "1");
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(environment.value("select count(*) from observation"), "2");
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_type_that_r4_does_not_have_is_rejected_whatever_is_wanted() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.ndjson", patient("a") + &patient("b").replace("Patient", "patient"));
    let summary = once_with(&environment, "Patient", 3).json();
    assert_eq!(account(&summary), [("inserted", 1), ("rejected", 1)]);
    assert_eq!(environment.value("select reason from etl.rejected_record"), "unknown_resource_type");
}

#[test]
fn a_remap_that_dies_between_parts_is_continued() {
    let environment = TestEnvironment::new();
    let lines: String = (0..2000).map(|number| observation(&format!("o{number}"), "a")).collect();
    environment.put("inbox/a.ndjson", lines);
    let mut once = environment.command(&["once"]);
    once.env("RESOURCE_TYPES", "Patient").env("BATCH_BYTES", "64KiB");
    environment.run_command(&mut once).expect_code(0);
    let parts = "select count(*) from etl.skipped_range";
    assert!(environment.value(parts).parse::<u32>().unwrap() > 2);
    let mut remap = environment.command(&["remap"]);
    environment.run_command(remap.env("FAILPOINTS", "committed=1*off->return"));
    let left: u32 = environment.value("select sum(records) from etl.skipped_range").parse().unwrap();
    assert!((1..2000).contains(&left), "{left}");
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(environment.value("select count(*) from observation"), "2000");
    assert_eq!(
        environment.query("select seen, inserted, skipped from etl.load_file"),
        [["2000", "2000", "0"]]
    );
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn skipped_records_of_a_changed_file_are_not_loaded() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.ndjson", patient("a") + &observation("o1", "a"));
    once_with(&environment, "Patient", 0);
    let archived = environment.listing().into_iter().find(|path| path.starts_with("archive/")).unwrap();
    environment.put(&archived, patient("a") + &observation("o9", "a"));
    let run = environment.run(&["remap", "--resource-type", "Observation"]).expect_code(1);
    assert!(run.stderr.contains("a.ndjson has changed since it was loaded"), "{}", run.stderr);
    assert_eq!(environment.value("select count(*) from observation"), "0");
    // A count that does not fit is refused too.
    environment.put(&archived, patient("a") + &observation("o1", "a"));
    execute(environment.database_url(), "update etl.skipped_range set records = 2");
    environment.run(&["remap", "--resource-type", "Observation"]).expect_code(3);
    assert_eq!(environment.value("select count(*) from observation"), "0");
}
