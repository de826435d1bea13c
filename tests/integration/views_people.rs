//! The analysts' views where a question has no single answer: ties, records of one
//! person, prescriptions without a dosage, people who are only named.

use serde_json::{Value, json};

use crate::support::{NULL, TestEnvironment};
use crate::views::load_resources;

fn hba1c(id: &str, patient: &str, time: &str, value: f64) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": format!("Patient/{patient}")},
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "effectiveDateTime": time, "valueQuantity": {"value": value, "unit": "%"}})
}

#[test]
fn values_of_one_instant_are_told_and_are_no_change() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            // Two at one instant, which is written in two ways, and nothing before.
            hba1c("a1", "a", "2023-02-20T10:00:00Z", 5.6),
            hba1c("a2", "a", "2023-02-20T05:00:00-05:00", 7.2),
            // The same value twice, and one before.
            hba1c("b1", "b", "2022-01-01", 6.0),
            hba1c("b2", "b", "2023-01-01", 6.5),
            hba1c("b3", "b", "2023-01-01", 6.5),
            // A tie before the latest.
            hba1c("c1", "c", "2022-01-01", 6.0),
            hba1c("c2", "c", "2022-01-01", 9.0),
            hba1c("c3", "c", "2023-01-01", 7.0),
            // Two instants of one day are in order.
            hba1c("d1", "d", "2023-01-01T08:00:00Z", 6.0),
            hba1c("d2", "d", "2023-01-01T09:00:00Z", 6.4),
        ],
    );
    assert_eq!(
        environment.query(
            "select r.fhir_id, t.latest_value, t.latest_count, t.latest_lowest, t.latest_highest, t.previous_value, t.previous_count, \
             t.is_tied, t.change, t.value_count from analytics.lab_trend t join etl.resource_key r on r.id = t.patient_id order by 1"
        ),
        [
            ["a", "7.2", "2", "5.6", "7.2", NULL, NULL, "true", NULL, "2"],
            ["b", "6.5", "2", "6.5", "6.5", "6.0", "1", "false", "0.5", "3"],
            ["c", "7.0", "1", "7.0", "7.0", "9.0", "2", "true", NULL, "3"],
            ["d", "6.4", "1", "6.4", "6.4", "6.0", "1", "false", "0.4", "2"],
        ]
    );
}

fn linked(id: &str, links: &[(&str, &str)]) -> Value {
    let links: Vec<Value> = links
        .iter()
        .map(|(kind, other)| json!({"type": kind, "other": {"reference": format!("Patient/{other}")}}))
        .collect();
    json!({"resourceType": "Patient", "id": id, "link": links})
}

#[test]
fn merged_patients_count_once() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            linked("alone", &[]),
            // Merged twice: the last one stays. One link is written from the other side.
            linked("m1", &[("replaced-by", "m2")]),
            linked("m2", &[]),
            linked("m3", &[("replaces", "m2")]),
            // Two records in use of one person.
            linked("r1", &[("refer", "r2")]),
            linked("r2", &[("seealso", "r1")]),
            // Replaced by a record that never came.
            linked("n1", &[("replaced-by", "never")]),
            // Records that replace each other.
            linked("x1", &[("replaced-by", "x2")]),
            linked("x2", &[("replaced-by", "x1")]),
        ],
    );
    let people = environment.query(
        "select p.fhir_id, b.fhir_id as replaced_by, (select count(distinct q.person_id) from analytics.patient_summary q \
         where q.person_id = p.person_id) as persons, (select count(*) from analytics.patient_summary q where q.person_id = p.person_id) as records \
         from analytics.patient_summary p left join etl.resource_key b on b.id = p.replaced_by order by 1",
    );
    assert_eq!(
        people,
        [
            ["alone", NULL, "1", "1"],
            ["m1", "m3", "1", "3"],
            ["m2", "m3", "1", "3"],
            ["m3", NULL, "1", "3"],
            ["n1", "never", "1", "1"],
            ["r1", NULL, "1", "2"],
            ["r2", NULL, "1", "2"],
            // Of a circle the record with the lowest key stays.
            ["x1", NULL, "1", "2"],
            ["x2", "x1", "1", "2"],
        ]
    );
    assert_eq!(environment.value("select count(distinct person_id) from analytics.patient_summary"), "5");
    // The person is the record in use.
    assert_eq!(
        environment.value(
            "select distinct s.fhir_id from analytics.patient_summary p join patient s on s.id = p.person_id where p.fhir_id like 'm_'"
        ),
        "m3"
    );
}

