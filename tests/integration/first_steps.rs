//! What a person sees who has loaded nothing yet, or mistypes a name: the commands
//! say what to do, and create nothing.

use std::process::Command;

use pretty_assertions::assert_eq;

use crate::support::{BINARY, TestEnvironment, execute};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1"}"#;

/// A copy of the environment's folder without what the harness puts there.
fn empty_folder() -> TestEnvironment {
    let environment = TestEnvironment::without_database();
    for folder in ["inbox", "archive", "rejects", "logs"] {
        std::fs::remove_dir(environment.path(folder)).unwrap();
    }
    environment
}

fn entries(environment: &TestEnvironment) -> Vec<String> {
    let entries = std::fs::read_dir(environment.path("")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn commands_that_read_create_nothing_and_say_what_to_run() {
    let environment = empty_folder();
    let inbox = environment.path("inbox").display().to_string();
    for list in [
        &["status"][..],
        &["files"],
        &["rejects"],
        &["runs"],
        &["sources", "list"],
        &["senders", "list"],
        &["users", "list"],
        &["feeds", "list"],
    ] {
        let run = environment.run(list).expect_code(0);
        assert!(
            run.stdout.contains(&inbox) && run.stdout.contains("`fhirmill once`"),
            "{list:?}: {}",
            run.stdout
        );
        assert_eq!(run.stderr, "", "{list:?}");
        let json = environment.run(&[list, &["--json"]].concat()).expect_code(0).json();
        assert!(json["database"].is_null() && (json.is_object() || json == serde_json::json!([])), "{json}");
    }
    let pending = environment.run(&["migrate", "status"]).expect_code(0).stdout;
    assert!(pending.lines().all(|line| line.ends_with("pending")), "{pending}");
    let run = environment.run(&["status", "--health"]).expect_code(4);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "unhealthy: nothing has been loaded yet\n"));
    for other in [
        &["show", "Patient/1"][..],
        &["check"],
        &["indexes", "status"],
        &["indexes", "drop"],
        &["migrate", "down"],
        &["sources", "show", "st-marys"],
    ] {
        let run = environment.run(other).expect_code(4);
        assert!(run.stderr.contains("nothing has been loaded yet"), "{other:?}: {}", run.stderr);
        assert!(run.stderr.contains("`fhirmill once`"), "{other:?}: {}", run.stderr);
    }
    assert_eq!(entries(&environment).into_iter().filter(|name| name != "logs").collect::<Vec<_>>(), [""; 0]);
    for other in [&["remap"][..], &["retry"], &["indexes", "build"]] {
        environment.run(other).expect_code(4);
    }
    assert!(!environment.path("data").exists() && !environment.path("inbox").exists());
}

#[test]
fn a_database_without_tables_is_told_from_one_with_older_tables() {
    let environment = TestEnvironment::new();
    environment.run(&["migrate", "down"]).expect_code(0);
    for command in [&["status"][..], &["files"], &["show", "Patient/1"]] {
        let run = environment.run(command).expect_code(4);
        assert!(run.stderr.contains("1 migrations are pending"), "{}", run.stderr);
        assert!(run.stderr.contains("`fhirmill migrate up`"), "{}", run.stderr);
    }
    environment.run(&["migrate", "down", "--all"]).expect_code(0);
    let run = environment.run(&["files"]).expect_code(0);
    assert!(run.stdout.starts_with("nothing has been loaded yet\n"), "{}", run.stdout);
    environment.run(&["check"]).expect_code(4);
}

#[test]
fn a_line_tells_that_the_private_server_is_being_made() {
    let environment = TestEnvironment::without_database();
    environment.put("inbox/p.json", PATIENT);
    let run = environment.run(&["once"]).expect_code(0);
    let server = environment.path("data/postgres").display().to_string();
    let line = run.stderr.lines().find(|line| line.contains("creating the private Postgres"));
    assert!(line.is_some_and(|line| line.contains(&server)), "{}", run.stderr);
    let again = environment.run(&["once"]).expect_code(0);
    assert!(!again.stderr.contains("creating"), "{}", again.stderr);
}

