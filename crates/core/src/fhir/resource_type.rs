//! The resource types of FHIR R4, and ViewDefinition of SQL on FHIR.
//! Source: <https://hl7.org/fhir/R4/resourcelist.html>.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// One name per line, sorted.
const NAMES: &str = include_str!("resource_types.txt");

static BY_NAME: LazyLock<FxHashMap<&'static str, ResourceType>> = LazyLock::new(|| {
    NAMES.lines().enumerate().map(|(index, name)| (name, ResourceType(index as u8))).collect()
});

static VIEW_DEFINITION: LazyLock<Option<ResourceType>> =
    LazyLock::new(|| ResourceType::named("ViewDefinition"));

static BY_INDEX: LazyLock<Vec<&'static str>> = LazyLock::new(|| NAMES.lines().collect());

/// A resource type of FHIR R4 or ViewDefinition, ordered by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceType(u8);

impl ResourceType {
    /// The type of that name; `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        BY_NAME.get(name).copied()
    }

    /// The type with that name in any case, as URLs have it.
    pub fn named_in_any_case(name: &str) -> Option<Self> {
        let is_named = |resource_type: &ResourceType| resource_type.name().eq_ignore_ascii_case(name);
        Self::named(name).or_else(|| Self::all().find(is_named))
    }

    /// FHIR's name of it, such as `Patient`.
    pub fn name(self) -> &'static str {
        BY_INDEX[self.0 as usize]
    }

    /// Whether it is ViewDefinition, which declares a table instead of filling some.
    #[inline]
    pub fn is_view_definition(self) -> bool {
        *VIEW_DEFINITION == Some(self)
    }

    /// Its position in [`all`](Self::all), for lists that are indexed by type.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// All resource types, ordered by name.
    pub fn all() -> impl Iterator<Item = ResourceType> {
        (0..BY_INDEX.len()).map(|index| ResourceType(index as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_sorted_and_found_by_name() {
        assert!(NAMES.lines().is_sorted());
        assert_eq!(ResourceType::named("Patient").map(ResourceType::name), Some("Patient"));
        assert_eq!(ResourceType::named("DomainResource"), None);
    }
}
