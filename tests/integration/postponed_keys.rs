//! An onboarding without primary keys: they are made when its files are loaded, whatever
//! happens to it, and as soon as rows are looked up by them.

use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection;
use fhirmill_postgres::failpoint::KeyStep;

use crate::delivery;
use crate::support::state::{State, assert_same};
use crate::support::{TestEnvironment, wait_until};

/// Makes an onboarding of any size a large one.
const LARGE: &str = "large-onboarding=return(0)";

fn once(environment: &TestEnvironment, failpoints: &str) -> Command {
    let mut command = environment.command(&["once"]);
    command.envs(delivery::SETTINGS).env("FAILPOINTS", failpoints);
    command
}

/// All keys, with the columns of each, and the registry's index on files.
fn keys(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint \
         where contype = 'p' and connamespace = 'public'::regnamespace \
         union all select tablename, indexname, indexdef from pg_indexes where indexname = 'resource_version_file' \
         order by 1",
    )
}

/// A delivery in which nothing comes twice.
fn put_new(environment: &TestEnvironment) {
    delivery::put_first(environment);
}

/// A delivery with versions, deletes and references to what comes later.
fn put_all(environment: &TestEnvironment) {
    delivery::put_first(environment);
    delivery::put(environment);
}

#[test]
fn keys_of_a_large_onboarding_are_made_at_its_end() {
    let environment = TestEnvironment::without_indexes();
    let all = keys(&environment);
    put_new(&environment);
    let summary = environment.run_command(once(&environment, LARGE).arg("--json")).expect_code(0).json();
    assert_eq!(keys(&environment), all);
    let status = environment.run(&["indexes", "status", "--json"]).expect_code(0).json();
    assert_eq!(
        (&status["built"], status["missing"].as_array().unwrap().len()),
        (&summary["indexes_built"], 0)
    );
    environment.run(&["check"]).expect_code(0);

    // There are resources now.
    environment.put("inbox/b.json", r#"{"resourceType":"Patient","id":"b"}"#);
    let died = environment.run_command(&mut once(&environment, &format!("{LARGE};keys-postponed=return")));
    died.expect_code(0);
}

#[test]
fn a_death_at_any_step_leaves_keys_to_the_next_process() {
    let wanted = TestEnvironment::without_indexes();
    let all = keys(&wanted);
    put_all(&wanted);
    load(&wanted, "");
    let wanted = State::of(&wanted);
    for step in KeyStep::ALL {
        let environment = TestEnvironment::without_indexes();
        put_all(&environment);
        let died = match step {
            KeyStep::Postponed => format!("{LARGE};{}=return", step.name()),
            // Some keys are made.
            KeyStep::Indexed | KeyStep::Declared => format!("{LARGE};{}=2*off->return", step.name()),
        };
        environment.run_command(&mut once(&environment, &died)).expect_code(-1);
        assert!(keys(&environment).len() < all.len(), "{step:?}: keys are missing when it dies");
        let status = environment.run(&["status", "--json"]).expect_code(0).json();
        assert!(status["indexes_missing"].as_u64().unwrap() > 0, "{status}");
        // An analyst need not wait.
        assert_eq!(
            environment.value("select count(*) >= 0 from patient join patient_name on patient_id = id"),
            "true"
        );
        load(&environment, "");
        assert_eq!(keys(&environment), all, "{step:?}");
        assert_same(&State::of(&environment), &wanted, &format!("killed at {step:?}"));
        environment.run(&["check"]).expect_code(0);
    }
}

/// Loads the delivery, some of which is rejected.
fn load(environment: &TestEnvironment, failpoints: &str) {
    let run = environment.run_command(&mut once(environment, failpoints));
    assert!([0, 3].contains(&run.code), "{}: {}", run.code, run.stderr);
}

#[test]
fn versions_and_deletes_within_the_onboarding_change_nothing() {
    let [with, without] = [(), ()].map(|()| TestEnvironment::without_indexes());
    for environment in [&with, &without] {
        put_all(environment);
    }
    load(&with, "");
    load(&without, LARGE);
    assert_eq!(keys(&without), keys(&with));
    assert_same(&State::of(&without), &State::of(&with), "without keys");
    without.run(&["check"]).expect_code(0);
    // All the same again: nothing is new.
    put_all(&without);
    put_all(&with);
    load(&with, "");
    load(&without, LARGE);
    assert_same(&State::of(&without), &State::of(&with), "again");
}

#[test]
fn another_process_replaces_resources_of_an_onboarding() {
    let environment = TestEnvironment::without_indexes();
    let all = keys(&environment);
    put_new(&environment);
    // What it has loaded is committed, and its keys are not made.
    environment.run_command(&mut once(&environment, &format!("{LARGE};departed=return"))).expect_code(-1);
    let without = keys(&environment).len();
    assert!(without < all.len());

    // Somebody reads a table all the while: its key cannot be declared, and nobody waits.
    let mut reader = environment.hold("patient_name");
    reader.batch_execute("rollback; begin; select from patient_name").unwrap();
    environment.put(
        "inbox/later.ndjson",
        r#"{"resourceType":"Patient","id":"p1","meta":{"lastUpdated":"2025-01-01T00:00:00Z"},"name":[{"family":"Loom"}]}"#,
    );
    let mut child = once(&environment, "").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the other keys are made", || keys(&environment).len() >= all.len() - 1);
    reader.batch_execute("rollback").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(
        environment.value(
            "select family from patient_name n join patient p on p.id = n.patient_id where fhir_id = 'p1'"
        ),
        "Loom"
    );
    environment.run(&["once"]).expect_code(0);
    assert_eq!(keys(&environment), all);
    environment.run(&["check"]).expect_code(0);
}
