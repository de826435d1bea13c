//! People with several patient records, which Patient.link says are of one person, count
//! once in every view that counts people. Results are worked out by hand.

use serde_json::{Value, json};

use crate::support::{NULL, TestEnvironment};
use crate::views::load_resources;
use crate::views_questions::{dispense, encounter, patient, with};
use crate::views_questions_claims::{eob, usd};

/// Two records, of which the first was merged into the second.
fn merged(old: &str, new: &str) -> [Value; 2] {
    let link = json!({"link": [{"type": "replaced-by", "other": {"reference": format!("Patient/{new}")}}]});
    [with(patient(old), link), patient(new)]
}

fn coverage(id: &str, patient: &str, start: &str, end: &str) -> Value {
    json!({"resourceType": "Coverage", "id": id, "status": "active", "payor": [{"display": "Acme"}],
        "beneficiary": {"reference": format!("Patient/{patient}")}, "period": {"start": start, "end": end}})
}

fn stay(id: &str, patient: &str, start: &str, end: &str) -> Value {
    encounter(id, patient, "IMP", &format!("{start}T10:00:00Z"), &format!("{end}T10:00:00Z"), json!({}))
}

/// A query for columns of a view, preceded by the FHIR IDs of the patient and of the person.
fn by_person(view: &str, columns: &str) -> String {
    format!(
        "select p.fhir_id as patient, q.fhir_id as person, {columns} from analytics.{view} v \
         left join patient p on p.id = v.patient_id left join patient q on q.id = v.person_id order by 1, 3, 4"
    )
}

#[test]
fn stays_and_visits_of_all_records_are_one_persons() {
    let environment = TestEnvironment::new();
    let mut resources = Vec::from(merged("old", "new"));
    resources.extend(merged("died", "unaware"));
    resources[2]["deceasedDateTime"] = "2023-05-05".into();
    resources.extend([
        // Readmitted after 15 days under the other record; the third stay is a transfer.
        stay("s1", "old", "2023-01-01", "2023-01-05"),
        stay("s2", "new", "2023-01-20", "2023-01-22"),
        stay("s3", "old", "2023-01-22", "2023-01-25"),
        // Nobody is readmitted after death, whichever record knows of it.
        stay("d1", "unaware", "2023-05-01", "2023-05-05"),
        // One visit, on one day, under both records, and then admitted under one.
        encounter("v1", "old", "EMER", "2023-03-07T08:00:00Z", "2023-03-07T12:00:00Z", json!({})),
        encounter("v2", "new", "EMER", "2023-03-07T13:00:00Z", "2023-03-07T14:00:00Z", json!({})),
        stay("s4", "old", "2023-03-08", "2023-03-09"),
        // Of a patient who never came.
        stay("n1", "never", "2023-06-01", "2023-06-02"),
        stay("n2", "never", "2023-06-10", "2023-06-11"),
    ]);
    load_resources(&environment, &resources);
    assert_eq!(
        environment.query(&by_person(
            "readmission_30_day",
            "admission_date, discharge_date, encounter_count, is_readmitted, days_until_readmission"
        )),
        [
            ["new", "new", "2023-01-01", "2023-01-05", "1", "true", "15"],
            ["new", "new", "2023-01-20", "2023-01-25", "2", "false", NULL],
            ["new", "new", "2023-03-08", "2023-03-09", "1", "false", NULL],
            [NULL, NULL, "2023-06-01", "2023-06-02", "1", "true", "8"],
            [NULL, NULL, "2023-06-10", "2023-06-11", "1", "false", NULL],
        ]
    );
    assert_eq!(
        environment.query(&by_person("emergency_visit", "visit_date, encounter_count, is_admitted")),
        [["new", "new", "2023-03-07", "2", "true"]]
    );
    assert_eq!(
        environment
            .query(&by_person("inpatient_admission", "admission_date, is_through_emergency, evidence"))
            .iter()
            .filter(|row| row[0] == "new")
            .collect::<Vec<_>>(),
        [
            &["new", "new", "2023-01-01", "false", NULL].map(str::to_owned).to_vec(),
            &["new", "new", "2023-01-20", "false", NULL].map(str::to_owned).to_vec(),
            &["new", "new", "2023-03-08", "true", "emergency visit"].map(str::to_owned).to_vec(),
        ]
    );
}

