//! The analysts' views on small inputs, with results worked out by hand: people, and what
//! holds for all views.

use serde_json::{Value, json};

use crate::steps::load_twice;
use crate::support::{NULL, TestEnvironment, execute};

/// Loads resources as one NDJSON file.
#[track_caller]
pub fn load_resources(environment: &TestEnvironment, resources: &[Value]) {
    let lines: String = resources.iter().map(|resource| format!("{resource}\n")).collect();
    load_twice(environment, &[("resources.ndjson", lines.as_bytes())]);
}

/// A query for columns of a view, preceded by the patient's FHIR ID.
pub fn by_patient(view: &str, columns: &str, order: &str) -> String {
    format!(
        "select r.fhir_id as who, {columns} from analytics.{view} v join etl.resource r on r.id = v.patient_id \
         order by r.fhir_id, {order}"
    )
}

/// A Patient without anything else.
pub fn patient(id: &str) -> Value {
    json!({"resourceType": "Patient", "id": id})
}

#[test]
fn every_view_and_column_has_a_comment() {
    let environment = TestEnvironment::new();
    let views = environment.query(
        "select relname as view, obj_description(oid) as comment from pg_class \
         where relnamespace = 'analytics'::regnamespace and relkind = 'v' \
           and relname not in (select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r') order by 1",
    );
    let names: Vec<&str> = views.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        names,
        [
            "claim_financials",
            "clinical_code",
            "code_map",
            "code_name",
            "cost_per_member_month",
            "current_name",
            "denial_rate",
            "emergency_visit",
            "emergency_visits_per_1000",
            "encounter_with_diagnoses",
            "eob_amount",
            "eob_line",
            "home_address",
            "inpatient_admission",
            "lab_trend",
            "line_decision",
            "linked_patient",
            "load",
            "medication_adherence",
            "medication_fill",
            "medication_list",
            "member_months",
            "missing_data",
            "missing_resource",
            "observation_value",
            "patient_attribution",
            "patient_summary",
            "patient_timeline",
            "readmission_30_day",
            "reference",
            "resource",
            "source",
            "unresolved_reference",
        ]
    );
    for view in &views {
        assert!(view[1].contains("? "), "the question that {} answers: {}", view[0], view[1]);
    }
    let silent = environment.query(
        "select c.relname as view, a.attname as column from pg_class c \
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where c.relnamespace = 'analytics'::regnamespace and coalesce(trim(col_description(c.oid, a.attnum)), '') = ''",
    );
    assert_eq!(silent, Vec::<Vec<String>>::new());
}

#[test]
fn the_analyst_role_can_only_read_the_views() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            patient("p"),
            json!({"resourceType": "Encounter", "id": "e", "status": "finished",
        "class": {"code": "AMB"}, "subject": {"reference": "Patient/never-came"}}),
        ],
    );
    let views = environment.query(
        "select oid::regclass::text as view from pg_class where relnamespace = 'analytics'::regnamespace",
    );
    // A member of the role, not the role itself: as people's accounts are.
    let role = environment.readers_role();
    let member = format!("fhirmill_test_{}_member", std::process::id());
    let as_member = |body: &str| {
        execute(environment.database_url(), &format!("do $$ begin set local role {member}; {body} end $$"));
    };
    execute(environment.database_url(), &format!("create role {member} in role {role}"));
    for view in views.iter().flatten() {
        as_member(&format!("perform * from {view};"));
    }
    as_member("assert (select fhir_id from analytics.missing_resource) = 'never-came', 'what is missing';");
    for forbidden in [
        "perform * from etl.resource",
        "perform * from etl.code_map",
        "perform * from etl.rejected_record",
        "delete from public.patient",
        "create table analytics.mine (id int)",
        "create table etl.mine (id int)",
    ] {
        as_member(&format!(
            "begin {forbidden}; exception when insufficient_privilege then return; end; \
             raise exception 'an analyst may: {}';",
            forbidden.replace('\'', "''")
        ));
    }
    execute(environment.database_url(), &format!("drop role {member}"));
}