#[test]
fn as_needed_is_unknown_without_a_dosage() {
    let environment = TestEnvironment::new();
    let request = |id: &str, dosage: Value| {
        json!({"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
            "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "Aspirin"}, "dosageInstruction": dosage})
    };
    load_resources(
        &environment,
        &[
            json!({"resourceType": "MedicationRequest", "id": "a", "status": "active", "intent": "order",
                "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "Aspirin"}}),
            request("b", json!([{"text": "daily"}])),
            request("c", json!([{"asNeededBoolean": true}])),
            request("d", json!([{"asNeededCodeableConcept": {"text": "pain"}}])),
            request("e", json!([{"asNeededBoolean": false}])),
        ],
    );
    assert_eq!(
        environment.query("select fhir_id, is_as_needed from analytics.medication_list order by 1"),
        [["a", NULL], ["b", "false"], ["c", "true"], ["d", "true"], ["e", "false"]]
    );
}

#[test]
fn people_who_are_only_named_have_their_numbers() {
    let environment = TestEnvironment::new();
    let npi = "http://hl7.org/fhir/sid/us-npi";
    let encounter = |id: &str, individual: Value| {
        json!({"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p"}, "participant": [{"individual": individual}]})
    };
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Practitioner", "id": "known", "identifier": [{"system": npi, "value": "1111111112"}]}),
            encounter("a", json!({"reference": "Practitioner/known"})),
            encounter(
                "b",
                json!({"reference": format!("Practitioner?identifier={npi}|2222222223"), "display": "Dr. B"}),
            ),
            encounter("c", json!({"reference": "Practitioner?identifier=urn:staff|77", "display": "Dr. C"})),
            json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
                "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "Aspirin"},
                "requester": {"reference": format!("Practitioner?identifier={npi}|2222222223")}}),
            json!({"resourceType": "ExplanationOfBenefit", "id": "x", "status": "active", "patient": {"reference": "Patient/p"},
                "provider": {"reference": "Practitioner/known"}}),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, practitioner_npi, practitioner_identifier from analytics.encounter_with_diagnoses order by 1"
        ),
        [
            ["a", "1111111112", &format!("{npi}|1111111112")],
            ["b", "2222222223", &format!("{npi}|2222222223")],
            ["c", NULL, "urn:staff|77"],
        ]
    );
    assert_eq!(environment.value("select prescriber_npi from analytics.medication_list"), "2222222223");
    assert_eq!(environment.value("select provider_npi from analytics.claim_financials"), "1111111112");
}

#[test]
fn a_code_has_one_name() {
    let environment = TestEnvironment::new();
    let condition = |id: &str, display: Option<&str>| {
        let mut standard = json!({"system": "http://snomed.info/sct", "code": "38341003"});
        if let Some(display) = display {
            standard["display"] = display.into();
        }
        json!({"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p"}, "code": {"coding": [
            {"system": "urn:local", "code": "HTN", "userSelected": true}, standard]}})
    };
    load_resources(
        &environment,
        &[
            condition("1", Some("Hypertension")),
            condition("2", Some("Hypertensive disorder")),
            condition("3", Some("Hypertensive disorder")),
            condition("4", None),
        ],
    );
    assert_eq!(
        environment.query("select code, name, record_count, name_count from analytics.code_name order by 1"),
        [["38341003", "Hypertensive disorder", "4", "2"], ["HTN", NULL, "4", "0"]]
    );
    // The standard code is shown, and the sender's own is not lost.
    assert_eq!(
        environment.query("select distinct code_system, code from condition"),
        [["http://snomed.info/sct", "38341003"]]
    );
    assert_eq!(
        environment.query("select system, is_primary, user_selected from resource_coding where resource_id = (select id from condition where fhir_id = '1') order by ordinal"),
        [["urn:local", "false", "true"], ["http://snomed.info/sct", "true", NULL]]
    );
}
