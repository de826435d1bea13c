//! A *batch* is the rows of some resources, ready to be copied, with all that
//! the registry must know of each resource. Keys stand in it as *targets*,
//! numbers into a list of identities, until the registry gives them.

use hashbrown::HashMap;

use super::chunk::TableBuffers;
use super::identifier::IdentifierKey;
use super::target::{Identity, TargetIdentity, Targets};
use crate::fhir::ResourceType;
use crate::rows::Target;

/// What the registry must know of a resource.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// The resource itself, among the batch's targets.
    pub target: Target,
    pub full_url: Option<String>,
    pub version_id: Option<String>,
    /// Microseconds since 2000-01-01 UTC, as all times here.
    pub last_updated: Option<i64>,
    /// When the version took effect: `meta.lastUpdated`, else what the
    /// Bundle or its entry says.
    pub effective_at: Option<i64>,
    pub meta_source: Option<String>,
    pub profiles: Vec<String>,
    /// JSON arrays.
    pub tags: Option<String>,
    pub security: Option<String>,
    pub language: Option<String>,
    /// SHA-256 of the canonical form; `None` for a delete.
    pub content_hash: Option<[u8; 32]>,
    pub is_id_generated: bool,
}

/// An element that R4 does not define.
#[derive(Clone, Copy, Debug)]
pub struct Unmapped<'b> {
    pub resource_type: ResourceType,
    pub element: &'b str,
    /// How many resources of the batch have it.
    pub resources: u64,
    /// The number of the last of them.
    pub last_resource: usize,
}

/// So many unknown elements of one resource are told apart.
const MOST_UNMAPPED: usize = 100;
/// So much of an unknown element's name is kept.
const UNMAPPED_NAME_BYTES: usize = 200;

fn shortened(name: &str) -> String {
    if name.len() <= UNMAPPED_NAME_BYTES {
        return name.to_owned();
    }
    format!("{}…", &name[..name.floor_char_boundary(UNMAPPED_NAME_BYTES)])
}

/// Unknown elements of the resource that is being mapped.
#[derive(Debug, Default)]
pub(super) struct UnmappedElements(Vec<(ResourceType, String)>);

impl UnmappedElements {
    pub fn note(&mut self, resource_type: ResourceType, element: &str) {
        match self.0.len() {
            // What is nobody's FHIR may have millions of names, of any length.
            MOST_UNMAPPED.. => {}
            last if last + 1 == MOST_UNMAPPED => self.0.push((resource_type, "…".to_owned())),
            _ => self.0.push((resource_type, shortened(element))),
        }
    }
}

/// The rows of some resources, table by table.
#[derive(Debug)]
pub struct RowBatch {
    pub(super) buffers: TableBuffers,
    pub(super) targets: Targets,
    resources: Vec<Registration>,
    /// Elements that R4 does not define: how many resources had them, and
    /// which one was the last.
    unmapped: HashMap<(ResourceType, String), (u64, usize)>,
    pub(super) unmapped_of_current: UnmappedElements,
}

impl RowBatch {
    /// An empty batch for that many tables.
    pub fn new(table_count: usize) -> Self {
        RowBatch {
            buffers: TableBuffers::new(table_count),
            targets: Targets::default(),
            resources: Vec::new(),
            unmapped: HashMap::default(),
            unmapped_of_current: UnmappedElements::default(),
        }
    }

    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.buffers.clear();
        self.targets.clear();
        self.resources.clear();
        self.unmapped.clear();
        self.unmapped_of_current.0.clear();
    }

    pub fn resources(&self) -> &[Registration] {
        &self.resources
    }

    /// What the targets stand for, in their order.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = TargetIdentity<'_>> {
        self.targets.all()
    }

    /// Each number whose owner is not known, with a resource that names it.
    pub fn unresolved(&self) -> impl Iterator<Item = (usize, &IdentifierKey)> {
        self.targets.unresolved()
    }

    /// Sorted.
    pub fn unmapped(&self) -> Vec<Unmapped<'_>> {
        let mut all: Vec<Unmapped<'_>> = self
            .unmapped
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

    /// The type of a resource that is registered or deleted.
    pub fn resource_type(&self, target: Target) -> ResourceType {
        self.targets.identity(target).resource_type
    }

    /// The type and id of a resource that is registered or deleted.
    pub fn target_identity(&self, target: Target) -> Identity<'_> {
        self.targets.identity(target)
    }

    /// The type and id of the resource with that number in the batch.
    pub fn identity(&self, resource: usize) -> Identity<'_> {
        self.targets.identity(self.resources[resource].target)
    }

    /// The target that stands for that resource.
    pub fn target(&mut self, resource_type: ResourceType, fhir_id: &str) -> Target {
        self.targets.of_identity(resource_type, fhir_id)
    }

    /// Keeps the rows written since the last call as those of one resource.
    pub(super) fn finish_resource(&mut self, registration: Registration) {
        let resource = self.targets.finish_resource();
        self.buffers.finish(resource);
        for unmapped in self.unmapped_of_current.0.drain(..) {
            let (resources, last) = self.unmapped.entry(unmapped).or_default();
            *resources += 1;
            *last = resource as usize;
        }
        self.resources.push(registration);
    }

    /// Forgets the rows written since the last `finish_resource`.
    pub(super) fn abandon_resource(&mut self) {
        self.buffers.abandon();
        self.targets.abandon_resource();
        self.unmapped_of_current.0.clear();
    }

    /// Writes the keys, `keys[target]`, and the source into all rows.
    pub fn fill_keys(&mut self, keys: &[i64], source_id: i16) {
        self.buffers.fill_keys(keys, source_id);
    }

    /// The runs of rows of a table that belong to the resources for which
    /// `is_wanted` holds.
    pub fn runs<'b>(
        &'b self,
        table: usize,
        is_wanted: &'b dyn Fn(usize) -> bool,
    ) -> impl Iterator<Item = &'b [u8]> + 'b {
        self.buffers.runs(table, is_wanted)
    }

    /// How many rows of a table belong to those resources.
    pub fn row_count(&self, table: usize, is_wanted: &dyn Fn(usize) -> bool) -> usize {
        self.buffers.row_count(table, is_wanted)
    }

    /// The bytes that the rows take.
    pub fn byte_count(&self) -> usize {
        self.buffers.byte_count()
    }
}
