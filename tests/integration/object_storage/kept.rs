//! An archive in a store that is compressed, and from which retention removes.

use fhirmill_postgres::failpoint::ArchiveStep;
use pretty_assertions::assert_eq;

use super::command;
use super::seaweed::Bucket;
use crate::support::{Run, TestEnvironment, execute};

fn run_with(
    environment: &TestEnvironment,
    bucket: &Bucket,
    settings: &[(&str, &str)],
    arguments: &[&str],
) -> Run {
    let mut command = command(environment, bucket, &bucket.host, arguments);
    environment.run_command(command.env("KEEP_BODIES", "archive").envs(settings.iter().copied()))
}

/// Patients, each a kilobyte with the blanks behind it.
fn many(birth: &str) -> String {
    let patient =
        |number| format!("{{\"resourceType\":\"Patient\",\"id\":\"m{number}\",\"birthDate\":\"{birth}\"}}");
    (0..600).map(|number| format!("{:<999}\n", patient(number))).collect()
}

#[test]
fn records_of_compressed_objects_are_read_in_place_and_old_objects_go() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::without_indexes();
    let zstd = [("ARCHIVE_COMPRESSION", "zstd")];
    let run =
        |settings: &[(&str, &str)], arguments: &[&str]| run_with(&environment, &bucket, settings, arguments);
    let forms = || {
        let keys = bucket.keys("archive/");
        (keys.iter().filter(|key| key.ends_with(".zst")).count(), keys.len())
    };
    // By way of the bucket, and by way of the folder.
    environment.put("inbox/a.ndjson", many("1990-01-01"));
    bucket.take_inbox(&environment);
    run(&zstd, &["once"]).expect_code(0);
    environment.put("inbox/b.ndjson", many("1991-01-01"));
    run(&[], &["once"]).expect_code(0);
    assert_eq!(forms(), (1, 2));
    let sound = || {
        for id in ["m0", "m599"] {
            let shown = run(&[], &["show", &format!("Patient/{id}")]).expect_code(0).stdout;
            assert!(shown.contains(&format!("\"id\":\"{id}\"")), "{shown}");
        }
        run(&[], &["check", "--archive"]).expect_code(0);
    };
    sound();
    for step in [ArchiveStep::Compressed, ArchiveStep::OriginalRemoved] {
        let deadly = format!("{}=return", step.name());
        assert_ne!(run(&[("FAILPOINTS", &deadly)], &["archive", "compress"]).code, 0);
        sound();
    }
    run(&[], &["archive", "compress"]).expect_code(0);
    assert_eq!(forms(), (2, 2));
    sound();
    // Either comes again, and is kept once.
    environment.put("inbox/a2.ndjson", many("1991-01-01"));
    run(&zstd, &["once"]).expect_code(0);
    assert_eq!(forms(), (2, 2));

    execute(
        environment.database_url(),
        "update etl.load_file set started_at = started_at - interval '9 days', \
         finished_at = finished_at - interval '9 days' where path = 'a.ndjson'",
    );
    run(&[("ARCHIVE_KEEP", "8d")], &["prune"]).expect_code(0);
    assert_eq!(forms(), (1, 1));
    sound();
}
