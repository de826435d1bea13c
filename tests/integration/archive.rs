//! The archive may move: the ledger stores where files are in it, not where
//! it is.

use pretty_assertions::assert_eq;

use crate::support::{Run, TestEnvironment, execute};

/// A patient, and an observation with an escape in its file's name.
fn loaded() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.put("inbox/patient.json", patient("p1"));
    environment.put("inbox/north/50%20 of.ndjson", patient("p2") + "\n");
    environment.run(&["once"]).expect_code(0);
    environment
}

fn patient(id: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","gender":"other"}}"#)
}

/// Runs a command with the archive in another folder of the environment.
fn run_with_archive(environment: &TestEnvironment, archive: &str, arguments: &[&str]) -> Run {
    environment.run_command(environment.command(arguments).env("ARCHIVE_DIR", archive))
}

/// Both patients are shown and remapped.
#[track_caller]
fn expect_readable(environment: &TestEnvironment, archive: &str) {
    for id in ["p1", "p2"] {
        let shown =
            run_with_archive(environment, archive, &["show", &format!("Patient/{id}")]).expect_code(0);
        assert_eq!(shown.stdout.trim_end(), patient(id));
    }
    execute(environment.database_url(), "truncate patient");
    let run = run_with_archive(environment, archive, &["remap"]).expect_code(0);
    assert!(run.stdout.starts_with("2 resources rewritten, 2 rows"), "{}", run.stdout);
    assert_eq!(environment.value("select count(*) from patient where gender = 'other'"), "2");
}

/// Stores the paths as versions before 2026-11-28 did.
fn store_absolute_paths(environment: &TestEnvironment, archive: &str) {
    let archive = environment.path(archive);
    let unescaped = "replace(archive_path, '%25', '%')";
    execute(
        environment.database_url(),
        &format!(
            "update etl.load_file set archive_path = '{}/' || {unescaped} where archive_path !~ '^/'",
            archive.display()
        ),
    );
}

const ABSOLUTE: &str = "select count(*) from etl.load_file where archive_path like '/%'";

#[test]
fn show_and_remap_follow_an_archive_that_moves() {
    let environment = loaded();
    let mut archive = "archive".to_owned();
    for next in ["elsewhere", "restored/here"] {
        std::fs::create_dir_all(environment.path(next).parent().unwrap()).unwrap();
        std::fs::rename(environment.path(&archive), environment.path(next)).unwrap();
        next.clone_into(&mut archive);
        expect_readable(&environment, &archive);
    }
    // A file that comes again is recognized as a copy of the archived one.
    environment.put("inbox/again.json", patient("p1"));
    run_with_archive(&environment, &archive, &["once"]).expect_code(0);
    let archived = environment.listing().into_iter().filter(|path| path.starts_with("restored/here/"));
    assert_eq!(archived.count(), 2);
    expect_readable(&environment, &archive);
}

