//! Rejects say what is wrong where the sender and the operator look, and go when
//! they are mended or dismissed.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::patient;
use crate::steps::load_with_code;
use crate::support::{Run, TestEnvironment};

/// A value that no report, log or message may show.
const SECRET: &str = "Quillfeather";

fn bad(id: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"birthDate\":\"{SECRET}\"}}\n")
}

fn rejects(environment: &TestEnvironment, arguments: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = ["rejects", "--json"].iter().chain(arguments).copied().collect();
    environment.run(&arguments).expect_code(0).json().as_array().unwrap().clone()
}

fn states(environment: &TestEnvironment) -> Vec<String> {
    let state = |reject: &Value| {
        format!("{} {}", reject["fhir_id"].as_str().unwrap_or("-"), reject["state"].as_str().unwrap())
    };
    let mut states: Vec<String> = rejects(environment, &["--all"]).iter().map(state).collect();
    states.sort();
    states
}

#[test]
fn the_report_beside_a_rejected_file_says_what_to_mend_record_by_record() {
    let environment = TestEnvironment::new();
    let lines = bad("p1")
        + "{\"resourceType\":\"Patient\",\n"
        + &bad("p3")
        + "{\"resourceType\":\"Pateint\",\"id\":\"p4\"}\n";
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{{\"resource\":{}}},{{\"resource\":{}}}]}}",
        bad("b1").trim(),
        bad("b2").trim()
    );
    environment.put("inbox/north/lines.ndjson", &lines);
    environment.put("inbox/north/bundle.json", &bundle);
    let run = environment.run(&["once"]).expect_code(3);
    let report = |name: &str| {
        fs::read_to_string(environment.path(&format!("rejects/north/{name}.report.txt"))).unwrap()
    };
    let text = report("lines.ndjson");
    for wanted in [
        "Records seen: 4, of them rejected: 4.",
        "2 invalid_value, such as line 1: birthDate: ",
        "\nline 1 | Patient/p1 | invalid_value | birthDate: ",
        "\nline 2 | unknown | truncated | ",
        "\nline 3 | Patient/p3 | invalid_value | birthDate: ",
        "\nline 4 | unknown | unknown_resource_type | ",
        "\ninvalid_value: correct the value at the JSON path",
        "fhirmill rejects --file ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
    assert!(report("bundle.json").contains("\nentry 2 | Patient/b2 | invalid_value | birthDate: "));
    // The log names the reasons of each file as a warning.
    assert!(run.stderr.contains("WARN 4 records of north/lines.ndjson rejected: 2 invalid_value, 1 truncated, 1 unknown_resource_type"), "{}", run.stderr);
    assert!(
        run.stderr.contains("WARN 2 records of north/bundle.json rejected: 2 invalid_value"),
        "{}",
        run.stderr
    );
    assert!(!(run.stderr + &run.stdout + &text + &report("bundle.json")).contains(SECRET));

    // Some of a file's records: a warning.
    environment.put("inbox/north/some.ndjson", patient("a") + &bad("p9"));
    let run = environment.run(&["once"]).expect_code(3);
    assert!(
        run.stderr.contains("WARN 1 record of north/some.ndjson rejected: 1 invalid_value"),
        "{}",
        run.stderr
    );
}

/// The names in a folder.
fn names_in(environment: &TestEnvironment, folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(environment.path(folder)) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_that_is_loaded_in_part_has_a_report_in_the_rejects() {
    let environment = TestEnvironment::new();
    let load = |lines: String| {
        environment.put("inbox/north/visits.ndjson", lines);
        environment.run(&["once"]).expect_code(3)
    };
    let report = |name: &str| fs::read_to_string(environment.path(&format!("rejects/north/{name}"))).unwrap();
    let run = load(patient("a") + &bad("p9") + &patient("b"));
    assert_eq!(names_in(&environment, "rejects/north"), ["visits.ndjson.report.txt"]);
    assert_eq!(environment.value("select count(*) from patient"), "2");
    let text = report("visits.ndjson.report.txt");
    for wanted in [
        "north/visits.ndjson\n\nThe file was loaded without the records that are listed here",
        "Records seen: 3, of them rejected: 1.",
        "\nline 2 | Patient/p9 | invalid_value | birthDate: ",
        "\ninvalid_value: correct the value at the JSON path",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
    assert!(!(run.stderr + &run.stdout + &text).contains(SECRET));

    // Another file of that name has a report of its own, and so has one that is rejected
    // whole. Files without rejects have none.
    load(patient("c") + &bad("p10"));
    load(bad("p11"));
    environment.put("inbox/north/clean.ndjson", patient("d"));
    environment.run(&["once"]).expect_code(0);
    let names = names_in(&environment, "rejects/north");
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(report("visits.ndjson.report.txt"), text);
    let all: String = names.iter().map(|name| report(name)).collect();
    for id in ["p9", "p10", "p11"] {
        assert!(all.contains(&format!("Patient/{id} |")), "{id} is not in\n{all}");
    }
}

/// A report says no more than a thousand records, however many are rejected, and that it
/// cannot be written keeps no file from the archive.
#[test]
fn a_report_on_a_loaded_file_is_bounded_and_no_obstacle() {
    let environment = TestEnvironment::new();
    let long = "i".repeat(900);
    let lines: String = (0..1500).map(|number| bad(&format!("{long}{number}"))).collect();
    environment.put("inbox/many.ndjson", patient("a") + &lines);
    environment.run(&["once"]).expect_code(3);
    let report = fs::read_to_string(environment.path("rejects/default/many.ndjson.report.txt")).unwrap();
    assert!(report.len() < 1 << 20, "{}", report.len());
    assert!(report.contains("… and 500 more"), "{report}");

    // A file where the folder of the source would be.
    environment.put("rejects/north", "in the way");
    environment.put("inbox/north/some.ndjson", patient("b") + &bad("p9"));
    let run = environment.run(&["once"]).expect_code(3);
    assert!(
        run.stderr
            .contains("WARN the report on the rejected records of north/some.ndjson cannot be written: "),
        "{}",
        run.stderr
    );
    assert_eq!(
        environment.value("select status from etl.load_file where path = 'north/some.ndjson'"),
        "loaded"
    );
    assert!(names_in(&environment, "inbox/north").is_empty());
}

#[test]
fn a_report_is_bounded_whatever_is_rejected() {
    let environment = TestEnvironment::new();
    let long = "i".repeat(900);
    let lines: String = (0..3000).map(|number| bad(&format!("{long}{number}"))).collect();
    environment.put("inbox/many.ndjson", lines);
    environment.run(&["once"]).expect_code(3);
    let report = fs::read_to_string(environment.path("rejects/default/many.ndjson.report.txt")).unwrap();
    assert!(report.len() < 1 << 20, "{}", report.len());
    assert!(report.contains("… and 2000 more") && report.contains("3000 invalid_value, such as "));
}

#[test]
fn a_rejected_numeric_id_is_shown_as_it_was_written() {
    for (written, shown) in
        [("12345", "12345"), ("1.50", "1.50"), ("-7", "-7"), ("1e3", "1e3"), ("\" x1 \"", "x1")]
    {
        let environment = TestEnvironment::new();
        let line = format!("{{\"resourceType\":\"Patient\",\"id\":{written},\"birthDate\":\"{SECRET}\"}}\n");
        environment.put("inbox/a.ndjson", line);
        environment.run(&["once"]).expect_code(3);
        assert_eq!(rejects(&environment, &[])[0]["fhir_id"], shown, "{written}");
        let report = fs::read_to_string(environment.path("rejects/default/a.ndjson.report.txt")).unwrap();
        assert!(report.contains(&format!("Patient/{shown} |")), "{report}");
    }
}

#[test]
fn a_reject_resolves_when_a_mended_record_of_its_source_has_loaded() {
    let environment = TestEnvironment::new();
    let first = bad("p1") + &bad("p2") + &bad("p3") + &patient("a");
    load_with_code(&environment, &[("north/day1.ndjson", first.as_bytes())], 3);
    assert_eq!(states(&environment), ["p1 open", "p2 open", "p3 open"]);
    // Another source's resource is another one.
    load_with_code(&environment, &[("south/day1.ndjson", patient("p1").as_bytes())], 0);
    assert_eq!(states(&environment), ["p1 open", "p2 open", "p3 open"]);

    let mended = patient("p1") + &bad("p2");
    load_with_code(&environment, &[("north/day2.ndjson", mended.as_bytes())], 3);
    assert_eq!(states(&environment), ["p1 resolved", "p2 open", "p2 open", "p3 open"]);
    let resolved =
        &rejects(&environment, &["--all"]).into_iter().find(|found| found["fhir_id"] == "p1").unwrap();
    assert_eq!(resolved["resolved_by"], "north/day2.ndjson");
    assert!(resolved["resolved_at"].is_string() && resolved["rejected_at"].is_string());
    assert_eq!((&resolved["source"], &resolved["path"]), (&"north".into(), &"north/day1.ndjson".into()));
    assert!(resolved["run_id"].is_i64());
    // Open ones are listed unless all are asked for.
    assert_eq!(rejects(&environment, &[]).len(), 3);
    let text = environment.run(&["rejects", "--all"]).expect_code(0).stdout;
    assert!(text.contains("resolved 20") && text.contains(" by north/day2.ndjson"), "{text}");

    load_with_code(&environment, &[("north/day3.ndjson", patient("p2").as_bytes())], 0);
    assert_eq!(states(&environment), ["p1 resolved", "p2 resolved", "p2 resolved", "p3 open"]);
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    let counts = ["records_rejected", "rejects_retried", "rejects_resolved", "rejects_dismissed"];
    assert_eq!(counts.map(|name| status[name].as_i64().unwrap()), [1, 0, 3, 0]);
    let before = states(&environment);
    load_with_code(&environment, &[("north/day3.ndjson", patient("p2").as_bytes())], 0);
    assert_eq!(states(&environment), before);
}

#[test]
fn a_mended_record_resolves_whatever_its_outcome_and_place() {
    let environment = TestEnvironment::new();
    let dated = |id: &str, day: u32| {
        patient(id)
            .replace("\"id\"", &format!("\"meta\":{{\"lastUpdated\":\"2024-01-{day:02}T00:00:00Z\"}},\"id\""))
    };
    // Unchanged: what is mended is what the tables have, in a file where most is so.
    let many: String = (0..50).map(|number| patient(&format!("m{number}"))).collect();
    load_with_code(&environment, &[("1.ndjson", (many.clone() + &patient("u")).as_bytes())], 0);
    load_with_code(&environment, &[("2.ndjson", (many.clone() + &bad("u")).as_bytes())], 3);
    load_with_code(&environment, &[("3.ndjson", (patient("u") + &many).as_bytes())], 0);
    assert_eq!(states(&environment), ["u resolved"]);
    // Stale: a newer version has come before.
    load_with_code(&environment, &[("4.ndjson", dated("s", 9).as_bytes())], 0);
    load_with_code(&environment, &[("5.ndjson", bad("s").as_bytes())], 3);
    load_with_code(&environment, &[("6.ndjson", dated("s", 2).as_bytes())], 0);
    assert_eq!(states(&environment), ["s resolved", "u resolved"]);
    // Later in the same file, and in another file of the same run.
    load_with_code(&environment, &[("7.ndjson", (bad("f") + &patient("f")).as_bytes())], 3);
    load_with_code(
        &environment,
        &[("8a.ndjson", bad("r").as_bytes()), ("8b.ndjson", patient("r").as_bytes())],
        3,
    );
    // Before it in the same file: that is no mending.
    load_with_code(&environment, &[("9.ndjson", (patient("g") + &bad("g")).as_bytes())], 3);
    assert_eq!(states(&environment), ["f resolved", "g open", "r resolved", "s resolved", "u resolved"]);
    // In a file of the same name.
    load_with_code(&environment, &[("10.ndjson", bad("n").as_bytes())], 3);
    load_with_code(&environment, &[("10.ndjson", patient("n").as_bytes())], 0);
    assert_eq!(states(&environment)[2], "n resolved");
}

#[test]
fn a_retried_record_resolves_when_it_has_loaded() {
    let environment = TestEnvironment::new();
    let large =
        format!("{{\"resourceType\":\"Patient\",\"id\":\"large\",\"language\":\"{}\"}}", "x".repeat(2000));
    environment.put("inbox/north/a.ndjson", format!("{large}\n{}", bad("p1")));
    let mut once = environment.command(&["once"]);
    environment.run_command(once.env("MAX_RESOURCE_BYTES", "1KiB")).expect_code(3);
    environment.run(&["retry"]).expect_code(3);
    // What is rejected again is a reject of its own; the other one has loaded.
    assert_eq!(states(&environment), ["- resolved", "p1 open", "p1 retried"]);
    let resolved =
        &rejects(&environment, &["--all"]).into_iter().find(|found| found["state"] == "resolved").unwrap();
    let path = resolved["resolved_by"].as_str().unwrap();
    assert_eq!(path, format!("north/retry-{}.json", resolved["id"]));
    // A file that only looks like a retry resolves nothing.
    let open = rejects(&environment, &[])[0]["id"].as_i64().unwrap();
    environment.put(&format!("inbox/north/retry-{open}.json"), patient("z"));
    environment.run(&["once"]).expect_code(0);
    assert_eq!(states(&environment), ["- resolved", "p1 open", "p1 retried"]);
    // Once mended, both are.
    load_with_code(&environment, &[("north/b.json", patient("p1").as_bytes())], 0);
    assert_eq!(states(&environment), ["- resolved", "p1 resolved", "p1 resolved"]);
    let run = environment.run(&["retry"]).expect_code(0);
    assert!(run.stdout.contains("no rejected record can be retried"), "{}", run.stdout);
}

fn dismiss(environment: &TestEnvironment, arguments: &[&str], code: i32) -> Run {
    let arguments: Vec<&str> = ["rejects", "dismiss"].iter().chain(arguments).copied().collect();
    environment.run(&arguments).expect_code(code)
}

#[test]
fn rejects_are_dismissed_by_number_file_and_reason_with_a_note() {
    let environment = TestEnvironment::new();
    let lines = bad("p1") + &bad("p2") + "no JSON\n" + &patient("a");
    load_with_code(&environment, &[("a.ndjson", lines.as_bytes())], 3);
    load_with_code(&environment, &[("b.ndjson", (bad("q1") + "no JSON\n" + &patient("b")).as_bytes())], 3);
    let file_of =
        |path: &str| environment.value(&format!("select id from etl.load_file where path = '{path}'"));
    let number_of =
        |id: &str| environment.value(&format!("select id from etl.rejected_record where fhir_id = '{id}'"));

    dismiss(&environment, &[], 2);
    dismiss(&environment, &["--note", "nothing named"], 2);
    assert!(dismiss(&environment, &["99999"], 2).stderr.contains("no reject"));
    let run = dismiss(&environment, &[&number_of("p1"), "--note", "a test record"], 0);
    assert_eq!(run.stdout, "1 reject dismissed\n");
    assert_eq!(states(&environment), ["- open", "- open", "p1 dismissed", "p2 open", "q1 open"]);
    dismiss(&environment, &["--file", &file_of("a.ndjson"), "--reason", "not_json"], 0);
    assert_eq!(states(&environment), ["- dismissed", "- open", "p1 dismissed", "p2 open", "q1 open"]);
    assert_eq!(dismiss(&environment, &["--file", &file_of("b.ndjson")], 0).stdout, "2 rejects dismissed\n");
    dismiss(&environment, &["--file", &file_of("b.ndjson")], 2);
    assert_eq!(rejects(&environment, &[]).len(), 1);
    let dismissed =
        rejects(&environment, &["--all"]).into_iter().find(|found| found["fhir_id"] == "p1").unwrap();
    assert_eq!((&dismissed["note"], dismissed["dismissed_at"].is_string()), (&"a test record".into(), true));
    let text = environment.run(&["rejects", "--all"]).expect_code(0).stdout;
    assert!(text.contains(": a test record"), "{text}");
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!((&status["records_rejected"], &status["rejects_dismissed"]), (&1.into(), &4.into()));
    assert!(
        environment
            .run(&["status"])
            .expect_code(0)
            .stdout
            .contains("1 records open, 0 retried, 0 resolved, 4 dismissed")
    );
    // Dismissed ones are not retried.
    let before = environment.value("select count(*) from etl.rejected_record");
    environment.run(&["retry"]).expect_code(3);
    let after = environment.value("select count(*) from etl.rejected_record");
    assert_eq!(after.parse::<u32>().unwrap(), before.parse::<u32>().unwrap() + 1);
}
