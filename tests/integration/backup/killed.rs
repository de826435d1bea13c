//! Backups and restores that are killed, and disks that are full.

use std::fs;

use fhirmill_postgres::failpoint::{BackupStep, RestoreStep};
use pretty_assertions::assert_eq;

use super::{patients, url};
use crate::support::state::{State, difference};
use crate::support::{SmallDisk, TestEnvironment, execute, query};

fn names(environment: &TestEnvironment, to: &str) -> Vec<String> {
    let listed = environment.run(&["backup", "--to", to, "--list", "--json"]).expect_code(0).json();
    listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_backup_that_is_killed_is_none_and_the_next_one_is_whole() {
    let environment = TestEnvironment::with_own_readers();
    environment.put("inbox/a.ndjson", patients(&["a"], "Quill"));
    environment.run(&["once"]).expect_code(0);
    let to = environment.path("backups").display().to_string();
    let backup = |failpoint: &str| {
        let mut command = environment.command(&["backup", "--to", &to, "--keep", "1"]);
        environment.run_command(command.env("FAILPOINTS", failpoint))
    };
    for step in BackupStep::ALL {
        let before = names(&environment, &to);
        let run = backup(&format!("{}=return", step.name()));
        let is_reached = *step != BackupStep::ManifestRemoved || !before.is_empty();
        assert_eq!(run.code != 0, is_reached, "{step:?}: {}", run.stderr);
        let after = names(&environment, &to);
        match step {
            BackupStep::Complete => assert_eq!(after.len(), before.len() + 1, "{step:?}"),
            BackupStep::ManifestRemoved => assert_eq!(after.len(), 1, "{step:?}"),
            _ => assert_eq!(after, before, "{step:?}"),
        }
    }
    backup("").expect_code(0);
    assert_eq!(names(&environment, &to).len(), 1);
    environment.run(&["backup", "--to", &to, "--verify"]).expect_code(0);
    let folders = fs::read_dir(environment.path("backups/backups")).unwrap().count();
    assert_eq!(folders, 1, "leftovers");
}

#[test]
fn a_restore_that_is_killed_leaves_no_database_and_begins_anew() {
    let environment = TestEnvironment::with_own_readers();
    environment.put("inbox/a.ndjson", patients(&["a", "b"], "Quill"));
    environment.run(&["once"]).expect_code(0);
    let to = environment.path("backups").display().to_string();
    environment.run(&["backup", "--to", &to]).expect_code(0);
    let name = format!("restored_{}", std::process::id());
    let maintenance = url(&environment, None, "postgres");
    execute(&maintenance, &format!("create database {name}"));
    let other = TestEnvironment::of_database(&url(&environment, None, &name));
    for step in RestoreStep::ALL {
        let mut command = other.command(&["restore", "--from", &to]);
        let run = other.run_command(command.env("FAILPOINTS", format!("{}=return", step.name())));
        assert_ne!(run.code, 0, "{step:?} was not reached: {}", run.stderr);
        if *step != RestoreStep::Unmarked {
            let all = [&["once"][..], &["status"], &["migrate", "up"], &["backup", "--to", &to]];
            for refused in &all[..if *step == RestoreStep::Filled { all.len() } else { 1 }] {
                let run = other.run(refused).expect_code(4);
                assert!(
                    run.stderr.contains("is being restored, or its restore was broken off"),
                    "{}",
                    run.stderr
                );
            }
        }
    }
    other.run(&["once"]).expect_code(0);
    other.run(&["check", "--archive"]).expect_code(0);
    assert_eq!(query(other.database_url(), "select count(*) from patient"), [["2"]]);
    let restored = other.listing().into_iter().filter(|path| path.starts_with("archive/")).count();
    assert_eq!(restored, 1);
    // Another file where one belongs is never replaced, and nothing is done to the database.
    let archived = environment.value("select archive_path from etl.load_file");
    other.put(&format!("archive/{archived}"), "another file");
    let refused = other.run(&["restore", "--from", &to, "--overwrite"]).expect_code(2);
    assert!(refused.stderr.contains("is there already, with another content"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(other.path(&format!("archive/{archived}"))).unwrap(), "another file");
    execute(&maintenance, &format!("drop database {name} with (force)"));
}

#[test]
fn a_full_disk_is_told_and_what_was_written_is_removed() {
    let environment = TestEnvironment::with_own_readers();
    environment.put("inbox/a.ndjson", patients(&["a"], "Quill"));
    environment.run(&["once"]).expect_code(0);
    fs::create_dir(environment.path("small")).unwrap();
    let Some(disk) = SmallDisk::mounted_on(&environment.path("small"), 60) else { return };
    let backup = environment.command(&["backup", "--to", "small"]);
    let run = environment.run_command(&mut disk.inside(&backup)).expect_code(1);
    assert!(run.stderr.contains("hint: the disk is full"), "{}", run.stderr);
    disk.resize(64 << 10);
    environment.run_command(&mut disk.inside(&backup)).expect_code(0);
    let verify = environment.command(&["backup", "--to", "small", "--verify"]);
    environment.run_command(&mut disk.inside(&verify)).expect_code(0);
}

#[test]
fn loads_go_on_while_a_backup_is_taken() {
    let environment = TestEnvironment::with_own_readers();
    environment.put("inbox/a.ndjson", patients(&["a"], "Quill"));
    environment.run(&["once"]).expect_code(0);
    // A file that is claimed, partly loaded, and still in the inbox.
    let many: Vec<String> = (0..200).map(|number| format!("n{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    environment.put("inbox/north/b.ndjson", patients(&many, &"Quill".repeat(200)));
    let mut load = environment.command(&["once"]);
    load.env("BATCH_BYTES", "64KiB").env("WORKERS", "1").env("FAILPOINTS", "committed=1*off->return");
    assert_ne!(environment.run_command(&mut load).code, 0);
    let loaded: i64 = environment.value("select count(*) from patient").parse().unwrap();
    assert!(loaded > 1 && loaded < 201, "{loaded}");
    let to = environment.path("backups").display().to_string();
    environment.run(&["backup", "--to", &to]).expect_code(0);
    let report = environment.run(&["backup", "--to", &to, "--json"]).expect_code(0).json();
    assert_eq!((&report["files"], &report["copied_files"]), (&2.into(), &0.into()));

    let name = format!("goes_on_{}", std::process::id());
    let maintenance = url(&environment, None, "postgres");
    execute(&maintenance, &format!("create database {name}"));
    let other = TestEnvironment::of_database(&url(&environment, None, &name));
    other.run(&["restore", "--from", &to]).expect_code(0);
    // Both go on where the file was.
    other.run(&["once"]).expect_code(0);
    other.run(&["check", "--archive"]).expect_code(0);
    environment.run(&["once"]).expect_code(0);
    assert_eq!(query(other.database_url(), "select count(*) from patient"), [["201"]]);
    let restored = State::of(&other);
    assert_eq!(difference(&restored.tables(), &State::of(&environment).tables()), None);
    execute(&maintenance, &format!("drop database {name} with (force)"));
}
