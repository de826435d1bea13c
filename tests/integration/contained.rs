//! Contained resources: rows in the tables of their own types, named by their
//! container, replaced and deleted with it; references to them and from them;
//! and the views that show them.
//! Source: <https://hl7.org/fhir/R4/references.html#contained>.

use serde_json::{Value, json};

use crate::steps::{account, load, load_twice};
use crate::support::state::{State, assert_same};
use crate::support::{NULL, TestEnvironment};
use crate::views::load_resources;

/// A prescription whose drug and prescriber are contained.
fn prescription(id: &str) -> Value {
    json!({"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
        "contained": [
            {"resourceType": "Medication", "id": "med",
             "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1049502", "display": "oxycodone"},
                                 {"system": "http://hl7.org/fhir/sid/ndc", "code": "0406-0595"}]},
             "manufacturer": {"reference": "#maker"},
             "ingredient": [{"itemCodeableConcept": {"coding": [{"code": "7804"}]}, "isActive": true}]},
            {"resourceType": "Organization", "id": "maker", "name": "Pharma", "alias": ["Ph"],
             "telecom": [{"system": "phone", "value": "555"}]},
            {"resourceType": "Practitioner", "id": "doc",
             "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
             "name": [{"family": "Bell", "given": ["Ada"], "prefix": ["Dr."]}]}],
        "medicationReference": {"reference": "#med"},
        "subject": {"reference": "Patient/p"}, "authoredOn": "2024-02-01", "requester": {"reference": "#doc"}})
}

/// A laboratory report whose results and specimen are contained.
fn report() -> Value {
    let result = |id: &str, value: f64, day: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}]},
            "subject": {"reference": "Patient/p"}, "effectiveDateTime": day,
            "valueQuantity": {"value": value, "unit": "mg/dL"},
            "specimen": {"reference": "#blood"}, "device": {"reference": "#meter"},
            "note": [{"text": "fasting"}], "hasMember": [{"reference": "#other"}]})
    };
    json!({"resourceType": "DiagnosticReport", "id": "r", "status": "final",
        "contained": [result("first", 95.0, "2024-01-01"), result("second", 105.0, "2024-01-02"),
            {"resourceType": "Specimen", "id": "blood", "type": {"coding": [{"code": "BLD"}]}, "subject": {"reference": "Patient/p"}},
            {"resourceType": "Device", "id": "meter", "deviceName": [{"name": "Meter", "type": "user-friendly-name"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "24323-8"}]},
        "subject": {"reference": "Patient/p"}, "specimen": [{"reference": "#blood"}],
        "result": [{"reference": "#first"}, {"reference": "#second"}]})
}

/// A claim as CMS sends it: patient, payer, provider and diagnosis are contained.
fn claim(id: &str) -> Value {
    json!({"resourceType": "ExplanationOfBenefit", "id": id, "status": "active", "use": "claim",
        "type": {"coding": [{"code": "CARRIER"}]},
        "contained": [
            {"resourceType": "Patient", "id": "patient", "gender": "female", "birthDate": "1950-02-03",
             "identifier": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "value": "MBI1"}],
             "name": [{"family": "Doe", "given": ["Jane"]}], "address": [{"city": "Baltimore"}]},
            {"resourceType": "Organization", "id": "provider-org",
             "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1999999992"}], "name": "Clinic"},
            {"resourceType": "Organization", "id": "insurer-org", "name": "Centers for Medicare and Medicaid Services"},
            {"resourceType": "Practitioner", "id": "careteam-1",
             "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1888888886"}], "name": [{"family": "Ray"}]},
            {"resourceType": "Coverage", "id": "coverage", "status": "active", "beneficiary": {"reference": "#patient"},
             "payor": [{"reference": "#insurer-org"}], "period": {"start": "2024-01-01", "end": "2024-02-29"}},
            {"resourceType": "Condition", "id": "dx", "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11"}]},
             "subject": {"reference": "#patient"}}],
        "patient": {"reference": "#patient"}, "created": "2024-03-01", "outcome": "complete",
        "insurer": {"reference": "#insurer-org"}, "provider": {"reference": "#provider-org"},
        "careTeam": [{"sequence": 1, "provider": {"reference": "#careteam-1"}}],
        "diagnosis": [{"sequence": 1, "diagnosisReference": {"reference": "#dx"}}],
        "insurance": [{"focal": true, "coverage": {"reference": "#coverage"}}]})
}

