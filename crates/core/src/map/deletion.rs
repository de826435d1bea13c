//! The *deletion* that a DELETE entry of a Bundle orders.

use crate::datatype::MAX_INDEXED_BYTES;
use crate::fhir::{Address, ResourceType};
use crate::version::number_of;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The type of the resource.
    pub resource_type: ResourceType,
    /// Its id.
    pub fhir_id: String,
    /// The number of the version that the deletion made.
    pub version: Option<i64>,
}

impl Deletion {
    /// The deletion of the one resource that the URL names. In a history the version in it is the
    /// one that the deletion made; elsewhere the entry asks for the resource to be gone, whatever
    /// its version.
    pub fn of(url: &str, is_history: bool) -> Option<Self> {
        let Address::Rest { resource_type, id, version, .. } = Address::parse(url.split('#').next()?) else {
            return None;
        };
        (id.len() <= MAX_INDEXED_BYTES).then(|| Deletion {
            resource_type,
            fhir_id: id.into_owned(),
            version: version.filter(|_| is_history).and_then(number_of),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_history_says_which_version_deletes() {
        let of = |url: &str, is_history| {
            Deletion::of(url, is_history).map(|of| (of.resource_type.name(), of.fhir_id, of.version))
        };
        assert_eq!(of("Patient/p/_history/3", true), Some(("Patient", "p".to_owned(), Some(3))));
        assert_eq!(of("Patient/p/_history/3", false), Some(("Patient", "p".to_owned(), None)));
        assert_eq!(of("https://a.example/Patient/p#x", false), Some(("Patient", "p".to_owned(), None)));
        assert_eq!(of("Patient?identifier=7", false), None);
        assert_eq!(of(&format!("Patient/{}", "p".repeat(MAX_INDEXED_BYTES + 1)), false), None);
    }
}
