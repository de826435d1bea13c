//! A file or folder that cannot be read, moved or removed is skipped and named; all
//! others are loaded.

use std::fs::{self, FileTimes, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::unistd::Uid;
use pretty_assertions::assert_eq;

use super::{hand_over, patient, restricted};
use crate::support::{Run, SmallDisk, TestEnvironment, wait_until};

fn set_mode(environment: &TestEnvironment, path: &str, mode: u32) {
    fs::set_permissions(environment.path(path), Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn expect_skipped(run: &Run, paths: &[(&str, &str)]) {
    let summary = run.json();
    assert_eq!(summary["unreadable_files"], paths.len(), "{summary}");
    for (path, reason) in paths {
        let named = summary["skipped_paths"].as_array().unwrap();
        let found = named.iter().find(|skipped| skipped["path"] == *path);
        let found = found.unwrap_or_else(|| panic!("{path} is not named in {summary}"));
        assert!(found["reason"].as_str().unwrap().contains(reason), "{found}");
        assert!(run.stderr.contains(&format!("skipped {path} in the inbox")), "{}", run.stderr);
    }
}

const PATIENTS: &str = "select string_agg(fhir_id, ' ' order by fhir_id) from patient";

#[test]
fn an_unwritable_folder_stops_nobody_else_and_is_named() {
    let environment = TestEnvironment::new();
    for (path, id) in [("closed/a.json", "a"), ("closed/b.json", "b"), ("north/c.json", "c"), ("d.json", "d")]
    {
        environment.put(&format!("inbox/{path}"), patient(id));
    }
    environment.put("inbox/closed/open/e.json", patient("e"));
    hand_over(&environment);
    set_mode(&environment, "inbox/closed", 0o555);
    for loaded in [3, 0] {
        let run = environment.run_command(&mut restricted(&environment, &["once", "--json"])).expect_code(3);
        expect_skipped(
            &run,
            &[("closed", "2 files in it could not be moved to the archive: Permission denied")],
        );
        assert_eq!(run.json()["loaded_files"], loaded);
        assert_eq!(environment.value(PATIENTS), "c d e");
        assert_eq!(environment.value("select count(*) from etl.load_file"), "3");
    }
    let run = environment.run_command(&mut restricted(&environment, &["once"])).expect_code(3);
    assert!(run.stdout.contains("skipped closed: the folder cannot be written to"), "{}", run.stdout);
    set_mode(&environment, "inbox/closed", 0o755);
    environment.run_command(&mut restricted(&environment, &["once"])).expect_code(0);
    assert_eq!(environment.value(PATIENTS), "a b c d e");
    assert!(environment.inbox_is_empty());
}

#[test]
fn a_folder_that_can_be_listed_and_not_entered_is_named() {
    let environment = TestEnvironment::new();
    environment.put("inbox/listed/a.json", patient("a"));
    environment.put("inbox/b.json", patient("b"));
    hand_over(&environment);
    set_mode(&environment, "inbox/listed", 0o444);
    let run = environment.run_command(&mut restricted(&environment, &["once", "--json"])).expect_code(3);
    expect_skipped(&run, &[("listed/a.json", "Permission denied")]);
    assert_eq!(environment.value(PATIENTS), "b");
    set_mode(&environment, "inbox/listed", 0o755);
}

#[test]
fn a_file_of_another_owner_in_a_sticky_folder_is_named() {
    if !Uid::effective().is_root() {
        eprintln!("not tried: only root can give files away");
        return;
    }
    let environment = TestEnvironment::new();
    environment.put("inbox/shared/a.json", patient("a"));
    environment.put("inbox/shared/b.json", patient("b"));
    hand_over(&environment);
    for path in ["inbox/shared", "inbox/shared/a.json"] {
        chown(environment.path(path), Some(0), Some(0)).unwrap();
    }
    set_mode(&environment, "inbox/shared", 0o1777);
    let run = environment.run_command(&mut restricted(&environment, &["once", "--json"])).expect_code(3);
    expect_skipped(&run, &[("shared/a.json", "belongs to another user")]);
    assert_eq!(environment.value(PATIENTS), "b");
}

#[test]
fn an_immutable_file_is_named_and_loaded_once_it_can_be_moved() {
    let environment = TestEnvironment::new();
    let file = environment.put("inbox/north/a.json", patient("a"));
    environment.put("inbox/north/b.json", patient("b"));
    let change =
        |flag: &str| Command::new("chattr").arg(flag).arg(&file).status().is_ok_and(|it| it.success());
    for flag in ["i", "a"] {
        if !change(&format!("+{flag}")) {
            eprintln!("not tried: this file system has no immutable files");
            return;
        }
        let run = environment.run(&["once", "--json"]);
        assert!(change(&format!("-{flag}")));
        expect_skipped(&run.expect_code(3), &[("north/a.json", "could not be moved to the archive: it ")]);
        assert_eq!(environment.value(PATIENTS), "b");
    }
    environment.run(&["once"]).expect_code(0);
    assert_eq!(environment.value(PATIENTS), "a b");
}

/// Permissions do not tell everything: on a file that is mounted, only the move
/// fails.
#[test]
fn a_file_that_turns_out_to_be_stuck_is_loaded_once_and_moved_when_it_can_be() {
    let environment = TestEnvironment::new();
    for (path, content) in [
        ("north/a.json", patient("a")),
        ("north/b.json", patient("b")),
        ("north/c-again.json", patient("b")),
        ("north/broken.json", "no JSON".to_owned()),
    ] {
        environment.put(&format!("inbox/{path}"), content);
    }
    let disk_folder = environment.path("disk");
    fs::create_dir(&disk_folder).unwrap();
    let Some(disk) = SmallDisk::mounted_on(&disk_folder, 1024) else { return };
    let inbox = environment.path("inbox/north");
    for name in ["a.json", "c-again.json", "broken.json"] {
        let file = inbox.join(name);
        disk.shell(&format!("mount --bind '{0}' '{0}'", file.display()));
    }
    let stuck = [
        ("north/a.json", "cannot be moved"),
        ("north/c-again.json", "cannot be moved"),
        ("north/broken.json", "cannot be moved"),
    ];
    for _ in 0..3 {
        let mut once = disk.inside(&environment.command(&["once", "--json"]));
        let run = environment.run_command(&mut once).expect_code(3);
        expect_skipped(&run, &stuck);
        assert_eq!(environment.value(PATIENTS), "a b");
        // Neither loaded nor entered nor rejected once more.
        assert_eq!(
            environment
                .query("select path, status, move_error is not null as stuck from etl.load_file order by 1"),
            [
                ["north/a.json", "loaded", "true"],
                ["north/b.json", "loaded", "false"],
                ["north/broken.json", "rejected", "true"],
                ["north/c-again.json", "duplicate", "true"],
            ]
        );
        assert_eq!(environment.value("select count(*) from etl.rejected_record"), "1");
    }
    let files = environment.run(&["files"]).expect_code(0);
    assert!(files.stdout.contains("cannot be moved out of the inbox"), "{}", files.stdout);
    drop(disk);
    environment.run(&["once"]).expect_code(3);
    assert!(environment.inbox_is_empty());
    assert_eq!(environment.value("select count(*) from etl.load_file where move_error is not null"), "0");
    assert_eq!(environment.value("select count(*) from etl.load_file"), "4");
    environment.run(&["show", "Patient/a"]).expect_code(0);
    assert!(environment.listing().contains(&"rejects/north/broken.json".to_owned()));
    environment.run(&["once"]).expect_code(0);
}

#[test]
fn an_archive_that_takes_no_files_still_ends_the_run() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.json", patient("a"));
    hand_over(&environment);
    set_mode(&environment, "archive", 0o555);
    let run = environment.run_command(&mut restricted(&environment, &["once"])).expect_code(1);
    assert!(run.stderr.contains("a loaded file cannot be moved to"), "{}", run.stderr);
    set_mode(&environment, "archive", 0o755);
    environment.run_command(&mut restricted(&environment, &["once"])).expect_code(0);
    assert_eq!(environment.value("select count(*) from etl.load_file"), "1");
    assert!(environment.inbox_is_empty());
}

fn once_removing(environment: &TestEnvironment, hours: &str) {
    let mut once = environment.command(&["once"]);
    environment.run_command(once.env("EMPTY_FOLDER_HOURS", hours)).expect_code(0);
}

#[test]
fn emptied_folders_are_removed_after_some_time_but_for_those_of_sources() {
    let environment = TestEnvironment::new();
    environment.put("inbox/north/2024/05/a.json", patient("a"));
    environment.put("inbox/north/2024/06/.hidden", "");
    fs::create_dir_all(environment.path("inbox/south")).unwrap();
    fs::create_dir_all(environment.path("inbox/south/empty/deep")).unwrap();
    // A sender can give a folder any time of modification.
    let long_ago = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(1_000_000));
    fs::File::open(environment.path("inbox/south/empty")).unwrap().set_times(long_ago).unwrap();
    let is_there = |path: &str| environment.path(path).exists();
    for hours in ["24", "off"] {
        once_removing(&environment, hours);
        assert!(is_there("inbox/north/2024/05") && is_there("inbox/south/empty/deep"), "{hours}");
    }
    environment.run(&["status"]).expect_code(0);
    once_removing(&environment, "0");
    assert!(!is_there("inbox/north/2024/05") && !is_there("inbox/south/empty"));
    assert!(is_there("inbox/north/2024/06/.hidden") && is_there("inbox/south"));
    assert_eq!(environment.value(PATIENTS), "a");
}

#[test]
fn a_sender_that_writes_into_a_folder_in_time_loses_nothing() {
    let environment = TestEnvironment::new();
    let service = environment.start(
        environment.command(&["run", "--schedule", "* * * * * *"]).env("EMPTY_FOLDER_HOURS", "0.0005"),
    );
    for number in 0..40 {
        let folder = environment.path(&format!("inbox/north/{}", number % 3));
        // As a sender does: a folder, and soon after a file in it.
        fs::create_dir_all(&folder).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        fs::write(folder.join(format!("{number}.json.part")), patient(&format!("p{number}"))).unwrap();
        fs::rename(folder.join(format!("{number}.json.part")), folder.join(format!("{number}.json")))
            .unwrap();
    }
    wait_until("all files are taken", || environment.value("select count(*) from patient") == "40");
    wait_until("the folders are gone", || !environment.path("inbox/north/0").exists());
    assert!(environment.path("inbox/north").is_dir());
    drop(service);
}
