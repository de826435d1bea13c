//! Backups in a bucket, of files and of objects, and restored to either.

use pretty_assertions::assert_eq;

use super::seaweed::Bucket;
use super::{command, patient, run};
use crate::support::{TestEnvironment, execute};

#[test]
fn a_backup_in_a_bucket_is_restored_to_a_folder() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::with_own_readers();
    environment.put("inbox/a.json", patient("a", "Quill").to_string());
    environment.put("inbox/b.json", r#"{"resourceType":"Patient","id":"b","birthDate":"soon"}"#);
    // The archive is in the bucket, the rejects are in a folder.
    let with_folder_of_rejects = |arguments: &[&str]| {
        let mut command = command(&environment, &bucket, &bucket.host, arguments);
        command.env_remove("REJECTS_URL");
        command
    };
    environment.run_command(&mut with_folder_of_rejects(&["once"])).expect_code(3);
    let to = format!("s3://{}/kept/backups", bucket.name);
    let backup = ["backup", "--to", &to, "--keep", "1", "--json"];
    let report = environment.run_command(&mut with_folder_of_rejects(&backup)).expect_code(0).json();
    // Two files, and the report on one of them.
    assert_eq!((&report["files"], &report["copied_files"]), (&3.into(), &3.into()), "{report}");
    let report = environment.run_command(&mut with_folder_of_rejects(&backup)).expect_code(0).json();
    assert_eq!((&report["files"], &report["copied_files"]), (&3.into(), &0.into()), "{report}");
    let manifests = |bucket: &Bucket| {
        bucket.keys("kept/backups/backups/").into_iter().filter(|key| key.ends_with("manifest.json")).count()
    };
    assert_eq!(manifests(&bucket), 1);
    run(&environment, &bucket, &["backup", "--to", &to, "--verify"]).expect_code(0);

    let name = format!("fhirmill_test_{}_from_bucket", std::process::id());
    execute(environment.database_url(), &format!("create database {name}"));
    let (server, _) = environment.database_url().rsplit_once('/').unwrap();
    let other = TestEnvironment::of_database(&format!("{server}/{name}"));
    let mut restore = command(&other, &bucket, &bucket.host, &["restore", "--from", &to]);
    restore.env_remove("ARCHIVE_URL").env_remove("REJECTS_URL");
    other.run_command(&mut restore).expect_code(0);
    other.run(&["check", "--archive"]).expect_code(0);
    let places = |listing: Vec<String>| listing.iter().filter(|path| !path.starts_with("logs/")).count();
    assert_eq!(places(other.listing()), 3, "{:?}", other.listing());
    execute(environment.database_url(), &format!("drop database {name} with (force)"));

    // A damaged object is noticed before anything is restored.
    let dump = bucket.keys("kept/backups/backups/").into_iter().find(|key| key.ends_with("toc.dat")).unwrap();
    bucket.put(&dump, "damaged");
    run(&environment, &bucket, &["backup", "--to", &to, "--verify"]).expect_code(5);
    let mut restore = command(&other, &bucket, &bucket.host, &["restore", "--from", &to]);
    let refused = other.run_command(restore.env("DATABASE_URL", environment.database_url())).expect_code(1);
    assert!(refused.stderr.contains("database/toc.dat is damaged"), "{}", refused.stderr);
}
