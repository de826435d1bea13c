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
        format!("FHIR R4 has no resource type {name}{}", meant.unwrap_or_default())
    })
}

/// The type whose name is nearest to this one.
fn nearest(name: &str) -> Option<ResourceType> {
    nearest_name(name, ResourceType::all().map(ResourceType::name)).and_then(ResourceType::named)
}

/// The name that was probably meant: of those that there are, the one that differs in
/// the fewest letters and digits, whatever their case.
pub fn nearest_name<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wrong = letters(wrong);
    let distance = |name: &'n str| (damerau_levenshtein(&wrong, &letters(name)), name);
    let (differences, nearest) = names.map(distance).min_by_key(|(differences, _)| *differences)?;
    (differences <= MOST_DIFFERENCES.min(wrong.chars().count() / 2)).then_some(nearest)
}

fn letters(name: &str) -> String {
    let letters = name.chars().take(64).filter(|letter| letter.is_alphanumeric());
    letters.collect::<String>().to_lowercase()
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
