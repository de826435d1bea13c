//! What cannot be loaded is reported with its location and reason, does not
//! affect other records, and no message contains a patient's values.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::steps::{account, load, load_with_code, rows_as_written};
use crate::support::{NULL, Run, TestEnvironment, execute};

/// Part of every bad record; no message may contain it.
const SECRET: &str = "Quillfeather";

/// A record that is rejected, and how it must be reported.
struct BadRecord {
    what: &'static str,
    line: &'static str,
    /// If empty, neither reason nor type nor ID are checked.
    reason: &'static str,
    resource_type: &'static str,
    fhir_id: &'static str,
    /// A part of the message.
    message: &'static str,
}

const BAD: [BadRecord; 8] = [
    BadRecord {
        what: "an invalid date",
        line: r#"{"resourceType":"Patient","id":"bad","birthDate":"Quillfeather"}"#,
        reason: "invalid_value",
        resource_type: "Patient",
        fhir_id: "bad",
        message: "birthDate",
    },
    BadRecord {
        what: "an object for a string",
        line: r#"{"resourceType":"Patient","id":"bad","name":[{"family":"Quillfeather"},{"family":{"text":"Quillfeather"}}]}"#,
        reason: "invalid_value",
        resource_type: "Patient",
        fhir_id: "bad",
        message: "name[1].family",
    },
    BadRecord {
        what: "a string for a boolean",
        line: r#"{"resourceType":"Patient","id":"bad","active":"Quillfeather"}"#,
        reason: "invalid_value",
        resource_type: "Patient",
        fhir_id: "bad",
        message: "active",
    },
    BadRecord {
        what: "a character that Postgres cannot store",
        line: "{\"resourceType\":\"Patient\",\"id\":\"bad\",\"name\":[{\"family\":\"Quillfeather\\u0000\"}]}",
        reason: "",
        resource_type: "",
        fhir_id: "",
        message: "",
    },
    BadRecord {
        what: "a duplicate member",
        line: r#"{"resourceType":"Patient","id":"bad","gender":"Quillfeather","gender":"male"}"#,
        reason: "not_json",
        resource_type: "",
        fhir_id: "",
        message: "",
    },
    BadRecord {
        what: "a type that is not in FHIR R4",
        line: r#"{"resourceType":"Quillfeather","id":"bad"}"#,
        reason: "unknown_resource_type",
        resource_type: "",
        fhir_id: "",
        message: "FHIR R4",
    },
    BadRecord {
        what: "no type",
        line: r#"{"id":"bad","family":"Quillfeather"}"#,
        reason: "no_resource_type",
        resource_type: "",
        fhir_id: "",
        message: "no resourceType",
    },
    BadRecord {
        what: "broken JSON",
        line: r#"{"resourceType":"Patient","id":"bad","family":Quillfeather}"#,
        reason: "not_json",
        resource_type: "",
        fhir_id: "",
        message: "",
    },
];

#[test]
fn a_bad_resource_does_not_affect_the_others() {
    for BadRecord { what, line, reason, resource_type, fhir_id, message } in BAD {
        let environment = TestEnvironment::new();
        let text = format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"a\"}}\n{line}\n{{\"resourceType\":\"Patient\",\"id\":\"b\"}}\n"
        );
        let summary = load_with_code(&environment, &[("p.ndjson", text.as_bytes())], 3);
        assert_eq!(account(&summary), [("inserted", 2), ("rejected", 1)], "{what}");
        assert_eq!(environment.query("select fhir_id from patient order by 1"), [["a"], ["b"]], "{what}");

        let rows = environment.query(
            "select location, position, reason, coalesce(resource_type, '') as type, coalesce(fhir_id, '') as id, \
                    message, encode(raw, 'escape') as raw from etl.rejected_record",
        );
        assert_eq!(rows.len(), 1, "{what}");
        let row = &rows[0];
        assert_eq!((row[0].as_str(), row[1].as_str()), ("line 2", "2"), "{what}");
        if !reason.is_empty() {
            assert_eq!([&row[2], &row[3], &row[4]], [reason, resource_type, fhir_id], "{what}: {}", row[5]);
        }
        assert!(row[5].contains(message), "{what}: {}", row[5]);
        assert!(!row[5].is_empty() && !row[5].contains(SECRET), "{what}: {}", row[5]);
        assert_eq!(row[6].replace("\\\\", "\\"), line, "{what}");
        // The file is archived, as most of it was loaded.
        assert_eq!(environment.value("select status from etl.load_file"), "loaded", "{what}");
        no_secret_in_logs(&environment);

        // The same file again: nothing is loaded twice, nothing is rejected twice.
        let before = rows_as_written(&environment);
        assert_eq!(load(&environment, &[("p.ndjson", text.as_bytes())])["duplicate_files"], 1, "{what}");
        assert_eq!(rows_as_written(&environment), before, "{what}");
        assert_eq!(environment.value("select count(*) from etl.rejected_record"), "1", "{what}");
    }
}

