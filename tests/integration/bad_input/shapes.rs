//! Resources of another shape than R4 defines are loaded, and what deviates is
//! counted by element, in the ledger and for people.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::steps::{account, load_twice};
use crate::support::TestEnvironment;

#[test]
fn what_deviates_is_counted_in_the_ledger_the_summary_and_the_status() {
    let environment = TestEnvironment::new();
    let file = br##"{"resourceType":"Patient","id":"1","active":"true","name":{"family":["Quill","Bell"]}}
{"resourceType":"Patient","id":"2","active":"false","modifierExtension":[{"url":"u","valueBoolean":true}]}
{"resourceType":"Encounter","id":"3","class":[{"code":"AMB"}],"participant":[{"actor":{"reference":"#p"}}]}
{"resourceType":"Procedure","id":"4","performedDateTime":"2020","performedPeriod":{"end":"2021"},"status":7}
{"resourceType":"Patient","id":"5","photo":["x"]}
{"resourceType":"Patient","id":"6","active":"true","birthDate":"2015-02-30"}
"##;
    environment.put("inbox/p.ndjson", file.as_slice());
    let summary = environment.run(&["once", "--json"]).expect_code(3).json();
    assert_eq!(account(&summary), [("inserted", 5), ("rejected", 1)]);
    let expected = [
        ["Encounter", "class", "coerced", "1"],
        ["Patient", "active", "coerced", "2"],
        ["Patient", "modifierExtension", "modifier", "1"],
        ["Patient", "name", "coerced", "1"],
        ["Patient", "name.family", "several", "1"],
        ["Patient", "photo", "unreadable", "1"],
        ["Procedure", "performed[x]", "variants", "1"],
        ["Procedure", "status", "coerced", "1"],
    ];
    let counted = "select resource_type, element, deviation, resources::text from etl.deviating_element \
                   order by 1, 2, 3";
    assert_eq!(environment.query(counted), expected);
    let of_summary = json!({
        "coerced": {"Encounter.class": 1, "Patient.active": 2, "Patient.name": 1, "Procedure.status": 1},
        "modifier": {"Patient.modifierExtension": 1},
        "several": {"Patient.name.family": 1},
        "unreadable": {"Patient.photo": 1},
        "variants": {"Procedure.performed[x]": 1},
    });
    assert_eq!(summary["deviations"], of_summary);
    assert_eq!(
        environment.query("select resource_type, element, resources::text from etl.unmapped_element"),
        [["Encounter", "participant.actor", "1"]]
    );
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!((&status["deviating_elements"], &status["unmapped_elements"]), (&json!(8), &json!(1)));
    let path = environment.put("p.ndjson", file.as_slice());
    let inspected = environment.run(&["inspect", "--json", path.to_str().unwrap()]).expect_code(3).json();
    assert_eq!(inspected[0]["deviations"], of_summary);
    assert_eq!(inspected[0]["unmapped"], json!({"Encounter.participant.actor": 1}));
    // The same content again is counted once.
    environment.put("inbox/p.ndjson", file.as_slice());
    environment.run(&["once", "--json"]);
    assert_eq!(environment.query(counted), expected);
}

#[test]
fn resources_are_found_in_parameters_in_bare_entries_and_in_wrappers() {
    let environment = TestEnvironment::new();
    let parameters = br#"{"resourceType":"Parameters","id":"p","parameter":[
        {"name":"a","resource":{"resourceType":"Patient","id":"a","gender":"male"}},
        {"name":"b","part":[{"name":"b","resource":{"resourceType":"Patient","id":"b","gender":"male"}}]}]}"#;
    let bundle = br#"{"resourceType":"Bundle","type":"collection","entry":[
        {"resourceType":"Patient","id":"c","gender":"male"},
        {"resource":{"resource":{"resourceType":"Patient","id":"d","gender":"male"}}},
        {"resource":{"resourceType":"Parameters","id":"q","parameter":[
            {"name":"e","resource":{"resourceType":"Patient","id":"e","gender":"male"}}]}}]}"#;
    let manifest = br#"{"transactionTime":"2024-01-01T00:00:00Z","requiresAccessToken":true,"error":[]}"#;
    let files: [(&str, &[u8]); 3] =
        [("parameters.json", parameters), ("bundle.json", bundle), ("manifest.json", manifest)];
    let summary = load_twice(&environment, &files);
    assert_eq!(account(&summary), [("inserted", 7)]);
    let patients = "select fhir_id, gender from patient order by 1";
    let expected = [["a", "male"], ["b", "male"], ["c", "male"], ["d", "male"], ["e", "male"]];
    assert_eq!(environment.query(patients), expected);
    assert_eq!(environment.query("select fhir_id from other_resource order by 1"), [["p"], ["q"]]);
    // Each is found again in the archive.
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(environment.query(patients), expected);
    for id in ["a", "b", "c", "d", "e"] {
        let shown = environment.run(&["show", &format!("Patient/{id}")]).expect_code(0).stdout;
        assert!(shown.contains(&format!("\"{id}\"")) && !shown.contains("parameter"), "{shown}");
    }
}

#[test]
fn a_resource_of_another_shape_is_the_same_resource_when_it_comes_again() {
    let environment = TestEnvironment::new();
    let one = br#"{"resourceType":"Patient","id":" p ","active":"true","name":{"family":"Quill"}}"#;
    load_twice(&environment, &[("a.json", one.as_slice())]);
    let again = br#" {"resourceType":"Patient","id":" p ","name":{"family":"Quill"},"active":"true"} "#;
    let summary = load_twice(&environment, &[("b.json", again.as_slice())]);
    assert_eq!(account(&summary), [("unchanged", 1)]);
    let other = br#"{"resourceType":"Patient","id":"p","active":true,"name":[{"family":"Bell"}]}"#;
    let summary = load_twice(&environment, &[("c.json", other.as_slice())]);
    assert_eq!(account(&summary), [("updated", 1)]);
    assert_eq!(
        environment.query("select fhir_id, family from patient join patient_name on patient_id = id"),
        [["p", "Bell"]]
    );
}
