//! References by identifier instead of id: `Practitioner?identifier=…`,
//! `Reference.identifier`, and `urn:uuid:` URLs that are not in their Bundle.
//! Which resource owns an identifier is for the database to say; its answers are
//! cached here.

use std::hash::{Hash, Hasher};

use hashbrown::{Equivalent, HashMap, HashSet};

use crate::fhir::ResourceType;

/// Stands for the system if the value is the id of the resource itself.
pub const ID_SYSTEM: &str = "urn:uuid";
/// Stands for the system if none is given: an identifier of any system.
pub const ANY_SYSTEM: &str = "*";
/// Stands for the system if the value is no identifier but a reference as it is
/// written, which no rule resolves.
pub const REFERENCE_SYSTEM: &str = "reference";

/// An identifier, or another name by which a reference means a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentifierKey {
    /// The types that the owner may have, with bars between them; empty for any.
    pub types: String,
    /// The identifier's system, or one of [`ID_SYSTEM`], [`ANY_SYSTEM`] and
    /// [`REFERENCE_SYSTEM`].
    pub system: String,
    /// The identifier's value.
    pub value: String,
}

/// An identifier as a reference writes it.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct WrittenIdentifier<'w> {
    pub types: &'w str,
    pub system: &'w str,
    pub value: &'w str,
}

impl IdentifierKey {
    /// Whether it means a resource of that type that has an identifier of that system, and its
    /// value.
    pub fn may_mean(&self, system: &str, resource_type: ResourceType) -> bool {
        let is_of_system = match self.system.as_str() {
            ANY_SYSTEM => system != ID_SYSTEM,
            of => of == system,
        };
        is_of_system && self.may_be_of(resource_type)
    }

    /// Whether its owner may be of that type.
    pub fn may_be_of(&self, resource_type: ResourceType) -> bool {
        self.types.is_empty() || self.types.split('|').any(|name| name == resource_type.name())
    }

    /// The types that its owner may have.
    pub fn resource_types(&self) -> impl Iterator<Item = ResourceType> {
        ResourceType::all().filter(|resource_type| self.may_be_of(*resource_type))
    }

    fn as_written(&self) -> WrittenIdentifier<'_> {
        let IdentifierKey { types, system, value } = self;
        WrittenIdentifier { types, system, value }
    }
}

impl Hash for IdentifierKey {
    /// Both forms of an identifier have the same hash.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_written().hash(state);
    }
}

impl Equivalent<IdentifierKey> for WrittenIdentifier<'_> {
    fn equivalent(&self, key: &IdentifierKey) -> bool {
        self.value == key.value && self.system == key.system && self.types == key.types
    }
}

impl From<&WrittenIdentifier<'_>> for IdentifierKey {
    fn from(written: &WrittenIdentifier<'_>) -> Self {
        IdentifierKey {
            types: written.types.to_owned(),
            system: written.system.to_owned(),
            value: written.value.to_owned(),
        }
    }
}

/// The known owners of one source's identifiers, and the identifiers whose owners
/// are wanted.
#[derive(Debug, Default)]
pub struct IdentifierCache {
    /// Two sources may use the same identifier for different people.
    source_id: i16,
    owners: HashMap<IdentifierKey, (ResourceType, i64)>,
    asked: HashSet<IdentifierKey>,
    /// In a remap, the resources that have or had an identifier.
    candidates: HashMap<IdentifierKey, Vec<(ResourceType, i64)>>,
}

/// The most owners that are cached; then the cache starts over.
const MAX_OWNERS: usize = 100_000;

impl IdentifierCache {
    /// Prepares for resources of that source: owners of another one's identifiers
    /// are forgotten.
    pub fn begin_source(&mut self, source_id: i16) {
        if self.source_id != source_id {
            *self = IdentifierCache { source_id, ..IdentifierCache::default() };
        }
    }

    /// The type and key of the one resource that owns the identifier, if it is
    /// known; else its owner is wanted.
    pub(super) fn owner(&mut self, identifier: &WrittenIdentifier<'_>) -> Option<(ResourceType, i64)> {
        if let Some(owner) = self.owners.get(identifier) {
            return Some(*owner);
        }
        self.asked.get_or_insert_with(identifier, |written| written.into());
        None
    }

    /// The resources that have or had the identifier, as far as a remap was told.
    pub(super) fn candidates(
        &self,
        identifier: &WrittenIdentifier<'_>,
    ) -> impl Iterator<Item = (ResourceType, i64)> {
        self.candidates.get(identifier).into_iter().flatten().copied()
    }

    /// Adds a resource that has or had the identifier.
    pub fn add_candidate(&mut self, identifier: IdentifierKey, resource_type: ResourceType, key: i64) {
        self.candidates.entry(identifier).or_default().push((resource_type, key));
    }

    /// The identifiers whose owners were wanted since the last call, sorted.
    pub fn take_asked(&mut self) -> Vec<IdentifierKey> {
        let mut asked: Vec<IdentifierKey> = self.asked.drain().collect();
        asked.sort_unstable();
        asked
    }

    /// Caches the owner of an identifier: its type and key.
    pub fn learn(&mut self, identifier: IdentifierKey, resource_type: ResourceType, key: i64) {
        if self.owners.len() >= MAX_OWNERS {
            self.owners.clear();
        }
        self.owners.insert(identifier, (resource_type, key));
    }
}
