//! The analysts' views of encounters, observations, medications and events.

use serde_json::{Value, json};

use crate::support::{NULL, TestEnvironment};
use crate::views::{by_patient, load_resources, patient};

#[test]
fn an_encounter_lists_each_diagnosis_once() {
    let environment = TestEnvironment::new();
    let condition = |id: &str, code: &str, onset: &str, encounter: Option<&str>, verified: &str| {
        let mut condition = json!({"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p"},
            "code": {"coding": [{"system": "urn:s", "code": code, "display": format!("is {code}")}]}, "onsetDateTime": onset,
            "verificationStatus": {"coding": [{"code": verified}]}});
        if let Some(encounter) = encounter {
            condition["encounter"] = json!({"reference": encounter});
        }
        condition
    };
    load_resources(
        &environment,
        &[
            patient("p"),
            json!({"resourceType": "Organization", "id": "o", "name": "Hill Hospital"}),
            json!({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Reed", "given": ["Ann"], "prefix": ["Dr."]}]}),
            json!({"resourceType": "Encounter", "id": "both", "status": "finished", "class": {"code": "IMP"},
                "type": [{"text": "stay"}], "subject": {"reference": "Patient/p"},
                "period": {"start": "2020-03-01T23:30:00-05:00", "end": "2020-03-02T00:15:00-05:00"},
                "serviceProvider": {"reference": "Organization/o"},
                "participant": [{"individual": {"display": "a nurse"}},
                                {"type": [{"coding": [{"code": "PPRF"}]}], "individual": {"reference": "Practitioner/d"}}],
                "diagnosis": [{"condition": {"reference": "Condition/second"}, "rank": 2},
                              {"condition": {"reference": "Condition/first"}, "rank": 1},
                              {"condition": {"reference": "Condition/first"}, "use": {"coding": [{"code": "DD"}]}},
                              {"condition": {"reference": "Procedure/x"}}]}),
            condition("first", "C1", "2020-03-02", Some("Encounter/both"), "confirmed"),
            condition("second", "C2", "2020-03-01", None, "confirmed"),
            condition("third", "C3", "2020-02-01", Some("Encounter/both"), "confirmed"),
            condition("wrong", "C4", "2020-02-01", Some("Encounter/both"), "entered-in-error"),
            json!({"resourceType": "Encounter", "id": "without-period", "status": "planned", "class": {"code": "AMB"}}),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, encounter_date, length_minutes, type, facility, practitioner, \
             array_to_string(diagnosis_codes, ' ') as codes, diagnoses[1] as first, diagnosis_count \
             from analytics.encounter_with_diagnoses order by 1"
        ),
        [
            // By the hospital's clock it was still the first of March.
            ["both", "2020-03-01", "45", "stay", "Hill Hospital", "Dr. Ann Reed", "C1 C2 C3", "is C1", "3"],
            ["without-period", NULL, NULL, NULL, NULL, NULL, NULL, NULL, "0"],
        ]
    );
}

#[test]
fn adjacent_stays_are_merged_and_readmissions_counted() {
    let environment = TestEnvironment::new();
    let stay = |patient: &str, id: &str, class: &str, hospital: &str, start: &str, end: Option<&str>| {
        let mut encounter = json!({"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": class},
            "subject": {"reference": format!("Patient/{patient}")}, "serviceProvider": {"reference": format!("Organization/{hospital}")},
            "period": {"start": start}});
        if let Some(end) = end {
            encounter["period"]["end"] = json!(end);
        }
        encounter
    };
    let mut elective = stay("b", "b2", "IMP", "x", "2020-01-12", Some("2020-01-13"));
    elective["priority"] = json!({"coding": [{"code": "EL"}]});
    let mut died = stay("e", "e1", "IMP", "x", "2020-01-01", Some("2020-01-02"));
    died["hospitalization"] = json!({"dischargeDisposition": {"coding": [{"code": "exp"}]}});
    let mut cancelled = stay("f", "f2", "IMP", "x", "2020-01-05", Some("2020-01-06"));
    cancelled["status"] = json!("cancelled");
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Organization", "id": "x", "name": "X"}),
            json!({"resourceType": "Organization", "id": "y", "name": "Y"}),
            // Overlapping, then a transfer on the next day, then back on the day of discharge: one stay;
            // 30 days later the next; 31 days after that another.
            stay("a", "a1", "IMP", "x", "2020-01-01T10:00:00Z", Some("2020-01-05T10:00:00Z")),
            stay("a", "a2", "ACUTE", "x", "2020-01-03T10:00:00Z", Some("2020-01-04T10:00:00Z")),
            stay("a", "a3", "IMP", "y", "2020-01-06T10:00:00Z", Some("2020-01-08T10:00:00Z")),
            stay("a", "a4", "IMP", "y", "2020-01-08T20:00:00Z", Some("2020-01-09T10:00:00Z")),
            stay("a", "a5", "IMP", "y", "2020-02-08T08:00:00Z", Some("2020-02-10T10:00:00Z")),
            stay("a", "a6", "IMP", "x", "2020-03-12T08:00:00Z", Some("2020-03-13T10:00:00Z")),
            // The next day in the same hospital is a return.
            stay("b", "b1", "IMP", "x", "2020-01-10", Some("2020-01-11")),
            elective,
            // Visits between stays are no stays; neither is one that has not ended an index.
            stay("c", "c1", "IMP", "x", "2020-01-01", Some("2020-01-02")),
            stay("c", "c2", "AMB", "x", "2020-01-05", Some("2020-01-05")),
            stay("c", "c3", "IMP", "y", "2020-01-20", None),
            stay("d", "d1", "EMER", "x", "2020-01-01", Some("2020-01-02")),
            died,
            stay("f", "f1", "IMP", "x", "2020-01-01", Some("2020-01-02")),
            cancelled,
        ],
    );
    assert_eq!(
        environment.query(&by_patient(
            "readmission_30_day",
            "(select e.fhir_id from encounter e where e.id = v.encounter_id) as stay, admission_date, discharge_date, length_days, \
             encounter_count, facility, is_readmitted, days_until_readmission, is_planned, is_same_facility",
            "admission_date",
        )),
        [
            ["a", "a1", "2020-01-01", "2020-01-09", "8", "4", "Y", "true", "30", NULL, "true"],
            ["a", "a5", "2020-02-08", "2020-02-10", "2", "1", "Y", "false", NULL, NULL, NULL],
            ["a", "a6", "2020-03-12", "2020-03-13", "1", "1", "X", "false", NULL, NULL, NULL],
            ["b", "b1", "2020-01-10", "2020-01-11", "1", "1", "X", "true", "1", "true", "true"],
            ["b", "b2", "2020-01-12", "2020-01-13", "1", "1", "X", "false", NULL, NULL, NULL],
            ["c", "c1", "2020-01-01", "2020-01-02", "1", "1", "X", "true", "18", NULL, "false"],
            ["f", "f1", "2020-01-01", "2020-01-02", "1", "1", "X", "false", NULL, NULL, NULL],
        ]
    );
}

