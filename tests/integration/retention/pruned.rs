//! Files and rows that were kept for long enough. Times are moved in the ledger.

use fhirmill_postgres::failpoint::ArchiveStep;
use pretty_assertions::assert_eq;

use super::{archived, patient, run_with};

use crate::support::{TestEnvironment, execute, wait_until};

const KEEP: &[(&str, &str)] = &[("ARCHIVE_KEEP", "400d"), ("REJECTS_KEEP", "400d"), ("LEDGER_KEEP", "800d")];

/// Moves all times of the ledger so many days back.
fn age(environment: &TestEnvironment, days: u32) {
    let back = format!("- interval '{days} days'");
    execute(
        environment.database_url(),
        &format!(
            "update etl.load_file set started_at = started_at {back}, finished_at = finished_at {back}, \
               archive_removed_at = archive_removed_at {back}; \
             update etl.load_run set started_at = started_at {back}, finished_at = finished_at {back}; \
             update etl.rejected_record set created_at = created_at {back}"
        ),
    );
}

/// Three files, of which the second has the current version of `p1`, and the third that of `p2`.
fn deliver(environment: &TestEnvironment) {
    for (name, content) in [
        ("one.json", patient("p1", "1990-01-01")),
        ("two.json", patient("p1", "1991-01-01")),
        ("three.json", patient("p2", "1992-01-01")),
    ] {
        environment.put(&format!("inbox/{name}"), content);
        environment.run(&["once"]).expect_code(0);
    }
}

