//! A *batch* is the rows of some resources, ready to be copied, with all that
//! the registry must know of each resource. Keys stand in it as *targets*,
//! numbers into a list of identities, until the registry gives them.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, Equivalent, HashMap, HashTable};
use rustc_hash::FxHashMap;

use super::identifier::{IdentifierKey, WrittenIdentifier};
use crate::copy::{CopyBuffer, Mark, Target};
use crate::model::ResourceType;

/// A resource within its source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    pub resource_type: ResourceType,
    pub fhir_id: String,
}

/// What a target stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetIdentity {
    Identity(Identity),
    /// A key that the registry has given before.
    Key(i64),
}

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

#[derive(Clone, Copy, Debug)]
struct Segment {
    resource: u32,
    end: usize,
    /// How many rows end there or before.
    rows: usize,
}

#[derive(Debug, Default)]
struct TableRows {
    copy: CopyBuffer,
    /// Whose rows end where, in order.
    segments: Vec<Segment>,
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

/// The tables of a batch and what one resource has written into them.
#[derive(Debug)]
pub(super) struct TableBuffers {
    tables: Vec<TableRows>,
    touched: Vec<(usize, Mark)>,
}

impl TableBuffers {
    /// The rows of the table for the resource that is being mapped.
    #[inline]
    pub fn of(&mut self, table: usize) -> &mut CopyBuffer {
        let copy = &mut self.tables[table].copy;
        if self.touched.last().is_none_or(|(touched, _)| *touched != table) {
            self.touched.push((table, copy.mark()));
        }
        copy
    }
}

/// What the keys in a batch's rows stand for.
#[derive(Debug, Default)]
pub(super) struct Targets {
    targets: Vec<TargetIdentity>,
    /// The targets that stand for identities, found by their identity. The
    /// hash is seeded: nobody can choose ids that collide.
    by_identity: HashTable<Target>,
    hash_builder: DefaultHashBuilder,
    /// By type, the target that was asked for last: neighbours refer to the
    /// same patient.
    last: Vec<Target>,
    by_key: FxHashMap<i64, Target>,
    /// The number of the resource that is being mapped.
    resource: u32,
    /// Numbers whose bearers are not known, with the resource that named them.
    unresolved: Vec<(u32, IdentifierKey)>,
}

impl Targets {
    fn clear(&mut self) {
        self.targets.clear();
        self.by_identity.clear();
        self.last.clear();
        self.by_key.clear();
        self.resource = 0;
        self.unresolved.clear();
    }

    /// The target that stands for that resource.
    pub fn of_identity(&mut self, resource_type: ResourceType, fhir_id: &str) -> Target {
        let Targets { targets, by_identity, hash_builder, last, .. } = self;
        if last.len() <= resource_type.index() {
            last.resize(resource_type.index() + 1, Target::MAX);
        }
        let last = &mut last[resource_type.index()];
        if let Some(TargetIdentity::Identity(identity)) = targets.get(*last as usize)
            && identity.fhir_id == fhir_id
        {
            return *last;
        }
        let hash = hash_builder.hash_one((resource_type, fhir_id));
        let is_it = |target: &Target| match &targets[*target as usize] {
            TargetIdentity::Identity(identity) => {
                identity.resource_type == resource_type && identity.fhir_id == fhir_id
            }
            TargetIdentity::Key(_) => false,
        };
        if let Some(target) = by_identity.find(hash, is_it) {
            *last = *target;
            return *target;
        }
        let target = targets.len() as Target;
        *last = target;
        targets.push(TargetIdentity::Identity(Identity { resource_type, fhir_id: fhir_id.to_owned() }));
        by_identity.insert_unique(hash, target, |target| match &targets[*target as usize] {
            TargetIdentity::Identity(identity) => {
                hash_builder.hash_one((identity.resource_type, identity.fhir_id.as_str()))
            }
            TargetIdentity::Key(_) => unreachable!("only identities are found by identity"),
        });
        target
    }

    /// The target that stands for a key that is known.
    pub fn of_key(&mut self, key: i64) -> Target {
        *self.by_key.entry(key).or_insert_with(|| {
            self.targets.push(TargetIdentity::Key(key));
            self.targets.len() as Target - 1
        })
    }