#[track_caller]
fn no_secret_in_logs(environment: &TestEnvironment) {
    for path in environment.listing() {
        if path.starts_with("logs/") || path.ends_with(".report.txt") {
            let text = std::fs::read_to_string(environment.path(&path)).unwrap();
            assert!(!text.contains(SECRET), "{path} shows a value");
        }
    }
}

#[test]
fn a_bad_entry_is_reported_by_its_number() {
    let environment = TestEnvironment::new();
    let bundle = r#"{"resourceType":"Bundle","type":"collection","entry":[
        {"resource":{"resourceType":"Patient","id":"a"}},
        {"resource":{"resourceType":"Bundle","type":"collection","entry":[
            {"resource":{"resourceType":"Patient","id":"b"}},
            {"resource":{"resourceType":"Patient","id":"c","birthDate":"2024-13-01"}}]}},
        {"resource":{"resourceType":"Observation","id":"o","valueQuantity":{"value":"much"}}}]}"#;
    let summary = load_with_code(&environment, &[("b.json", bundle.as_bytes())], 3);
    assert_eq!(account(&summary), [("inserted", 2), ("rejected", 2)]);
    let rows = environment
        .query("select location, resource_type, fhir_id from etl.rejected_record order by position");
    assert_eq!(rows, [["entry 2.2", "Patient", "c"], ["entry 3", "Observation", "o"]]);
}

#[test]
fn a_patch_is_rejected() {
    let environment = TestEnvironment::new();
    let bundle = r#"{"resourceType":"Bundle","type":"batch","entry":[
        {"resource":{"resourceType":"Patient","id":"a"}},
        {"resource":{"resourceType":"Parameters"},"request":{"method":"PATCH","url":"Patient/a"}}]}"#;
    let summary = load_with_code(&environment, &[("b.json", bundle.as_bytes())], 3);
    assert_eq!(account(&summary), [("inserted", 1), ("rejected", 1)]);
    assert_eq!(environment.value("select reason from etl.rejected_record"), "patch");
}

