//! Views that nobody applies by hand: files of VIEWS_DIR, and ViewDefinition resources of
//! sources that may declare views.

use std::fs;
use std::process::Command;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::steps::{load, load_with_code};
use crate::support::{Run, TestEnvironment};

fn definition(name: &str, path: &str) -> Value {
    json!({"resourceType": "ViewDefinition", "id": name, "name": name, "status": "active", "resource": "Patient",
        "select": [{"column": [{"name": "id", "path": "getResourceKey()"}, {"name": "value", "path": path}]}]})
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","gender":"female","birthDate":"1970-01-02"}"#;
const TABLES: &str = "select coalesce(string_agg(tablename, ' ' order by tablename), '') from pg_tables \
                      where schemaname = 'views'";

fn once(environment: &TestEnvironment, more: impl FnOnce(&mut Command), code: i32) -> Run {
    let mut command = environment.command(&["once", "--json"]);
    more(&mut command);
    environment.run_command(&mut command).expect_code(code)
}

fn refused(environment: &TestEnvironment) -> Vec<String> {
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    let refused = status["refused_views"].as_array().unwrap().iter();
    refused.map(|refused| refused["problem"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn files_of_the_folder_are_applied_changed_and_dropped() {
    let environment = TestEnvironment::new();
    let once = |code| {
        let set = |command: &mut Command| {
            command.env("VIEWS_DIR", "declared");
        };
        once(&environment, set, code)
    };
    environment.put("inbox/p.json", PATIENT);
    environment.put("declared/genders.json", definition("genders", "gender").to_string());
    environment.put("declared/wrong.json", definition("wrong", "gander").to_string());
    environment.put("declared/readme.txt", "no definition");
    once(0);
    assert_eq!(environment.value(TABLES), "genders");
    assert_eq!(environment.value("select value from views.genders"), "female");
    let problems = refused(&environment);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("Patient has no element `gander`"), "{problems:?}");
    assert!(problems[0].contains("--> wrong.json:1:"), "{problems:?}");

    // Changed, mended, and one whose name is taken.
    environment.put("declared/genders.json", definition("genders", "birthDate").to_string());
    environment.put("declared/wrong.json", definition("right", "gender").to_string());
    environment.put("declared/second.json", definition("genders", "gender").to_string());
    once(0);
    assert_eq!(environment.value(TABLES), "genders right");
    assert_eq!(environment.value("select value from views.genders"), "1970-01-02");
    assert_eq!(refused(&environment), ["another definition was applied as genders before"]);

    // A folder that is away says nothing of its files; a file that is gone drops its view.
    fs::rename(environment.path("declared"), environment.path("away")).unwrap();
    once(0);
    assert_eq!(environment.value(TABLES), "genders right");
    fs::rename(environment.path("away"), environment.path("declared")).unwrap();
    fs::remove_file(environment.path("declared/wrong.json")).unwrap();
    once(0);
    assert_eq!(environment.value(TABLES), "genders");
}

#[test]
fn definitions_of_sources_are_applied_if_that_is_allowed() {
    let environment = TestEnvironment::new();
    let sent = format!("{PATIENT}\n{}\n", definition("genders", "gender"));

    // Nobody may send them at first: they are rejected, and say what allows them.
    let summary = load_with_code(&environment, &[("clinic/1.ndjson", sent.as_bytes())], 3);
    assert_eq!((&summary["account"]["inserted"], &summary["account"]["rejected"]), (&json!(1), &json!(1)));
    let rejected = environment.query("select reason, resource_type, message from etl.rejected_record");
    assert_eq!(rejected[0][..2], ["view_not_allowed", "ViewDefinition"]);
    assert!(rejected[0][2].contains("views = true"), "{rejected:?}");
    assert_eq!(environment.value(TABLES), "");

    // One source may: the rejects are retried, and those of another source are not.
    environment.put("fhirmill.toml", "[[source]]\nname = \"clinic\"\nviews = true\n");
    environment.run(&["retry"]).expect_code(0);
    once(&environment, |_| {}, 0);
    assert_eq!(environment.value("select value from views.genders"), "female");
    load_with_code(
        &environment,
        &[("other/1.ndjson", definition("theirs", "gender").to_string().as_bytes())],
        3,
    );
    assert_eq!(environment.value(TABLES), "genders");

    // A mistake is a reject with its place; a change is a new version.
    let faulty = definition("genders", "gander").to_string();
    load_with_code(&environment, &[("clinic/2.ndjson", faulty.as_bytes())], 3);
    let message = environment.value(
        "select message from etl.rejected_record where reason = 'faulty_view' and fhir_id = 'genders'",
    );
    assert!(message.contains("Patient has no element `gander`") && message.contains("^^^^^^"), "{message}");
    let changed = definition("genders", "birthDate").to_string();
    load(&environment, &[("clinic/3.ndjson", changed.as_bytes())]);
    assert_eq!(environment.value("select value from views.genders"), "1970-01-02");
    let listed = environment.run(&["views", "list", "--json"]).expect_code(0).json();
    assert_eq!((&listed[0]["version"], &listed[0]["state"]), (&json!(2), &json!("ready")));
    let shown = environment.run(&["show", "ViewDefinition/genders"]).expect_code(0);
    assert_eq!(shown.stdout.trim(), changed);

    // The same again changes nothing, and a delete drops the view.
    load(&environment, &[("clinic/4.ndjson", changed.as_bytes())]);
    let delete = r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"ViewDefinition/genders"}}]}"#;
    environment.run(&["check"]).expect_code(0);
    load(&environment, &[("clinic/5.json", delete.as_bytes())]);
    assert_eq!(environment.value(TABLES), "");
    environment.run(&["check"]).expect_code(0);
}