#[test]
fn an_inbox_that_is_named_must_exist_and_the_default_one_is_created() {
    let environment = TestEnvironment::new();
    for command in ["once", "run", "status", "retry"] {
        let run = environment.run(&[command, "--inbox-dir", "/nonexist/inbox"]).expect_code(2);
        assert!(run.stderr.contains("INBOX_DIR is \"/nonexist/inbox\""), "{}", run.stderr);
    }
    let missing = environment.path("in").display().to_string();
    environment.put("fhirmill.toml", "inbox_dir = \"in\"\n");
    let run = environment.run(&["once"]).expect_code(2);
    assert!(run.stderr.contains("fhirmill.toml, line 1: inbox_dir is"), "{}", run.stderr);
    assert!(run.stderr.contains(&missing), "{}", run.stderr);
    assert!(!environment.path("in").exists());
    // What does not use the inbox does not ask for it.
    environment.run(&["files"]).expect_code(0);

    std::fs::remove_file(environment.path("fhirmill.toml")).unwrap();
    std::fs::remove_dir(environment.path("inbox")).unwrap();
    environment.run(&["status"]).expect_code(0);
    assert!(!environment.path("inbox").exists());
    environment.run(&["once"]).expect_code(0);
    assert!(environment.path("inbox").is_dir());
}

#[test]
fn names_that_are_not_known_are_refused_with_those_that_are() {
    let environment = TestEnvironment::new();
    environment.put("inbox/st-marys/p.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    let refused = |arguments: &[&str], code: i32, parts: &[&str]| {
        let run = environment.run(arguments).expect_code(code);
        for part in parts {
            assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
        }
        assert_eq!(run.stdout, "", "{arguments:?}");
    };
    for command in [&["files", "--source"][..], &["sources", "show"], &["show", "Patient/p1", "--source"]] {
        refused(&[command, &["st-mary"]].concat(), 2, &["no source st-mary", "did you mean st-marys?"]);
        refused(&[command, &["nosuch"]].concat(), 2, &["no source nosuch", "default, st-marys"]);
    }
    for command in [&["rejects", "--file"][..], &["retry", "--file"]] {
        refused(&[command, &["99999"]].concat(), 2, &["no file 99999", "`fhirmill files`"]);
    }
    for command in [&["runs"][..], &["files", "--run"]] {
        refused(&[command, &["99999"]].concat(), 2, &["no run 99999", "`fhirmill runs`"]);
    }
    refused(&["show", "patient/x"], 2, &["no resource type \"patient\"", "did you mean Patient/x?"]);
    refused(&["show", "Pateint/x"], 2, &["did you mean Patient/x?"]);
    refused(&["show", "https://ehr.example.com/R4/Patient/x"], 2, &["did you mean Patient/x?"]);
    refused(&["show", "Patient/"], 2, &["expected TYPE/ID"]);
    refused(&["show", "Xyz/1"], 2, &["no resource type Xyz"]);
    refused(&["show", "Patient/p1", "--source", "default"], 1, &["default has no Patient/p1", "st-marys"]);
    refused(&["remap", "--resource-type", "patient"], 2, &["did you mean Patient?"]);
    refused(&["files", "--status", "borken"], 2, &["loading", "loaded", "duplicate", "rejected", "failed"]);
    refused(&["files", "--since", "soon"], 2, &["yesterday", "2h"]);
    refused(&["sources", "set", "../x", "--name", "X"], 2, &["cannot be the name of a source"]);
    refused(&["sources", "set", "st-marys", "--base-url", "ehr"], 2, &["is not a base URL"]);
}

#[test]
fn a_deleted_resource_is_told_from_one_that_never_was() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    environment.put(
        "inbox/b.json",
        r#"{"resourceType":"Bundle","type":"transaction","timestamp":"2030-01-02T03:04:05Z",
           "entry":[{"request":{"method":"DELETE","url":"Patient/p1"}}]}"#,
    );
    environment.run(&["once"]).expect_code(0);
    let run = environment.run(&["show", "Patient/p1"]).expect_code(1);
    assert!(run.stderr.contains("of source default was deleted at 2030-01-02T03:04:05Z"), "{}", run.stderr);
    let run = environment.run(&["show", "Patient/p2"]).expect_code(1);
    assert!(run.stderr.contains("there is no Patient/p2"), "{}", run.stderr);
}

