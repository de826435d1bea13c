//! What is contained in another resource is part of it: no claim, visit or fill of
//! its own, in no view that counts.
//! Source: <https://hl7.org/fhir/R4/references.html#contained>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::TestEnvironment;
use crate::views::load_resources;

/// Views that show what is contained, each on purpose.
const SHOWN: [&str; 12] = [
    // Lists of what was sent, each row with its own key.
    "clinical_code",
    "code_name",
    "eob_amount",
    "lab_trend",
    "load",
    "medication_list",
    "missing_data",
    "observation_value",
    "reference",
    "resource",
    // It counts files.
    "source",
    // Of contained resources, those that have a time.
    "patient_timeline",
];

/// One of each resource that views count, of one person in one month. `own` makes
/// the ids of these.
fn records(own: &str) -> Vec<Value> {
    let person = json!({"reference": "Patient/p"});
    let visit = |id: &str, class: &str, day: &str| {
        json!({"resourceType": "Encounter", "id": format!("{own}{id}"), "status": "finished", "class": {"code": class},
            "subject": person, "period": {"start": format!("{day}T08:00:00Z"), "end": format!("{day}T09:00:00Z")},
            "participant": [{"individual": {"reference": "Practitioner/d"}}],
            "reasonCode": [{"text": own}]})
    };
    let money = |category: &str, value: f64| {
        json!({"category": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/adjudication", "code": category}]},
            "amount": {"value": value, "currency": "USD"}})
    };
    let line = json!({"sequence": 1, "productOrService": {"coding": [{"code": "S1"}]}, "servicedDate": "2021-03-05"});
    let mut decided = line.clone();
    decided["adjudication"] = json!([money("submitted", 100.0), money("benefit", 80.0)]);
    let service = |kind: &str, id: &str, item: &Value| {
        json!({"resourceType": kind, "id": format!("{own}{id}"), "status": "active", "use": "claim", "patient": person,
            "created": "2021-03-09", "billablePeriod": {"start": "2021-03-05", "end": "2021-03-05"}, "item": [item],
            "insurance": [{"sequence": 1, "focal": true, "coverage": {"reference": "Coverage/c"}}]})
    };
    let mut benefit = service("ExplanationOfBenefit", "e", &decided);
    benefit["outcome"] = json!("complete");
    benefit["insurer"] = json!({"display": "Acme"});
    benefit["adjudication"] = json!([money("submitted", 100.0)]);
    vec![
        visit("v", "AMB", "2021-03-02"),
        visit("n", "EMER", "2021-03-12"),
        visit("i", "IMP", "2021-03-22"),
        service("Claim", "k", &line),
        benefit,
        json!({"resourceType": "MedicationDispense", "id": format!("{own}m"), "status": "completed", "subject": person,
            "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "314231"}]},
            "whenHandedOver": "2021-03-05T10:00:00Z", "daysSupply": {"value": 30, "code": "d"}}),
        json!({"resourceType": "Condition", "id": format!("{own}x"), "subject": person, "code": {"coding": [{"code": "E11"}]},
            "clinicalStatus": {"coding": [{"code": "active"}]}}),
    ]
}

/// How many rows each view has that counts, and a digest of them.
fn counted(environment: &TestEnvironment) -> BTreeMap<String, String> {
    let views = environment.query(
        "select v.viewname from pg_views v where v.schemaname = 'analytics' \
         and not exists (select from pg_tables t where t.schemaname = 'public' and t.tablename = v.viewname) order by 1",
    );
    let names = views.into_iter().map(|mut row| row.remove(0)).filter(|name| !SHOWN.contains(&name.as_str()));
    names
        .map(|name| {
            let sql = format!(
                "select count(*) || ' ' || coalesce(md5(string_agg(t::text, chr(10) order by t::text)), '') from analytics.{name} t"
            );
            let rows = environment.value(&sql);
            (name, rows)
        })
        .collect()
}

#[test]
fn what_is_contained_changes_no_count() {
    let environment = TestEnvironment::new();
    let mut resources = vec![
        json!({"resourceType": "Patient", "id": "p", "birthDate": "1950-01-01", "name": [{"family": "Quill"}]}),
        json!({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Bell"}]}),
        json!({"resourceType": "Coverage", "id": "c", "status": "active", "payor": [{"display": "Acme"}],
            "beneficiary": {"reference": "Patient/p"}, "period": {"start": "2021-03-01", "end": "2021-03-31"}}),
    ];
    resources.extend(records("own-"));
    load_resources(&environment, &resources);
    let before = counted(&environment);
    // The views are not empty.
    for view in [
        "eob_line",
        "claim_financials",
        "encounter_with_diagnoses",
        "emergency_visit",
        "inpatient_admission",
        "medication_fill",
        "medication_adherence",
        "line_decision",
        "denial_rate",
        "cost_per_member_month",
        "emergency_visits_per_1000",
        "patient_attribution",
        "patient_summary",
        "readmission_30_day",
    ] {
        assert!(!before[view].starts_with("0 "), "{view}");
    }

    // The same once more, as parts of another resource.
    let container =
        json!({"resourceType": "Basic", "id": "box", "code": {"text": "x"}, "contained": records("part-")});
    load_resources(&environment, &[container]);
    assert_eq!(environment.value("select count(*) from encounter where container_id is not null"), "3");
    assert_eq!(
        environment.value("select count(*) from explanation_of_benefit where container_id is not null"),
        "1"
    );
    let after = counted(&environment);
    let differ: Vec<&String> = before.keys().filter(|view| before[*view] != after[*view]).collect();
    assert!(differ.is_empty(), "{differ:?}");
}