    /// The resource that is being mapped names a number whose bearer is not
    /// known.
    pub fn note_unresolved(&mut self, identifier: &WrittenIdentifier<'_>) {
        let resource = self.resource;
        if self.unresolved.last().is_none_or(|last| last.0 != resource || !identifier.equivalent(&last.1)) {
            self.unresolved.push((resource, identifier.into()));
        }
    }
}

/// The rows of some resources, table by table.
#[derive(Debug)]
pub struct Batch {
    pub(super) buffers: TableBuffers,
    pub(super) targets: Targets,
    resources: Vec<Registration>,
    /// Elements that R4 does not define: how many resources had them, and
    /// which one was the last.
    unmapped: HashMap<(ResourceType, String), (u64, usize)>,
    pub(super) unmapped_of_current: UnmappedElements,
}

impl Batch {
    /// An empty batch for that many tables.
    pub fn new(table_count: usize) -> Self {
        Batch {
            buffers: TableBuffers {
                tables: (0..table_count).map(|_| TableRows::default()).collect(),
                touched: Vec::new(),
            },
            targets: Targets::default(),
            resources: Vec::new(),
            unmapped: HashMap::default(),
            unmapped_of_current: UnmappedElements::default(),
        }
    }

    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        for table in &mut self.buffers.tables {
            table.copy.clear();
            table.segments.clear();
        }
        self.targets.clear();
        self.resources.clear();
        self.unmapped.clear();
        self.unmapped_of_current.0.clear();
    }

    pub fn resources(&self) -> &[Registration] {
        &self.resources
    }

    pub fn targets(&self) -> &[TargetIdentity] {
        &self.targets.targets
    }

    pub fn unresolved(&self) -> &[(u32, IdentifierKey)] {
        &self.targets.unresolved
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
        match &self.targets.targets[target as usize] {
            TargetIdentity::Identity(identity) => identity.resource_type,
            TargetIdentity::Key(_) => unreachable!("a resource is registered by its identity"),
        }
    }

    /// The type and id of the resource with that number in the batch.
    pub fn identity(&self, resource: usize) -> &Identity {
        match &self.targets.targets[self.resources[resource].target as usize] {
            TargetIdentity::Identity(identity) => identity,
            TargetIdentity::Key(_) => unreachable!("a resource is registered by its identity"),
        }
    }

    /// The target that stands for that resource.
    pub fn target(&mut self, resource_type: ResourceType, fhir_id: &str) -> Target {
        self.targets.of_identity(resource_type, fhir_id)
    }

    /// Keeps the rows written since the last call as those of one resource.
    pub(super) fn finish_resource(&mut self, registration: Registration) {
        let resource = self.targets.resource;
        for (table, _) in self.buffers.touched.drain(..) {
            let rows = &mut self.buffers.tables[table];
            let segment = Segment { resource, end: rows.copy.len(), rows: rows.copy.row_count() };
            match rows.segments.last_mut() {
                Some(last) if last.resource == resource => *last = segment,
                _ => rows.segments.push(segment),
            }
        }
        for unmapped in self.unmapped_of_current.0.drain(..) {
            let (resources, last) = self.unmapped.entry(unmapped).or_default();
            *resources += 1;
            *last = resource as usize;
        }
        self.targets.resource += 1;
        self.resources.push(registration);
    }

    /// Forgets the rows written since the last `finish_resource`.
    pub(super) fn abandon_resource(&mut self) {
        for (table, mark) in self.buffers.touched.drain(..).rev() {
            self.buffers.tables[table].copy.truncate(mark);
        }
        let resource = self.targets.resource;
        self.targets.unresolved.retain(|(unresolved, _)| *unresolved != resource);
        self.unmapped_of_current.0.clear();
    }

    /// Writes the keys, `keys[target]`, and the source into all rows.
    pub fn fill_keys(&mut self, keys: &[i64], source_id: i16) {
        for table in &mut self.buffers.tables {
            table.copy.fill_keys(keys);
            table.copy.fill_source(source_id);
        }
    }

    /// The runs of rows of a table that belong to the resources for which
    /// `is_wanted` holds.
    pub fn runs<'b>(
        &'b self,
        table: usize,
        is_wanted: &'b dyn Fn(usize) -> bool,
    ) -> impl Iterator<Item = &'b [u8]> + 'b {
        let rows = &self.buffers.tables[table];
        let mut segments = rows.segments.iter().peekable();
        let mut start = 0;
        std::iter::from_fn(move || {
            while let Some(segment) = segments.next() {
                let run_start = start;
                start = segment.end;
                if !is_wanted(segment.resource as usize) {
                    continue;
                }
                // Neighbours go in one piece.
                while let Some(next) = segments.next_if(|next| is_wanted(next.resource as usize)) {
                    start = next.end;
                }
                return Some(&rows.copy.as_bytes()[run_start..start]);
            }
            None
        })
    }

    /// How many rows of a table belong to those resources.
    pub fn row_count(&self, table: usize, is_wanted: &dyn Fn(usize) -> bool) -> usize {
        let mut before = 0;
        let mut count = 0;
        for segment in &self.buffers.tables[table].segments {
            if is_wanted(segment.resource as usize) {
                count += segment.rows - before;
            }
            before = segment.rows;
        }
        count
    }

    /// The bytes that the rows take.
    pub fn byte_count(&self) -> usize {
        self.buffers.tables.iter().map(|table| table.copy.len()).sum()
    }
}