#[test]
fn observation_values_are_listed_and_followed_over_time() {
    let environment = TestEnvironment::new();
    let glucose = |id: &str, time: &str, status: &str, quantity: Value| {
        json!({"resourceType": "Observation", "id": id, "status": status, "subject": {"reference": "Patient/p"},
            "category": [{"coding": [{"code": "laboratory"}]}], "effectiveDateTime": time, "valueQuantity": quantity,
            "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0", "display": "Glucose"}]}})
    };
    load_resources(
        &environment,
        &[
            patient("p"),
            glucose("g1", "2020-01-01T08:00:00Z", "final", json!({"value": 90, "unit": "mg/dL"})),
            glucose("g2", "2020-01-31T23:30:00-05:00", "final", json!({"value": 110.5, "unit": "mg/dL"})),
            glucose("g3", "2020-03-01T08:00:00Z", "entered-in-error", json!({"value": 900, "unit": "mg/dL"})),
            glucose("g4", "2020-02-01T08:00:00Z", "final", json!({"value": 6.1, "unit": "mmol/L"})),
            glucose(
                "g5",
                "2020-04-01T08:00:00Z",
                "final",
                json!({"value": 6, "unit": "mmol/L", "comparator": "<"}),
            ),
            json!({"resourceType": "Observation", "id": "pressure", "status": "final", "subject": {"reference": "Patient/p"},
                "effectiveDateTime": "2020-05", "code": {"text": "blood pressure"}, "component": [
                    {"code": {"coding": [{"code": "8480-6"}]}, "valueQuantity": {"value": 120, "code": "mm[Hg]"}},
                    {"code": {"coding": [{"code": "8462-4"}]}, "dataAbsentReason": {"coding": [{"code": "unknown"}]}},
                    {"code": {"coding": [{"code": "q"}]}, "valueCodeableConcept": {"coding": [{"code": "y", "display": "Yes"}]}}]}),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, component_ordinal, effective_date, code, value_number, comparator, unit, value_text, value_code \
             from analytics.observation_value where fhir_id in ('g5', 'pressure') order by 1, 2"
        ),
        [
            ["g5", "0", "2020-04-01", "2339-0", "6", "<", "mmol/L", NULL, NULL],
            ["pressure", "1", "2020-05-01", "8480-6", "120", NULL, "mm[Hg]", NULL, NULL],
            ["pressure", "3", "2020-05-01", "q", NULL, NULL, NULL, "Yes", "y"],
        ]
    );
    assert_eq!(
        environment.query(
            "select patient_fhir_id, code, unit, latest_value, latest_comparator, latest_date, previous_value, change, days_between, value_count \
             from analytics.lab_trend order by 2, 3"
        ),
        [
            ["p", "2339-0", "mg/dL", "110.5", NULL, "2020-01-31", "90", "20.5", "30", "2"],
            ["p", "2339-0", "mmol/L", "6", "<", "2020-04-01", "6.1", NULL, "60", "2"],
            ["p", "8480-6", "mm[Hg]", "120", NULL, "2020-05-01", NULL, NULL, NULL, "1"],
        ]
    );
}

