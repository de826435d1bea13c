//! Who sent a row, from which file, when it was loaded, and the day on the sender's clock.

use serde_json::{Value, json};

use crate::steps::load_twice;
use crate::support::{NULL, TestEnvironment, query};
use crate::views::load_resources;

const VIEWS: &str =
    "select relname as view from pg_class where relnamespace = 'analytics'::regnamespace and relkind = 'v'";

fn observation(id: &str, code: &str, time: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": code}]},
        "effectiveDateTime": time, "valueQuantity": {"value": 1, "unit": "mg"}})
}

#[test]
fn every_view_tells_the_source() {
    let environment = TestEnvironment::new();
    // A list of categories, and of names of codes that all senders share.
    let without = ["code_map", "code_name"];
    let silent = environment.query(&format!(
        "{VIEWS} and relname <> all ('{{{}}}') and not exists \
         (select from pg_attribute where attrelid = pg_class.oid and attname = 'source')",
        without.join(",")
    ));
    assert_eq!(silent, Vec::<Vec<String>>::new());

    let patient = json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Quill"}],
        "address": [{"city": "Rowanford"}]});
    let encounter = json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p"}, "period": {"start": "2023-01-01", "end": "2023-01-03"}});
    let eob = json!({"resourceType": "ExplanationOfBenefit", "id": "x", "status": "active", "patient": {"reference": "Patient/p"},
        "provider": {"reference": "Practitioner/missing"},
        "item": [{"sequence": 1, "adjudication": [{"category": {"coding": [{"code": "submitted"}]}, "amount": {"value": 5}}]}]});
    let coverage = json!({"resourceType": "Coverage", "id": "c", "status": "active", "beneficiary": {"reference": "Patient/p"},
        "payor": [{"display": "Payer"}], "period": {"start": "2023-01-01", "end": "2023-01-31"}});
    let request = json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "Aspirin"}});
    let lines: String = [patient, encounter, eob, coverage, request, observation("o", "1-8", "2023-01-02")]
        .iter()
        .map(|resource| format!("{resource}\n"))
        .collect();
    // The same IDs of two senders.
    load_twice(
        &environment,
        &[("north/all.ndjson", lines.as_bytes()), ("south/all.ndjson", lines.as_bytes())],
    );
    for view in [
        "patient_summary",
        "current_name",
        "home_address",
        "encounter_with_diagnoses",
        "readmission_30_day",
        "observation_value",
        "lab_trend",
        "medication_list",
        "member_months",
        "clinical_code",
        "patient_timeline",
        "claim_financials",
        "eob_line",
        "eob_amount",
        "reference",
        "missing_resource",
        "encounter",
        "explanation_of_benefit_item",
        "resource",
    ] {
        // explanation_of_benefit_item has no times, and is shown as it is.
        if environment.value(&format!(
            "select count(*) from pg_views where schemaname = 'analytics' and viewname = '{view}'"
        )) == "0"
        {
            continue;
        }
        let counts = environment
            .query(&format!("select source, count(*) as rows from analytics.{view} group by 1 order by 1"));
        assert_eq!(counts.len(), 2, "{view}: {counts:?}");
        assert_eq!([&counts[0][0], &counts[1][0]], ["north", "south"], "{view}");
        assert_eq!(counts[0][1], counts[1][1], "{view}");
    }
    assert_eq!(
        environment.query("select source, file_count from analytics.source order by 1"),
        [["default", "0"], ["north", "2"], ["south", "2"]]
    );
}

#[test]
fn a_row_leads_to_its_file_and_run() {
    let environment = TestEnvironment::new();
    let patient = |city: &str| {
        format!("{}\n", json!({"resourceType": "Patient", "id": "p", "address": [{"city": city}]}))
    };
    let other = format!("{}\n", json!({"resourceType": "Patient", "id": "q"}));
    let at = |id: &str| environment.value(&format!("select loaded_at from patient where fhir_id = '{id}'"));
    load_twice(&environment, &[("north/first.ndjson", (patient("Elm") + &other).as_bytes())]);
    let (p, q) = (at("p"), at("q"));
    // Unchanged, in another file: the row was not written.
    load_twice(&environment, &[("north/second.ndjson", format!("{}{other}\n", patient("Elm")).as_bytes())]);
    assert_eq!((at("p"), at("q")), (p.clone(), q.clone()));
    // Replaced: the row is new, that of the other is not.
    load_twice(&environment, &[("north/third.ndjson", (patient("Oak") + &other).as_bytes())]);
    assert!(at("p") > p, "{} {p}", at("p"));
    assert_eq!(at("q"), q);
    assert_eq!(
        environment.query(
            "select l.path, l.source, l.command, l.status, l.run_started_at <= l.started_at as is_in_run, \
             p.loaded_at between l.run_started_at and l.run_finished_at as is_loaded_in_run \
             from analytics.patient p join analytics.load l using (file_id) where p.fhir_id = 'p'"
        ),
        [["north/third.ndjson", "north", "once", "loaded", "true", "true"]]
    );
    assert_eq!(
        environment.query(
            "select l.path from analytics.resource r join analytics.load l using (file_id) where r.resource_type = 'Patient' and r.fhir_id = 'p'"
        ),
        [["north/third.ndjson"]]
    );
    // Written again by a remap.
    environment.run(&["remap"]).expect_code(0);
    assert!(at("q") > q);
}

