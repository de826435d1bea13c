//! Processes that die while objects move to the archive: nothing is lost, doubled or half.

use fhirmill_postgres::failpoint::{Step, StoreStep};
use pretty_assertions::assert_eq;
use sha2::{Digest, Sha256};

use super::seaweed::Bucket;
use super::{command, patient, run};
use crate::support::TestEnvironment;

/// The keys below a prefix without the day.
fn without_day(keys: Vec<String>) -> Vec<String> {
    keys.into_iter().map(|key| key.splitn(3, '/').nth(2).unwrap_or_default().to_owned()).collect()
}

/// One process after the other dies, each at another step and with objects of its own besides what
/// those before it have left; the last one does not die.
#[test]
fn a_death_at_any_step_of_moving_objects_loses_and_doubles_nothing() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    let steps = [Step::Noted, Step::Reported, Step::Moved].map(Step::name);
    // A death between parts is in parts.rs.
    let of_stores = StoreStep::ALL.iter().filter(|step| **step != StoreStep::PartCopied);
    let mut steps: Vec<&str> = steps.into_iter().chain(of_stores.map(|step| step.name())).collect();
    steps.sort_unstable();
    let contents = ["a", "b"].map(|id| patient(id, "Quill").to_string());
    let broken = "{\"resourceType\":";
    for step in &steps {
        for (id, content) in ["a", "b"].iter().zip(&contents) {
            bucket.put(&format!("inbox/{step}/{id}.json"), content);
        }
        bucket.put(&format!("inbox/{step}/broken.json"), broken);
        let mut mortal = command(&environment, &bucket, &bucket.host, &["once"]);
        environment.run_command(mortal.env("FAILPOINTS", format!("{step}=return"))).expect_code(-1);
    }
    run(&environment, &bucket, &["once"]);
    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);

    assert_eq!(bucket.keys("inbox/"), Vec::<String>::new());
    let hash = |content: &str| {
        Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let (mut archived, mut rejected, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for step in &steps {
        let mut of_step: Vec<String> = ["a", "b"]
            .iter()
            .zip(&contents)
            .map(|(id, content)| format!("{step}/{}-{id}.json", hash(content)))
            .collect();
        of_step.sort_unstable();
        archived.extend(of_step);
        let broken = format!("{step}/{}-broken.json", hash(broken));
        rejected.extend([broken.clone(), format!("{broken}.report.txt")]);
        for (name, status) in [("a", "loaded"), ("b", "loaded"), ("broken", "rejected")] {
            files.push(vec![format!("{step}/{name}.json"), status.to_owned()]);
        }
    }
    let keys = bucket.keys("archive/");
    // Each is what it was, whole.
    assert!(
        keys.iter().all(|key| contents.iter().any(|of| Some(of.as_bytes()) == bucket.get(key).as_deref()))
    );
    assert_eq!(without_day(keys), archived);
    let found: Vec<String> = bucket
        .keys("rejects/")
        .iter()
        .filter_map(|key| Some(key.strip_prefix("rejects/")?.to_owned()))
        .collect();
    assert_eq!(found, rejected);
    assert_eq!(environment.query("select path, status from etl.load_file order by path, id"), files);
    let patients = "select family, count(*) from patient_name group by 1";
    assert_eq!(environment.query(patients), [vec!["Quill".to_owned(), (2 * steps.len()).to_string()]]);
}
