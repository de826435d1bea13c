//! The examples in `views/`, with rows that were worked out by hand.

use std::fs;

use fhirmill_core::map::{Input, ViewRunner};
use fhirmill_core::views::{Format, RowWriter};
use pretty_assertions::assert_eq;

/// The rows of a resource in an example, as CSV with the header.
fn rows(name: &str, json: &str) -> Vec<String> {
    let path = format!("{}/../../views/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut runner = ViewRunner::new(&fs::read_to_string(path).expect("an example"))
        .unwrap_or_else(|found| panic!("{found:?}"));
    assert_eq!(runner.view().warnings, [], "{name}");
    assert_eq!(runner.view().name.as_deref(), Some(name));
    let mut out = Vec::new();
    let mut writer = RowWriter::new(runner.view(), Format::Csv, &mut out);
    let input = Input {
        bytes: json.as_bytes(),
        id: None,
        full_url: None,
        full_urls: None,
        base_urls: &[],
        effective_at: None,
        earlier: None,
        wanted: None,
    };
    runner.run(&input, &mut writer).unwrap_or_else(|error| panic!("{error}"));
    writer.keep().and_then(|()| writer.flush()).expect("memory");
    drop(writer);
    String::from_utf8(out).expect("UTF-8").lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn blood_pressures_are_side_by_side() {
    let panel = |status: &str, code: &str| {
        format!(
            r#"{{"resourceType": "Observation", "id": "o", "status": "{status}",
            "code": {{"coding": [{{"system": "http://loinc.org", "code": "{code}"}}]}},
            "subject": {{"reference": "Patient/p"}}, "encounter": {{"reference": "Encounter/e"}}, "effectiveDateTime": "2020-05-01",
            "component": [
              {{"code": {{"coding": [{{"system": "http://loinc.org", "code": "8462-4"}}]}}, "valueQuantity": {{"value": 80.0}}}},
              {{"code": {{"coding": [{{"system": "http://loinc.org", "code": "8480-6"}}]}}, "valueQuantity": {{"value": 120}}}}]}}"#
        )
    };
    let expected = ["Observation/o,Patient/p,Encounter/e,2020-05-01,2020-05-01,120,80.0"];
    assert_eq!(rows("blood_pressures", &panel("final", "85354-9")), expected);
    assert_eq!(rows("blood_pressures", &panel("entered-in-error", "85354-9")), Vec::<String>::new());
    assert_eq!(rows("blood_pressures", &panel("final", "8480-6")), Vec::<String>::new());
}

