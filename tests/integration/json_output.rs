//! The JSON that commands print is as docs/schemas says, in every state of a folder
//! and a database.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{TestEnvironment, violations};

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas");

fn schemas() -> BTreeMap<String, Value> {
    let schema = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        let name = name.strip_suffix(".json")?.to_owned();
        Some((name, serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap()))
    };
    fs::read_dir(SCHEMAS).unwrap().flatten().filter_map(schema).collect()
}

/// Commands that print JSON, each with its schema and the exit codes that it may have.
const COMMANDS: [(&str, &[&str], &[i32]); 15] = [
    ("status", &["status", "--json"], &[0]),
    ("files", &["files", "--json"], &[0]),
    ("runs", &["runs", "--json"], &[0]),
    ("rejects", &["rejects", "--json"], &[0]),
    ("sources", &["sources", "list", "--json"], &[0]),
    ("feeds", &["feeds", "list", "--json"], &[0]),
    ("forward-status", &["forward", "status", "--json"], &[0]),
    ("snapshots", &["snapshot", "list", "--json"], &[0]),
    ("senders", &["senders", "list", "--json"], &[0]),
    ("users", &["users", "list", "--json"], &[0]),
    ("migrations", &["migrate", "status", "--json"], &[0]),
    ("inspect", &["inspect", "inspected.ndjson", "--json"], &[3]),
    ("once", &["once", "--json"], &[0, 3]),
    ("indexes", &["indexes", "status", "--json"], &[0]),
    ("check", &["check", "--json"], &[0, 5]),
];

#[track_caller]
fn validate(environment: &TestEnvironment, schema: &Value, arguments: &[&str], codes: &[i32]) -> Value {
    let run = environment.run(arguments);
    assert!(codes.contains(&run.code), "{arguments:?} ended with {}: {}", run.code, run.stderr);
    let json = run.json();
    let violations = violations(schema, &json);
    assert!(violations.is_empty(), "{arguments:?}: {violations:#?}\n{json:#}");
    json
}