#[test]
fn an_html_page_goes_to_the_rejects_with_a_report() {
    let environment = TestEnvironment::new();
    let page = "<!doctype html><html><body>Session of Quillfeather has expired</body></html>";
    let files: [(&str, &[u8]); 2] = [
        ("north/patients.json", page.as_bytes()),
        ("north/good.json", br#"{"resourceType":"Patient","id":"a"}"#),
    ];
    let summary = load_with_code(&environment, &files, 3);
    assert_eq!((&summary["loaded_files"], &summary["rejected_files"]), (&1.into(), &1.into()));
    let listing = environment.listing();
    for wanted in ["rejects/north/patients.json", "rejects/north/patients.json.report.txt"] {
        assert!(listing.iter().any(|path| path == wanted), "{wanted} is not in {listing:?}");
    }
    assert!(!listing.iter().any(|path| path.starts_with("inbox/")), "{listing:?}");
    assert_eq!(std::fs::read_to_string(environment.path("rejects/north/patients.json")).unwrap(), page);
    let report = std::fs::read_to_string(environment.path("rejects/north/patients.json.report.txt")).unwrap();
    assert!(report.starts_with("north/patients.json\n"), "{report}");
    assert!(report.contains("Records seen: 1, of them rejected: 1."), "{report}");
    no_secret_in_logs(&environment);
    let found = environment.query(
        "select f.status, r.reason, r.message like '%HTML%' as names_it from etl.load_file f \
         join etl.rejected_record r on r.file_id = f.id",
    );
    assert_eq!(found, [["rejected", "not_json", "true"]]);

    // Once more, as a sender would who did not look.
    let again = load_with_code(&environment, &files, 3);
    assert_eq!((&again["duplicate_files"], &again["rejected_files"]), (&1.into(), &1.into()));
}

#[test]
fn the_complete_records_of_a_truncated_gzip_are_loaded() {
    let environment = TestEnvironment::new();
    let mut lines = String::new();
    for number in 0..20_000u32 {
        // Numbers that compress badly, so that the cut falls among records.
        let noise = number.wrapping_mul(2_654_435_761);
        lines.push_str(&format!("{{\"resourceType\":\"Patient\",\"id\":\"p{number}-{noise}\"}}\n"));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines.as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let cut = &whole[..whole.len() / 2];
    let summary = load_with_code(&environment, &[("p.ndjson.gz", cut)], 3);
    assert_eq!(summary["account"]["rejected"], 1, "{summary}");
    let loaded: u64 = environment.value("select count(*) from patient").parse().unwrap();
    assert!((1..20_000).contains(&loaded), "{loaded} rows");
    assert_eq!(summary["account"]["inserted"], loaded);
    assert_eq!(environment.value("select reason from etl.rejected_record"), "truncated");

    // The whole file, which the sender sends then, brings the rest.
    let summary = load(&environment, &[("p.ndjson.gz", &whole)]);
    assert_eq!(summary["account"]["unchanged"], loaded);
    assert_eq!(summary["account"]["inserted"], 20_000 - loaded);
}

#[test]
fn a_truncated_line_is_rejected() {
    let environment = TestEnvironment::new();
    let text = "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n{\"resourceType\":\"Patient\",\"id\":\"b\"";
    let summary = load_with_code(&environment, &[("p.ndjson", text.as_bytes())], 3);
    assert_eq!(account(&summary), [("inserted", 1), ("rejected", 1)]);
    assert_eq!(
        environment.query("select location, reason from etl.rejected_record"),
        [["line 2", "truncated"]]
    );
}

#[test]
fn every_record_is_accounted_for() {
    let environment = TestEnvironment::new();
    let bundle = r#"{"resourceType":"Bundle","type":"batch","timestamp":"2024-01-02T00:00:00Z","entry":[
        {"resource":{"resourceType":"Patient","id":"new"}},
        {"resource":{"resourceType":"Patient","id":"changed","gender":"male"}},
        {"resource":{"resourceType":"Patient","id":"same"}},
        {"resource":{"resourceType":"Patient","id":"old","meta":{"lastUpdated":"2023-01-01T00:00:00Z"}}},
        {"resource":{"resourceType":"Patient","id":"bad","active":"maybe"}},
        {"request":{"method":"GET","url":"Patient/x"}},
        {"request":{"method":"DELETE","url":"Patient/gone"}}]}"#;
    let before = r#"[{"resourceType":"Patient","id":"changed"},{"resourceType":"Patient","id":"same"},
        {"resourceType":"Patient","id":"gone"},
        {"resourceType":"Patient","id":"old","gender":"male","meta":{"lastUpdated":"2023-06-01T00:00:00Z"}}]"#;
    load(&environment, &[("1.json", before.as_bytes())]);
    let summary = load_with_code(&environment, &[("2.json", bundle.as_bytes())], 3);
    let each = [
        ("inserted", 1),
        ("updated", 1),
        ("unchanged", 1),
        ("stale", 1),
        ("deleted", 1),
        ("rejected", 1),
        ("skipped", 1),
    ];
    assert_eq!(account(&summary), each);
    assert_eq!(
        environment.query(
            "select path, seen, seen = inserted + updated + unchanged + stale + deleted + rejected + skipped as adds_up \
             from etl.load_file order by id"
        ),
        [["1.json", "4", "true"], ["2.json", "7", "true"]]
    );
    assert_eq!(
        environment.query("select fhir_id from patient order by 1"),
        [["changed"], ["new"], ["old"], ["same"]]
    );
    let counts = environment.value("select counts from etl.load_run order by id desc limit 1");
    let counts: serde_json::Value = serde_json::from_str(&counts).unwrap();
    assert_eq!((&counts["seen"], &counts["deleted"]), (&7.into(), &1.into()));
}

