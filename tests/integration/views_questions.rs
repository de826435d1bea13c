//! The views on medication, emergency visits, admissions, attribution and missing data
//! on small inputs, with results worked out by hand. Costs and denials are in
//! `views_questions_claims`.

use fhirmill_core::model::tables;
use serde_json::{Value, json};

use crate::support::{NULL, TestEnvironment, execute};
use crate::views::load_resources;

const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";

pub fn patient(id: &str) -> Value {
    json!({"resourceType": "Patient", "id": id})
}

pub fn with(mut resource: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        resource[name] = value.clone();
    }
    resource
}

pub fn dispense(id: &str, patient: &str, code: &str, day: &str, days: Value) -> Value {
    json!({"resourceType": "MedicationDispense", "id": id, "status": "completed",
        "subject": {"reference": format!("Patient/{patient}")}, "whenHandedOver": format!("{day}T23:30:00-05:00"),
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code, "display": format!("drug {code}")}]},
        "daysSupply": days})
}

pub fn encounter(id: &str, patient: &str, class: &str, start: &str, end: &str, more: Value) -> Value {
    with(
        json!({"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": class},
        "subject": {"reference": format!("Patient/{patient}")}, "period": {"start": start, "end": end}}),
        more,
    )
}

#[test]
fn adherence_is_the_proportion_of_days_covered() {
    let environment = TestEnvironment::new();
    let days = |value: f64| json!({"value": value, "unit": "day", "code": "d"});
    load_resources(
        &environment,
        &[
            patient("p"),
            // Filled ten days early: the second begins when the first is used up.
            dispense("a1", "p", "314231", "2021-01-01", days(30.0)),
            dispense("a2", "p", "314231", "2021-01-21", days(30.0)),
            dispense("a3", "p", "314231", "2021-04-01", days(30.0)),
            // Another drug of the class: of the class, a day counts once.
            dispense("b1", "p", "312961", "2021-01-15", json!({"value": 60})),
            with(dispense("x1", "p", "314231", "2021-06-01", days(90.0)), json!({"status": "cancelled"})),
            dispense("x2", "p", "314231", "2021-07-01", json!({"value": 1e20, "code": "d"})),
            encounter(
                "stay",
                "p",
                "IMP",
                "2021-02-10T08:00:00-05:00",
                "2021-02-14T08:00:00-05:00",
                json!({}),
            ),
            // The fill of December lasts into January, and the next waits for it.
            patient("carried"),
            dispense("c1", "carried", "999", "2020-12-20", days(30.0)),
            dispense("c2", "carried", "999", "2021-01-10", days(30.0)),
            json!({"resourceType": "Patient", "id": "died", "deceasedDateTime": "2021-02-01"}),
            dispense("d1", "died", "999", "2021-01-01", json!({"value": 4, "unit": "wk"})),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, fill_date, days_supply, covered_from_date, covered_to_date from analytics.medication_fill order by 1"
        ),
        [
            ["a1", "2021-01-01", "30", "2021-01-01", "2021-01-30"],
            ["a2", "2021-01-21", "30", "2021-01-31", "2021-03-01"],
            ["a3", "2021-04-01", "30", "2021-04-01", "2021-04-30"],
            ["b1", "2021-01-15", "60", "2021-01-15", "2021-03-15"],
            ["c1", "2020-12-20", "30", "2020-12-20", "2021-01-18"],
            ["c2", "2021-01-10", "30", "2021-01-19", "2021-02-17"],
            ["d1", "2021-01-01", "28", "2021-01-01", "2021-01-28"],
            ["x2", "2021-07-01", NULL, NULL, NULL],
        ]
    );
    // 2021 has 365 days; p was in hospital for four nights.
    assert_eq!(
        environment.query(
            "select p.fhir_id, a.grouped_by, a.code, a.year, a.first_fill_date, a.period_end_date, a.fill_count, a.supplied_days, \
             a.period_days, a.inpatient_days, a.covered_days, a.proportion_covered, a.is_adherent \
             from analytics.medication_adherence a join patient p on p.id = a.patient_id order by 1, 2, 3, 4"
        ),
        [
            // 12 days of 2020 and, from January 10th, 9 and 30 of 356.
            ["carried", "drug", "999", "2020", "2020-12-20", "2020-12-31", "1", "30", "12", "0", "12", "1.0000", "true"],
            ["carried", "drug", "999", "2021", "2021-01-10", "2021-12-31", "1", "30", "356", "0", "39", "0.1096", "false"],
            ["died", "drug", "999", "2021", "2021-01-01", "2021-02-01", "1", "28", "32", "0", "28", "0.8750", "true"],
            // January 1st to March 15th, and April, less four: 74 + 30 - 4.
            ["p", "class", "statin", "2021", "2021-01-01", "2021-12-31", "4", "150", "361", "4", "100", "0.2770", "false"],
            ["p", "drug", "312961", "2021", "2021-01-15", "2021-12-31", "1", "60", "347", "4", "56", "0.1614", "false"],
            ["p", "drug", "314231", "2021", "2021-01-01", "2021-12-31", "3", "90", "361", "4", "86", "0.2382", "false"],
        ]
    );
    // Which class a drug is in is the operator's to say.
    execute(
        environment.database_url(),
        &format!("insert into etl.drug_class values ('{RXNORM}', '999', 'trial')"),
    );
    assert_eq!(
        environment.query("select distinct medication from analytics.medication_adherence where grouped_by = 'class' order by 1"),
        [["statin"], ["trial"]]
    );
}

