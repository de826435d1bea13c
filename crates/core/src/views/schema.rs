//! The elements of R4's types by name, for checking paths.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::fhir::{ElementDefinition, TypeDefinition, type_definitions};

static TYPES: LazyLock<FxHashMap<&'static str, TypeDefinition>> =
    LazyLock::new(|| type_definitions().map(|definition| (definition.name, definition)).collect());

/// The names of R4's primitive types.
pub(super) const PRIMITIVES: [&str; 20] = [
    "base64Binary",
    "boolean",
    "canonical",
    "code",
    "date",
    "dateTime",
    "decimal",
    "id",
    "instant",
    "integer",
    "markdown",
    "oid",
    "positiveInt",
    "string",
    "time",
    "unsignedInt",
    "uri",
    "url",
    "uuid",
    "xhtml",
];

/// Whether that is a primitive type.
pub(super) fn is_primitive(name: &str) -> bool {
    PRIMITIVES.contains(&name)
}

/// FHIR's own spelling of a datatype, resource type or primitive type.
pub(super) fn named(name: &str) -> Option<&'static str> {
    let primitive = PRIMITIVES.into_iter().find(|primitive| *primitive == name);
    primitive.or_else(|| TYPES.get(name).map(|definition| definition.name))
}

/// The names of all types.
pub(super) fn type_names() -> impl Iterator<Item = &'static str> {
    PRIMITIVES.into_iter().chain(TYPES.keys().copied())
}

/// An element of a type, perhaps inherited. Primitive types have those of Element.
pub(super) fn element(type_name: &str, name: &str) -> Option<&'static ElementDefinition> {
    lineage(type_name).find_map(|of| of.elements.iter().find(|element| element.name == name))
}

/// Whether any type has an element of that name.
pub(super) fn is_element(name: &str) -> bool {
    TYPES.values().any(|of| of.elements.iter().any(|element| element.name == name))
}

/// The names of all elements of a type.
pub(super) fn element_names(type_name: &str) -> impl Iterator<Item = &'static str> {
    lineage(type_name).flat_map(|of| of.elements.iter().map(|element| element.name))
}

/// The choice, with the variant's type, that JSON writes as `name`: `valueQuantity`.
pub(super) fn variant(type_name: &str, name: &str) -> Option<(&'static str, &'static str)> {
    lineage(type_name).flat_map(|of| &of.elements).filter(|element| element.is_choice).find_map(|element| {
        let rest = name.strip_prefix(element.name)?;
        let found = element.types.iter().find(|of| capitalized(of) == rest)?;
        Some((element.name, *found))
    })
}

/// Whether the type is `base` or derived from it.
pub(super) fn is_derived(type_name: &str, base: &str) -> bool {
    type_name == base || (!is_primitive(type_name) && lineage(type_name).any(|of| of.name == base))
}

/// The type and those that it is derived from.
fn lineage(type_name: &str) -> impl Iterator<Item = &'static TypeDefinition> {
    let name = if is_primitive(type_name) { "Element" } else { type_name };
    std::iter::successors(TYPES.get(name), |of| TYPES.get(of.base?))
}

/// `DateTime` of `dateTime`.
pub(super) fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn elements_are_found_with_those_of_the_base_types() {
        assert_eq!(element("Patient", "birthDate").map(|found| found.types.clone()), Some(vec!["date"]));
        assert!(element("Patient", "meta").is_some());
        assert!(element("ObservationComponent", "extension").is_some());
        assert!(element("string", "extension").is_some());
        assert!(element("Patient", "valueQuantity").is_none());
        assert_eq!(variant("Observation", "valueQuantity"), Some(("value", "Quantity")));
        assert_eq!(variant("Patient", "deceasedBoolean"), Some(("deceased", "boolean")));
        assert_eq!(variant("Patient", "deceasedQuantity"), None);
    }
}
