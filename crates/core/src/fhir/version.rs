//! Which *version* of FHIR a resource is of, told by elements that R4 does not
//! define. Such a resource is loaded as far as R4 reaches, and the run says so.
//! Source: the definitions of the types in STU3 and R5, compared with R4's
//! (<https://hl7.org/fhir/R4/diff.html>, <https://hl7.org/fhir/R5/diff.html>).

use crate::fhir::ResourceType;

/// Elements that only STU3 has, by type.
const STU3: [(&str, &[&str]); 14] = [
    ("AllergyIntolerance", &["assertedDate"]),
    ("CarePlan", &["context", "definition"]),
    ("CareTeam", &["context"]),
    ("Claim", &["employmentImpacted", "hospitalization", "information"]),
    ("Condition", &["assertedDate", "context"]),
    ("DiagnosticReport", &["codedDiagnosis", "context", "image"]),
    ("DocumentReference", &["class", "created", "indexed"]),
    ("ExplanationOfBenefit", &["employmentImpacted", "hospitalization", "information"]),
    ("Immunization", &["date", "notGiven", "practitioner"]),
    ("MedicationAdministration", &["notGiven", "prescription"]),
    ("MedicationRequest", &["context", "definition"]),
    ("Observation", &["comment", "context", "related"]),
    ("Patient", &["animal"]),
    ("Procedure", &["context", "definition", "notDone"]),
];

/// Elements that only R5 has, by type.
const R5: [(&str, &[&str]); 10] = [
    ("AllergyIntolerance", &["participant"]),
    ("Condition", &["participant"]),
    ("Coverage", &["insurer", "kind", "paymentBy"]),
    ("DocumentReference", &["attester", "bodySite", "event", "modality", "version"]),
    ("Encounter", &["actualPeriod", "admission", "plannedStartDate"]),
    ("Immunization", &["basedOn", "informationSource", "supportingInformation"]),
    ("MedicationAdministration", &["isSubPotent", "occurenceDateTime", "occurencePeriod"]),
    ("MedicationRequest", &["effectiveDosePeriod", "informationSource", "medication"]),
    ("MedicationStatement", &["adherence", "medication"]),
    ("Procedure", &["focus", "occurrenceDateTime", "occurrencePeriod"]),
];

/// The version that a resource with that element is of, where R4 does not
/// define the element; `None` where it tells nothing.
pub fn version_of(resource_type: ResourceType, element: &str) -> Option<&'static str> {
    let tells = |markers: &[(&str, &[&str])]| {
        markers.iter().any(|(name, elements)| *name == resource_type.name() && elements.contains(&element))
    };
    if tells(&STU3) {
        Some("STU3")
    } else if tells(&R5) {
        Some("R5")
    } else {
        None
    }
}