fn patient() -> Value {
    json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Quill"}]})
}

/// Type and id of all contained resources of a table, with their container.
fn contained(environment: &TestEnvironment, table: &str) -> Vec<Vec<String>> {
    environment.query(&format!(
        "select k.resource_type, t.fhir_id, c.resource_type || '/' || c.fhir_id as container from {table} t \
         join etl.resource_key k on k.id = t.id join etl.resource_key c on c.id = t.container_id order by t.fhir_id"
    ))
}

/// How many rows of all tables belong to contained resources.
fn rows_of_contained(environment: &TestEnvironment) -> usize {
    let columns = environment.query(
        "select table_name, min(column_name) from information_schema.columns \
         where table_schema = 'public' and table_name not like '\\_\\_%' and column_name in ('id', 'resource_id') \
         group by 1",
    );
    let parts = columns.iter().map(|column| {
        format!(
            "select count(*) as n from {} t join etl.resource_key k on k.id = t.{} where k.fhir_id like '%#%'",
            column[0], column[1]
        )
    });
    let sql = format!("select sum(n) from ({}) s", parts.collect::<Vec<_>>().join(" union all "));
    environment.value(&sql).parse().unwrap()
}

#[test]
fn contained_resources_have_rows_in_the_tables_of_their_types() {
    let environment = TestEnvironment::new();
    load_resources(&environment, &[patient(), prescription("m"), report(), claim("e")]);
    for (table, wanted) in [
        ("medication", vec![["Medication", "MedicationRequest/m#med", "MedicationRequest/m"]]),
        (
            "practitioner",
            vec![
                ["Practitioner", "ExplanationOfBenefit/e#careteam-1", "ExplanationOfBenefit/e"],
                ["Practitioner", "MedicationRequest/m#doc", "MedicationRequest/m"],
            ],
        ),
        (
            "organization",
            vec![
                ["Organization", "ExplanationOfBenefit/e#insurer-org", "ExplanationOfBenefit/e"],
                ["Organization", "ExplanationOfBenefit/e#provider-org", "ExplanationOfBenefit/e"],
                ["Organization", "MedicationRequest/m#maker", "MedicationRequest/m"],
            ],
        ),
        (
            "observation",
            vec![
                ["Observation", "DiagnosticReport/r#first", "DiagnosticReport/r"],
                ["Observation", "DiagnosticReport/r#second", "DiagnosticReport/r"],
            ],
        ),
        ("condition", vec![["Condition", "ExplanationOfBenefit/e#dx", "ExplanationOfBenefit/e"]]),
        ("coverage", vec![["Coverage", "ExplanationOfBenefit/e#coverage", "ExplanationOfBenefit/e"]]),
        ("patient", vec![["Patient", "ExplanationOfBenefit/e#patient", "ExplanationOfBenefit/e"]]),
        ("device", vec![["Device", "DiagnosticReport/r#meter", "DiagnosticReport/r"]]),
        ("specimen", vec![["Specimen", "DiagnosticReport/r#blood", "DiagnosticReport/r"]]),
    ] {
        assert_eq!(contained(&environment, table), wanted, "{table}");
    }
    // The lists of contained resources, and what they refer to.
    assert_eq!(
        environment.query(
            "select i.item_code, o.name, o.npi from medication m join medication_ingredient i on i.medication_id = m.id \
             join organization o on o.id = m.manufacturer_id"
        ),
        [["7804", "Pharma", NULL]]
    );
    assert_eq!(
        environment.query(
            "select n.family, a.city, i.value from explanation_of_benefit e join patient_name n using (patient_id) \
             join patient_address a using (patient_id) join patient_identifier i using (patient_id)"
        ),
        [["Doe", "Baltimore", "MBI1"]]
    );
    let generic = "select (select count(*) from resource_identifier) as identifiers, (select count(*) from resource_telecom) as telecoms, \
                          (select count(*) from resource_note) as notes, (select count(*) from resource_coding where path = 'code') as codings";
    assert_eq!(environment.query(generic), [["3", "1", "2", "2"]]);
    assert_eq!(
        environment.query(
            "select distinct s.fhir_id, d.fhir_id as device, o.patient_id = r.patient_id as is_same from observation o \
             join specimen s on s.id = o.specimen_id join device d on d.id = o.device_id cross join diagnostic_report r"
        ),
        [["DiagnosticReport/r#blood", "DiagnosticReport/r#meter", "true"]]
    );
    assert_eq!(
        environment.query("select element, reference, use_count from analytics.unresolved_reference"),
        [["Observation.hasMember", "#other", "2"]]
    );
    // `#other` is not there: the text stays.
    assert_eq!(
        environment.query(
            "select distinct target_id, reference from resource_reference where element = 'hasMember'"
        ),
        [[NULL, "#other"]]
    );
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_reference_from_outside_leads_to_a_contained_resource() {
    let environment = TestEnvironment::new();
    let dispense = |id: &str, drug: Value| json!({"resourceType": "MedicationDispense", "id": id, "status": "completed", "medicationReference": drug});
    let reference = |written: &str| json!({"reference": written});
    let provenance = json!({"resourceType": "Provenance", "id": "w",
        "target": [{"reference": "MedicationRequest/m#maker"}, {"reference": "MedicationRequest/m#nobody"}],
        "recorded": "2024-01-01T00:00:00Z", "agent": [{"who": {"reference": "MedicationRequest/m#doc"}}]});
    // Before the container and after it.
    load_resources(&environment, &[dispense("a", reference("MedicationRequest/m#med")), provenance.clone()]);
    load_resources(&environment, &[patient(), prescription("m")]);
    load_resources(
        &environment,
        &[
            dispense("b", reference(" /MedicationRequest/m/_history/1#med")),
            dispense("c", json!({"reference": "MedicationRequest/m#med", "type": "Medication"})),
        ],
    );
    assert_eq!(
        environment.query(
            "select d.fhir_id, m.fhir_id as drug from medication_dispense d join medication m on m.id = d.medication_id order by 1"
        ),
        ["a", "b", "c"].map(|id| [id, "MedicationRequest/m#med"])
    );
    assert_eq!(
        environment.query(
            "select k.resource_type, k.fhir_id, reference from (select target_id, reference from provenance_target \
             union all select who_id, who_reference from provenance_agent) r (target_id, reference) \
             left join etl.resource_key k on k.id = r.target_id order by 2"
        ),
        [
            ["Practitioner", "MedicationRequest/m#doc", NULL],
            ["Organization", "MedicationRequest/m#maker", NULL],
            [NULL, NULL, "MedicationRequest/m#nobody"]
        ]
    );
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn the_newest_version_of_a_batch_brings_its_contained_resources() {
    let environment = TestEnvironment::new();
    let mut old = prescription("m");
    old["meta"] = json!({"lastUpdated": "2024-01-01T00:00:00Z"});
    let mut new = prescription("m");
    new["meta"] = json!({"lastUpdated": "2024-01-02T00:00:00Z"});
    new["contained"].as_array_mut().unwrap().truncate(2);
    new["contained"][1]["name"] = json!("New");
    let lines = format!("{old}\n{new}\n{old}\n");
    let summary = load_twice(&environment, &[("m.ndjson", lines.as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 1), ("stale", 2)]);
    assert_eq!(environment.query("select name from organization"), [["New"]]);
    assert_eq!(environment.value("select count(*) from practitioner"), "0");
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn contained_resources_are_counted_beside_the_account() {
    let environment = TestEnvironment::new();
    let summary = load_twice(&environment, &[("m.json", prescription("m").to_string().as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 1)]);
    assert_eq!(summary["seen"], 1);
    assert_eq!(summary["by_type"], json!({"MedicationRequest": 1}));
    assert_eq!(summary["contained"], json!({"Medication": 1, "Organization": 1, "Practitioner": 1}));
}

#[test]
fn views_show_contained_resources() {
    let environment = TestEnvironment::new();
    load_resources(&environment, &[patient(), prescription("m"), report(), claim("e")]);
    assert_eq!(
        environment.query("select medication, code, prescriber from analytics.medication_list"),
        [["oxycodone", "1049502", "Dr. Ada Bell"]]
    );
    assert_eq!(
        environment.query(
            "select resource_type, element, code from analytics.clinical_code where code in ('1049502', 'E11', '2339-0') order by 1, 3"
        ),
        [
            ["Condition", "code", "E11"],
            ["MedicationRequest", "medication", "1049502"],
            ["Observation", "code", "2339-0"],
            ["Observation", "code", "2339-0"]
        ]
    );
    assert_eq!(
        environment
            .query("select patient_fhir_id, latest_value, previous_value, change from analytics.lab_trend"),
        [["p", "105.0", "95.0", "10.0"]]
    );
    assert_eq!(
        environment.query("select patient_fhir_id, payer_name, month::text, covered_days from analytics.member_months order by 3"),
        [
            ["ExplanationOfBenefit/e#patient", "Centers for Medicare and Medicaid Services", "2024-01-01", "31"],
            ["ExplanationOfBenefit/e#patient", "Centers for Medicare and Medicaid Services", "2024-02-01", "29"]
        ]
    );
    assert_eq!(
        environment.query(
            "select f.payer_name, o.name, o.npi, p.name_family, p.npi as member_npi from analytics.claim_financials f \
             join explanation_of_benefit e on e.id = f.explanation_of_benefit_id join organization o on o.id = e.provider_id \
             join explanation_of_benefit_care_team t on t.explanation_of_benefit_id = e.id join practitioner p on p.id = t.provider_id"
        ),
        [["Centers for Medicare and Medicaid Services", "Clinic", "1999999992", "Ray", "1888888886"]]
    );
    // They are part of their container, not people or visits of their own.
    assert_eq!(environment.query("select fhir_id from analytics.patient_summary"), [["p"]]);
    assert_eq!(environment.value("select count(*) from analytics.missing_resource"), "0");
}

#[test]
fn a_contained_coverage_counts_once() {
    let environment = TestEnvironment::new();
    let coverage = |id: &str, beneficiary: &str| {
        json!({"resourceType": "Coverage", "id": id, "status": "active", "beneficiary": {"reference": beneficiary},
            "payor": [{"display": "Payer"}], "period": {"start": "2024-01-01", "end": "2024-01-31"}})
    };
    let eob = |id: &str, beneficiary: &str| {
        json!({"resourceType": "ExplanationOfBenefit", "id": id, "contained": [coverage("c", beneficiary)],
            "patient": {"reference": beneficiary}, "insurance": [{"coverage": {"reference": "#c"}}]})
    };
    let resources = [
        patient(),
        coverage("top", "Patient/p"),
        eob("1", "Patient/p"),
        eob("2", "Patient/q"),
        eob("3", "Patient/q"),
    ];
    load_resources(&environment, &resources);
    let months = environment.query(
        "select k.fhir_id, m.covered_days, m.fhir_id like '%#%' as is_contained from analytics.member_months m \
         join etl.resource_key k on k.id = m.patient_id order by 1",
    );
    assert_eq!(months, [["p", "31", "false"], ["q", "31", "true"]]);
}

#[test]
fn contained_resources_are_replaced_and_deleted_with_their_container() {
    let environment = TestEnvironment::new();
    let dated = |mut resource: Value, version: u32| {
        resource["meta"] =
            json!({"versionId": version.to_string(), "lastUpdated": format!("2024-01-0{version}T00:00:00Z")});
        resource
    };
    load_resources(&environment, &[patient(), dated(claim("e"), 2), dated(prescription("m"), 2)]);
    let keys = "select id from etl.resource_key where fhir_id like '%#%' order by fhir_id, resource_type";
    let before = environment.query(keys);
    assert_eq!(before.len(), 9);
    // Fewer, of which one changed.
    let mut fewer = dated(claim("e"), 3);
    let list = fewer["contained"].as_array_mut().unwrap();
    list.retain(|resource| ["patient", "coverage"].contains(&resource["id"].as_str().unwrap()));
    list[0]["name"][0]["family"] = json!("Roe");
    let summary = load_twice(&environment, &[("fewer.json", fewer.to_string().as_bytes())]);
    assert_eq!(account(&summary), [("updated", 1)]);
    assert_eq!(environment.query("select family from patient_name order by 1"), [["Quill"], ["Roe"]]);
    assert_eq!(environment.value("select count(*) from coverage where container_id is not null"), "1");
    assert_eq!(
        environment
            .query("select fhir_id from practitioner union all select fhir_id from organization order by 1"),
        [["MedicationRequest/m#doc"], ["MedicationRequest/m#maker"]]
    );
    assert_eq!(
        environment.query("select insurer_id, insurer_reference from explanation_of_benefit"),
        [[NULL, "#insurer-org"]]
    );
    assert_eq!(environment.query(keys), before);
    environment.run(&["check"]).expect_code(0);
    // An older version changes nothing.
    let stale = dated(claim("e"), 1).to_string();
    assert_eq!(account(&load_twice(&environment, &[("stale.json", stale.as_bytes())])), [("stale", 1)]);
    assert_eq!(environment.value("select count(*) from coverage"), "1");
    assert_eq!(environment.value("select count(*) from condition"), "0");
    // The containers are deleted.
    let entry = |url: &str| json!({"request": {"method": "DELETE", "url": url}});
    let delete = json!({"resourceType": "Bundle", "type": "transaction", "timestamp": "2024-01-05T00:00:00Z",
        "entry": [entry("ExplanationOfBenefit/e"), entry("MedicationRequest/m")]});
    let summary = load_twice(&environment, &[("delete.json", delete.to_string().as_bytes())]);
    assert_eq!(account(&summary), [("deleted", 2)]);
    assert_eq!(rows_of_contained(&environment), 0);
    assert_eq!(environment.query("select fhir_id from patient"), [["p"]]);
    assert_eq!(environment.value("select count(*) from patient_name"), "1");
    environment.run(&["check"]).expect_code(0);
    // And come back.
    let back = dated(claim("e"), 9).to_string();
    assert_eq!(account(&load_twice(&environment, &[("back.json", back.as_bytes())])), [("updated", 1)]);
    assert_eq!(environment.query("select family from patient_name order by 1"), [["Doe"], ["Quill"]]);
    assert_eq!(environment.query(keys), before);
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn containers_with_the_same_local_id_do_not_meet() {
    let environment = TestEnvironment::new();
    let mut other = prescription("other");
    other["contained"][0]["code"] = json!({"text": "aspirin"});
    let mut of_dispense = prescription("m");
    of_dispense["resourceType"] = json!("MedicationDispense");
    of_dispense["contained"][0]["code"] = json!({"text": "ibuprofen"});
    load_resources(&environment, &[prescription("m"), other, of_dispense]);
    assert_eq!(
        environment.query(
            "select r.fhir_id, coalesce(m.code_text, m.code) as name from medication_request r join medication m on m.id = r.medication_id \
             union all select r.fhir_id, m.code_text from medication_dispense r join medication m on m.id = r.medication_id order by 1, 2"
        ),
        [["m", "1049502"], ["m", "ibuprofen"], ["other", "aspirin"]]
    );
    // Replacing one leaves the others alone.
    let mut second = prescription("m");
    second["contained"].as_array_mut().unwrap().truncate(1);
    second["contained"][0]["code"] = json!({"text": "codeine"});
    load_twice(&environment, &[("second.json", second.to_string().as_bytes())]);
    assert_eq!(
        environment.query("select coalesce(code_text, code) as name from medication order by 1"),
        [["aspirin"], ["codeine"], ["ibuprofen"]]
    );
    assert_eq!(environment.value("select count(*) from practitioner"), "2");
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_remap_writes_the_same_contained_rows() {
    let environment = TestEnvironment::new();
    load_resources(&environment, &[patient(), prescription("m"), report(), claim("e")]);
    let before = State::of(&environment);
    environment.run(&["remap"]).expect_code(0);
    assert_same(&State::of(&environment), &before, "after a remap");
    environment.run(&["check"]).expect_code(0);
    // A remap of the contained resources' type writes them through their containers.
    crate::support::execute(
        environment.database_url(),
        "delete from observation; delete from practitioner; delete from resource_identifier where resource_type = 'Practitioner'; \
         delete from resource_note; delete from resource_reference",
    );
    environment
        .run(&["remap", "--resource-type", "Observation", "--resource-type", "Practitioner"])
        .expect_code(0);
    assert_same(&State::of(&environment), &before, "after a remap of their types");
    // A database that was loaded before contained resources had rows.
    let tables = "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'container_id'";
    for table in environment.query(tables).concat() {
        let delete = format!("delete from {table} where container_id is not null");
        crate::support::execute(environment.database_url(), &delete);
    }
    let rest = "delete from resource_telecom; delete from resource_identifier; delete from resource_note; \
        delete from medication_ingredient; delete from patient_name where patient_id not in (select id from patient); \
        delete from patient_address; delete from patient_identifier; delete from resource_coding; \
        delete from resource_reference; truncate etl.contained_resource";
    crate::support::execute(environment.database_url(), rest);
    environment.run(&["remap"]).expect_code(0);
    assert_same(&State::of(&environment), &before, "after a remap of an older database");
}

#[test]
fn references_lead_to_contained_resources_and_back() {
    let environment = TestEnvironment::new();
    let organization = json!({"resourceType": "Organization", "id": "o", "name": "Outer",
        "contained": [
            {"resourceType": "Organization", "id": "in", "name": "Inner", "partOf": {"reference": "#"}},
            {"resourceType": "Endpoint", "id": "#hash", "status": "active", "managingOrganization": {"reference": "#in"}},
            {"resourceType": "Location", "id": "l", "name": "Place", "managingOrganization": {"reference": "#in"}, "partOf": {"reference": "#in"}},
            {"resourceType": "Provenance", "id": "p", "target": [{"reference": "#"}, {"reference": "#in"}], "recorded": "2024-01-01T00:00:00Z",
             "agent": [{"who": {"reference": "Organization/o"}}]}],
        "partOf": {"reference": "#in"}, "endpoint": [{"reference": "#hash"}]});
    load_resources(&environment, &[organization]);
    assert_eq!(
        environment.query("select o.name, p.name as part_of from organization o join organization p on p.id = o.part_of_id order by 1"),
        [["Inner", "Outer"], ["Outer", "Inner"]]
    );
    // A location is not part of an organization: the text stays.
    assert_eq!(
        environment.query("select l.name, o.name as organization, l.part_of_id, l.part_of_reference from location l join organization o on o.id = l.managing_organization_id"),
        [["Place", "Inner", NULL, "#in"]]
    );
    assert_eq!(
        environment.query("select o.name, t.reference from provenance_target t join organization o on o.id = t.target_id order by ordinal"),
        [["Outer", NULL], ["Inner", NULL]]
    );
    assert_eq!(
        environment.query("select o.name from provenance_agent a join organization o on o.id = a.who_id"),
        [["Outer"]]
    );
    // Types without a table of their own are in other_resource.
    assert_eq!(
        environment.query(
            "select x.resource_type, x.fhir_id, x.body ->> 'status' as status, c.name from other_resource x \
             join organization c on c.id = x.container_id join resource_reference r on r.target_id = x.id"
        ),
        [["Endpoint", "Organization/o#hash", "active", "Outer"]]
    );
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn the_body_of_a_contained_resource_is_as_received_in_any_shape() {
    let environment = TestEnvironment::new();
    let endpoint = json!({"resourceType": "Endpoint", "id": "e", "status": ["active"], "payloadType": {"text": "x"}, "name": ""});
    let organization =
        json!({"resourceType": "Organization", "id": "o", "contained": endpoint, "active": "true"});
    let basic =
        json!({"resourceType": "Basic", "id": "b", "code": {"code": "x"}, "identifier": {"value": 7}});
    load_resources(&environment, &[organization, basic.clone()]);
    for (id, wanted) in [("Organization/o#e", &endpoint), ("b", &basic)] {
        let body =
            environment.value(&format!("select body::text from other_resource where fhir_id = '{id}'"));
        assert_eq!(&serde_json::from_str::<Value>(&body).unwrap(), wanted);
    }
}

#[test]
fn what_is_not_a_legal_contained_resource_is_counted() {
    let environment = TestEnvironment::new();
    let inner =
        |id: &str, text: &str| json!({"resourceType": "Medication", "id": id, "code": {"text": text}});
    let nested = json!({"resourceType": "Organization", "id": "o", "name": "Org", "contained": [inner("deep", "deep")], "shoeSize": 5});
    let request = json!({"resourceType": "MedicationRequest", "id": "m",
        "contained": [inner("a", "first"), inner("a", "second"), {"resourceType": "Medication", "code": {"text": "nameless"}},
            nested, {"resourceType": "Nothing", "id": "n"}, {"id": "t"}, 7],
        "medicationReference": {"reference": "#a"}});
    // A single resource in place of a list.
    let single = json!({"resourceType": "MedicationRequest", "id": "s", "contained": inner("x", "single"),
        "medicationReference": {"reference": "#x"}});
    load_resources(&environment, &[request, single]);
    assert_eq!(
        environment.query("select fhir_id, code_text from medication order by 1"),
        [["MedicationRequest/m#a", "first"], ["MedicationRequest/s#x", "single"]]
    );
    assert_eq!(environment.query("select name from organization"), [["Org"]]);
    assert_eq!(
        environment.query("select resource_type, element, resources from etl.unmapped_element order by 1, 2"),
        [
            ["MedicationRequest", "contained (duplicate id)", "1"],
            ["MedicationRequest", "contained (no id)", "1"],
            ["MedicationRequest", "contained (no resource of R4)", "1"],
            ["MedicationRequest", "contained.contained", "1"],
            ["Organization", "shoeSize", "1"]
        ]
    );
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn contained_resources_are_read_in_containers_of_any_type_and_in_other_shapes() {
    let environment = TestEnvironment::new();
    let coding = |code: &str| json!({"system": "urn:codes", "code": code});
    // A container without a table of its own.
    let basic = json!({"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "contained": [
        {"resourceType": "Patient", "id": "p", "maritalStatus": {"coding": [coding("a"), coding("b")]},
         "extension": [{"url": "urn:extension", "valueString": "kept"}],
         "name": [{"family": "Deep", "_family": {"extension": [{"url": "urn:own-name", "valueString": "own"}]}}],
         "contact": [{"relationship": [{"coding": [coding("c"), coding("d")]}]}]}],
        "subject": {"reference": "#p"}});
    // One that comes without an id, and a number for the id of what it contains.
    let observation = json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "contained": [
        {"resourceType": "Patient", "id": 7, "gender": "male"}], "subject": {"reference": "#7"}});
    // In a transaction, named by its entry.
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:0f3c1f2e-5b0e-4c1e-9a53-0c2d1e4f5a6b", "request": {"method": "POST", "url": "Encounter"},
         "resource": {"resourceType": "Encounter", "status": "finished",
            "contained": [{"resourceType": "Patient", "id": "q", "link": [{"other": {"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}}]}],
            "subject": {"reference": "#q"}}},
        {"fullUrl": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a", "request": {"method": "POST", "url": "Patient"},
         "resource": {"resourceType": "Patient", "gender": "other"}}]});
    load_resources(&environment, &[basic, observation, bundle]);
    assert_eq!(
        environment.query(
            "select p.fhir_id, p.extension::text, n.extension::text as of_name from other_resource o \
             join patient p on p.id = o.patient_id and p.container_id = o.id join patient_name n on n.patient_id = p.id"
        ),
        [[
            "Basic/b#p",
            r#"[{"url": "urn:extension", "path": "", "valueString": "kept"}]"#,
            r#"[{"url": "urn:own-name", "path": "family", "valueString": "own"}]"#
        ]]
    );
    assert_eq!(
        environment.query("select path, element, code from resource_coding order by path, ordinal"),
        [
            ["contact[0].relationship[0]", "contact.relationship", "c"],
            ["contact[0].relationship[0]", "contact.relationship", "d"],
            ["maritalStatus", "maritalStatus", "a"],
            ["maritalStatus", "maritalStatus", "b"]
        ]
    );
    assert_eq!(
        environment.query(
            "select p.gender, p.fhir_id = 'Observation/' || o.fhir_id || '#7' as is_named from observation o join patient p on p.id = o.patient_id"
        ),
        [["male", "true"]]
    );
    assert_eq!(
        environment.query(
            "select p.fhir_id, q.gender from encounter e join patient p on p.id = e.patient_id join patient_link l on l.patient_id = p.id \
             join patient q on q.id = l.other_id"
        ),
        [["Encounter/0f3c1f2e-5b0e-4c1e-9a53-0c2d1e4f5a6b#q", "other"]]
    );
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_contained_resource_is_no_owner_of_an_identifier() {
    let environment = TestEnvironment::new();
    let npi = json!([{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}]);
    let doctor = json!({"resourceType": "Practitioner", "id": "d", "identifier": npi});
    load_resources(&environment, &[doctor, prescription("m")]);
    let encounter = json!({"resourceType": "Encounter", "id": "e", "status": "finished",
        "participant": [{"individual": {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1234567893"}}]});
    load_twice(&environment, &[("e.json", encounter.to_string().as_bytes())]);
    assert_eq!(
        environment.query(
            "select p.fhir_id from encounter_participant e join practitioner p on p.id = e.individual_id"
        ),
        [["d"]]
    );
}

#[test]
fn show_prints_a_contained_resource_as_received() {
    let environment = TestEnvironment::new();
    let text = r#"{"resourceType":"MedicationRequest","id":"m","contained":[ {"resourceType":"Medication",  "id":"med","code":{"text":"x"}} ]}"#;
    load(&environment, &[("m.json", text.as_bytes())]);
    let shown = environment.run(&["show", "Medication/MedicationRequest/m#med"]).expect_code(0);
    assert_eq!(
        shown.stdout,
        "{\"resourceType\":\"Medication\",  \"id\":\"med\",\"code\":{\"text\":\"x\"}}\n"
    );
    environment.run(&["show", "Medication/MedicationRequest/m#none"]).expect_code(1);
}

#[test]
fn a_defect_in_a_contained_resource_rejects_its_container() {
    let environment = TestEnvironment::new();
    let mut bad = claim("e");
    bad["contained"][0]["birthDate"] = json!("soon");
    environment.put("inbox/e.json", bad.to_string());
    environment.run(&["once"]).expect_code(3);
    let message = environment.value("select message from etl.rejected_record");
    assert!(message.starts_with("contained[0].birthDate: "), "{message}");
    assert_eq!(rows_of_contained(&environment), 0);
    assert_eq!(environment.value("select count(*) from explanation_of_benefit"), "0");
}