#[test]
fn patient_demographics_prefer_the_official_name_and_a_current_address() {
    let patient = r#"{"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-06", "deceasedDateTime": "2020",
        "name": [{"use": "nickname", "given": ["Nick"]}, {"use": "official", "family": "F", "given": ["A", "B"]}],
        "address": [{"use": "old", "city": "Oldtown"}, {"city": "Newtown", "state": "MA", "postalCode": "01234"}],
        "extension": [
          {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [
            {"url": "ombCategory", "valueCoding": {"code": "2106-3"}}, {"url": "ombCategory", "valueCoding": {"code": "2028-9"}},
            {"url": "text", "valueString": "White, Asian"}]},
          {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": "F"}]}"#;
    let expected = [
        r#"Patient/p,F,A B,female,1970-06,1970-06,true,F,"White, Asian","[""2106-3"",""2028-9""]",,Newtown,MA,01234"#,
    ];
    assert_eq!(rows("patient_demographics", patient), expected);
    let bare =
        r#"{"resourceType": "Patient", "id": "q", "name": [{"family": "G"}], "deceasedBoolean": false}"#;
    assert_eq!(rows("patient_demographics", bare), ["Patient/q,G,,,,,false,,,[],,,,"]);
}

#[test]
fn encounters_have_their_time_kind_and_place() {
    let encounter = r#"{"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "IMP"},
        "type": [{"coding": [{"code": "1", "display": "Stay"}]}, {"text": "second"}], "subject": {"reference": "Patient/p"},
        "period": {"start": "2020-01-01T10:00:00Z", "end": "2020-01-02"}, "serviceProvider": {"reference": "Organization/h"},
        "hospitalization": {"dischargeDisposition": {"coding": [{"code": "home"}]}}}"#;
    let expected = [
        "Encounter/e,Patient/p,finished,IMP,1,Stay,2020-01-01T10:00:00Z,2020-01-02T23:59:59.999-12:00,,Organization/h,home",
    ];
    assert_eq!(rows("encounters", encounter), expected);
}

#[test]
fn the_problem_list_has_active_problems_only() {
    let condition = |status: &str| {
        format!(
            r#"{{"resourceType": "Condition", "id": "c", "clinicalStatus": {{"coding": [{{"code": "{status}"}}]}},
            "category": [{{"coding": [{{"code": "problem-list-item"}}]}}], "subject": {{"reference": "Patient/p"}},
            "code": {{"text": "Asthma", "coding": [{{"system": "s", "code": "1"}}, {{"system": "t", "code": "2"}}]}}, "onsetDateTime": "2019"}}"#
        )
    };
    let expected = ["Condition/c,Patient/p,Asthma,2019,,0,s,1", "Condition/c,Patient/p,Asthma,2019,,1,t,2"];
    assert_eq!(rows("problem_list", &condition("active")), expected);
    assert_eq!(rows("problem_list", &condition("resolved")), Vec::<String>::new());
}

#[test]
fn medication_requests_have_a_row_for_each_instruction_or_one_without() {
    let request = |dosage: &str| {
        format!(
            r#"{{"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order", "authoredOn": "2020-01-01",
            "medicationCodeableConcept": {{"coding": [{{"code": "161", "display": "Paracetamol"}}]}},
            "subject": {{"reference": "Patient/p"}}{dosage}}}"#
        )
    };
    let start = "MedicationRequest/m,Patient/p,active,order,2020-01-01,161,Paracetamol,";
    assert_eq!(rows("medication_requests", &request("")), [format!("{start},0,,,,,,,,")]);
    let dosage = r#", "dosageInstruction": [{"text": "one", "asNeededBoolean": true, "timing": {"repeat": {"frequency": 2, "period": 1.0, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": 0.50, "unit": "tablet"}}]}, {"text": "two"}]"#;
    let expected = [format!("{start},0,one,true,,0.50,tablet,2,1.0,d"), format!("{start},1,two,,,,,,,")];
    assert_eq!(rows("medication_requests", &request(dosage)), expected);
}

#[test]
fn eob_lines_have_their_amounts() {
    let eob = r#"{"resourceType": "ExplanationOfBenefit", "id": "x", "status": "active", "type": {"coding": [{"code": "professional"}]},
        "outcome": "complete", "patient": {"reference": "Patient/p"}, "insurer": {"reference": "Organization/i"},
        "item": [{"sequence": 1, "productOrService": {"coding": [{"code": "99213"}]}, "servicedDate": "2020-01-01", "net": {"value": 10.00, "currency": "USD"},
          "adjudication": [{"category": {"coding": [{"code": "benefit"}]}, "amount": {"value": 8}}, {"category": {"coding": [{"code": "submitted"}]}, "amount": {"value": 12.5}}]},
          {"sequence": 2, "servicedPeriod": {"start": "2020-01-02T08:00:00Z"}, "quantity": {"value": 3}}]}"#;
    let start = "ExplanationOfBenefit/x,Patient/p,active,professional,complete,Organization/i";
    let expected = [
        format!("{start},1,99213,2020-01-01,,10.00,USD,12.5,8"),
        format!("{start},2,,2020-01-02T08:00:00Z,3,,,,"),
    ];
    assert_eq!(rows("eob_lines", eob), expected);
}
