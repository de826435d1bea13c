//! Conversions that are put to a bucket: whole, or not there.

use std::fs;

use fhirmill_postgres::failpoint::ConvertStep;
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::seaweed::Bucket;
use super::{command, patient, run};
use crate::support::TestEnvironment;

/// The manifest in the bucket.
fn manifest(bucket: &Bucket) -> Option<Value> {
    bucket.get("lake/manifest.json").map(|text| serde_json::from_slice(&text).unwrap())
}

/// All files are those that a conversion to a folder has, and nothing else is there.
fn assert_is_that_of(environment: &TestEnvironment, bucket: &Bucket, input: &str) {
    environment.run(&["convert", input, "--to", "folder", "--replace"]).expect_code(0);
    let manifest = manifest(bucket).unwrap();
    let mut wanted = vec!["lake/manifest.json".to_owned()];
    for table in manifest["tables"].as_array().unwrap() {
        for file in table["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            wanted.push(format!("lake/{path}"));
            // The others have no rows.
            if table["rows"] != 0 {
                let here = fs::read(environment.path("folder").join(path)).unwrap();
                assert!(bucket.get(&format!("lake/{path}")).as_ref() == Some(&here), "{path}");
            }
        }
    }
    wanted.sort();
    assert_eq!(bucket.keys("lake/"), wanted);
}

#[test]
fn a_conversion_in_a_bucket_is_whole_or_not_there() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::without_database();
    environment.put("in.json", patient("a", "Quill").to_string());
    environment.put("other.json", patient("b", "Quill").to_string());
    let to = format!("s3://{}/lake", bucket.name);
    let first = run(&environment, &bucket, &["convert", "in.json", "--to", &to]).expect_code(0);
    assert!(first.stdout.contains(&to), "{}", first.stdout);
    assert_is_that_of(&environment, &bucket, "in.json");
    let refused = run(&environment, &bucket, &["convert", "in.json", "--to", &to]).expect_code(2);
    assert!(refused.stderr.contains("has a conversion already"), "{}", refused.stderr);

    // One death after another, each in what the one before has left.
    let before = manifest(&bucket);
    for step in ConvertStep::ALL.iter().filter(|step| **step != ConvertStep::Mapped) {
        let mut mortal = command(
            &environment,
            &bucket,
            &bucket.host,
            &["convert", "other.json", "--to", &to, "--replace"],
        );
        environment.run_command(mortal.env("FAILPOINTS", format!("{}=return", step.name()))).expect_code(-1);
        let after = manifest(&bucket);
        match step {
            ConvertStep::Mapped | ConvertStep::TableWritten => assert_eq!(after, before),
            ConvertStep::Revoked | ConvertStep::TablePlaced => assert_eq!(after, None),
            ConvertStep::Complete => assert!(after.is_some() && after != before),
        }
        if after.is_none() {
            // What is there is ours, and needs no --replace.
            assert!(bucket.get("lake/.convert").is_some());
        }
    }
    run(&environment, &bucket, &["convert", "other.json", "--to", &to, "--replace"]).expect_code(0);
    assert_is_that_of(&environment, &bucket, "other.json");

    bucket.put("mine/patient/notes.txt", "mine");
    let mine = format!("s3://{}/mine", bucket.name);
    let refused = run(&environment, &bucket, &["convert", "in.json", "--to", &mine, "--replace"]);
    assert!(refused.stderr.contains("is not empty, and no conversion"), "{}", refused.stderr);
    refused.expect_code(2);
    assert_eq!(bucket.keys("mine/"), ["mine/patient/notes.txt"]);
}