/// Brings about files and records of every kind of outcome.
fn load(environment: &TestEnvironment) {
    let patient = r#"{"resourceType":"Patient","id":"p1","meta":{"versionId":"2","lastUpdated":"2026-01-02T03:04:05Z"},"shoeSize":44}"#;
    environment.put("inbox/st-marys/p.ndjson", format!("{patient}\nnot json\n{{\"resourceType\":\"Patient\",\"id\":\"p2\",\"birthDate\":\"2015-02-30\"}}\n"));
    environment.put("inbox/bad.pdf", "%PDF");
    environment.put("inbox/o.json", r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":{"code":"1-8"}},"subject":{"reference":"https://ehr.example.com/R4/Patient/p9"}}"#);
    environment.run(&["once"]).expect_code(3);
    environment.put("inbox/again/o.json", r#"{"resourceType":"Claim","id":"c1"}"#);
    environment.run_command(environment.command(&["once"]).env("RESOURCE_TYPES", "Patient")).expect_code(0);
    environment
        .run(&[
            "sources",
            "set",
            "st-marys",
            "--name",
            "St Mary's",
            "--base-url",
            "https://ehr.st-marys.org/R4",
        ])
        .expect_code(0);
}

#[test]
fn the_schemas_describe_what_the_commands_print() {
    let schemas = schemas();
    let environment = TestEnvironment::new();
    environment
        .put("inspected.ndjson", "{\"resourceType\":\"Patient\",\"id\":\"1\",\"shoeSize\":1}\nnot json\n");
    load(&environment);
    environment.put(
        "fhirmill.toml",
        "[[feed]]\nname = \"nightly\"\nkind = \"export\"\nsource = \"x\"\nurl = \"https://ehr.example.com\"\n\
         [[sink]]\nname = \"fhir\"\nkind = \"fhir\"\nsource = \"st-marys\"\nurl = \"http://127.0.0.1:9\"\n\
         types = [\"Patient\"]\nretries = 0\n",
    );
    // Nobody listens there.
    environment.run(&["forward", "once"]).expect_code(1);
    let valid = |name: &str, arguments: &[&str], codes: &[i32]| {
        validate(&environment, &schemas[name], arguments, codes)
    };
    let add = ["senders", "add", "st-marys", "--source", "st-marys", "--json"];
    valid("sender-secrets", &add, &[0]);
    environment.put("password", "a password of anna\n");
    let add = ["users", "add", "anna", "--role", "viewer", "--password-file", "password"];
    environment.run(&add).expect_code(0);
    valid("snapshot", &["snapshot", "--to", "lake", "--tables", "patient", "--json"], &[0]);
    for (name, arguments, codes) in COMMANDS {
        let json = valid(name, arguments, codes);
        assert!(name == "check" || json.as_array().is_none_or(|list| !list.is_empty()), "{name}: {json}");
    }
    valid("sources", &["sources", "show", "st-marys", "--json"], &[0]);
    let run = valid("run", &["runs", "1", "--json"], &[0]);
    assert_eq!(run["rejected_by_reason"]["invalid_value"], 1, "{run}");
    let shown = valid("show", &["show", "Patient/p1", "--json"], &[0]);
    assert_eq!((&shown["source"], &shown["path"]), (&"st-marys".into(), &"st-marys/p.ndjson".into()));
    assert_eq!((&shown["run_id"], &shown["resource"]["shoeSize"]), (&1.into(), &44.into()));
    let rejects = valid("rejects", &["rejects", "--json"], &[0]);
    let of_patients =
        rejects.as_array().unwrap().iter().find(|reject| reject["path"] == "st-marys/p.ndjson").unwrap();
    assert_eq!((&of_patients["run_id"], &of_patients["source"]), (&1.into(), &"st-marys".into()));
    environment
        .put("inbox/st-marys/q.ndjson", "not json either\n{\"resourceType\":\"Patient\",\"id\":\"p3\"}\n");
    let once = valid("once", &["once", "--json"], &[3]);
    assert_eq!(
        (&once["sources"], &once["rejected_by_reason"]["not_json"]),
        (&serde_json::json!(["st-marys"]), &1.into())
    );
    valid("retry", &["retry", "--json"], &[0, 3]);
    valid("remap", &["remap", "--json"], &[0, 3]);
    valid("prune", &["prune", "--json"], &[0]);
    valid("archive-compress", &["archive", "compress", "--json"], &[0]);
    let view = r#"{"resource": "Patient", "name": "ids", "select": [{"column": [{"name": "id", "path": "name.id"}]}]}"#;
    environment.put("ids.json", view);
    environment.put("wrong.json", view.replace("name.id", "idd"));
    environment.run(&["views", "apply", "ids.json"]).expect_code(0);
    assert_eq!(valid("views", &["views", "list", "--json"], &[0]).as_array().unwrap().len(), 1);
    let checked = valid("views-check", &["views", "check", "--json", "ids.json", "wrong.json"], &[5]);
    assert_eq!((&checked[0]["severity"], &checked[1]["severity"]), (&"warning".into(), &"error".into()));
    environment.run(&["views", "drop", "ids"]).expect_code(0);
    valid("remap", &["remap", "--resource-type", "Claim", "--json"], &[0, 3]);
    crate::support::execute(environment.database_url(), "delete from patient");
    assert!(!valid("check", &["check", "--json"], &[5]).as_array().unwrap().is_empty());
    fs::remove_dir_all(environment.path("archive")).unwrap();
    let remap = environment.run(&["remap", "--json"]);
    assert!(remap.code == 3 || remap.code == 1, "{}", remap.code);

    let unused: Vec<&String> = schemas
        .keys()
        .filter(|name| {
            !COMMANDS.iter().any(|(of, ..)| of == name)
                && ![
                    "archive-compress",
                    "prune",
                    "run",
                    "show",
                    "retry",
                    "remap",
                    "sender-secrets",
                    "export",
                    "kafka-run",
                    "views",
                    "views-check",
                    "snapshot",
                    // deidentified.rs does.
                    "deidentify",
                    // convert.rs does.
                    "convert",
                    // operators does.
                    "undo",
                    "erase",
                    "erasures",
                    "notification",
                    // backup does.
                    "backup",
                    "backups",
                    "backup-verify",
                    "restore",
                ]
                .contains(&name.as_str())
        })
        .collect();
    assert!(unused.is_empty(), "no test validates {unused:?}");
}

#[test]
fn the_schemas_hold_before_the_first_load() {
    let schemas = schemas();
    let environment = TestEnvironment::without_database();
    for (name, arguments, codes) in COMMANDS.iter().take(9) {
        validate(&environment, &schemas[*name], arguments, codes);
    }
    let database = TestEnvironment::new();
    for (name, arguments, codes) in COMMANDS.iter().filter(|(name, ..)| *name != "inspect") {
        validate(&database, &schemas[*name], arguments, codes);
    }
    validate(&database, &schemas["views"], &["views", "list", "--json"], &[0]);
    validate(&database, &schemas["retry"], &["retry", "--json"], &[0]);
    validate(&database, &schemas["remap"], &["remap", "--json"], &[0]);
}

#[test]
fn the_page_of_the_schemas_lists_each() {
    let page = fs::read_to_string(Path::new(SCHEMAS).join("README.md")).unwrap();
    for name in schemas().keys() {
        assert!(page.contains(&format!("| [{name}.json]({name}.json) | ")), "{name}");
    }
}
