//! A person is erased from an archive in a store.

use pretty_assertions::assert_eq;

use super::run;
use super::seaweed::Bucket;
use crate::operators::erase::{Deliveries, PATIENT, has_mark, places_of_mark};
use crate::support::TestEnvironment;

#[test]
fn nothing_of_a_person_is_left_in_a_bucket() {
    let Some(bucket) = Bucket::new() else { return };
    let environment = TestEnvironment::new();
    Deliveries { has_person: true }.deliver_by(&environment, &|| {
        bucket.take_inbox(&environment);
        let once = run(&environment, &bucket, &["once"]);
        assert!(once.code == 0 || once.code == 3, "{}", once.stderr);
    });
    let marked = || -> Vec<String> {
        bucket.keys("").into_iter().filter(|key| has_mark(key, bucket.get(key).unwrap())).collect()
    };
    assert!(marked().len() > 5, "{:?}", marked());
    let erase = ["erase", PATIENT, "--source", "north", "--yes", "--shared", "keep", "--json"];
    let told = run(&environment, &bucket, &erase).expect_code(0).json();
    assert_eq!(marked(), Vec::<String>::new());
    assert_eq!(places_of_mark(&environment), Vec::<String>::new());
    // The same as in a folder.
    let expected = serde_json::json!({"Patient": 1, "Observation": 3, "Encounter": 1, "Condition": 1});
    assert_eq!(told["resources"], expected);
    assert_eq!((&told["counts"]["rejects"], &told["missing_files"]), (&3.into(), &serde_json::json!([])));

    run(&environment, &bucket, &["check", "--archive"]).expect_code(0);
    run(&environment, &bucket, &["remap"]).expect_code(0);
    let file = environment.value("select id::text from etl.load_file where path = 'north/2.json'");
    for arguments in [&["undo", "--file", &file][..], &["undo", "--redo", "--file", &file]] {
        run(&environment, &bucket, arguments).expect_code(0);
    }
    run(&environment, &bucket, &["show", "Observation/oa2"]).expect_code(0);
    assert_eq!(places_of_mark(&environment), Vec::<String>::new());
}
