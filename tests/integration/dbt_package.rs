//! The dbt package in `dbt/` is built by `dbt build`, as a reader would run it, on
//! generated patients and a few made by hand. dbt itself is installed once, into
//! `target/dbt-venv`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::{NULL, TestEnvironment, execute};

/// The path of dbt, which `scripts/dbt-venv` installs if it is missing.
fn dbt() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output =
        Command::new(root.join("scripts/dbt-venv")).arg(root.join("target/dbt-venv")).output().unwrap();
    assert!(output.status.success(), "dbt cannot be installed: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Runs `dbt build` and `dbt source freshness` as a member of the readers' role, and
/// returns their outputs.
fn build(environment: &TestEnvironment) -> [String; 2] {
    let role = environment.run(&["status", "--json"]).expect_code(0).json()["readers"]["role"]
        .as_str()
        .unwrap()
        .to_owned();
    let member = format!("dbt_{}", std::process::id());
    execute(
        environment.database_url(),
        &format!("create role {member} login password '{member}' in role \"{role}\""),
    );
    let url = environment.database_url();
    let (_, server) = url.rsplit_once('@').unwrap();
    let (address, database) = server.split_once('/').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "5432"));
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt");
    let run = |command: &[&str]| {
        let mut dbt = Command::new(dbt());
        dbt.args(command)
            .args(["--no-use-colors", "--project-dir"])
            .arg(&package)
            .arg("--profiles-dir")
            .arg(&package);
        dbt.arg("--target-path").arg(environment.path("dbt")).arg("--log-path").arg(environment.path("dbt"));
        dbt.envs([("PGHOST", host), ("PGPORT", port), ("PGDATABASE", database)]);
        dbt.envs([
            ("PGUSER", member.as_str()),
            ("PGPASSWORD", &member),
            ("DBT_SEND_ANONYMOUS_USAGE_STATS", "false"),
        ]);
        let output = dbt.current_dir(environment.path("")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        text
    };
    let texts = [run(&["build"]), run(&["source", "freshness"])];
    execute(
        environment.database_url(),
        &format!("reassign owned by {member} to current_user; drop owned by {member}; drop role {member}"),
    );
    texts
}

/// A person with one record of each kind, in a folder of their own.
fn by_hand() -> String {
    let lines = [
        json!({"resourceType": "Patient", "id": "ada", "gender": "female", "birthDate": "1950-06", "deceasedDateTime": "2021-12-31",
            "name": [{"family": "Example", "given": ["Ada"]}],
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-12-3456"}]}),
        json!({"resourceType": "Encounter", "id": "stay", "status": "finished", "class": {"code": "IMP"},
            "subject": {"reference": "Patient/ada"},
            "period": {"start": "2021-03-01T22:30:00-05:00", "end": "2021-03-04T10:00:00-05:00"},
            "hospitalization": {"admitSource": {"coding": [{"code": "emd"}]}}}),
        json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/ada"}, "encounter": {"reference": "Encounter/stay"},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J20.9"}]},
            "onsetDateTime": "2021-03-01T21:00:00-05:00"}),
        json!({"resourceType": "Observation", "id": "bp", "status": "final", "subject": {"reference": "Patient/ada"},
            "category": [{"coding": [{"code": "vital-signs"}]}], "code": {"coding": [{"code": "85354-9"}]},
            "effectiveDateTime": "2021-03-02T23:59:00-05:00", "component": [
                {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": 120, "unit": "mm[Hg]"}},
                {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}, "valueQuantity": {"value": 80, "unit": "mm[Hg]"}}]}),
        json!({"resourceType": "Observation", "id": "smoking", "status": "final", "subject": {"reference": "Patient/ada"},
            "category": [{"coding": [{"code": "social-history"}]}], "code": {"coding": [{"system": "http://loinc.org", "code": "72166-2"}]},
            "effectiveDateTime": "2021", "valueCodeableConcept": {"text": "Never smoker"}}),
        json!({"resourceType": "MedicationDispense", "id": "fill", "status": "completed", "subject": {"reference": "Patient/ada"},
            "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "314231"}]},
            "daysSupply": {"value": 30}, "quantity": {"value": 60, "unit": "tablet"}, "whenHandedOver": "2021-03-04"}),
        json!({"resourceType": "Appointment", "id": "next", "status": "booked", "start": "2021-04-01T09:00:00-05:00",
            "end": "2021-04-01T09:30:00-05:00", "participant": [{"actor": {"reference": "Patient/ada"}, "status": "accepted"}]}),
    ];
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What stands at the front of a row by the patient made by hand.
fn of_ada(environment: &TestEnvironment, columns: &str, table: &str, person: &str) -> Vec<Vec<String>> {
    environment.query(&format!(
        "select {columns} from {table} where {person}::text = (select id::text from patient where fhir_id = 'ada') order by 1"
    ))
}

