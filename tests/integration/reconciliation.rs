//! Record counts that do not reconcile are detected, and the file is not
//! recorded as loaded. Failpoints cause the faults.

use crate::support::TestEnvironment;

/// Three resources, and a record that is rejected.
const LINES: &str = r#"{"resourceType":"Patient","id":"a","name":[{"family":"Quill"},{"family":"Bell"}]}
{"resourceType":"Observation","id":"o","status":"final"}
{"resourceType":"Patient","id":"b","birthDate":"2015-02-30"}
{"resourceType":"Patient","id":"c"}
"#;

/// Loads the lines under a fault, which must be detected; then without it.
#[track_caller]
fn expect_found(failpoints: &str, status: &str, patients_meanwhile: &str) -> String {
    let environment = TestEnvironment::new();
    environment.put("inbox/lines.ndjson", LINES);
    let run =
        environment.run_command(environment.command(&["once"]).env("FAILPOINTS", failpoints)).expect_code(5);
    let files =
        environment.query("select status, archive_path, coalesce(error, 'none') as error from etl.load_file");
    assert_eq!(files.len(), 1);
    assert_eq!((files[0][0].as_str(), files[0][1].as_str()), (status, "NULL"), "{}", run.stderr);
    assert!(environment.path("inbox/lines.ndjson").exists());
    assert_eq!(environment.value("select count(*) from patient"), patients_meanwhile);
    assert_eq!(environment.value("select status from etl.load_run"), "failed");

    environment.run(&["once"]).expect_code(3);
    assert_eq!(environment.value("select count(*) from patient"), "2");
    assert_eq!(environment.value("select count(*) from patient_name"), "2");
    let second = environment.query("select status, seen, inserted + unchanged as accepted, rejected from etl.load_file order by id desc limit 1");
    assert_eq!(second, [["loaded", "4", "3", "1"]]);
    assert!(!environment.path("inbox/lines.ndjson").exists());
    environment.run(&["check"]).expect_code(0);
    files[0][2].clone() + &run.stderr + &run.stdout
}

#[test]
fn a_record_lost_between_reader_and_loader_is_detected() {
    let told = expect_found("record-dropped=1*return", "failed", "1");
    assert!(told.contains("1 FAILED: the account does not add up"), "{told}");
}

#[test]
fn rows_that_copy_did_not_store_are_detected() {
    let told = expect_found("rows-dropped=3*off->1*return->off", "failed", "0");
    assert!(told.contains("the batch was rolled back"), "{told}");
    assert!(told.contains("rows and stored"), "{told}");
}

#[test]
fn a_reject_that_was_not_stored_is_detected() {
    let told = expect_found("reject-dropped=1*return", "failed", "0");
    assert!(told.contains("0 of 1 rejects were stored"), "{told}");
}

#[test]
fn a_row_lost_in_any_table_of_a_batch_is_detected() {
    // Each COPY of the batch in turn, those into its own tables too.
    let mut copies = 0;
    loop {
        let environment = TestEnvironment::new();
        environment.put("inbox/lines.ndjson", LINES);
        let failpoints = format!("rows-dropped={copies}*off->1*return->off");
        let failpoints = failpoints.replace("=0*off->", "=");
        let run = environment.run_command(environment.command(&["once"]).env("FAILPOINTS", &failpoints));
        if run.code == 3 {
            break;
        }
        assert_eq!(run.code, 5, "the {copies}th COPY: {}", run.stderr);
        assert!(environment.path("inbox/lines.ndjson").exists());
        copies += 1;
    }
    // Targets, new keys, versions; and the tables of Patient and Observation.
    assert!(copies >= 6, "{copies} COPYs");
}