#[test]
fn a_day_is_that_of_the_senders_clock() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "p"}),
            json!({"resourceType": "Encounter", "id": "late", "status": "finished", "class": {"code": "AMB"},
                "subject": {"reference": "Patient/p"},
                "period": {"start": "2023-03-31T23:30:00-05:00", "end": "2023-04-01T00:15:00-05:00"}}),
            json!({"resourceType": "Encounter", "id": "early", "status": "finished", "class": {"code": "AMB"},
                "subject": {"reference": "Patient/p"}, "period": {"start": "2023-05-01T00:30:00+10:00"}}),
            json!({"resourceType": "Encounter", "id": "month", "status": "finished", "class": {"code": "AMB"},
                "subject": {"reference": "Patient/p"}, "period": {"start": "2023-06"}}),
            observation("o", "1-8", "2023-03-31T23:30:00-05:00"),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, encounter_date, period_start_date, period_end_date from analytics.encounter_with_diagnoses order by 1"
        ),
        [
            ["early", "2023-05-01", "2023-05-01", NULL],
            ["late", "2023-03-31", "2023-03-31", "2023-04-01"],
            ["month", "2023-06-01", "2023-06-01", NULL],
        ]
    );
    assert_eq!(
        environment
            .query("select fhir_id, period_start_date, period_end_date from analytics.encounter order by 1"),
        [["early", "2023-05-01", NULL], ["late", "2023-03-31", "2023-04-01"], ["month", "2023-06-01", NULL]]
    );
    assert_eq!(
        environment.query("select first_encounter_date, last_encounter_date from analytics.patient_summary"),
        [["2023-03-31", "2023-06-01"]]
    );
    assert_eq!(environment.value("select event_date from analytics.clinical_code"), "2023-03-31");
    assert_eq!(environment.value("select effective_start_date from analytics.observation"), "2023-03-31");
    // Whatever the session's time zone.
    assert_eq!(
        query(
            &format!("{}?options=-c%20timezone%3DAsia%2FTokyo", environment.database_url()),
            "select period_start_date from analytics.encounter where fhir_id = 'late'"
        ),
        [["2023-03-31"]]
    );
}

#[test]
fn every_time_of_a_sender_has_its_day() {
    let environment = TestEnvironment::new();
    // In the views of tables: where the text as written is there, so is the day.
    let without_day = environment.query(
        "select c.table_name || '.' || c.column_name as time from information_schema.columns c \
         where c.table_schema = 'public' and c.data_type like 'timestamp%' \
           and exists (select from information_schema.columns t where t.table_schema = 'public' and t.table_name = c.table_name \
                         and t.column_name = c.column_name || '_text') \
           and not exists (select from information_schema.columns d where d.table_schema = 'analytics' and d.table_name = c.table_name \
                             and d.column_name = c.column_name || '_date' and d.data_type = 'date')",
    );
    assert_eq!(without_day, Vec::<Vec<String>>::new());
    // In the other views: x_date beside x or x_time. Times of fhirmill's own clock end in _at.
    let without_day = environment.query(
        "select c.table_name || '.' || c.column_name as time from information_schema.columns c \
         where c.table_schema = 'analytics' and c.data_type like 'timestamp%' and c.column_name !~ '_at$' and c.column_name <> 'last_updated' \
           and not exists (select from information_schema.tables t where t.table_schema = 'public' and t.table_name = c.table_name) \
           and not exists (select from information_schema.columns d where d.table_schema = 'analytics' and d.table_name = c.table_name \
                             and d.column_name = regexp_replace(c.column_name, '_time$', '') || '_date' and d.data_type = 'date')",
    );
    assert_eq!(without_day, Vec::<Vec<String>>::new());
}