#[test]
fn files_are_chosen_by_status_run_and_time() {
    let environment = TestEnvironment::new();
    environment.put("inbox/st-marys/good.json", PATIENT);
    environment.put("inbox/bad.json", "not json");
    environment.run(&["once"]).expect_code(3);
    environment.put("inbox/late.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    execute(
        environment.database_url(),
        "update etl.load_file set started_at = now() - interval '3 days' where path <> 'late.json'; \
         update etl.load_run set started_at = now() - interval '3 days' where id = 1",
    );
    let paths = |arguments: &[&str]| -> Vec<String> {
        let json = environment.run(&[&["files", "--json"], arguments].concat()).expect_code(0).json();
        let paths = json.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned());
        paths.collect()
    };
    assert_eq!(paths(&["--status", "rejected"]), ["bad.json"]);
    assert_eq!(paths(&["--status", "rejected", "--since", "yesterday"]), [""; 0]);
    assert_eq!(paths(&["--status", "rejected,loaded", "--until", "2 days ago"]).len(), 2);
    assert_eq!(paths(&["--since", "2h"]), ["late.json"]);
    assert_eq!(paths(&["--since", "1w", "--source", "st-marys"]), ["st-marys/good.json"]);
    assert_eq!(paths(&["--run", "2"]), ["late.json"]);
    assert_eq!(paths(&["--since", "2000-01-01T00:00Z", "--limit", "1"]), ["late.json"]);
    let none = environment.run(&["files", "--status", "failed"]).expect_code(0).stdout;
    assert_eq!(none, "no file matches\n");

    let runs = environment.run(&["runs", "--json"]).expect_code(0).json();
    let numbers: Vec<i64> = runs.as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [2, 1]);
    let first = &runs[1];
    assert_eq!((&first["command"], &first["status"]), (&"once".into(), &"finished".into()));
    assert_eq!(first["sources"], serde_json::json!(["default", "st-marys"]));
    assert_eq!(first["file_counts"], serde_json::json!({"loaded": 1, "rejected": 1}));
    assert_eq!(first["rejected_by_reason"], serde_json::json!({"not_json": 1}));
    let detail = environment.run(&["runs", "1", "--json"]).expect_code(0).json();
    assert_eq!(detail["files"].as_array().unwrap().len(), 2);
    let text = environment.run(&["runs", "1"]).expect_code(0).stdout;
    assert!(text.contains("bad.json") && text.contains("not_json"), "{text}");
    let recent = environment.run(&["runs", "--since", "today"]).expect_code(0).stdout;
    assert!(recent.contains("     2  ") && !recent.contains("     1  "), "{recent}");
}

#[test]
fn the_help_of_a_command_is_about_the_command() {
    let help = |arguments: &[&str]| {
        let output = Command::new(BINARY).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let commands = [
        "run", "once", "inspect", "migrate", "database", "indexes", "status", "runs", "files", "rejects",
        "sources", "retry", "show", "remap", "check", "generate",
    ];
    for command in commands {
        for flag in ["-h", "--help"] {
            let text = help(&[command, flag]);
            assert!(!text.contains("--max-archive-ratio") && !text.contains("--log-days"), "{text}");
            assert!(text.contains("`fhirmill --help` lists the settings"), "{text}");
        }
    }
    let text = help(&["generate"]);
    assert!(text.contains("--out <FOLDER>"), "{text}");
    assert!(!text.contains("--inbox-dir") && !text.contains("INBOX_DIR"), "{text}");
    // Settings are flags of every command nevertheless, and a misspelled one is told.
    assert!(
        help(&["once", "--inbx-dir", "x"]).contains("--inbox-dir"),
        "{}",
        help(&["once", "--inbx-dir", "x"])
    );
}