#[test]
fn members_of_all_records_count_once() {
    let environment = TestEnvironment::new();
    let mut resources = Vec::from(merged("old", "new"));
    resources.extend([
        patient("alone"),
        // What both records say counts once; what one of them says alone counts, too.
        coverage("c1", "old", "2023-01-01", "2023-02-14"),
        coverage("c2", "new", "2023-01-01", "2023-02-14"),
        coverage("c3", "old", "2022-12-01", "2022-12-31"),
        coverage("c4", "alone", "2023-01-01", "2023-01-31"),
        encounter("v1", "old", "EMER", "2023-01-07T08:00:00Z", "2023-01-07T12:00:00Z", json!({})),
        encounter("v2", "new", "EMER", "2023-01-07T13:00:00Z", "2023-01-07T14:00:00Z", json!({})),
        eob("k1", "old", "2022-12-05", vec![vec![usd("submitted", 50.0), usd("benefit", 40.0)]], json!({})),
        eob("k2", "new", "2022-12-06", vec![vec![usd("submitted", 90.0), usd("benefit", 60.0)]], json!({})),
        eob("k3", "alone", "2022-12-06", vec![vec![usd("submitted", 9.0), usd("benefit", 8.0)]], json!({})),
    ]);
    load_resources(&environment, &resources);
    assert_eq!(
        environment.query(&by_person("member_months", "month, v.fhir_id, covered_days")),
        [
            ["alone", "alone", "2023-01-01", "c4", "31"],
            ["new", "new", "2022-12-01", "c3", "31"],
            ["new", "new", "2023-01-01", "c2", "31"],
            ["new", "new", "2023-02-01", "c2", "14"],
        ]
    );
    // December: 100 were paid for a member covered under the one record, by claims under both.
    assert_eq!(
        environment.query(
            "select month, members, member_months, claims, paid_amount, paid_amount_without_coverage, paid_per_member_month \
             from analytics.cost_per_member_month order by 1"
        ),
        [
            ["2022-12-01", "1", "1.00", "2", "100.0", "8.0", "100.00"],
            ["2023-01-01", "2", "2.00", "0", "0", "0", "0.00"],
            ["2023-02-01", "1", "0.50", "0", "0", "0", "0.00"],
        ]
    );
    assert_eq!(
        environment.query(
            "select month, members, member_months, visits, visits_per_1000 from analytics.emergency_visits_per_1000 \
             where month = '2023-01-01'"
        ),
        [["2023-01-01", "2", "2.00", "1", "6000.0"]]
    );
}

#[test]
fn values_and_drugs_of_all_records_are_one_persons() {
    let environment = TestEnvironment::new();
    let value = |id: &str, patient: &str, day: &str, value: f64| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": format!("Patient/{patient}")},
            "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
            "effectiveDateTime": day, "valueQuantity": {"value": value, "unit": "%"}})
    };
    let mut resources = Vec::from(merged("old", "new"));
    resources.extend([
        value("o1", "new", "2022-01-01", 6.0),
        value("o2", "old", "2023-01-01", 7.5),
        value("o3", "alone", "2023-01-01", 5.0),
        // The second fill comes ten days early, and the person is in hospital for two nights.
        dispense("f1", "old", "314231", "2022-01-01", json!({"value": 30})),
        dispense("f2", "new", "314231", "2022-01-21", json!({"value": 30})),
        stay("s1", "old", "2022-02-10", "2022-02-12"),
    ]);
    load_resources(&environment, &resources);
    assert_eq!(
        environment.query(
            "select k.fhir_id, n.fhir_id as person, t.previous_value, t.latest_value, t.change, t.value_count \
             from analytics.lab_trend t join etl.resource_key k on k.id = t.patient_id join etl.resource_key n on n.id = t.person_id order by 1"
        ),
        [["alone", "alone", NULL, "5.0", NULL, "1"], ["new", "new", "6.0", "7.5", "1.5", "2"]]
    );
    assert_eq!(
        environment.query(&by_person("medication_fill", "fill_date, covered_from_date, covered_to_date")),
        [
            ["new", "new", "2022-01-01", "2022-01-01", "2022-01-30"],
            ["new", "new", "2022-01-21", "2022-01-31", "2022-03-01"],
        ]
    );
    // 60 days less two of 365 less two.
    assert_eq!(
        environment.query(&by_person(
            "medication_adherence",
            "grouped_by, fill_count, period_days, inpatient_days, covered_days, proportion_covered"
        )),
        [
            ["new", "new", "class", "2", "363", "2", "58", "0.1598"],
            ["new", "new", "drug", "2", "363", "2", "58", "0.1598"],
        ]
    );
}

