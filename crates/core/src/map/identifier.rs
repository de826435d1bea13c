//! References that name no id but a number: `Practitioner?identifier=…` and
//! `Reference.identifier`, and `urn:uuid:`s that their Bundle does not have.
//! Who bears the number is for the database to say; what it has said is
//! remembered here.

use std::hash::{Hash, Hasher};

use hashbrown::{Equivalent, HashMap, HashSet};

use crate::fhir::ResourceType;

/// A number that somebody bears.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentifierKey {
    /// The type of the owner; unknown for most `urn:uuid:`s.
    pub resource_type: Option<ResourceType>,
    /// The identifier's system; `None` for a `urn:uuid:`, whose value is then
    /// the id of the resource itself.
    pub system: Option<String>,
    pub value: String,
}

/// The same, as a reference writes it.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct WrittenIdentifier<'w> {
    pub resource_type: Option<ResourceType>,
    pub system: Option<&'w str>,
    pub value: &'w str,
}

impl IdentifierKey {
    fn as_written(&self) -> WrittenIdentifier<'_> {
        let IdentifierKey { resource_type, system, value } = self;
        WrittenIdentifier { resource_type: *resource_type, system: system.as_deref(), value }
    }
}

impl Hash for IdentifierKey {
    /// Both forms of a number are found by one hash.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_written().hash(state);
    }
}

impl Equivalent<IdentifierKey> for WrittenIdentifier<'_> {
    fn equivalent(&self, key: &IdentifierKey) -> bool {
        self.value == key.value
            && self.system == key.system.as_deref()
            && self.resource_type == key.resource_type
    }
}

impl From<&WrittenIdentifier<'_>> for IdentifierKey {
    fn from(written: &WrittenIdentifier<'_>) -> Self {
        IdentifierKey {
            resource_type: written.resource_type,
            system: written.system.map(str::to_owned),
            value: written.value.to_owned(),
        }
    }
}

/// What is known of one source's numbers, and what is asked.
#[derive(Debug, Default)]
pub struct IdentifierCache {
    /// Two sources may give one number to two people.
    source_id: i16,
    owners: HashMap<IdentifierKey, (ResourceType, i64)>,
    asked: HashSet<IdentifierKey>,
}

/// Beyond that many the memory is given back and asking begins anew.
const MAX_KNOWN: usize = 100_000;

impl IdentifierCache {
    /// What comes is of that source; what is known of another is forgotten.
    pub fn begin_source(&mut self, source_id: i16) {
        if self.source_id != source_id {
            *self = IdentifierCache { source_id, ..IdentifierCache::default() };
        }
    }

    /// The type and key of the one resource that bears the number, if it is
    /// known; else the number is noted as asked for.
    pub(super) fn owner(&mut self, identifier: &WrittenIdentifier<'_>) -> Option<(ResourceType, i64)> {
        if let Some(owner) = self.owners.get(identifier) {
            return Some(*owner);
        }
        self.asked.get_or_insert_with(identifier, |written| written.into());
        None
    }

    /// What was asked for since the last call, sorted.
    pub fn take_asked(&mut self) -> Vec<IdentifierKey> {
        let mut asked: Vec<IdentifierKey> = self.asked.drain().collect();
        asked.sort_unstable();
        asked
    }

    pub fn learn(&mut self, identifier: IdentifierKey, resource_type: ResourceType, key: i64) {
        if self.owners.len() >= MAX_KNOWN {
            self.owners.clear();
        }
        self.owners.insert(identifier, (resource_type, key));
    }
}
