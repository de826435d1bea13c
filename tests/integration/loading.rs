//! Single resources, and their columns as worked out by hand.

use serde_json::json;

use crate::steps::{account, columns, load, load_twice, rows_as_written};
use crate::support::{NULL, TestEnvironment};

const PATIENT: &str = r#"{
  "resourceType": "Patient", "id": "p1",
  "meta": {"versionId": "2", "lastUpdated": "2024-03-01T10:00:00.123+02:00"},
  "active": true, "gender": "female", "birthDate": "2015-02",
  "deceasedDateTime": "2020-02-29",
  "maritalStatus": {"coding": [{"system": "urn:ms", "code": "S", "display": "Single"}]},
  "managingOrganization": {"reference": "Organization/o1", "display": "North Clinic"},
  "extension": [
    {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [
      {"url": "ombCategory", "valueCoding": {"system": "urn:race", "code": "2106-3", "display": "White"}},
      {"url": "ombCategory", "valueCoding": {"system": "urn:race", "code": "2028-9", "display": "Asian"}},
      {"url": "detailed", "valueCoding": {"system": "urn:race", "code": "2034-7", "display": "Chinese"}},
      {"url": "text", "valueString": "Mixed"}]},
    {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": "F"},
    {"url": "http://example.org/height", "valueDecimal": 72.0}],
  "name": [
    {"use": "official", "family": "Quill", "given": ["Ada", "Mary Jane"], "period": {"start": "2015", "end": "2015"}},
    {"use": "nickname", "given": ["Addie"]}],
  "address": [{"use": "home", "line": ["1 Mill Road", "Flat 2"], "city": "Springton", "postalCode": "00123",
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/geolocation", "extension": [
      {"url": "latitude", "valueDecimal": 42.10}, {"url": "longitude", "valueDecimal": -71.0}]}]}],
  "identifier": [{"use": "usual", "system": "urn:mrn", "value": "0007",
    "type": {"coding": [{"code": "MR", "display": "Medical Record Number"}]},
    "assigner": {"display": "North Clinic"}}],
  "telecom": [{"system": "phone", "value": "555-0100", "rank": 1}],
  "communication": [{"language": {"coding": [{"code": "en"}], "text": "English"}, "preferred": true}]
}"#;

const ENCOUNTER: &str = r#"{
  "resourceType": "Encounter", "id": "e1", "status": "finished",
  "class": {"system": "urn:class", "code": "AMB", "display": "ambulatory"},
  "type": [{"coding": [{"system": "urn:type", "code": "T1"}], "text": "A visit"}],
  "subject": {"reference": "Patient/p1", "display": "Ada"},
  "participant": [
    {"type": [{"coding": [{"code": "PPRF", "display": "primary performer"}]}],
     "individual": {"reference": "Practitioner/d1", "display": "Dr. Bell"},
     "period": {"start": "2024-05-06T07:08:09-05:00"}},
    {"individual": {"reference": "RelatedPerson/r1"}}],
  "period": {"start": "2024-05-06T07:08:09.5-05:00", "end": "2024-05"},
  "length": {"value": 72.0, "unit": "min", "code": "min"},
  "location": [{"location": {"reference": "Location/l1"}, "status": "completed"}],
  "diagnosis": [{"condition": {"reference": "Condition/c1"}, "rank": 1}]
}"#;

