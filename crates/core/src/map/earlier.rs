//! What the references of a resource led to *earlier*, when its rows were written
//! last. A remap resolves them again to the same resources, although their
//! identifiers may have other owners by now.

use hashbrown::{HashMap, HashSet};

use super::identifier::{IdentifierKey, WrittenIdentifier};
use crate::fhir::ResourceType;

/// See the module. For one resource, with those that it contains.
#[derive(Clone, Debug, Default)]
pub struct EarlierReferences {
    /// The resource's FHIR ID.
    pub fhir_id: String,
    /// The resources whose keys are in its rows: type and FHIR ID by key.
    pub targets: HashMap<i64, (ResourceType, String)>,
    /// The identifiers in it that had no owner, or several.
    pub unresolved: HashSet<IdentifierKey>,
}

impl EarlierReferences {
    /// The first of these ids that one of its targets of that type has.
    pub fn one_of<'i>(&self, resource_type: ResourceType, ids: &[&'i str]) -> Option<&'i str> {
        let is_target = |id: &&&str| {
            self.targets.values().any(|(of_type, fhir_id)| *of_type == resource_type && fhir_id == **id)
        };
        ids.iter().find(is_target).copied()
    }

    /// What the identifier led to: one of `candidates`, which had it at some time;
    /// else its owner `now`.
    pub(super) fn owner(
        &self,
        identifier: &WrittenIdentifier<'_>,
        candidates: impl Iterator<Item = (ResourceType, i64)>,
        now: Option<(ResourceType, i64)>,
    ) -> Option<(ResourceType, i64)> {
        if self.unresolved.contains(identifier) {
            return now;
        }
        let mut targets = candidates.filter(|(_, key)| self.targets.contains_key(key));
        match now {
            Some((_, key)) if self.targets.contains_key(&key) => now,
            _ => targets.next().or(now),
        }
    }
}