#[test]
fn medications_codes_and_events_are_listed() {
    let environment = TestEnvironment::new();
    let subject = json!({"reference": "Patient/p"});
    load_resources(
        &environment,
        &[
            patient("p"),
            json!({"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": "urn:rx", "code": "R2", "display": "Drug two"}]}}),
            json!({"resourceType": "Practitioner", "id": "d", "name": [{"text": "Dr. Reed"}]}),
            json!({"resourceType": "MedicationRequest", "id": "direct", "status": "active", "intent": "order", "subject": subject,
                "medicationCodeableConcept": {"coding": [{"system": "urn:rx", "code": "R1"}, {"system": "urn:other", "code": "O1"}], "text": "Drug one"},
                "authoredOn": "2020-01-02", "requester": {"reference": "Practitioner/d"},
                "dosageInstruction": [{"text": "one in the morning", "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                                       "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}},
                                      {"text": "two at night", "asNeededBoolean": true}]}),
            json!({"resourceType": "MedicationRequest", "id": "referred", "status": "active", "intent": "order", "subject": subject,
                "medicationReference": {"reference": "Medication/m"}, "authoredOn": "2020-01-03"}),
            json!({"resourceType": "Condition", "id": "c", "subject": subject, "onsetDateTime": "2019",
                "code": {"coding": [{"system": "urn:a", "code": "A1", "display": "one"}, {"system": "urn:b", "code": "B1", "display": "other"}]}}),
            json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB", "display": "ambulatory"},
                "subject": subject, "type": [{"coding": [{"code": "T1"}]}, {"coding": [{"code": "T2"}, {"code": "T3"}]}]}),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, medication, code_system, code, authored_date, dosage, dose, dose_unit, times, per_unit, dosage_count, prescriber \
             from analytics.medication_list order by 1"
        ),
        [
            ["direct", "Drug one", "urn:rx", "R1", "2020-01-02", "one in the morning", "1", "tablet", "1", "d", "2", "Dr. Reed"],
            ["referred", "Drug two", "urn:rx", "R2", "2020-01-03", NULL, NULL, NULL, NULL, NULL, "0", NULL],
        ]
    );
    assert_eq!(
        environment.query(
            "select code, resource_type, fhir_id, element, is_primary from analytics.clinical_code order by 1"
        ),
        [
            ["A1", "Condition", "c", "code", "true"],
            ["B1", "Condition", "c", "code", "false"],
            ["O1", "MedicationRequest", "direct", "medication", "false"],
            ["R1", "MedicationRequest", "direct", "medication", "true"],
            ["R2", "MedicationRequest", "referred", "medication", "true"],
            ["T1", "Encounter", "e", "type", "true"],
            ["T2", "Encounter", "e", "type", "true"],
            ["T3", "Encounter", "e", "type", "false"],
        ]
    );
    assert_eq!(
        environment.query(&by_patient(
            "patient_timeline",
            "event_date, event_type, v.fhir_id, description, status",
            "event_time, v.fhir_id"
        )),
        [
            ["p", "2019-01-01", "Condition", "c", "one", NULL],
            ["p", "2020-01-02", "MedicationRequest", "direct", "Drug one", "active"],
            ["p", "2020-01-03", "MedicationRequest", "referred", NULL, "active"],
            ["p", NULL, "Encounter", "e", "ambulatory", "finished"],
        ]
    );
}
