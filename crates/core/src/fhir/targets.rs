//! Which resource types the *targets* of references may have. Source: the
//! StructureDefinitions of FHIR 4.0.1 (<https://hl7.org/fhir/R4/downloads.html>),
//! `targetProfile`.

/// One type per line: `NAME: member type|type, member type`. Members that are not
/// there may refer to resources of any type.
const TARGETS: &str = include_str!("targets.txt");

/// The types that a member of a type may refer to: names in alphabetical order,
/// with bars between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceTargets {
    /// The type that has the member, called as in [`TypeDefinition`](super::TypeDefinition).
    pub type_name: &'static str,
    /// The member's name in JSON; that of a choice has its type (`valueReference`).
    pub member: &'static str,
    /// The types, with bars between them.
    pub types: &'static str,
}

/// Of all members that may not refer to resources of any type.
pub fn reference_targets() -> impl Iterator<Item = ReferenceTargets> {
    TARGETS.lines().filter_map(|line| line.split_once(": ")).flat_map(|(type_name, members)| {
        let of_member = move |member: &'static str| {
            let (member, types) = member.split_once(' ')?;
            Some(ReferenceTargets { type_name, member, types })
        };
        members.split(", ").filter_map(of_member)
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::{ResourceType, type_definitions};
    use super::*;

    #[test]
    fn every_member_is_a_reference_to_types_of_resources() {
        let definitions: Vec<_> = type_definitions().collect();
        for ReferenceTargets { type_name, member, types } in reference_targets() {
            let definition = definitions.iter().find(|definition| definition.name == type_name);
            let elements = &definition.expect(type_name).elements;
            let is_it = |name: &str, is_choice: bool| {
                if is_choice { member.strip_suffix("Reference") == Some(name) } else { name == member }
            };
            let element = elements.iter().find(|element| is_it(element.name, element.is_choice));
            assert!(element.expect(member).types.contains(&"Reference"), "{type_name}.{member}");
            let names: Vec<&str> = types.split('|').collect();
            assert!(names.is_sorted() && names.iter().all(|name| ResourceType::named(name).is_some()));
        }
    }

    #[test]
    fn members_have_the_targets_of_the_specification() {
        let of = |type_name: &str, member: &str| {
            let found = reference_targets().find(|of| (of.type_name, of.member) == (type_name, member));
            found.map(|found| found.types)
        };
        assert_eq!(of("Encounter", "serviceProvider"), Some("Organization"));
        assert_eq!(
            of("Observation", "performer"),
            Some("CareTeam|Organization|Patient|Practitioner|PractitionerRole|RelatedPerson")
        );
        assert_eq!(of("MedicationRequest", "medicationReference"), Some("Medication"));
        assert_eq!(
            of("EncounterParticipant", "individual"),
            Some("Practitioner|PractitionerRole|RelatedPerson")
        );
        assert_eq!(
            of("Annotation", "authorReference"),
            Some("Organization|Patient|Practitioner|RelatedPerson")
        );
        assert_eq!(of("Observation", "focus"), None);
    }
}
