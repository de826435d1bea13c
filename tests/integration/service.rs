//! `fhirmill run` as an operator sees it: files leave the inbox, logs appear,
//! and it ends on a signal. And the exit codes of `once`.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::{TestEnvironment, wait_until};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","gender":"female"}"#;

#[test]
fn the_service_loads_present_and_new_files_and_ends_on_a_signal() {
    for (signal, watch) in [(Signal::SIGTERM, "native"), (Signal::SIGINT, "poll")] {
        let environment = TestEnvironment::new();
        environment.put("inbox/first.json", PATIENT);
        // A schedule that is not due while the test runs: the watch alone must do.
        let service = environment.start(&mut environment.command(&[
            "run",
            "--schedule",
            "0 0 1 1 *",
            "--watch",
            watch,
            "--log-format",
            "json",
        ]));
        wait_until("the first file is taken", || environment.inbox_is_empty());
        environment.put("inbox/st-marys/second.json", PATIENT);
        wait_until("the second file is taken", || environment.inbox_is_empty());
        assert_eq!(service.end(signal).code(), Some(0));

        assert_eq!(environment.value("select count(*) as patients from patient"), "2");
        let archived: Vec<_> =
            environment.listing().into_iter().filter(|path| path.starts_with("archive/")).collect();
        assert_eq!(archived.len(), 2, "{archived:?}");
        let log = environment.listing().into_iter().find(|path| path.starts_with("logs/fhirmill.")).unwrap();
        let lines = fs::read_to_string(environment.path(&log)).unwrap();
        assert!(lines.lines().count() > 2, "{lines}");
        for line in lines.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        }
        // The service logs to standard output as well.
        let output = fs::read_to_string(environment.path("output")).unwrap();
        assert_eq!(output.lines().count(), lines.lines().count(), "{output}");
    }
}

#[test]
fn a_service_waits_while_the_server_refuses_its_password() {
    let environment = TestEnvironment::with_own_migrated_server();
    let sql = "create role loader superuser login password 'old'";
    crate::support::execute(environment.database_url(), sql);
    let (_, server) = environment.database_url().rsplit_once('@').unwrap();
    environment.put("inbox/p.json", PATIENT);
    let mut command = environment.command(&["run"]);
    command.env("DATABASE_URL", format!("postgres://loader@{server}")).env("PGPASSWORD", "new%pass@word");
    let mut service = environment.start(&mut command);
    wait_until("it says what to do", || service.stdout().contains("trying again in"));
    let output = service.stdout();
    assert!(output.contains("rejects user loader") && output.contains("`make start-bg`"), "{output}");
    assert!(!output.contains("new%pass"), "{output}");
    assert!(service.is_running());
    crate::support::execute(environment.database_url(), "alter role loader password 'new%pass@word'");
    wait_until("the file is taken", || environment.inbox_is_empty());
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    // A command that is not a service ends.
    let mut once = environment.command(&["once"]);
    once.env("DATABASE_URL", format!("postgres://loader@{server}")).env("PGPASSWORD", "wrong");
    environment.run_command(&mut once).expect_code(4);
}

#[test]
fn a_service_waiting_for_its_database_ends_on_a_signal() {
    let environment = TestEnvironment::without_database();
    let mut command = environment.command(&["run"]);
    command.env("DATABASE_URL", "postgres://fhirmill:tunafish@127.0.0.1:1/fhirmill");
    let service = environment.start(&mut command);
    wait_until("it says that the database is away", || service.stdout().contains("cannot be reached"));
    let status = service.end(Signal::SIGTERM);
    assert!(status.code().is_some(), "{status}");
    for output in ["output", "errors"] {
        assert!(!fs::read_to_string(environment.path(output)).unwrap().contains("tunafish"));
    }
}

#[test]
fn unwritable_logs_are_only_a_warning() {
    let environment = TestEnvironment::new();
    environment.put("inbox/patient.json", PATIENT);
    environment.put("not-a-folder", "");
    let log_dir = environment.path("not-a-folder/logs");
    let run = environment.run_command(environment.command(&["once"]).env("LOG_DIR", log_dir)).expect_code(0);
    assert!(run.stderr.contains("warning: no log files"), "{}", run.stderr);
}

#[test]
fn read_only_commands_write_no_log() {
    let environment = TestEnvironment::new();
    environment.run(&["status"]).expect_code(0);
    assert!(
        environment.listing().iter().all(|path| !path.starts_with("logs/")),
        "{:?}",
        environment.listing()
    );
}

#[test]
fn the_exit_code_distinguishes_loaded_from_rejected() {
    let environment = TestEnvironment::new();
    environment.run(&["once"]).expect_code(0);
    environment.put("inbox/patient.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    environment.put("inbox/broken.json", "{\"resourceType\":\"Patient\",\"id\":");
    environment.run(&["once"]).expect_code(3);
}
