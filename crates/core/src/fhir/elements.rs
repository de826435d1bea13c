//! The *elements* of every type that FHIR R4 defines: name, type, and whether it
//! is a list. Source: the StructureDefinitions of FHIR 4.0.1
//! (<https://hl7.org/fhir/R4/downloads.html>). A type within a type
//! (`Observation.component`) is called by both names together.

/// One type per line: `NAME BASE: element type, list type*, choice[x] type|type`.
const ELEMENTS: &str = include_str!("elements.txt");

/// A resource type or datatype, or a type within one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeDefinition {
    /// FHIR's name of it: `Patient`, `PatientContact`, `HumanName`.
    pub name: &'static str,
    /// The type whose elements it has besides its own.
    pub base: Option<&'static str>,
    /// Its own elements.
    pub elements: Vec<ElementDefinition>,
}

/// One element of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementDefinition {
    /// Its name; of a choice (`value[x]`) the part before the type (`value`).
    pub name: &'static str,
    /// The names of its type, or of all types that it may have.
    pub types: Vec<&'static str>,
    /// Whether it may occur more than once, and is a list in JSON.
    pub is_list: bool,
    /// Whether the type is part of its name in JSON.
    pub is_choice: bool,
}

/// All types of FHIR R4 but the primitive ones, which have no elements.
pub fn type_definitions() -> impl Iterator<Item = TypeDefinition> {
    ELEMENTS.lines().filter_map(type_definition)
}

fn type_definition(line: &'static str) -> Option<TypeDefinition> {
    let (head, elements) = line.split_once(':')?;
    let (name, base) = match head.split_once(' ') {
        Some((name, base)) => (name, Some(base)),
        None => (head, None),
    };
    let elements = elements.split(", ").filter_map(|element| element_definition(element.trim())).collect();
    Some(TypeDefinition { name, base, elements })
}

fn element_definition(written: &'static str) -> Option<ElementDefinition> {
    let (name, types) = written.split_once(' ')?;
    let choice = name.strip_suffix("[x]");
    let list = types.strip_suffix('*');
    Some(ElementDefinition {
        name: choice.unwrap_or(name),
        types: list.unwrap_or(types).split('|').collect(),
        is_list: list.is_some(),
        is_choice: choice.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::ResourceType;
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn every_resource_type_is_defined_and_every_type_that_is_named() {
        let definitions: Vec<TypeDefinition> = type_definitions().collect();
        let is_defined = |name: &str| definitions.iter().any(|definition| definition.name == name);
        assert!(ResourceType::all().all(|resource_type| is_defined(resource_type.name())));
        for definition in &definitions {
            assert!(definition.base.is_none_or(is_defined), "{}", definition.name);
            for name in definition.elements.iter().flat_map(|element| &element.types) {
                let is_primitive = name.starts_with(|first: char| first.is_ascii_lowercase());
                assert!(is_primitive || is_defined(name), "{name} in {}", definition.name);
            }
        }
    }

    #[test]
    fn an_element_has_a_name_types_and_a_cardinality() {
        let observation = type_definitions().find(|definition| definition.name == "Observation");
        let elements = observation.expect("it is defined").elements;
        let element = |name| elements.iter().find(|element| element.name == name).expect(name);
        assert_eq!((element("component").is_list, element("component").is_choice), (true, false));
        assert_eq!(element("component").types, ["ObservationComponent"]);
        assert_eq!((element("effective").is_list, element("effective").is_choice), (false, true));
        assert_eq!(element("effective").types, ["dateTime", "instant", "Period", "Timing"]);
    }
}
