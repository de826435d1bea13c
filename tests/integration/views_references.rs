//! The analysts' views of references and of resources that are missing.

use std::collections::HashSet;

use fhirmill_core::datatype::SqlType;
use fhirmill_core::model::{TableKind, tables};
use serde_json::json;

use crate::steps::load_with_code;
use crate::support::TestEnvironment;

#[test]
fn missing_resources_are_listed_with_who_refers_to_them() {
    let environment = TestEnvironment::new();
    let lines = [
        json!({"resourceType": "Patient", "id": "p", "generalPractitioner": [{"reference": "Practitioner/gp"}]}),
        json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"}, "subject": {"reference": "Patient/p"},
            "serviceProvider": {"reference": "Organization?identifier=urn:npi|1", "display": "Hill Hospital"},
            "participant": [{"individual": {"reference": "Practitioner/gp"}}, {"individual": {"reference": "Practitioner/gp"}}]}),
        json!({"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/q"},
            "encounter": {"reference": "Encounter/e"}, "specimen": {"reference": "Specimen/s"}, "performer": [{"reference": "#who"}],
            "contained": [{"resourceType": "Practitioner", "id": "who"}]}),
        json!({"resourceType": "Patient", "id": "q", "birthDate": "2020-02-31"}),
        json!({"resourceType": "Procedure", "id": "r", "status": "completed", "subject": {"reference": "Patient/p"},
            "performer": [{"actor": {"reference": "Practitioner/gp"},
                           "onBehalfOf": {"reference": "Organization?identifier=urn:npi|1", "display": "Hill Hospital"}}],
            "location": {"reference": "Location/l"}}),
        json!({"resourceType": "Flag", "id": "f", "status": "active", "code": {"text": "x"}, "subject": {"reference": "Patient/z"}}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    // The birth date of q is no date, so q is rejected.
    load_with_code(&environment, &[("north/all.ndjson", lines.as_bytes())], 3);
    let location = json!({"resourceType": "Location", "id": "l"}).to_string();
    let delete = json!({"resourceType": "Bundle", "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Location/l"}}]})
    .to_string();
    load_with_code(&environment, &[("north/l.json", location.as_bytes())], 0);
    load_with_code(&environment, &[("north/delete.json", delete.as_bytes())], 0);
    assert_eq!(
        environment.query(
            "select resource_type, fhir_id, source, state, array_to_string(referred_to_by, ' ') as by, use_count \
             from analytics.missing_resource order by 1, 2"
        ),
        [
            ["Location", "l", "north", "deleted", "Procedure.location", "1"],
            ["Patient", "q", "north", "rejected", "Observation.subject", "1"],
            ["Patient", "z", "north", "never delivered", "Flag.patient", "1"],
            [
                "Practitioner",
                "gp",
                "north",
                "never delivered",
                "Encounter.participant.individual Patient.generalPractitioner Procedure.performer.actor",
                "4"
            ],
            ["Specimen", "s", "north", "never delivered", "Observation.specimen", "1"],
        ]
    );
    assert_eq!(
        environment.query("select element, target_type, reference, display, use_count from analytics.unresolved_reference order by 1"),
        [
            ["Encounter.serviceProvider", "Organization", "Organization?identifier=urn:npi|1", "Hill Hospital", "1"],
            ["Procedure.performer.onBehalfOf", "Organization", "Organization?identifier=urn:npi|1", "Hill Hospital", "1"],
        ]
    );
}

/// Columns that the view leaves out because another column or table has the
/// same content.
const DRAWN_FROM_OTHERS: [&str; 11] = [
    "appointment.patient_id",
    "care_team.managing_organization_id",
    "claim.encounter_id",
    "consent.organization_id",
    "coverage.payor_id",
    "document_reference.encounter_id",
    "encounter_participant.practitioner_id",
    "explanation_of_benefit.encounter_id",
    "explanation_of_benefit.referring_provider_id",
    "medication_dispense.authorizing_prescription_id",
    "provenance.patient_id",
];

#[test]
fn the_reference_view_covers_every_reference_column() {
    let environment = TestEnvironment::new();
    let used: HashSet<String> = environment
        .query(
            "select c.relname || '.' || a.attname as name from pg_rewrite w \
             join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid \
             join pg_class c on c.oid = d.refobjid \
             join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid \
             where w.ev_class = 'analytics.reference'::regclass",
        )
        .into_iter()
        .flatten()
        .collect();
    let mut left_out = Vec::new();
    for table in tables() {
        let is_one_row_a_resource = matches!(table.kind, TableKind::Resource | TableKind::Other);
        let has = |name: &str| table.columns.iter().any(|column| column.name == name);
        for column in &table.columns {
            let name = format!("{}.{}", table.name, column.name);
            let is_reference = column.sql_type == SqlType::BigInt
                && column.name != "id"
                && column.name != "container_id"
                && !table.key.contains(&column.name)
                && table.kind != TableKind::History;
            // The patient of a list's rows is that of the resource; a subject says more.
            let is_repeated = column.name == "patient_id" && (!is_one_row_a_resource || has("subject_id"));
            if is_reference && !is_repeated && !used.contains(&name) {
                left_out.push(name);
            }
        }
    }
    left_out.sort();
    assert_eq!(left_out, DRAWN_FROM_OTHERS);
}