#[test]
fn a_person_is_attributed_once() {
    let environment = TestEnvironment::new();
    let visit = |id: &str, patient: &str, day: &str, practitioner: &str| {
        let individual = json!({"reference": format!("Practitioner/{practitioner}")});
        encounter(id, patient, "AMB", day, day, json!({"participant": [{"individual": individual}]}))
    };
    let practitioner = |id: &str| json!({"resourceType": "Practitioner", "id": id, "name": [{"text": id}]});
    let mut resources = Vec::from(merged("old", "new"));
    resources[0]["generalPractitioner"] = json!([{"reference": "Practitioner/A"}]);
    resources.extend(merged("old-2", "new-2"));
    resources.extend([
        practitioner("A"),
        practitioner("B"),
        visit("v1", "new", "2021-02-01", "B"),
        // Two visits to A under the one record, one to B under the other.
        visit("v2", "old-2", "2021-01-01", "A"),
        visit("v3", "old-2", "2021-01-02", "A"),
        visit("v4", "new-2", "2021-02-01", "B"),
    ]);
    load_resources(&environment, &resources);
    assert_eq!(
        environment.query(&by_person("patient_attribution", "practitioner, method, most_seen_visit_count")),
        [["new", "new", "A", "general practitioner", "1"], ["new-2", "new-2", "A", "most visits", "2"],]
    );
}

/// A condition on the person reaches the tables' indexes, whether the person has several
/// records or one.
#[test]
fn a_question_about_one_person_does_not_read_all() {
    let environment = TestEnvironment::new();
    let mut resources = Vec::from(merged("old", "new"));
    for number in 0..400 {
        resources.push(patient(&format!("p{number}")));
        for day in 1..5 {
            let id = format!("o{number}-{day}");
            resources.push(json!({"resourceType": "Observation", "id": id, "status": "final",
                "subject": {"reference": format!("Patient/p{number}")}, "code": {"coding": [{"code": "4548-4"}]},
                "effectiveDateTime": format!("2022-01-0{day}"), "valueQuantity": {"value": day}}));
            resources.push(stay(
                &format!("s{number}-{day}"),
                &format!("p{number}"),
                "2022-01-01",
                "2022-01-02",
            ));
        }
    }
    load_resources(&environment, &resources);
    crate::support::execute(environment.database_url(), "analyze");
    for (view, table) in [
        ("lab_trend", "observation"),
        ("readmission_30_day", "encounter"),
        ("emergency_visit", "encounter"),
        ("inpatient_admission", "encounter"),
    ] {
        for patient in ["p7", "new"] {
            let key = environment.value(&format!("select id from patient where fhir_id = '{patient}'"));
            let query = format!("select * from analytics.{view} where patient_id = {key}");
            let (read, plan) = crate::views_plans::rows_read(&environment, table, &query);
            assert!(read < 100.0, "{view} reads {read} rows for {patient}: {plan}");
        }
    }
}