#[test]
fn old_files_go_and_say_so_and_those_with_current_versions_stay() {
    let environment = TestEnvironment::without_indexes();
    deliver(&environment);
    age(&environment, 401);
    environment.put("inbox/four.json", patient("p3", "1993-01-01"));
    environment.run(&["once"]).expect_code(0);
    let all = archived(&environment);
    // Without a setting nothing goes, and a dry run removes nothing.
    environment.run(&["prune"]).expect_code(0);
    let dry = run_with(&environment, KEEP, &["prune", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!((&dry["archive"]["files"], &dry["archive"]["current_files"]), (&1.into(), &2.into()), "{dry}");
    assert_eq!(archived(&environment), all);

    let died = format!("{}=return", ArchiveStep::Removed.name());
    assert_ne!(run_with(&environment, &[KEEP, &[("FAILPOINTS", &died)]].concat(), &["prune"]).code, 0);
    let pruned = run_with(&environment, KEEP, &["prune", "--json"]).expect_code(0).json();
    assert_eq!((&pruned["archive"]["files"], &pruned["archive"]["current_files"]), (&1.into(), &2.into()));
    assert_eq!(archived(&environment), ["four.json", "three.json", "two.json"]);
    let again = run_with(&environment, KEEP, &["prune", "--json"]).expect_code(0).json();
    assert_eq!(again["archive"]["files"], 0);
    environment.run(&["check", "--archive"]).expect_code(0);
    environment.run(&["remap"]).expect_code(0);
    for id in ["p1", "p2", "p3"] {
        environment.run(&["show", &format!("Patient/{id}")]).expect_code(0);
    }

    // What depends on the file says why it cannot be done; the rest can.
    let undone = environment.run(&["undo", "--file", "2"]).expect_code(1);
    assert!(undone.stderr.contains("was removed by retention on "), "{}", undone.stderr);
    assert_eq!(environment.value("select birth_date from patient where fhir_id = 'p1'"), "1991-01-01");
    environment.run(&["undo", "--file", "4"]).expect_code(0);
    environment.run(&["undo", "--file", "4", "--redo"]).expect_code(0);
    let files = environment.run(&["files", "--json"]).expect_code(0).json();
    let removed: Vec<bool> =
        files.as_array().unwrap().iter().map(|file| !file["archive_removed_at"].is_null()).collect();
    assert_eq!(removed, [false, false, false, true]);

    // Without ARCHIVE_KEEP_CURRENT, current versions go, too.
    let bold = [KEEP, &[("ARCHIVE_KEEP_CURRENT", "false")]].concat();
    run_with(&environment, &bold, &["prune"]).expect_code(0);
    assert_eq!(archived(&environment), ["four.json"]);
    for arguments in [["show", "Patient/p1"].as_slice(), &["undo", "--file", "3"]] {
        let run = environment.run(arguments).expect_code(1);
        assert!(run.stderr.contains("was removed by retention on "), "{}", run.stderr);
        assert!(!run.stderr.contains("missing"), "{}", run.stderr);
    }
    let remapped = environment.run(&["remap"]).expect_code(3);
    assert!(remapped.stderr.contains("was removed by retention on "), "{}", remapped.stderr);
    environment.run(&["check", "--archive"]).expect_code(0);
    // A sender who sends it once more brings it back.
    environment.put("inbox/two-again.json", patient("p1", "1991-01-01"));
    environment.run(&["once"]).expect_code(0);
    environment.run(&["show", "Patient/p1"]).expect_code(0);
    run_with(&environment, &bold, &["prune"]).expect_code(0);
    environment.run(&["show", "Patient/p1"]).expect_code(0);
    environment.run(&["check", "--archive"]).expect_code(0);
}

#[test]
fn rejected_files_their_reports_and_the_text_of_rejects_go() {
    let environment = TestEnvironment::without_indexes();
    let invalid = |id: &str| patient(id, "2015-02-30");
    environment.put("inbox/broken.json", "no JSON");
    environment.put("inbox/mixed.ndjson", patient("p1", "1990-01-01") + "\n" + &invalid("p2") + "\n");
    environment.run(&["once"]).expect_code(3);
    age(&environment, 401);
    // The reports are as old.
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(401 * 86_400);
    for path in environment.listing().into_iter().filter(|path| path.ends_with(".report.txt")) {
        std::fs::File::open(environment.path(&path)).unwrap().set_modified(old).unwrap();
    }
    environment.put("inbox/new.ndjson", patient("p3", "1990-01-01") + "\n" + &invalid("p4") + "\n");
    environment.run(&["once"]).expect_code(3);
    let in_rejects = || {
        let names = environment.listing().into_iter().filter(|path| path.starts_with("rejects/"));
        names.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(
        in_rejects(),
        ["broken.json", "broken.json.report.txt", "mixed.ndjson.report.txt", "new.ndjson.report.txt"]
    );
    let dry = run_with(&environment, KEEP, &["prune", "--dry-run", "--json"]).expect_code(0).json();
    let pruned = run_with(&environment, KEEP, &["prune", "--json"]).expect_code(0).json();
    for done in [&dry, &pruned] {
        assert_eq!(
            (&done["rejects"]["files"], &done["rows"]["reject_texts"]),
            (&1.into(), &2.into()),
            "{done}"
        );
    }
    assert_eq!(pruned["reports"], 1);
    assert_eq!(in_rejects(), ["new.ndjson.report.txt"]);
    assert_eq!(
        environment.query("select fhir_id, (raw is null)::text from etl.rejected_record where fhir_id is not null order by 1"),
        [["p2", "true"], ["p4", "false"]].map(|row| row.map(str::to_owned).to_vec())
    );
    environment.run(&["check"]).expect_code(0);
    let retried = environment.run(&["retry", "--json"]).expect_code(3).json();
    assert_eq!(
        (&retried["retried_records"], &retried["incomplete_records"]),
        (&1.into(), &2.into()),
        "{retried}"
    );
}

#[test]
fn rows_that_nothing_needs_go_and_an_undo_knows_what_it_cannot_know() {
    let environment = TestEnvironment::without_indexes();
    deliver(&environment);
    environment.put("inbox/broken.json", "no JSON");
    environment.run(&["once"]).expect_code(3);
    execute(environment.database_url(), "update etl.rejected_record set dismissed_at = now()");
    age(&environment, 801);
    let files = "select string_agg(path, ' ' order by id) from etl.load_file";
    // Rows stay as long as their files.
    run_with(&environment, &[("LEDGER_KEEP", "800d")], &["prune"]).expect_code(0);
    assert_eq!(environment.value(files), "one.json two.json three.json broken.json");
    environment.put("inbox/five.json", patient("p1", "1994-01-01"));
    environment.put("inbox/six.json", patient("p6", "1994-01-01"));
    environment.run(&["once"]).expect_code(0);
    let pruned = run_with(&environment, KEEP, &["prune", "--json"]).expect_code(0).json();
    // The third has a current version; the second had one until the fifth came.
    assert_eq!(environment.value(files), "three.json five.json six.json");
    assert_eq!((&pruned["rows"]["files"], &pruned["rows"]["runs"]), (&3.into(), &3.into()), "{pruned}");
    for check in [["check"].as_slice(), &["check", "--archive"], &["remap"], &["show", "Patient/p1"]] {
        environment.run(check).expect_code(0);
    }
    let undone = environment.run(&["undo", "--file", "5"]).expect_code(1);
    assert!(undone.stderr.contains("LEDGER_KEEP"), "{}", undone.stderr);
    environment.run(&["undo", "--file", "6"]).expect_code(0);
    assert_eq!(environment.value("select string_agg(fhir_id, ' ' order by fhir_id) from patient"), "p1 p2");
    // What comes again is new to the ledger, and older than what is there.
    environment.put("inbox/one.json", patient("p1", "1990-01-01"));
    environment.run(&["once"]).expect_code(0);
    environment.run(&["check", "--archive"]).expect_code(0);
}

#[test]
fn the_service_prunes_at_its_start() {
    let environment = TestEnvironment::without_indexes();
    deliver(&environment);
    age(&environment, 401);
    let mut command = environment.command(&["run"]);
    command.envs(KEEP.iter().copied());
    let service = environment.start(&mut command);
    wait_until("the file is removed", || {
        environment.value("select count(*) from etl.load_file where archive_removed_at is not null") == "1"
    });
    drop(service);
    assert_eq!(archived(&environment), ["three.json", "two.json"]);
}
