//! A *target* stands for a key that is not known yet: rows hold the number of the
//! target until the registry gives the key. A target is a resource within its
//! source, by type and id, or a key that the registry has given before.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use rustc_hash::FxHashMap;

use super::identifier::{IdentifierKey, WrittenIdentifier};
use crate::fhir::ResourceType;
use crate::rows::Target;

/// A resource within its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity<'b> {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its logical id.
    pub fhir_id: &'b str,
}

/// What a target stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetIdentity<'b> {
    /// A resource of the batch's source.
    Identity(Identity<'b>),
    /// A key that the registry has given before.
    Key(i64),
}

/// A target as it is stored.
#[derive(Clone, Copy, Debug)]
enum Kept {
    /// Where its id is among all ids.
    Identity {
        resource_type: ResourceType,
        start: usize,
        end: usize,
    },
    Key(i64),
}

impl Kept {
    fn read(self, ids: &str) -> TargetIdentity<'_> {
        match self {
            Kept::Identity { resource_type, start, end } => {
                TargetIdentity::Identity(Identity { resource_type, fhir_id: &ids[start..end] })
            }
            Kept::Key(key) => TargetIdentity::Key(key),
        }
    }
}

/// A recent reference as written: consecutive resources refer to the same
/// patient and the same encounter.
#[derive(Debug, Default)]
struct Recent {
    written: String,
    /// The Bundle that it was written in.
    bundle: u64,
    meaning: Option<(ResourceType, Target)>,
}

/// The number of recent references, each in the place that its last characters
/// give.
const RECENT: usize = 256;
/// Longer references are not remembered.
const RECENT_BYTES: usize = 128;

fn recent_place(written: &str) -> Option<usize> {
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let last = written.as_bytes().last_chunk::<8>().filter(|_| written.len() <= RECENT_BYTES)?;
    Some((u64::from_le_bytes(*last).wrapping_mul(SPREAD) >> 32) as usize % RECENT)
}

/// Counts of references by absolute URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AbsoluteReferences {
    /// All of them.
    pub count: u64,
    /// Those that name a resource of a server that is not known.
    pub unresolved: u64,
}

/// What the keys in a batch's rows stand for.
#[derive(Debug, Default)]
pub(super) struct Targets {
    targets: Vec<Kept>,
    /// The ids of all targets, concatenated.
    ids: String,
    /// The targets that stand for identities, found by their identity. The
    /// hash is seeded, so that nobody can choose ids that collide.
    by_identity: HashTable<Target>,
    hash_builder: DefaultHashBuilder,
    /// Empty or `RECENT` of them.
    recent: Vec<Recent>,
    by_key: FxHashMap<i64, Target>,
    /// Absolute references, and how many of them led nowhere.
    pub absolute: AbsoluteReferences,
    /// The number of the resource that is being mapped.
    resource: u32,
    /// Identifiers whose owners are unknown, with the resources that refer to them.
    unresolved: HashMap<IdentifierKey, Vec<u32>>,
}

impl Targets {
    pub fn clear(&mut self) {
        self.targets.clear();
        self.ids.clear();
        self.by_identity.clear();
        for recent in &mut self.recent {
            recent.meaning = None;
        }
        self.by_key.clear();
        self.resource = 0;
        self.unresolved.clear();
        self.absolute = AbsoluteReferences::default();
    }

    /// The target that stands for that resource.
    pub fn of_identity(&mut self, resource_type: ResourceType, fhir_id: &str) -> Target {
        let Targets { targets, ids, by_identity, hash_builder, .. } = self;
        let identity = TargetIdentity::Identity(Identity { resource_type, fhir_id });
        let hash_of = |identity: TargetIdentity<'_>| match identity {
            TargetIdentity::Identity(identity) => hash_builder.hash_one(identity),
            TargetIdentity::Key(_) => unreachable!("only identities are found by identity"),
        };
        let hash = hash_of(identity);
        if let Some(target) = by_identity.find(hash, |target| targets[*target as usize].read(ids) == identity)
        {
            return *target;
        }
        let target = targets.len() as Target;
        let start = ids.len();
        ids.push_str(fhir_id);
        targets.push(Kept::Identity { resource_type, start, end: ids.len() });
        by_identity.insert_unique(hash, target, |target| hash_of(targets[*target as usize].read(ids)));
        target
    }

    /// The meaning of a recent reference in the same Bundle.
    #[inline]
    pub fn recent(&self, written: &str, bundle: u64) -> Option<(ResourceType, Target)> {
        let recent = self.recent.get(recent_place(written)?)?;
        recent.meaning.filter(|_| recent.bundle == bundle && recent.written == written)
    }

    pub fn note_recent(&mut self, written: &str, bundle: u64, meaning: (ResourceType, Target)) {
        let Some(place) = recent_place(written) else { return };
        if self.recent.is_empty() {
            self.recent.resize_with(RECENT, Recent::default);
        }
        let recent = &mut self.recent[place];
        recent.written.clear();
        recent.written.push_str(written);
        recent.bundle = bundle;
        recent.meaning = Some(meaning);
    }

    /// The target that stands for a known key.
    pub fn of_key(&mut self, key: i64) -> Target {
        *self.by_key.entry(key).or_insert_with(|| {
            self.targets.push(Kept::Key(key));
            self.targets.len() as Target - 1
        })
    }

    /// Notes that the resource that is being mapped refers to an identifier whose
    /// owner is unknown.
    pub fn note_unresolved(&mut self, identifier: &WrittenIdentifier<'_>) {
        let resources = self.unresolved.entry_ref(identifier).or_default();
        if resources.last() != Some(&self.resource) {
            resources.push(self.resource);
        }
    }

    /// What the targets stand for, in their order.
    pub fn all(&self) -> impl ExactSizeIterator<Item = TargetIdentity<'_>> {
        self.targets.iter().map(|target| target.read(&self.ids))
    }

    /// The type and id of a resource that is registered or deleted.
    pub fn identity(&self, target: Target) -> Identity<'_> {
        match self.targets[target as usize].read(&self.ids) {
            TargetIdentity::Identity(identity) => identity,
            TargetIdentity::Key(_) => unreachable!("a resource is registered by its identity"),
        }
    }

    /// Each identifier whose owner is unknown, with a resource that refers to it.
    pub fn unresolved(&self) -> impl Iterator<Item = (usize, &IdentifierKey)> {
        self.unresolved.iter().flat_map(|(identifier, resources)| {
            resources.iter().map(move |resource| (*resource as usize, identifier))
        })
    }

    /// Completes the resource that is being mapped, and gives its number.
    pub fn finish_resource(&mut self) -> u32 {
        self.resource += 1;
        self.resource - 1
    }

    /// Discards the identifiers that the resource that is being mapped refers to.
    /// Its targets stay, since other resources may share them.
    pub fn abandon_resource(&mut self) {
        self.unresolved.retain(|_, resources| {
            resources.pop_if(|last| *last == self.resource);
            !resources.is_empty()
        });
    }
}
