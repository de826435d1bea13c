//! *Deviations* of resources from the shape that R4 defines: counted by element,
//! so that senders can be asked about them.

use hashbrown::HashMap;

use crate::fhir::ResourceType;

/// How an element deviates from R4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deviation {
    /// It is written in another way, which has only one meaning, and was read: as
    /// another JSON type, as a list or an item, as a Coding or a CodeableConcept,
    /// with blanks around it.
    Coerced,
    /// There are several where one is allowed; the first was read.
    Several,
    /// There are several variants of a choice; columns that these share show the
    /// first of them.
    Variants,
    /// Of a list that R4 allows columns hold the first item only, and there are more.
    Further,
    /// A modifier extension, which may change what the element means.
    Modifier,
    /// Its JSON type has no meaning; it was not read.
    Unreadable,
}

impl Deviation {
    /// A word for counting and filtering.
    pub fn name(self) -> &'static str {
        match self {
            Deviation::Coerced => "coerced",
            Deviation::Several => "several",
            Deviation::Variants => "variants",
            Deviation::Further => "further",
            Deviation::Modifier => "modifier",
            Deviation::Unreadable => "unreadable",
        }
    }
}

/// An element that deviates, in a batch.
#[derive(Clone, Copy, Debug)]
pub struct DeviantElement<'b> {
    /// The type of the resources.
    pub resource_type: ResourceType,
    /// Its path without indexes, shortened if it is long.
    pub element: &'b str,
    /// How it deviates.
    pub deviation: Deviation,
    /// How many resources of the batch have it.
    pub resources: u64,
    /// The number of the last of them in the batch.
    pub last_resource: usize,
}

/// The most deviations of one resource that are kept.
const MAX_DEVIATIONS: usize = 100;
/// The most bytes of a path that are kept.
const MAX_PATH_BYTES: usize = 200;

/// The deviations of the resource that is being mapped, each once.
#[derive(Debug, Default)]
pub(in super::super) struct Deviations(Vec<(ResourceType, String, Deviation)>);

impl Deviations {
    /// Adds one, unless there are too many or it is there already.
    pub fn note(&mut self, resource_type: ResourceType, path: &str, deviation: Deviation) {
        let path = &path[..path.floor_char_boundary(MAX_PATH_BYTES)];
        let is_known = |known: &(ResourceType, String, Deviation)| {
            known.0 == resource_type && known.2 == deviation && known.1 == path
        };
        if self.0.len() < MAX_DEVIATIONS && !self.0.iter().any(is_known) {
            self.0.push((resource_type, path.to_owned(), deviation));
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The deviations of a batch: how many resources have each, and which one is the
/// last.
#[derive(Debug, Default)]
pub(in super::super) struct DeviationCounts(HashMap<(ResourceType, String, Deviation), (u64, usize)>);

impl DeviationCounts {
    /// Moves the deviations of the resource with that number here.
    pub fn take(&mut self, deviations: &mut Deviations, resource: usize) {
        for deviation in deviations.0.drain(..) {
            let (resources, last) = self.0.entry(deviation).or_default();
            *resources += 1;
            *last = resource;
        }
    }

    /// All of them, sorted by type, path and deviation.
    pub fn sorted(&self) -> Vec<DeviantElement<'_>> {
        let mut all: Vec<DeviantElement<'_>> = self
            .0
            .iter()
            .map(|((resource_type, element, deviation), (resources, last_resource))| DeviantElement {
                resource_type: *resource_type,
                element,
                deviation: *deviation,
                resources: *resources,
                last_resource: *last_resource,
            })
            .collect();
        all.sort_unstable_by_key(|deviant| (deviant.resource_type, deviant.element, deviant.deviation));
        all
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
