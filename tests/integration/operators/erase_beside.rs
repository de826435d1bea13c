//! An erasure beside others who work on the archive, and these beside each other: each waits, or refuses
//! and says why; and afterwards nothing is broken.

use std::process::Command;

use super::erase::{Deliveries, PATIENT, lines, person, places_of_mark};
use crate::support::{Background, TestEnvironment, execute};

const ERASE: [&str; 7] = ["erase", PATIENT, "--source", "north", "--yes", "--shared", "keep"];
const BACKUP: [&str; 3] = ["backup", "--to", "backups"];

fn command(environment: &TestEnvironment, arguments: &[&str]) -> Command {
    let mut command = environment.command(arguments);
    command.envs([("KEEP_BODIES", "database"), ("ARCHIVE_KEEP", "400d"), ("ARCHIVE_KEEP_CURRENT", "false")]);
    // However slow the machine is.
    command.env("FAILPOINTS", "erasure-wait=return(600)");
    command
}

/// Starts a command, and waits until the table that is held keeps it from going on.
fn start_and_wait(environment: &TestEnvironment, name: &str, arguments: &[&str], waiting: u32) -> Background {
    let process = environment.start_as(name, &mut command(environment, arguments));
    environment.wait_until_waiting(waiting);
    process
}

/// Runs commands that cannot wait for whoever works on the archive.
#[track_caller]
fn assert_refused(environment: &TestEnvironment, commands: &[&[&str]]) {
    for arguments in commands {
        let run = environment.run_command(&mut command(environment, arguments)).expect_code(2);
        assert!(run.stderr.contains("another process is working on the archive"), "{}", run.stderr);
    }
}

#[track_caller]
fn assert_ends_well(processes: &mut [Background]) {
    for process in processes {
        assert_eq!(process.wait(), 0, "{}", process.stderr());
    }
}

/// Moves all times of the ledger's files back, so that retention removes them.
fn age(environment: &TestEnvironment) {
    execute(
        environment.database_url(),
        "update etl.load_file set started_at = started_at - interval '401 days', \
         finished_at = finished_at - interval '401 days'",
    );
}

#[test]
fn one_at_a_time_works_on_the_archive() {
    let environment = TestEnvironment::with_own_readers();
    let deliveries = Deliveries { has_person: true };
    deliveries.deliver(&environment);

    // While a person is erased: another erasure waits, and a backup begins anew if it must.
    let held = environment.hold("etl.rejected_record");
    let erase = start_and_wait(&environment, "erase-", &ERASE, 1);
    assert_refused(&environment, &[&["prune"], &["archive", "compress"]]);
    let second = environment.start_as("second-", &mut command(&environment, &ERASE));
    let backup = start_and_wait(&environment, "backup-", &BACKUP, 2);
    drop(held);
    assert_ends_well(&mut [erase, second, backup]);
    let processes = ["erase-output", "erase-errors", "second-output", "second-errors"];
    let marked = |environment: &TestEnvironment| {
        let mut places = places_of_mark(environment);
        // Who erases is told whom, and a backup has what was there when it began.
        places.retain(|path| !processes.contains(&path.as_str()) && !path.starts_with("backups/"));
        places
    };
    assert_eq!(marked(&environment), Vec::<String>::new());

    // While the archive is compressed.
    environment.put("inbox/north/again.ndjson", deliveries.several());
    environment.run_command(&mut command(&environment, &["once"])).expect_code(0);
    let held = environment.hold("etl.load_file");
    let compress = start_and_wait(&environment, "compress-", &["archive", "compress"], 1);
    assert_refused(&environment, &[&["prune"]]);
    let erase = environment.start_as("erase-", &mut command(&environment, &ERASE));
    drop(held);
    assert_ends_well(&mut [compress, erase]);
    assert!(environment.listing().iter().any(|path| path.ends_with(".zst")));
    assert_eq!(marked(&environment), Vec::<String>::new());

    // While what was kept for long enough is removed.
    age(&environment);
    environment.put("inbox/north/new.ndjson", deliveries.several());
    environment.run_command(&mut command(&environment, &["once"])).expect_code(0);
    let held = environment.hold("etl.load_file");
    let prune = start_and_wait(&environment, "prune-", &["prune"], 1);
    assert_refused(&environment, &[&["prune"], &["archive", "compress"]]);
    let erase = environment.start_as("erase-", &mut command(&environment, &ERASE));
    drop(held);
    assert_ends_well(&mut [prune, erase]);
    assert_eq!(marked(&environment), Vec::<String>::new());
    let archived = environment.listing().into_iter().filter(|path| path.starts_with("archive/"));
    assert_eq!(archived.count(), 1, "what is left is what came last");

    // While a backup is taken: it does not keep others from their work.
    age(&environment);
    environment.put("inbox/north/last.ndjson", lines(&[person("z", "zoe", 3)]));
    environment.run_command(&mut command(&environment, &["once"])).expect_code(0);
    let held = environment.hold("patient");
    let backup = start_and_wait(&environment, "backup-", &BACKUP, 1);
    for arguments in [&["archive", "compress"][..], &["prune"]] {
        environment.run_command(&mut command(&environment, arguments)).expect_code(0);
    }
    drop(held);
    assert_ends_well(&mut [backup]);
    let archived = environment.listing().into_iter().filter(|path| path.starts_with("archive/"));
    assert_eq!(archived.count(), 1, "what is left is what came last");
    for arguments in [&["check", "--archive"][..], &["backup", "--to", "backups", "--verify"]] {
        environment.run(arguments).expect_code(0);
    }
}
