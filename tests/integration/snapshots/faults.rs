//! Loads, other snapshots, deaths and full disks while a snapshot is being written.

use std::fs;

use fhirmill_postgres::failpoint::SnapshotStep;
use pretty_assertions::assert_eq;

use super::{latest, load, manifest, names, snapshot, table};
use crate::support::{SmallDisk, TestEnvironment, execute};

#[test]
fn a_snapshot_shows_one_time_and_has_its_target_alone() {
    let environment = TestEnvironment::new();
    load(&environment, &[("p1", "before")]);
    // The largest table is read first; no load uses it.
    let held = environment.hold("etl.code_map");
    let mut command = environment.command(&["snapshot", "--to", "lake"]);
    let mut writing = environment.start(command.env("WORKERS", "1"));
    environment.wait_until_held_off();
    load(&environment, &[("p1", "after"), ("p2", "after")]);
    let second = snapshot(&environment, &[]).expect_code(2);
    assert!(second.stderr.contains("another process is writing a snapshot to"), "{}", second.stderr);
    let listed = environment.run(&["snapshot", "list"]).expect_code(0).stdout;
    assert!(listed.contains("running: "), "{listed}");
    assert_eq!(names(&environment), [""; 0]);
    drop(held);
    assert_eq!(writing.wait(), 0);
    let manifest = manifest(&environment, &latest(&environment));
    assert_eq!(table(&manifest, "public", "patient")["rows"], 1);
    assert_eq!(table(&manifest, "public", "patient_name_history")["rows"], 0);
    assert_eq!(table(&manifest, "analytics", "patient")["rows"], 1);
    assert_eq!(environment.value("select count(*) from patient"), "2");

    // A table that is emptied at once looks empty to every picture.
    let held = environment.hold("etl.code_map");
    let mut command = environment.command(&["snapshot", "--to", "lake", "--whole"]);
    let mut writing = environment.start(command.env("WORKERS", "2"));
    environment.wait_until_held_off();
    execute(environment.database_url(), "truncate patient_name");
    drop(held);
    assert_eq!(writing.wait(), 1);
    assert!(
        writing.stderr().contains("public.patient_name was emptied, rewritten or replaced"),
        "{}",
        writing.stderr()
    );
    assert_eq!(names(&environment).len(), 1);
    assert_eq!(hidden(&environment), [""; 0]);
    let listed = environment.run(&["snapshot", "list"]).expect_code(0).stdout;
    assert!(listed.contains("failed: public.patient_name was emptied"), "{listed}");
}

/// What is hidden in the target, besides the lock.
fn hidden(environment: &TestEnvironment) -> Vec<String> {
    let entries = fs::read_dir(environment.path("lake")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.') && name != ".fhirmill-lock").collect()
}

#[test]
fn a_snapshot_that_was_killed_is_whole_or_not_there() {
    let environment = TestEnvironment::new();
    load(&environment, &[("p1", "a")]);
    let arguments =
        ["snapshot", "--to", "lake", "--tables", "patient,patient_name,etl.source,analytics.patient_summary"];
    for step in SnapshotStep::ALL {
        let before = names(&environment);
        let mut command = environment.command(&arguments);
        let killed = environment.run_command(command.env("FAILPOINTS", format!("{}=return", step.name())));
        assert_eq!(killed.code, -1, "{step:?}");
        let is_whole = *step == SnapshotStep::Published;
        assert_eq!(names(&environment).len(), before.len() + usize::from(is_whole), "{step:?}");
        let last = environment.value("select state from etl.snapshot order by id desc limit 1");
        assert_eq!(last, "running", "{step:?}");
        let listed = environment.run(&["snapshot", "list"]).expect_code(0).stdout;
        assert!(listed.lines().nth(1).unwrap().contains("broken off"), "{step:?}: {listed}");
        environment.run(&arguments).expect_code(0);
        assert_eq!(hidden(&environment), [""; 0], "{step:?}");
        let name = latest(&environment);
        assert_eq!(names(&environment).last(), Some(&name), "{step:?}");
        assert_eq!(table(&manifest(&environment, &name), "public", "patient")["rows"], 1);
    }
    let states = environment.query("select state, count(*) from etl.snapshot group by 1 order by 1");
    assert_eq!(
        states,
        [["complete", "6"], ["running", "4"]],
        "the one that was published counts as complete"
    );
}

#[test]
fn a_full_disk_is_told_and_left_as_it_was() {
    let environment = TestEnvironment::new();
    load(&environment, &[("p1", "a")]);
    fs::create_dir(environment.path("lake")).unwrap();
    let Some(disk) = SmallDisk::mounted_on(&environment.path("lake"), 256) else { return };
    let command = environment.command(&["snapshot", "--to", "lake"]);
    let run = environment.run_command(&mut disk.inside(&command)).expect_code(1);
    assert!(
        run.stderr.contains("No space left on device") && run.stderr.contains("hint: nothing of it is left"),
        "{}",
        run.stderr
    );
    disk.shell("test -z \"$(ls -A | grep -v '^.fhirmill-lock$')\"");
    let failed = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!(
        (&failed["snapshots"][0]["state"], &failed["snapshots"][0]["failed_runs"]),
        (&"failed".into(), &1.into())
    );
    disk.resize(64 << 10);
    environment.run_command(&mut disk.inside(&command)).expect_code(0);
    disk.shell("test -f \"$(cat latest)/manifest.json\"");
}