#[test]
fn the_current_name_is_chosen() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            patient("nameless"),
            json!({"resourceType": "Patient", "id": "a-renamed", "name": [
                {"use": "maiden", "family": "Brook", "given": ["Ida"]},
                {"use": "official", "family": "Ended", "period": {"end": "2001-01-01"}},
                {"use": "official", "family": "Hill", "given": ["Ida", "May", "Sue"], "prefix": ["Dr."], "suffix": ["PhD"]},
                {"use": "official", "family": "Hill-Second", "given": ["Ida"]}]}),
            json!({"resourceType": "Patient", "id": "b-formerly", "name": [
                {"use": "old", "text": "Only Old"}]}),
            json!({"resourceType": "Patient", "id": "c-newer", "name": [
                {"use": "usual", "given": ["Earlier"], "period": {"start": "2001"}},
                {"use": "usual", "given": ["Later"], "period": {"start": "2011"}},
                {"use": "usual", "given": ["Planned"], "period": {"start": "2999"}}]}),
            json!({"resourceType": "Patient", "id": "d-without-use", "name": [{"family": "First"}, {"family": "Second"}]}),
        ],
    );
    assert_eq!(
        environment.query(&by_patient("current_name", "first_name, middle_name, last_name, full_name", "1")),
        [
            ["a-renamed", "Ida", "May Sue", "Hill", "Dr. Ida May Sue Hill PhD"],
            ["b-formerly", NULL, NULL, NULL, "Only Old"],
            ["c-newer", "Later", NULL, NULL, "Later"],
            ["d-without-use", NULL, NULL, "First", "First"],
        ]
    );
    assert_eq!(
        environment.query(
            "select full_name, encounter_count from analytics.patient_summary where fhir_id = 'nameless'"
        ),
        [[NULL, "0"]]
    );
}

#[test]
fn the_current_address_is_chosen() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "a", "address": [
                {"use": "work", "city": "Workton"},
                {"use": "home", "type": "postal", "city": "Boxton"},
                {"use": "home", "line": ["1 Hill St", "Flat 2"], "city": "Hometon", "state": "MA"},
                {"use": "home", "city": "Oldton", "period": {"end": "2010"}}]}),
            json!({"resourceType": "Patient", "id": "b", "address": [
                {"use": "old", "city": "Gone"}, {"use": "home", "city": "Left", "period": {"end": "2010-05"}}]}),
        ],
    );
    assert_eq!(
        environment.query(&by_patient("home_address", "street, city, state", "1")),
        [["a", "1 Hill St, Flat 2", "Hometon", "MA"]]
    );
}

#[test]
fn the_patient_view_summarizes_a_patient() {
    let environment = TestEnvironment::new();
    let condition = |id: &str, status: &str, verified: &str| {
        json!({"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p"},
               "clinicalStatus": {"coding": [{"code": status}]}, "verificationStatus": {"coding": [{"code": verified}]}})
    };
    let encounter = |id: &str, start: &str| {
        json!({"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "AMB"},
               "subject": {"reference": "Patient/p"}, "period": {"start": start}})
    };
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1950-06",
                "deceasedDateTime": "2020-05-31T23:30:00-05:00",
                "identifier": [{"type": {"coding": [{"code": "SS"}]}, "value": "999-1"},
                               {"type": {"coding": [{"code": "MR"}]}, "value": "M7"}],
                "telecom": [{"system": "phone", "use": "old", "value": "1"}, {"system": "email", "value": "p@example.org"},
                            {"system": "phone", "value": "2", "rank": 2}, {"system": "phone", "value": "3", "rank": 1}],
                "communication": [{"language": {"coding": [{"code": "fr"}]}},
                                  {"language": {"coding": [{"code": "es", "display": "Spanish"}]}, "preferred": true}]}),
            encounter("e1", "2019-01-01T10:00:00Z"),
            encounter("e2", "2018-01-01T10:00:00Z"),
            condition("c1", "active", "confirmed"),
            condition("c2", "relapse", "provisional"),
            condition("c3", "resolved", "confirmed"),
            condition("c4", "active", "refuted"),
            json!({"resourceType": "Claim", "id": "k", "patient": {"reference": "Patient/p"}}),
        ],
    );
    assert_eq!(
        environment.query(
            "select source, birth_date, death_date, is_deceased, age, language, phone, email, medical_record_number, \
             encounter_count, (last_encounter at time zone 'UTC')::date as last, active_condition_count, claim_count \
             from analytics.patient_summary"
        ),
        [["default", "1950-06-01", "2020-05-31", "true", "69", "Spanish", "3", "p@example.org", "M7", "2", "2019-01-01", "2", "1"]]
    );
}
