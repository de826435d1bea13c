//! A process that dies while objects move to the archive: nothing is lost, doubled or half.

use fhirmill_postgres::failpoint::{Step, StoreStep};

use super::seaweed::Bucket;
use super::{command, patient, run};
use crate::support::TestEnvironment;

/// What is compared: the tables, what the ledger has, and which objects there are.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    patients: Vec<Vec<String>>,
    files: Vec<Vec<String>>,
    archived: Vec<String>,
    rejected: Vec<String>,
    left: Vec<String>,
}

/// Loads three objects, one of which is unusable; dies at the step, and runs again.
fn outcome(death: Option<&str>) -> Option<Outcome> {
    let bucket = Bucket::new()?;
    let environment = TestEnvironment::new();
    for id in ["a", "b"] {
        bucket.put(&format!("inbox/north/{id}.json"), patient(id, "Quill").to_string());
    }
    bucket.put("inbox/north/broken.json", "{\"resourceType\":");
    if let Some(step) = death {
        let mut mortal = command(&environment, &bucket, &bucket.host, &["once"]);
        environment.run_command(mortal.env("FAILPOINTS", format!("{step}=return"))).expect_code(-1);
    }
    run(&environment, &bucket, &["once"]);
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
    // Each is what it was, whole.
    for key in bucket.keys("archive/") {
        let content = bucket.get(&key).unwrap();
        assert!(
            [patient("a", "Quill"), patient("b", "Quill")]
                .iter()
                .any(|of| of.to_string().as_bytes() == content)
        );
    }
    Some(Outcome {
        patients: environment.query("select family, count(*) from patient_name group by 1"),
        files: environment.query("select path, status, archive_path from etl.load_file order by path, id"),
        archived: bucket.keys("archive/"),
        rejected: bucket.keys("rejects/"),
        left: bucket.keys("inbox/"),
    })
}

#[test]
fn a_death_at_any_step_of_moving_objects_loses_and_doubles_nothing() {
    let Some(wanted) = outcome(None) else { return };
    assert_eq!((wanted.archived.len(), wanted.rejected.len(), wanted.left.len()), (2, 2, 0));
    let steps = [Step::Noted, Step::Reported, Step::Moved].map(Step::name);
    let steps: Vec<&str> = steps.into_iter().chain(StoreStep::ALL.iter().map(|step| step.name())).collect();
    std::thread::scope(|scope| {
        for half in steps.chunks(steps.len().div_ceil(2)) {
            let wanted = &wanted;
            scope.spawn(move || {
                for step in half {
                    assert_eq!(outcome(Some(step)).as_ref(), Some(wanted), "killed at {step}");
                }
            });
        }
    });
}