/// Encounters of the emergency department and stays, as the next two tests need them.
fn emergencies() -> Vec<Value> {
    let at = |provider: &str| json!({"serviceProvider": {"display": provider}});
    vec![
        patient("p"),
        patient("q"),
        patient("r"),
        // Twice on one day, and one by night that ends in the ward.
        encounter("e1", "p", "EMER", "2021-03-05T08:00:00-05:00", "2021-03-05T09:00:00-05:00", at("North")),
        encounter("e2", "p", "EMER", "2021-03-05T20:00:00-05:00", "2021-03-05T21:00:00-05:00", at("South")),
        encounter("e3", "p", "EMER", "2021-03-10T22:00:00-05:00", "2021-03-11T03:00:00-05:00", json!({})),
        encounter("i1", "p", "IMP", "2021-03-11T04:00:00-05:00", "2021-03-14T10:00:00-05:00", json!({})),
        // Known by the admit source alone; a transfer is no admission.
        encounter(
            "i2",
            "p",
            "IMP",
            "2021-05-01T04:00:00-05:00",
            "2021-05-03T10:00:00-05:00",
            json!({"hospitalization": {"admitSource": {"coding": [{"code": "emd"}]}}}),
        ),
        encounter("i3", "p", "ACUTE", "2021-05-03T12:00:00-05:00", "2021-05-05T10:00:00-05:00", json!({})),
        // An emergency visit that became a stay, of a person who is not covered.
        encounter(
            "i4",
            "p",
            "IMP",
            "2021-06-01T04:00:00-05:00",
            "2021-06-03T10:00:00-05:00",
            json!({"classHistory": [{"class": {"code": "EMER"}, "period": {"start": "2021-06-01T04:00:00-05:00"}}]}),
        ),
        encounter(
            "i5",
            "p",
            "IMP",
            "2021-07-01T04:00:00-05:00",
            "2021-07-03T10:00:00-05:00",
            json!({"priority": {"coding": [{"code": "EL"}]}}),
        ),
        encounter("x1", "p", "EMER", "2021-03-25", "2021-03-25", json!({"status": "cancelled"})),
        encounter("e4", "r", "EMER", "2021-03-20T01:00:00-05:00", "2021-03-20T02:00:00-05:00", json!({})),
        encounter("a1", "r", "AMB", "2021-03-21T01:00:00-05:00", "2021-03-21T02:00:00-05:00", json!({})),
    ]
}

#[test]
fn admissions_through_the_emergency_department_are_told() {
    let environment = TestEnvironment::new();
    load_resources(&environment, &emergencies());
    assert_eq!(
        environment.query(
            "select e.fhir_id, v.visit_date, v.encounter_count, v.facility, v.is_admitted, i.fhir_id as stay \
             from analytics.emergency_visit v join encounter e on e.id = v.encounter_id \
             left join encounter i on i.id = v.inpatient_encounter_id order by 1"
        ),
        [
            ["e1", "2021-03-05", "2", "North", "false", NULL],
            ["e3", "2021-03-10", "1", NULL, "true", "i1"],
            ["e4", "2021-03-20", "1", NULL, "false", NULL],
            ["i4", "2021-06-01", "1", NULL, "true", "i4"],
        ]
    );
    assert_eq!(
        environment.query(
            "select e.fhir_id, a.admission_date, a.discharge_date, a.is_planned, a.is_through_emergency, a.evidence, v.fhir_id as visit \
             from analytics.inpatient_admission a join encounter e on e.id = a.encounter_id \
             left join encounter v on v.id = a.emergency_encounter_id order by 1"
        ),
        [
            ["i1", "2021-03-11", "2021-03-14", NULL, "true", "emergency visit", "e3"],
            ["i2", "2021-05-01", "2021-05-03", NULL, "true", "admit source", NULL],
            ["i4", "2021-06-01", "2021-06-03", NULL, "true", "class history", "i4"],
            ["i5", "2021-07-01", "2021-07-03", "true", "false", NULL, NULL],
        ]
    );
}

