//! Files whose bytes were delivered before: what equals the current state is not
//! read again, everything else is.

use serde_json::{Value, json};

use crate::steps::{account, load, rows_as_written};
use crate::support::TestEnvironment;

fn patient(id: &str, gender: &str) -> String {
    json!({"resourceType": "Patient", "id": id, "gender": gender}).to_string() + "\n"
}

fn gender(environment: &TestEnvironment) -> String {
    environment.value("select string_agg(fhir_id || ' ' || gender, ', ' order by fhir_id) from patient")
}

fn files_of(summary: &Value) -> (u64, u64) {
    (summary["loaded_files"].as_u64().unwrap(), summary["duplicate_files"].as_u64().unwrap())
}

const LEDGER: &str =
    "select path, status, archive_path is not null as is_archived from etl.load_file order by id";

#[test]
fn a_file_delivered_again_after_other_content_counts() {
    let environment = TestEnvironment::new();
    let (first, second) = (patient("p", "male"), patient("p", "female"));
    for round in 0..2 {
        for (name, content, wanted) in [("a.ndjson", &first, "p male"), ("b.ndjson", &second, "p female")] {
            let summary = load(&environment, &[(name, content.as_bytes())]);
            assert_eq!(files_of(&summary), (1, 0), "{name} in round {round}: {summary}");
            assert_eq!(gender(&environment), wanted, "{name} in round {round}");
            let before = rows_as_written(&environment);
            let summary = load(&environment, &[(name, content.as_bytes())]);
            assert_eq!((files_of(&summary), summary["seen"].as_u64()), ((0, 1), Some(0)), "{summary}");
            assert_eq!(rows_as_written(&environment), before);
        }
    }
    let rows: Vec<Vec<String>> = ["a", "b", "a", "b"]
        .iter()
        .flat_map(|name| {
            ["loaded", "duplicate"]
                .map(|status| vec![format!("{name}.ndjson"), status.to_owned(), "true".to_owned()])
        })
        .collect();
    assert_eq!(environment.query(LEDGER), rows);
    environment.run(&["check"]).expect_code(0);
    let listed = environment.run(&["files", "--json"]).expect_code(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 8, "{listed}");
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!((&status["files_loaded"], &status["resources"]), (&4.into(), &1.into()), "{status}");
}

#[test]
fn in_one_scan_the_files_count_in_their_order() {
    let environment = TestEnvironment::new();
    let (first, second, third) = (patient("p", "male"), patient("p", "female"), patient("q", "other"));
    load(&environment, &[("1.ndjson", first.as_bytes()), ("2.ndjson", third.as_bytes())]);
    // Before, after and between the others.
    let summary = load(
        &environment,
        &[("1.ndjson", first.as_bytes()), ("2.ndjson", second.as_bytes()), ("3.ndjson", third.as_bytes())],
    );
    assert_eq!(files_of(&summary), (1, 2), "{summary}");
    assert_eq!(gender(&environment), "p female, q other");
    let summary = load(
        &environment,
        &[("1.ndjson", first.as_bytes()), ("2.ndjson", second.as_bytes()), ("3.ndjson", first.as_bytes())],
    );
    assert_eq!(gender(&environment), "p male, q other", "{summary}");
    let summary = load(
        &environment,
        &[
            ("1.ndjson", first.as_bytes()),
            ("2.ndjson", second.as_bytes()),
            ("3.ndjson", first.as_bytes()),
            ("4.ndjson", second.as_bytes()),
        ],
    );
    assert_eq!(gender(&environment), "p female, q other", "{summary}");
}

#[test]
fn a_file_that_found_its_content_there_counts_again_too() {
    let environment = TestEnvironment::new();
    let (male, female) = (patient("p", "male"), patient("p", "female"));
    load(&environment, &[("1.ndjson", male.as_bytes())]);
    // Other bytes, of which one record was there already.
    let both = format!("{male}{}", patient("q", "other"));
    let summary = load(&environment, &[("2.ndjson", both.as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 1), ("unchanged", 1)]);
    let all = format!("{male}\n");
    assert_eq!(account(&load(&environment, &[("3.ndjson", all.as_bytes())])), [("unchanged", 1)]);
    assert_eq!(account(&load(&environment, &[("4.ndjson", female.as_bytes())])), [("updated", 1)]);
    for (name, content) in [("2.ndjson", &both), ("3.ndjson", &all), ("1.ndjson", &male)] {
        load(&environment, &[("4.ndjson", female.as_bytes())]);
        assert_eq!(gender(&environment).split(',').next(), Some("p female"));
        let summary = load(&environment, &[(name, content.as_bytes())]);
        assert_eq!(files_of(&summary), (1, 0), "{name}: {summary}");
        assert_eq!(gender(&environment).split(',').next(), Some("p male"), "{name}");
    }
}

#[test]
fn deletes_count_again_as_well() {
    let environment = TestEnvironment::new();
    let delete = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/p"}}]}"#;
    let male = patient("p", "male");
    for _ in 0..2 {
        load(&environment, &[("1.ndjson", male.as_bytes())]);
        assert_eq!(environment.value("select count(*) from patient"), "1");
        load(&environment, &[("2.json", delete.as_bytes())]);
        assert_eq!(environment.value("select count(*) from patient"), "0");
    }
}

#[test]
fn a_file_that_can_change_nothing_is_not_read_again() {
    let environment = TestEnvironment::new();
    let dated = |year: u32, gender: &str| {
        json!({"resourceType": "Patient", "id": "p", "gender": gender, "meta": {"lastUpdated": format!("{year}-01-01T00:00:00Z")}})
            .to_string()
    };
    let (old, new) = (dated(2020, "male"), dated(2021, "female"));
    load(&environment, &[("1.json", old.as_bytes())]);
    load(&environment, &[("2.json", new.as_bytes())]);
    load(&environment, &[("3.json", patient("q", "male").as_bytes())]);
    for (name, content) in [("1.json", &old), ("2.json", &new)] {
        let summary = load(&environment, &[(name, content.as_bytes())]);
        assert_eq!((files_of(&summary), summary["seen"].as_u64()), ((0, 1), Some(0)), "{name}: {summary}");
    }
    assert_eq!(gender(&environment), "p female, q male");
    // Another sender's file with the same bytes is another file.
    let summary = load(&environment, &[("north/1.json", old.as_bytes())]);
    assert_eq!(files_of(&summary), (1, 0));
}