#[test]
fn the_package_is_built() {
    let environment = TestEnvironment::new();
    environment
        .run(&["generate", "--patients", "5", "--seed", "1", "--out", "inbox/generated"])
        .expect_code(0);
    environment.put("inbox/by-hand/resources.ndjson", by_hand());
    environment.run(&["once"]).expect_code(0);
    let [output, freshness] = build(&environment);
    assert!(output.contains("ERROR=0") && output.contains("WARN=0"), "{output}");
    check_freshness(&environment, &freshness);
    check_columns(&environment);
    check_omop(&environment);
    check_tuva(&environment);
    assert_ne!(environment.value("select count(*) from workspace.visits_by_month"), "0");
    assert_ne!(environment.value("select count(*) from workspace.diabetes_registry"), "0");
}

/// Every table that tells when its rows were loaded is fresh; of one without rows dbt warns.
fn check_freshness(environment: &TestEnvironment, output: &str) {
    let written = std::fs::read_to_string(environment.path("dbt/sources.json")).unwrap();
    let sources: serde_json::Value = serde_json::from_str(&written).unwrap();
    let results = sources["results"].as_array().unwrap();
    assert!(results.len() > 30, "{output}");
    for result in results {
        let table = result["unique_id"].as_str().unwrap().rsplit('.').next().unwrap();
        let is_empty = environment.value(&format!("select count(*) from \"{table}\"")) == "0";
        assert_eq!(result["status"], if is_empty { "warn" } else { "pass" }, "{table}: {output}");
    }
}

/// The columns are those of OHDSI and of Tuva, in their order; what they require has
/// values.
fn check_columns(environment: &TestEnvironment) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/common_models.csv");
    let mut specified: BTreeMap<(String, String), Vec<[String; 3]>> = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines().skip(1) {
        let [model, table, column, sql_type, required] =
            <[String; 5]>::try_from(line.split(',').map(str::to_owned).collect::<Vec<_>>()).unwrap();
        specified.entry((model, table)).or_default().push([column, sql_type, required]);
    }
    assert_eq!(specified.len(), 27);
    for ((model, table), columns) in specified {
        let name = format!("workspace_{model}.{table}");
        let found = environment.query(&format!(
            "select column_name, data_type from information_schema.columns \
             where table_schema = 'workspace_{model}' and table_name = '{table}' order by ordinal_position"
        ));
        let names: Vec<&str> = found.iter().map(|row| row[0].as_str()).collect();
        let expected: Vec<&str> = columns.iter().map(|column| column[0].as_str()).collect();
        pretty_assertions::assert_eq!(names, expected, "columns of {name}");
        for (row, [column, sql_type, required]) in found.iter().zip(&columns) {
            assert!(
                accepted(sql_type).contains(&row[1].as_str()),
                "{name}.{column} is {}, not {sql_type}",
                row[1]
            );
            if required == "yes" {
                let missing =
                    environment.value(&format!("select count(*) from {name} where {column} is null"));
                assert_eq!(missing, "0", "{name}.{column} is required");
            }
        }
        assert_ne!(environment.value(&format!("select count(*) from {name}")), "0", "{name} is empty");
    }
}

/// The types of Postgres that stand for a type of the specifications.
fn accepted(sql_type: &str) -> &'static [&'static str] {
    match sql_type {
        "integer" => &["integer", "bigint"],
        "varchar" => &["character varying", "text"],
        "timestamp" => &["timestamp without time zone"],
        "date" => &["date"],
        "numeric" | "number" => &["numeric", "integer", "bigint"],
        "float" => &["double precision"],
        "text" => &["text"],
        other => panic!("unknown type {other}"),
    }
}