#[test]
fn a_record_that_the_database_refuses_is_rejected_alone() {
    let environment = TestEnvironment::new();
    // As a constraint or trigger of the operator's own, or a limit of Postgres'
    // that nobody thought of.
    execute(
        environment.database_url(),
        "alter table patient add constraint known_genders check (gender <> 'other')",
    );
    let lines: Vec<String> = (0..50)
        .map(|number| {
            let gender = if number == 7 || number == 31 { "other" } else { "female" };
            format!(r#"{{"resourceType":"Patient","id":"p{number}","gender":"{gender}"}}"#)
        })
        .collect();
    environment.put("inbox/a.ndjson", format!("{}\n{{\n", lines.join("\n")));
    let run = environment.run(&["once"]).expect_code(3);
    assert!(!run.stderr.contains("other"), "{}", run.stderr);
    assert_eq!(environment.value("select count(*) from patient"), "48");
    assert_eq!(
        environment.query(
            "select location, resource_type, fhir_id, reason from etl.rejected_record order by length(location), location"
        ),
        [
            ["line 8", "Patient", "p7", "refused_by_database"],
            ["line 32", "Patient", "p31", "refused_by_database"],
            ["line 51", NULL, NULL, "truncated"],
        ]
    );
    assert_eq!(
        environment.value("select seen || ' ' || inserted || ' ' || rejected from etl.load_file"),
        "51 48 3"
    );
    environment.run(&["check"]).expect_code(0);
    // Mended, they come.
    execute(environment.database_url(), "alter table patient drop constraint known_genders");
    environment.run(&["retry"]).expect_code(0);
    assert_eq!(environment.value("select count(*) from patient"), "50");
}

#[test]
fn a_database_that_refuses_everything_does_not_cause_rejects() {
    let environment = TestEnvironment::new();
    execute(environment.database_url(), "alter table patient add constraint nobody check (id < 0)");
    let lines: Vec<String> =
        (0..50).map(|number| format!(r#"{{"resourceType":"Patient","id":"p{number}"}}"#)).collect();
    environment.put("inbox/a.ndjson", lines.join("\n"));
    environment.run(&["once"]).expect_code(1);
    assert_eq!(environment.value("select count(*) from etl.rejected_record"), "0");
    assert!(environment.path("inbox/a.ndjson").exists());
    execute(environment.database_url(), "alter table patient drop constraint nobody");
    environment.run(&["once"]).expect_code(0);
    assert_eq!(environment.value("select count(*) from patient"), "50");
}

/// That many good lines followed by that many bad ones, about thirty per batch.
fn mostly_broken(good: u32, broken: u32) -> String {
    let good = (0..good).map(|number| format!("{{\"resourceType\":\"Patient\",\"id\":\"p{number}\"}}\n"));
    let name = SECRET.repeat(170);
    let bad = (0..broken).map(|number| format!("{{\"resourceType\":\"Patient\",\"id\":{number}{name}}}\n"));
    good.chain(bad).collect()
}

/// Loads with a low limit on the rejects of a file.
fn load_impatiently(environment: &TestEnvironment, failpoints: &str, code: i32) -> Run {
    let mut command = environment.command(&["once", "--json", "--batch-bytes", "64KiB", "--workers", "1"]);
    command.args(["--max-rejects-per-file", "50"]).env("FAILPOINTS", failpoints);
    environment.run_command(&mut command).expect_code(code)
}

#[test]
fn a_file_with_too_many_rejects_fails() {
    let file = mostly_broken(10, 600);
    // Undisturbed, and with a death in between: what was rejected before counts.
    for (failpoints, code) in [("", 3), ("committed=2*off->return", -1)] {
        let environment = TestEnvironment::new();
        environment.put("inbox/broken.ndjson", &file);
        load_impatiently(&environment, failpoints, code);
        if code == -1 {
            assert_eq!(environment.value("select sum(rejected) > 50 as is_over from etl.load_batch"), "true");
            load_impatiently(&environment, "", 3);
        }
        let rejected: u64 = environment.value("select count(*) from etl.rejected_record").parse().unwrap();
        assert!((51..200).contains(&rejected), "{rejected} rejects");
        assert_eq!(
            environment.query("select status, seen, inserted, rejected from etl.load_file"),
            [["rejected".to_owned(), (rejected + 10).to_string(), "10".to_owned(), rejected.to_string()]]
        );
        let report =
            std::fs::read_to_string(environment.path("rejects/default/broken.ndjson.report.txt")).unwrap();
        for part in [
            "more than 50 of its records were rejected",
            &format!("Records seen: {}, of them rejected: {rejected}.", rejected + 10),
            &format!("{rejected} not_json, such as line 11: not JSON: "),
            "MAX_REJECTS_PER_FILE",
        ] {
            assert!(report.contains(part), "{part:?} is not in {report}");
        }
        no_secret_in_logs(&environment);
        assert_eq!(environment.value("select count(*) from patient"), "10");
        environment.run(&["check"]).expect_code(0);

        // With the limit raised, it is read to its end.
        let again = load_with_code(&environment, &[("broken.ndjson", file.as_bytes())], 3);
        assert_eq!(account(&again), [("unchanged", 10), ("rejected", 600)]);
        assert_eq!((&again["loaded_files"], &again["rejected_files"]), (&1.into(), &0.into()));
    }
}

#[test]
fn a_file_with_as_many_rejects_as_allowed_loads() {
    let environment = TestEnvironment::new();
    environment.put("inbox/many.ndjson", mostly_broken(1, 50));
    environment.put("inbox/more.ndjson", mostly_broken(1, 51));
    let summary = load_impatiently(&environment, "", 3).json();
    assert_eq!(account(&summary), [("inserted", 1), ("unchanged", 1), ("rejected", 101)]);
    assert_eq!(
        environment.query("select path, status, rejected from etl.load_file order by 1"),
        [["many.ndjson", "loaded", "50"], ["more.ndjson", "rejected", "51"]]
    );
}
