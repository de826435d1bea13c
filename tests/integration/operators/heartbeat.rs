//! Whether the service is alive shows in the ledger, in `status`, and in the exit
//! code that a container's health check sees.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{hand_over, patient, restricted};
use crate::support::{Run, TestEnvironment, execute, wait_until};

fn health(environment: &TestEnvironment) -> Run {
    environment.run(&["status", "--health"])
}

fn status(environment: &TestEnvironment) -> Value {
    environment.run(&["status", "--json"]).expect_code(0).json()
}

/// Without events, and with a schedule that is not due while a test runs: idle.
const IDLE: [&str; 5] = ["run", "--schedule", "0 0 1 1 *", "--watch", "off"];

#[test]
fn health_needs_a_service_and_notices_its_end() {
    let environment = TestEnvironment::new();
    let run = health(&environment).expect_code(5);
    assert!(run.stderr.contains("no service (fhirmill run) is running"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    // A load by hand is no service.
    environment.put("inbox/a.json", patient("a"));
    environment.run(&["once"]).expect_code(0);
    health(&environment).expect_code(5);

    let service = environment.start(&mut environment.command(&IDLE));
    wait_until("it is healthy", || health(&environment).code == 0);
    wait_until("it has scanned", || !status(&environment)["services"][0]["last_success_at"].is_null());
    let found = status(&environment)["services"][0].clone();
    assert_eq!(found["is_alive"], true);
    assert_eq!(found["process_id"], service.pid().as_raw());
    assert_eq!(found["inbox"], environment.path("inbox").display().to_string());
    assert_eq!(found["host"].as_str().map(str::is_empty), Some(false));
    for time in ["started_at", "beat_at", "last_scan_at", "last_success_at"] {
        assert!(found[time].as_str().is_some_and(|time| time.ends_with('Z')), "{time} in {found}");
    }
    assert_eq!((&found["last_error"], &found["failed_scans"]), (&Value::Null, &0.into()));
    let text = environment.run(&["status"]).expect_code(0).stdout;
    assert!(text.contains(&format!("service    process {}", service.pid())), "{text}");

    // Another inbox has no service.
    fs::create_dir(environment.path("elsewhere")).unwrap();
    let mut elsewhere = environment.command(&["status", "--health"]);
    let run = environment.run_command(elsewhere.env("INBOX_DIR", "elsewhere")).expect_code(5);
    assert!(run.stderr.contains("one runs for another inbox"), "{}", run.stderr);

    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    health(&environment).expect_code(5);
    let found = status(&environment)["services"][0].clone();
    assert_eq!((&found["is_alive"], found["ended_at"].is_string()), (&Value::Bool(false), true));
}

#[test]
fn a_service_that_was_killed_or_hangs_is_not_healthy() {
    let environment = TestEnvironment::new();
    let service = environment.start(&mut environment.command(&IDLE));
    wait_until("it is healthy", || health(&environment).code == 0);
    kill(service.pid(), Signal::SIGSTOP).unwrap();
    execute(environment.database_url(), "update etl.service set beat_at = now() - interval '2 minutes'");
    let run = health(&environment).expect_code(5);
    assert!(run.stderr.contains("last said that it is alive 1"), "{}", run.stderr);
    kill(service.pid(), Signal::SIGCONT).unwrap();
    wait_until("it is heard again", || health(&environment).code == 0);
    service.end(Signal::SIGKILL);
    wait_until("its end is noticed", || health(&environment).code == 5);
    // The next one is another entry.
    let service = environment.start(&mut environment.command(&IDLE));
    wait_until("the next one is healthy", || health(&environment).code == 0);
    assert_eq!(environment.value("select count(*) from etl.service"), "2");
    drop(service);
}

#[test]
fn a_service_whose_scans_fail_is_not_healthy_until_one_succeeds() {
    let environment = TestEnvironment::new();
    hand_over(&environment);
    let set_mode = |mode| {
        fs::set_permissions(environment.path("inbox"), Permissions::from_mode(mode)).unwrap();
    };
    let service = environment.start(&mut restricted(&environment, &["run", "--schedule", "* * * * * *"]));
    wait_until("it is healthy", || health(&environment).code == 0);
    set_mode(0o000);
    wait_until("failed scans are noticed", || health(&environment).code == 5);
    let run = health(&environment);
    assert!(run.stderr.contains("the inbox") && run.stderr.contains("cannot be read"), "{}", run.stderr);
    let found = environment
        .query("select last_error is not null as failed, failed_scans > 0 as some from etl.service");
    assert_eq!(found, [["true", "true"]]);
    set_mode(0o755);
    wait_until("it is healthy again", || health(&environment).code == 0);
    // What is skipped does not make it unhealthy, and shows.
    environment.put("inbox/closed/a.json", patient("a"));
    fs::set_permissions(environment.path("inbox/closed"), Permissions::from_mode(0o555)).unwrap();
    wait_until("the skipped folder shows", || {
        environment.value("select skipped_paths from etl.service") == "1"
    });
    health(&environment).expect_code(0);
    drop(service);
}

#[test]
fn a_heartbeat_survives_the_loss_of_its_connection() {
    let environment = TestEnvironment::new();
    let service = environment.start(&mut environment.command(&["run", "--schedule", "* * * * * *"]));
    wait_until("it is healthy", || health(&environment).code == 0);
    execute(
        environment.database_url(),
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where datname = current_database() and pid <> pg_backend_pid()",
    );
    wait_until("it is healthy again", || health(&environment).code == 0);
    assert_eq!(environment.value("select count(*) from etl.service"), "1");
    drop(service);
}

#[test]
fn status_tells_what_waits_longest_and_when_each_source_was_last_loaded() {
    let environment = TestEnvironment::new();
    let before = status(&environment);
    assert_eq!((&before["oldest_waiting_file"], &before["sources"]), (&Value::Null, &serde_json::json!([])));
    environment.put("inbox/north/a.json", patient("a"));
    environment.put("inbox/south/b.json", "no JSON");
    environment.run(&["once"]).expect_code(3);
    environment.put("inbox/south/c.json", patient("c"));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    environment.put("inbox/north/d.json", patient("d"));
    let found = status(&environment);
    assert_eq!(found["oldest_waiting_file"], "south/c.json");
    assert!(found["oldest_waiting_seconds"].as_u64().is_some_and(|age| (1..60).contains(&age)), "{found}");
    let sources = found["sources"].as_array().unwrap();
    let success = |source: &str| {
        let found = sources.iter().find(|found| found["source"] == source).unwrap();
        (found["last_success_at"].is_string(), found["last_file_at"].is_string())
    };
    assert_eq!((success("north"), success("south")), ((true, true), (false, true)));
    let text = environment.run(&["status"]).expect_code(0).stdout;
    assert!(text.contains("south/c.json has waited longest"), "{text}");
    assert!(text.contains("service    none is running"), "{text}");
}
