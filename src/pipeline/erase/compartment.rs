//! The *compartment* of a patient: by which elements a resource belongs to one.
//! Source: <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>; the elements are those
//! of the search parameters that it names.

/// The elements of each type that lead to a patient to whom the resource then belongs.
const ELEMENTS: &[(&str, &[&str])] = &[
    ("Account", &["subject"]),
    ("AdverseEvent", &["subject"]),
    ("AllergyIntolerance", &["patient", "recorder", "asserter"]),
    ("Appointment", &["participant.actor"]),
    ("AppointmentResponse", &["actor"]),
    ("AuditEvent", &["agent.who", "entity.what"]),
    ("Basic", &["subject", "author"]),
    ("BodyStructure", &["patient"]),
    ("CarePlan", &["subject", "activity.detail.performer"]),
    ("CareTeam", &["subject", "participant.member"]),
    ("ChargeItem", &["subject"]),
    ("Claim", &["patient", "payee.party"]),
    ("ClaimResponse", &["patient"]),
    ("ClinicalImpression", &["subject"]),
    ("Communication", &["subject", "sender", "recipient"]),
    ("CommunicationRequest", &["subject", "sender", "recipient", "requester"]),
    ("Composition", &["subject", "author", "attester.party"]),
    ("Condition", &["subject", "asserter"]),
    ("Consent", &["patient"]),
    ("Coverage", &["policyHolder", "subscriber", "beneficiary", "payor"]),
    ("CoverageEligibilityRequest", &["patient"]),
    ("CoverageEligibilityResponse", &["patient"]),
    ("DetectedIssue", &["patient"]),
    ("DeviceRequest", &["subject", "performer"]),
    ("DeviceUseStatement", &["subject"]),
    ("DiagnosticReport", &["subject"]),
    ("DocumentManifest", &["subject", "author", "recipient"]),
    ("DocumentReference", &["subject", "author"]),
    ("Encounter", &["subject"]),
    ("EnrollmentRequest", &["candidate"]),
    ("EpisodeOfCare", &["patient"]),
    ("ExplanationOfBenefit", &["patient", "payee.party"]),
    ("FamilyMemberHistory", &["patient"]),
    ("Flag", &["subject"]),
    ("Goal", &["subject"]),
    ("Group", &["member.entity"]),
    ("ImagingStudy", &["subject"]),
    ("Immunization", &["patient"]),
    ("ImmunizationEvaluation", &["patient"]),
    ("ImmunizationRecommendation", &["patient"]),
    ("Invoice", &["subject", "recipient"]),
    ("List", &["subject", "source"]),
    ("MeasureReport", &["subject"]),
    ("Media", &["subject"]),
    ("MedicationAdministration", &["subject", "performer.actor"]),
    ("MedicationDispense", &["subject", "receiver"]),
    ("MedicationRequest", &["subject"]),
    ("MedicationStatement", &["subject"]),
    ("MolecularSequence", &["patient"]),
    ("NutritionOrder", &["patient"]),
    ("Observation", &["subject", "performer"]),
    ("Person", &["link.target"]),
    ("Procedure", &["subject", "performer.actor"]),
    ("Provenance", &["target"]),
    ("QuestionnaireResponse", &["subject", "author"]),
    ("RelatedPerson", &["patient"]),
    ("RequestGroup", &["subject", "action.participant"]),
    ("ResearchSubject", &["individual"]),
    ("RiskAssessment", &["subject"]),
    ("Schedule", &["actor"]),
    ("ServiceRequest", &["subject", "performer"]),
    ("Specimen", &["subject"]),
    ("SupplyDelivery", &["patient"]),
    ("SupplyRequest", &["deliverTo"]),
    ("VisionPrescription", &["patient"]),
    // R4 leaves these out, although they are about a person.
    ("Binary", &["securityContext"]),
    ("Device", &["patient"]),
    ("GuidanceResponse", &["subject"]),
    ("Task", &["for"]),
];

/// Those of all other types.
const OF_OTHERS: &[&str] = &["subject", "patient"];

/// Whether a resource of the type belongs to a patient to whom that element leads; its path is
/// without indexes.
pub(super) fn belongs(resource_type: &str, path: &str) -> bool {
    if resource_type == "Patient" {
        return false;
    }
    let of_type = ELEMENTS.iter().find(|(name, _)| *name == resource_type);
    let elements = of_type.map_or(OF_OTHERS, |(_, elements)| *elements);
    elements.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhirmill_core::fhir::ResourceType;

    #[test]
    fn each_type_is_named_once_and_is_one_of_r4() {
        for (number, (name, elements)) in ELEMENTS.iter().enumerate() {
            assert!(ResourceType::named(name).is_some(), "{name}");
            assert!(!elements.is_empty(), "{name}");
            assert!(!ELEMENTS[..number].iter().any(|(other, _)| other == name), "{name}");
        }
    }

    #[test]
    fn a_resource_belongs_to_whom_its_elements_lead() {
        for (resource_type, path, expected) in [
            ("Observation", "subject", true),
            ("Observation", "performer", true),
            ("Observation", "focus", false),
            ("Task", "for", true),
            ("Contract", "subject", true),
            ("Patient", "link.other", false),
            ("Group", "member.entity", true),
        ] {
            assert_eq!(belongs(resource_type, path), expected, "{resource_type}.{path}");
        }
    }
}
