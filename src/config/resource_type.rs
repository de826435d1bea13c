//! *Names of resource types* as people write them: a name that FHIR R4 does not
//! have is an error that says which one is meant.

use fhirmill_core::fhir::ResourceType;
use strsim::damerau_levenshtein;

/// Names that differ by more letters are hardly meant.
const MOST_DIFFERENCES: usize = 3;

/// The type of that name, or what is wrong with the name.
pub fn resource_type(name: &str) -> Result<ResourceType, String> {
    ResourceType::named(name).ok_or_else(|| {
        let meant = nearest(name).map(|meant| format!("; did you mean {}?", meant.name()));
        format!("FHIR R4 has no resource type {name:?}{}", meant.unwrap_or_default())
    })
}

/// The type whose name is nearest to this one, whatever the case of its letters.
fn nearest(name: &str) -> Option<ResourceType> {
    let letters: String =
        name.chars().take(64).filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase();
    let distance = |known: ResourceType| damerau_levenshtein(&letters, &known.name().to_ascii_lowercase());
    let nearest = ResourceType::all().min_by_key(|known| distance(*known))?;
    let most = MOST_DIFFERENCES.min(letters.chars().count() / 2);
    (distance(nearest) <= most).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_whatever_is_wrong_with_this_one() {
        for (name, meant) in [
            ("Pateint", "Patient"),
            ("patient", "Patient"),
            ("PATIENTS", "Patient"),
            ("Observations", "Observation"),
            ("medication_request", "MedicationRequest"),
            ("Medication Request", "MedicationRequest"),
            ("ExplanationOfBenifit", "ExplanationOfBenefit"),
            ("Calim", "Claim"),
        ] {
            assert_eq!(nearest(name).map(ResourceType::name), Some(meant), "{name}");
            let complaint = resource_type(name).unwrap_err();
            assert!(complaint.ends_with(&format!("did you mean {meant}?")), "{complaint}");
        }
        for name in ["", "x", "DomainResource", "swordfish@db", "Ã"] {
            assert_eq!(nearest(name), None, "{name}");
        }
        assert_eq!(resource_type("Patient").map(ResourceType::name), Ok("Patient"));
    }
}