fn check_omop(environment: &TestEnvironment) {
    assert_eq!(
        of_ada(
            environment,
            "gender_concept_id, year_of_birth, month_of_birth, day_of_birth, race_concept_id, person_source_value",
            "workspace_omop.person",
            "person_id"
        ),
        [["8532", "1950", "6", NULL, "0", "ada"]]
    );
    assert_eq!(
        of_ada(
            environment,
            "visit_concept_id, visit_start_date, visit_start_datetime, visit_end_date, admitted_from_source_value",
            "workspace_omop.visit_occurrence",
            "person_id"
        ),
        // By the hospital's clock, not by UTC.
        [["9201", "2021-03-01", "2021-03-01T22:30:00", "2021-03-04", "emd"]]
    );
    assert_eq!(
        of_ada(
            environment,
            "condition_start_date, condition_concept_id, condition_source_value, visit_occurrence_id is not null as has_visit",
            "workspace_omop.condition_occurrence",
            "person_id"
        ),
        [["2021-03-01", "0", "J20.9", "true"]]
    );
    assert_eq!(
        of_ada(
            environment,
            "drug_exposure_start_date, drug_exposure_end_date, days_supply, quantity, drug_source_value, drug_concept_id",
            "workspace_omop.drug_exposure",
            "person_id"
        ),
        [["2021-03-04", "2021-04-02", "30", "60", "314231", "0"]]
    );
    assert_eq!(
        of_ada(
            environment,
            "measurement_source_value, measurement_date, value_as_number, unit_source_value, operator_concept_id",
            "workspace_omop.measurement",
            "person_id"
        ),
        [
            ["8462-4", "2021-03-02", "80", "mm[Hg]", "4172703"],
            ["8480-6", "2021-03-02", "120", "mm[Hg]", "4172703"],
        ]
    );
    assert_eq!(
        of_ada(
            environment,
            "observation_source_value, observation_date, value_as_string",
            "workspace_omop.observation",
            "person_id"
        ),
        [["72166-2", "2021-01-01", "Never smoker"]]
    );
    assert_eq!(of_ada(environment, "death_date", "workspace_omop.death", "person_id"), [["2021-12-31"]]);
    assert_eq!(
        of_ada(
            environment,
            "observation_period_start_date, observation_period_end_date",
            "workspace_omop.observation_period",
            "person_id"
        ),
        [["2021-01-01", "2021-03-04"]]
    );
}

fn check_tuva(environment: &TestEnvironment) {
    assert_eq!(
        of_ada(
            environment,
            "first_name, last_name, sex, birth_date, death_date, death_flag, social_security_number, data_source",
            "workspace_tuva.patient",
            "person_id"
        ),
        [["Ada", "Example", "female", "1950-06-01", "2021-12-31", "1", "999-12-3456", "by-hand"]]
    );
    assert_eq!(
        of_ada(
            environment,
            "encounter_type, encounter_start_date, encounter_end_date, admit_source_code",
            "workspace_tuva.encounter",
            "person_id"
        ),
        [["acute inpatient", "2021-03-01", "2021-03-04", "emd"]]
    );
    assert_eq!(
        of_ada(environment, "code_system, source_code, onset_date", "workspace_tuva.condition", "person_id"),
        [["icd-10-cm", "J20.9", "2021-03-01"]]
    );
    assert_eq!(
        of_ada(
            environment,
            "source_code, result, source_units, observation_date, panel_id is not null as is_part",
            "workspace_tuva.observation",
            "person_id"
        ),
        [
            ["72166-2", "Never smoker", NULL, "2021-01-01", "false"],
            ["8462-4", "80", "mm[Hg]", "2021-03-02", "true"],
            ["8480-6", "120", "mm[Hg]", "2021-03-02", "true"],
        ]
    );
    assert_eq!(
        of_ada(
            environment,
            "dispensing_date, source_code_type, rxnorm_code, quantity, days_supply",
            "workspace_tuva.medication",
            "person_id"
        ),
        [["2021-03-04", "rxnorm", "314231", "60", "30"]]
    );
    assert_eq!(
        of_ada(
            environment,
            "start_datetime, duration, status_code",
            "workspace_tuva.appointment",
            "person_id"
        ),
        [["2021-04-01T09:00:00", "30", "booked"]]
    );
    // Nobody is in both claim tables, and all lines that stand are in one of them.
    assert_eq!(
        environment.value("select count(*) from workspace_tuva.medical_claim m join workspace_tuva.pharmacy_claim using (claim_id)"),
        "0"
    );
    assert_eq!(
        environment.value(
            "select (select count(*) from workspace_tuva.medical_claim) + (select count(*) from workspace_tuva.pharmacy_claim) = \
             (select count(*) from analytics.eob_line) as are_all"
        ),
        "true"
    );
}
