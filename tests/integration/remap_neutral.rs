//! A remap is neutral: the tables after it are those before it, whatever came after
//! the resources that refer.

use serde_json::{Value, json};

use crate::steps::{load, load_cases_twice, load_twice};
use crate::support::TestEnvironment;
use crate::support::state::{State, assert_same};

fn patient(id: &str, number: Option<&str>) -> String {
    let identifier = number.map_or(json!([]), |number| json!([{"system": "urn:mrn", "value": number}]));
    json!({"resourceType": "Patient", "id": id, "active": true, "identifier": identifier}).to_string()
}

fn logical(number: &str) -> Value {
    json!({"identifier": {"system": "urn:mrn", "value": number}})
}

fn observation(subject: &Value) -> String {
    json!({"resourceType": "Observation", "id": "o", "status": "final", "subject": subject}).to_string()
}

const SUBJECTS: &str = "select o.fhir_id, p.fhir_id from observation o \
                        left join patient p on p.id = o.patient_id and p.source_id = o.source_id order by 1";

#[track_caller]
fn assert_neutral(environment: &TestEnvironment, when: &str) {
    let before = State::of(environment);
    for _ in 0..2 {
        environment.run(&["remap"]).expect_code(0);
        assert_same(&State::of(environment), &before, when);
    }
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_second_owner_of_a_number_does_not_undo_what_was_resolved() {
    let references = [
        json!({"reference": "Patient?identifier=urn:mrn|7"}),
        logical("7"),
        json!({"identifier": {"value": "7"}, "type": "Patient"}),
        json!({"reference": "https://elsewhere.example/Patient/1", "identifier": {"system": "urn:mrn", "value": "7"}}),
    ];
    let environment = TestEnvironment::new();
    let first = references
        .each_ref()
        .map(|reference| format!("{}\n{}", patient("p", Some("7")), observation(reference)));
    load_cases_twice(&environment, "1.ndjson", &first);
    assert_eq!(environment.query(SUBJECTS), [["o", "p"]; 4]);
    load_cases_twice(&environment, "2.ndjson", &vec![patient("q", Some("7")); 4]);
    assert_eq!(environment.query(SUBJECTS), [["o", "p"]; 4]);
    assert_neutral(&environment, "second owner");

    // What came after the second owner was never resolved, and stays so.
    let later = references.map(|reference| observation(&reference).replace("\"o\"", "\"later\""));
    let files: Vec<String> = (0..4).map(|case| format!("case-{case:02}/3.ndjson")).collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().zip(&later).map(|(path, line)| (path.as_str(), line.as_bytes())).collect();
    load(&environment, &files);
    assert_neutral(&environment, "a reference to two owners");
    let wanted = [[["later", crate::support::NULL]; 4], [["o", "p"]; 4]].concat();
    assert_eq!(environment.query(SUBJECTS), wanted);
}

#[test]
fn an_owner_that_loses_its_number_keeps_what_was_resolved() {
    let environment = TestEnvironment::new();
    let first = format!("{}\n{}", patient("p", Some("7")), observation(&logical("7")));
    load_twice(&environment, &[("1.ndjson", first.as_bytes())]);
    load_twice(&environment, &[("2.ndjson", patient("p", None).as_bytes())]);
    assert_neutral(&environment, "nobody has the number");
    assert_eq!(environment.query(SUBJECTS), [["o", "p"]]);
    load_twice(&environment, &[("3.ndjson", patient("q", Some("7")).as_bytes())]);
    assert_neutral(&environment, "another one has the number");
    assert_eq!(environment.query(SUBJECTS), [["o", "p"]]);
    let delete = json!({"resourceType": "Bundle", "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Patient/p"}}]});
    load_twice(&environment, &[("4.json", delete.to_string().as_bytes())]);
    assert_neutral(&environment, "the owner is deleted");
}

#[test]
fn lists_keep_their_targets_one_by_one() {
    let practitioner = |id: &str, number: &str| {
        json!({"resourceType": "Practitioner", "id": id, "identifier": [{"system": "urn:npi", "value": number}]})
            .to_string()
    };
    let individual = |number: &str| json!({"individual": {"type": "Practitioner", "identifier": {"system": "urn:npi", "value": number}}});
    let encounter = json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "participant": [individual("1"), individual("2"), individual("3")],
        "basedOn": [{"identifier": {"system": "urn:order", "value": "5"}}]});
    let order = |id: &str| {
        json!({"resourceType": "ServiceRequest", "id": id, "identifier": [{"system": "urn:order", "value": "5"}],
            "status": "active", "intent": "order"})
        .to_string()
    };
    let first =
        [practitioner("a", "1"), practitioner("b", "2"), order("s"), encounter.to_string()].join("\n");
    let environment = TestEnvironment::new();
    load_twice(&environment, &[("1.ndjson", first.as_bytes())]);
    let second =
        [practitioner("c", "1"), practitioner("d", "2"), practitioner("f", "2"), order("t")].join("\n");
    load_twice(&environment, &[("2.ndjson", second.as_bytes())]);
    assert_neutral(&environment, "two practitioners with second owners");
    let individuals = "select k.fhir_id from encounter_participant p left join etl.resource_key k on k.id = individual_id \
                       order by p.ordinal";
    assert_eq!(environment.query(individuals), [["a"], ["b"], [crate::support::NULL]]);
}

#[test]
fn an_order_of_delivery_does_not_matter_to_a_remap() {
    let files = [
        patient("p", Some("7")),
        observation(&logical("7")),
        patient("q", Some("7")),
        patient("q", Some("8")),
        observation(&logical("8")).replace("\"o\"", "\"o8\""),
    ];
    let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 0, 2, 4, 3], [0, 2, 1, 4, 3]];
    let environment = TestEnvironment::new();
    for place in 0..files.len() {
        // A source for each order.
        let of = |(case, order): (usize, &[usize; 5])| {
            (format!("case-{case}/{}.ndjson", order[place]), files[order[place]].as_bytes())
        };
        let step: Vec<(String, &[u8])> = orders.iter().enumerate().map(of).collect();
        let step: Vec<(&str, &[u8])> = step.iter().map(|(path, content)| (path.as_str(), *content)).collect();
        load(&environment, &step);
    }
    assert_neutral(&environment, "any order");
}

#[test]
fn conditional_requests_mean_the_same_in_a_remap() {
    let environment = TestEnvironment::new();
    load_twice(&environment, &[("1.ndjson", patient("p", Some("7")).as_bytes())]);
    let identifier = json!([{"system": "urn:mrn", "value": "7"}]);
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:0a1b2c3d-0000-4000-8000-000000000001",
         "resource": {"resourceType": "Patient", "gender": "male", "identifier": identifier},
         "request": {"method": "PUT", "url": "Patient?identifier=urn:mrn|7"}},
        {"fullUrl": "urn:uuid:0a1b2c3d-0000-4000-8000-000000000002",
         "resource": {"resourceType": "Observation", "status": "final",
            "subject": {"reference": "urn:uuid:0a1b2c3d-0000-4000-8000-000000000001"}},
         "request": {"method": "POST", "url": "Observation"}}]});
    load_twice(&environment, &[("2.json", bundle.to_string().as_bytes())]);
    load_twice(&environment, &[("3.ndjson", patient("q", Some("7")).as_bytes())]);
    let subjects = "select p.fhir_id, p.gender from observation o join patient p on p.id = o.patient_id";
    assert_eq!(environment.query(subjects), [["p", "male"]]);
    assert_neutral(&environment, "a second owner after a conditional update");
}
