//! `fhirmill run` as an operator sees it: files vanish from the inbox, logs
//! appear, and it ends when told to. And the exit codes of `once`.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::{Mill, wait_until};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","gender":"female"}"#;

#[test]
fn the_service_takes_what_is_there_and_what_arrives_and_ends_when_told() {
    for (signal, watch) in [(Signal::SIGTERM, "native"), (Signal::SIGINT, "poll")] {
        let mill = Mill::new();
        mill.put("inbox/first.json", PATIENT);
        // A schedule that is not due while the test runs: the watch alone must do.
        let service = mill.start(&mut mill.command(&[
            "run",
            "--schedule",
            "0 0 1 1 *",
            "--watch",
            watch,
            "--log-format",
            "json",
        ]));
        wait_until("the first file is taken", || mill.inbox_is_empty());
        mill.put("inbox/st-marys/second.json", PATIENT);
        wait_until("the second file is taken", || mill.inbox_is_empty());
        assert_eq!(service.end(signal).code(), Some(0));

        assert_eq!(mill.value("select count(*) as patients from patient"), "2");
        let archived: Vec<_> =
            mill.listing().into_iter().filter(|path| path.starts_with("archive/")).collect();
        assert_eq!(archived.len(), 2, "{archived:?}");
        let log = mill.listing().into_iter().find(|path| path.starts_with("logs/fhirmill.")).unwrap();
        let lines = fs::read_to_string(mill.path(&log)).unwrap();
        assert!(lines.lines().count() > 2, "{lines}");
        for line in lines.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        }
        // The service logs to standard output as well.
        let output = fs::read_to_string(mill.path("output")).unwrap();
        assert_eq!(output.lines().count(), lines.lines().count(), "{output}");
    }
}

#[test]
fn a_service_that_waits_for_its_database_ends_when_told() {
    let mill = Mill::without_database();
    let mut command = mill.command(&["run"]);
    command.env("DATABASE_URL", "postgres://fhirmill:tunafish@127.0.0.1:1/fhirmill");
    let service = mill.start(&mut command);
    wait_until("it says that the database is away", || service.stdout().contains("cannot be reached"));
    let status = service.end(Signal::SIGTERM);
    assert!(status.code().is_some(), "{status}");
    for output in ["output", "errors"] {
        assert!(!fs::read_to_string(mill.path(output)).unwrap().contains("tunafish"));
    }
}

#[test]
fn logs_that_cannot_be_written_are_a_warning() {
    let mill = Mill::new();
    mill.put("inbox/patient.json", PATIENT);
    mill.put("not-a-folder", "");
    let log_dir = mill.path("not-a-folder/logs");
    let run = mill.run_command(mill.command(&["once"]).env("LOG_DIR", log_dir)).expect_code(0);
    assert!(run.stderr.contains("warning: no log files"), "{}", run.stderr);
}

#[test]
fn a_command_that_only_reads_leaves_no_log() {
    let mill = Mill::new();
    mill.run(&["status"]).expect_code(0);
    assert!(mill.listing().iter().all(|path| !path.starts_with("logs/")), "{:?}", mill.listing());
}

#[test]
fn the_exit_code_tells_loaded_from_rejected() {
    let mill = Mill::new();
    mill.run(&["once"]).expect_code(0);
    mill.put("inbox/patient.json", PATIENT);
    mill.run(&["once"]).expect_code(0);
    mill.put("inbox/broken.json", "{\"resourceType\":\"Patient\",\"id\":");
    mill.run(&["once"]).expect_code(3);
}
