//! *Unmapped elements* are members of resources, at any depth, that R4 does not define. They
//! are counted, so that senders can be asked about them.

use hashbrown::HashMap;

use crate::fhir::ResourceType;

/// An element that R4 does not define, in a batch.
#[derive(Clone, Copy, Debug)]
pub struct Unmapped<'b> {
    /// The type of the resources that have it.
    pub resource_type: ResourceType,
    /// Its path without indexes, shortened if it is long.
    pub element: &'b str,
    /// How many resources of the batch have it.
    pub resources: u64,
    /// The number of the last of them in the batch.
    pub last_resource: usize,
}

/// The most unmapped elements of one resource that are kept; `…` stands for the
/// others.
const MAX_UNMAPPED: usize = 100;
/// The most bytes of a name that are kept.
const MAX_NAME_BYTES: usize = 200;

fn shortened(name: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name.to_owned();
    }
    format!("{}…", &name[..name.floor_char_boundary(MAX_NAME_BYTES)])
}

/// The unmapped elements of the resource that is being mapped.
#[derive(Debug, Default)]
pub(super) struct UnmappedElements(Vec<(ResourceType, String)>);

impl UnmappedElements {
    /// Adds an element, unless it is there already or there are too many.
    pub fn note(&mut self, resource_type: ResourceType, element: &str) {
        let element = (resource_type, shortened(element));
        match self.0.len() {
            // Data that is not FHIR may have millions of names, of any length.
            MAX_UNMAPPED.. => {}
            _ if self.0.contains(&element) => {}
            last if last + 1 == MAX_UNMAPPED => self.0.push((resource_type, "…".to_owned())),
            _ => self.0.push(element),
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The unmapped elements of a batch: how many resources have each, and which
/// one is the last.
#[derive(Debug, Default)]
pub(super) struct UnmappedCounts(HashMap<(ResourceType, String), (u64, usize)>);

impl UnmappedCounts {
    /// Moves the elements of the resource with that number here.
    pub fn take(&mut self, elements: &mut UnmappedElements, resource: usize) {
        for element in elements.0.drain(..) {
            let (resources, last) = self.0.entry(element).or_default();
            *resources += 1;
            *last = resource;
        }
    }

    /// All of them, sorted by type and name.
    pub fn sorted(&self) -> Vec<Unmapped<'_>> {
        let mut all: Vec<Unmapped<'_>> = self
            .0
            .iter()
            .map(|((resource_type, element), (resources, last_resource))| Unmapped {
                resource_type: *resource_type,
                element,
                resources: *resources,
                last_resource: *last_resource,
            })
            .collect();
        all.sort_unstable_by_key(|unmapped| (unmapped.resource_type, unmapped.element));
        all
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