#[test]
fn emergency_visits_are_counted_per_member() {
    let environment = TestEnvironment::new();
    let coverage = |id: &str, patient: &str, payer: &str, end: &str| {
        json!({"resourceType": "Coverage", "id": id, "status": "active", "payor": [{"display": payer}],
            "beneficiary": {"reference": format!("Patient/{patient}")}, "period": {"start": "2021-03-01", "end": end}})
    };
    let mut resources = emergencies();
    resources.extend([
        coverage("c1", "p", "Acme", "2021-04-15"),
        // Of two payers, a person still counts once.
        coverage("c2", "p", "Beta", "2021-03-31"),
        coverage("c3", "q", "Acme", "2021-03-31"),
    ]);
    load_resources(&environment, &resources);
    assert_eq!(
        environment.query(
            "select month, members, member_months, visits, admitted_visits, visits_without_coverage, visits_per_1000, outpatient_visits_per_1000 \
             from analytics.emergency_visits_per_1000 order by 1"
        ),
        [
            // Two visits in two member months: 12,000 a year per 1,000 members.
            ["2021-03-01", "2", "2.00", "2", "1", "1", "12000.0", "6000.0"],
            ["2021-04-01", "1", "0.50", "0", "0", "0", "0.0", "0.0"],
            ["2021-06-01", "0", "0.00", "0", "0", "1", NULL, NULL],
        ]
    );
}

#[test]
fn people_are_attributed_to_their_practitioner() {
    let environment = TestEnvironment::new();
    let visit = |id: &str, patient: &str, class: &str, day: &str, practitioner: &str| {
        encounter(
            id,
            patient,
            class,
            day,
            day,
            json!({"participant": [
            {"individual": {"reference": "Practitioner/other"}},
            {"type": [{"coding": [{"code": "PPRF"}]}], "individual": {"reference": format!("Practitioner/{practitioner}")}}]}),
        )
    };
    let doctor = |id: &str| {
        json!({"resourceType": "Practitioner", "id": id, "name": [{"text": format!("Dr. {id}")}],
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": format!("99999999{}", id.len())}]})
    };
    load_resources(
        &environment,
        &[
            doctor("A"),
            doctor("Bo"),
            doctor("Cay"),
            json!({"resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "Practitioner/A"}}),
            with(
                patient("by-role"),
                json!({"generalPractitioner": [{"reference": "Organization/clinic"}, {"reference": "PractitionerRole/role"}]}),
            ),
            visit("v0", "by-role", "AMB", "2021-01-01", "Bo"),
            // Bo's three visits are too old; A and Cay have two each, and Cay's is the last.
            patient("by-visits"),
            visit("v1", "by-visits", "AMB", "2018-01-01", "Bo"),
            visit("v2", "by-visits", "AMB", "2018-01-02", "Bo"),
            visit("v3", "by-visits", "AMB", "2018-01-03", "Bo"),
            visit("v4", "by-visits", "AMB", "2021-02-01", "A"),
            visit("v5", "by-visits", "VR", "2021-02-02", "A"),
            visit("v6", "by-visits", "AMB", "2021-01-03", "Cay"),
            visit("v7", "by-visits", "AMB", "2021-02-04", "Cay"),
            visit("v8", "by-visits", "EMER", "2021-02-05", "A"),
            visit("v9", "by-visits", "IMP", "2021-02-06", "A"),
            patient("nobody"),
        ],
    );
    assert_eq!(
        environment.query(
            "select p.fhir_id, a.practitioner, a.npi, a.method, m.fhir_id as most_seen, a.most_seen_visit_count, a.most_seen_last_visit_date \
             from analytics.patient_attribution a join patient p on p.id = a.patient_id \
             left join practitioner m on m.id = a.most_seen_practitioner_id order by 1"
        ),
        [
            ["by-role", "Dr. A", "999999991", "general practitioner", "Bo", "1", "2021-01-01"],
            ["by-visits", "Dr. Cay", "999999993", "most visits", "Cay", "2", "2021-02-04"],
            ["nobody", NULL, NULL, NULL, NULL, NULL, NULL],
        ]
    );
}

#[test]
fn missing_data_are_counted_for_every_table() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1970"}),
            json!({"resourceType": "Patient", "id": "b", "gender": "male"}),
            json!({"resourceType": "Patient", "id": "c"}),
            json!({"resourceType": "Encounter", "id": "e", "status": "planned"}),
        ],
    );
    assert_eq!(
        environment.query(
            "select table_name, column_name, row_count, filled_count, missing_count, missing_per_cent from analytics.missing_data \
             where column_name in ('gender', 'birth_date', 'patient_id') order by 1, 2"
        ),
        [
            ["encounter", "patient_id", "1", "0", "1", "100.0"],
            ["patient", "birth_date", "3", "1", "2", "66.7"],
            ["patient", "gender", "3", "2", "1", "33.3"],
        ]
    );
    let mut counted = environment
        .query(
            "select distinct d.refobjid::regclass::text as name from pg_depend d join pg_rewrite r on r.oid = d.objid \
             where r.ev_class = 'analytics.missing_data'::regclass and d.refclassid = 'pg_class'::regclass \
               and d.refobjid <> 'etl.source'::regclass and d.refobjid <> r.ev_class",
        )
        .concat();
    let mut roots: Vec<String> = tables()
        .into_iter()
        .filter(|table| table.columns.iter().any(|column| column.name == "fhir_id"))
        .map(|table| table.name)
        .collect();
    counted.sort();
    roots.sort();
    pretty_assertions::assert_eq!(counted, roots);
}