#[test]
fn files_shows_paths_that_can_be_opened() {
    let environment = loaded();
    environment.put("inbox/broken.json", "no JSON");
    environment.run(&["once"]).expect_code(3);
    std::fs::rename(environment.path("archive"), environment.path("elsewhere")).unwrap();
    let files = run_with_archive(&environment, "elsewhere", &["files", "--json"]).expect_code(0).json();
    let paths: Vec<&str> =
        files.as_array().unwrap().iter().map(|file| file["archive_path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), 3);
    for path in paths {
        assert!(path.starts_with('/') && std::path::Path::new(path).is_file(), "{path}");
    }
}

/// Reverts that migration and all after it.
fn revert_migration_of_paths(environment: &TestEnvironment) {
    let later = "select count(*) from public.__diesel_schema_migrations where version >= '20261128000001'";
    environment.run(&["migrate", "down", &environment.value(later)]).expect_code(0);
}

#[test]
fn absolute_paths_of_older_versions_are_migrated() {
    let environment = loaded();
    environment.put("inbox/broken.json", "no JSON");
    environment.run(&["once"]).expect_code(3);
    let stored = "select id, archive_path from etl.load_file order by id";
    let before = environment.query(stored);
    revert_migration_of_paths(&environment);
    execute(
        environment.database_url(),
        &format!(
            "update etl.load_file set archive_path = '{}/' || case status when 'rejected' then 'rejects/' \
             else 'archive/' end || replace(archive_path, '%25', '%')",
            environment.path("").display().to_string().trim_end_matches('/')
        ),
    );
    assert_eq!(environment.value(ABSOLUTE), "3");
    environment.run(&["migrate", "up"]).expect_code(0);
    assert_eq!(environment.query(stored), before);
    std::fs::rename(environment.path("archive"), environment.path("elsewhere")).unwrap();
    expect_readable(&environment, "elsewhere");
}

#[test]
fn paths_that_the_migration_does_not_recognize_still_work() {
    let environment = loaded();
    // An older archive, which stays where it is, and a newer one.
    std::fs::rename(environment.path("archive"), environment.path("old")).unwrap();
    store_absolute_paths(&environment, "old");
    environment.put("inbox/third.json", patient("p3"));
    environment.run(&["once"]).expect_code(0);
    execute(environment.database_url(), "delete from patient where fhir_id = 'p3'");
    let newest = "select archive_path from etl.load_file where path = 'third.json'";
    let stored = environment.value(newest);
    execute(
        environment.database_url(),
        &format!(
            "update etl.load_file set archive_path = '{}' where path = 'third.json'",
            environment.path(&format!("archive/{stored}")).display()
        ),
    );
    revert_migration_of_paths(&environment);
    environment.run(&["migrate", "up"]).expect_code(0);
    assert_eq!(environment.value(newest), stored);
    assert_eq!(environment.value(ABSOLUTE), "2");
    for id in ["p1", "p2", "p3"] {
        environment.run(&["show", &format!("Patient/{id}")]).expect_code(0);
    }
    // Both are merged into one folder: the old paths lead nowhere any more.
    environment
        .run_command(std::process::Command::new("sh").args([
            "-c",
            &format!(
                "cp -r '{0}'/* '{1}' && rm -r '{0}'",
                environment.path("old").display(),
                environment.path("archive").display()
            ),
        ]))
        .expect_code(0);
    for id in ["p1", "p2", "p3"] {
        environment.run(&["show", &format!("Patient/{id}")]).expect_code(0);
    }
}

#[test]
fn a_missing_archive_is_an_error_that_names_the_file_and_the_setting() {
    let environment = loaded();
    for archive in ["nowhere", "empty"] {
        if archive == "empty" {
            std::fs::create_dir(environment.path(archive)).unwrap();
        }
        for arguments in [["remap", "--resource-type", "Patient"].as_slice(), &["show", "Patient/p1"]] {
            let run = run_with_archive(&environment, archive, arguments).expect_code(1);
            assert!(run.stderr.contains("patient.json"), "{}", run.stderr);
            assert!(run.stderr.contains("ARCHIVE_DIR"), "{}", run.stderr);
            assert!(run.stderr.contains(environment.path(archive).to_str().unwrap()), "{}", run.stderr);
        }
    }
    assert_eq!(environment.value("select count(*) from patient"), "2");
}

#[test]
fn a_remap_that_misses_some_files_writes_the_others_and_says_so() {
    let environment = loaded();
    let missing = environment.listing().into_iter().find(|path| path.ends_with("/patient.json")).unwrap();
    std::fs::remove_file(environment.path(&missing)).unwrap();
    let run = environment.run(&["remap"]).expect_code(3);
    assert!(run.stdout.starts_with("1 resources rewritten"), "{}", run.stdout);
    assert!(run.stderr.contains("patient.json") && run.stderr.contains("ARCHIVE_DIR"), "{}", run.stderr);
}

#[test]
fn a_retry_that_misses_the_archived_file_fails() {
    let environment = TestEnvironment::new();
    let large = format!(r#"{{"resourceType":"Patient","id":"p1","language":"{}"}}"#, "x".repeat(2_000));
    environment.put("inbox/lines.ndjson", format!("{large}\n{}\n", patient("p2")));
    environment.run_command(environment.command(&["once"]).env("MAX_RESOURCE_BYTES", "1KiB")).expect_code(3);
    let run = run_with_archive(&environment, "nowhere", &["retry"]).expect_code(1);
    assert!(run.stderr.contains("lines.ndjson") && run.stderr.contains("ARCHIVE_DIR"), "{}", run.stderr);
    assert_eq!(environment.value("select count(*) from etl.rejected_record where retried_at is null"), "1");
    std::fs::rename(environment.path("archive"), environment.path("elsewhere")).unwrap();
    run_with_archive(&environment, "elsewhere", &["retry"]).expect_code(0);
    assert_eq!(environment.value("select count(*) from patient"), "2");
}
