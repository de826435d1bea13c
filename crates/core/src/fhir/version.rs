//! Which *version* of FHIR a resource conforms to, detected from elements that R4
//! does not define. Such a resource is loaded as far as R4 defines it, and the
//! run reports it. Source: the definitions of the types in STU3 and R5, compared
//! with R4's
//! (<https://hl7.org/fhir/R4/diff.html>, <https://hl7.org/fhir/R5/diff.html>).

use super::resource_type::ResourceType;

/// Elements that only STU3 defines, by type.
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

/// Elements that only R5 defines, by type.
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

/// The version of FHIR, `STU3` or `R5`, that defines `element` for that type
/// where R4 does not; `None` if the element identifies neither.
pub fn version_of(resource_type: ResourceType, element: &str) -> Option<&'static str> {
    let is_marker = |markers: &[(&str, &[&str])]| {
        markers.iter().any(|(name, elements)| *name == resource_type.name() && elements.contains(&element))
    };
    if is_marker(&STU3) {
        Some("STU3")
    } else if is_marker(&R5) {
        Some("R5")
    } else {
        None
    }
}