#[test]
fn a_patient_fills_its_columns() {
    let environment = TestEnvironment::new();
    let summary = load_twice(&environment, &[("patient.json", PATIENT.as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 1)]);
    assert_eq!((&summary["loaded_files"], &summary["seen"]), (&1.into(), &1.into()));

    columns(
        &environment,
        "patient p",
        &[
            ("fhir_id", "p1"),
            ("source_id = (select id from etl.source where code = 'default')", "true"),
            ("active", "true"),
            ("gender", "female"),
            ("birth_date", "2015-02-01"),
            ("birth_date_text", "2015-02"),
            ("deceased_type", "dateTime"),
            ("deceased_boolean", NULL),
            ("deceased_date_time at time zone 'UTC'", "2020-02-29 00:00:00"),
            ("deceased_date_time_text", "2020-02-29"),
            ("marital_status_code", "S"),
            ("marital_status_display", "Single"),
            ("managing_organization_display", "North Clinic"),
            ("managing_organization_reference", NULL),
            ("race_code", "2106-3"),
            ("race_display", "White"),
            ("race_text", "Mixed"),
            ("birth_sex", "F"),
            ("ethnicity_code", NULL),
            ("extension", r#"[{"url": "http://example.org/height", "path": "", "valueDecimal": 72.0}]"#),
            ("last_updated at time zone 'UTC'", "2024-03-01 08:00:00.123"),
        ],
    );
    columns(
        &environment,
        "patient p join etl.resource r on r.id = p.managing_organization_id",
        &[("resource_type", "Organization"), ("r.fhir_id", "o1"), ("revision", "0"), ("content_hash", NULL)],
    );
    columns(
        &environment,
        "etl.resource where resource_type = 'Patient'",
        &[("version_id", "2"), ("revision", "1"), ("is_id_generated", "false"), ("deleted_at", NULL)],
    );
}

#[test]
fn repeating_elements_of_a_patient_become_rows() {
    let environment = TestEnvironment::new();
    load_twice(&environment, &[("patient.json", PATIENT.as_bytes())]);
    columns(
        &environment,
        "patient_name where ordinal = 1",
        &[
            ("use", "official"),
            ("family", "Quill"),
            ("given", r#"{Ada,"Mary Jane"}"#),
            ("prefix", NULL),
            ("period_start at time zone 'UTC'", "2015-01-01 00:00:00"),
            ("period_start_text", "2015"),
            ("period_end at time zone 'UTC'", "2015-12-31 23:59:59.999999"),
            ("period_end_text", "2015"),
        ],
    );
    columns(
        &environment,
        "patient_name where ordinal = 2",
        &[("use", "nickname"), ("family", NULL), ("given", "{Addie}"), ("period_start", NULL)],
    );
    columns(
        &environment,
        "patient_address",
        &[
            ("ordinal", "1"),
            ("line", r#"{"1 Mill Road","Flat 2"}"#),
            ("city", "Springton"),
            ("postal_code", "00123"),
            ("latitude", "42.10"),
            ("longitude", "-71.0"),
            ("extension", NULL),
        ],
    );
    columns(
        &environment,
        "patient_identifier",
        &[
            ("use", "usual"),
            ("type_code", "MR"),
            ("type_display", "Medical Record Number"),
            ("system", "urn:mrn"),
            ("value", "0007"),
            ("assigner_id", NULL),
            ("assigner_display", "North Clinic"),
        ],
    );
    columns(&environment, "patient_telecom", &[("system", "phone"), ("value", "555-0100"), ("rank", "1")]);
    columns(
        &environment,
        "patient_communication",
        &[("language_code", "en"), ("language_display", "English"), ("preferred", "true")],
    );
    let races = environment.query("select ordinal, kind, level, code from patient_race order by ordinal");
    assert_eq!(
        races,
        [
            ["1", "race", "ombCategory", "2106-3"],
            ["2", "race", "ombCategory", "2028-9"],
            ["3", "race", "detailed", "2034-7"]
        ]
    );
}

#[test]
fn an_encounter_fills_its_columns() {
    let environment = TestEnvironment::new();
    let files = [("a.json", PATIENT.as_bytes()), ("b.json", ENCOUNTER.as_bytes())];
    let summary = load_twice(&environment, &files);
    assert_eq!(account(&summary), [("inserted", 2)]);
    assert_eq!(summary["by_type"], json!({"Encounter": 1, "Patient": 1}));
    columns(
        &environment,
        "encounter",
        &[
            ("fhir_id", "e1"),
            ("patient_id = (select id from patient)", "true"),
            ("status", "finished"),
            ("class_code", "AMB"),
            ("type_system", "urn:type"),
            ("type_code", "T1"),
            ("type_display", NULL),
            ("type_text", "A visit"),
            ("subject_type", "Patient"),
            ("subject_id = patient_id", "true"),
            ("subject_reference", NULL),
            ("period_start at time zone 'UTC'", "2024-05-06 12:08:09.5"),
            ("period_start_text", "2024-05-06T07:08:09.5-05:00"),
            ("period_end at time zone 'UTC'", "2024-05-31 23:59:59.999999"),
            ("period_end_text", "2024-05"),
            ("length_value", "72.0"),
            ("length_unit", "min"),
            ("last_updated", NULL),
        ],
    );
    let participants = environment.query(
        "select ordinal, p.type_code, p.type_display, individual_type, individual_display, d.fhir_id as doctor, \
                individual_reference, (p.period_start at time zone 'UTC')::text as start, p.patient_id = e.patient_id as same \
         from encounter_participant p join encounter e on e.id = encounter_id \
         left join etl.resource d on d.id = p.practitioner_id order by ordinal",
    );
    assert_eq!(
        participants,
        [
            [
                "1",
                "PPRF",
                "primary performer",
                "Practitioner",
                "Dr. Bell",
                "d1",
                NULL,
                "2024-05-06 12:08:09",
                "true"
            ],
            ["2", NULL, NULL, "RelatedPerson", NULL, NULL, NULL, NULL, "true"]
        ]
    );
    assert_eq!(environment.value("select count(*) from encounter_location l join etl.resource r on r.id = l.location_id where r.fhir_id = 'l1' and status = 'completed'"), "1");
    assert_eq!(environment.value("select count(*) from encounter_diagnosis d join etl.resource r on r.id = d.condition_id where r.fhir_id = 'c1' and rank = 1"), "1");
}

#[test]
fn the_same_resources_in_another_file_write_nothing() {
    let environment = TestEnvironment::new();
    load(&environment, &[("a.json", PATIENT.as_bytes()), ("b.json", ENCOUNTER.as_bytes())]);
    let before = rows_as_written(&environment);
    // Other bytes, other white space, other order of members, same content.
    let encounter =
        ENCOUNTER.replacen(r#""id": "e1", "status": "finished""#, r#""status": "finished", "id": "e1""#, 1);
    assert_ne!(encounter, ENCOUNTER);
    let array = format!("[{encounter},\n\n{PATIENT}]");
    let summary = load_twice(&environment, &[("again.json", array.as_bytes())]);
    assert_eq!(account(&summary), [("unchanged", 2)]);
    assert_eq!(summary["rows"], 0);
    assert_eq!(rows_as_written(&environment), before);
    assert_eq!(environment.value("select max(revision) from etl.resource"), "1");
}

#[test]
fn the_same_content_with_a_later_version_updates_the_registry_and_the_time() {
    let environment = TestEnvironment::new();
    load(&environment, &[("a.json", PATIENT.as_bytes())]);
    let before = rows_as_written(&environment);
    let later = PATIENT.replacen("\"versionId\": \"2\"", "\"versionId\": \"3\"", 1).replacen(
        "2024-03-01T",
        "2024-03-02T",
        1,
    );
    let summary = load_twice(&environment, &[("later.json", later.as_bytes())]);
    assert_eq!(account(&summary), [("unchanged", 1)]);
    let others =
        |rows: Vec<Vec<String>>| rows.into_iter().filter(|row| row[0] != "patient").collect::<Vec<_>>();
    assert_eq!(others(rows_as_written(&environment)), others(before));
    columns(&environment, "patient", &[("last_updated at time zone 'UTC'", "2024-03-02 08:00:00.123")]);
    columns(
        &environment,
        "etl.resource where resource_type = 'Patient'",
        &[("version_id", "3"), ("last_updated at time zone 'UTC'", "2024-03-02 08:00:00.123")],
    );
}

#[test]
fn dates_without_an_offset_keep_their_text() {
    let environment = TestEnvironment::new();
    let observation = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Weight"},
        "effectiveDateTime":"2024-05-06","issued":"2024-05-06T01:02:03Z",
        "valueQuantity":{"value":72.0,"comparator":"<","unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}"#;
    load_twice(&environment, &[("o.json", observation.as_bytes())]);
    columns(
        &environment,
        "observation",
        &[
            ("patient_id", NULL),
            ("effective_type", "dateTime"),
            ("effective_start at time zone 'UTC'", "2024-05-06 00:00:00"),
            ("effective_start_text", "2024-05-06"),
            ("effective_end", NULL),
            ("effective_end_text", NULL),
            ("issued at time zone 'UTC'", "2024-05-06 01:02:03"),
            ("value_type", "Quantity"),
            ("value_quantity_value", "72.0"),
            ("value_quantity_comparator", "<"),
            ("value_quantity_code", "kg"),
            ("code_text", "Weight"),
            ("code", NULL),
        ],
    );
}

#[test]
fn resources_of_other_fhir_versions_are_reported() {
    let environment = TestEnvironment::new();
    let lines = [
        json!({"resourceType": "Condition", "id": "stu3", "assertedDate": "2016-01-02", "context": {"reference": "Encounter/e"}}),
        json!({"resourceType": "Encounter", "id": "r5", "status": "completed", "actualPeriod": {"start": "2024-01-02"}}),
        json!({"resourceType": "Condition", "id": "r4", "recordedDate": "2020-01-02", "invented": 1}),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    let summary = load_twice(&environment, &[("mixed.ndjson", text.as_bytes())]);
    assert_eq!(summary["by_version"], json!({"R5": 1, "STU3": 2}));
    assert_eq!(account(&summary), [("inserted", 3)]);
}

#[test]
fn excluded_types_are_skipped_and_unreadable_records_still_rejected() {
    let environment = TestEnvironment::new();
    let lines = [
        r#"{"resourceType":"Patient","id":"p"}"#,
        r#"{"resourceType":"Observation","id":"o","status":"final"}"#,
        r#"{"resourceType":"Nonsense","id":"n"}"#,
        r#"{"id":"of no type"}"#,
        r#"{"resourceType":"Patient","id":"q","birthDate":"2015-02-30"}"#,
        "[1]",
    ];
    let account = "select inserted, unchanged, skipped, rejected from etl.load_file order by id desc limit 1";
    // The second file has a blank line more, so that its content is another.
    for (name, end, expected) in [("a", "\n", ["1", "0", "1", "4"]), ("b", "\n\n", ["0", "1", "1", "4"])] {
        environment.put(&format!("inbox/{name}.ndjson"), lines.join("\n") + end);
        environment
            .run_command(environment.command(&["once"]).env("RESOURCE_TYPES", "Patient"))
            .expect_code(3);
        assert_eq!(environment.query(account), [expected]);
    }
    assert_eq!(environment.query("select fhir_id from patient"), [["p"]]);
    assert_eq!(environment.value("select count(*) from observation"), "0");
    environment.run(&["check"]).expect_code(0);
}
