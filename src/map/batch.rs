//! A *batch* is the rows of some resources, ready to be copied, with all that
//! the registry must know of each resource. Keys stand in it as *targets*,
//! numbers into a list of identities, until the registry gives them.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use rustc_hash::FxHashMap;

use super::identifier::{IdentifierKey, WrittenIdentifier};
use crate::copy::{CopyBuffer, Mark, Target};
use crate::model::ResourceType;

/// A resource within its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity<'b> {
    pub resource_type: ResourceType,
    pub fhir_id: &'b str,
}

/// What a target stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetIdentity<'b> {
    Identity(Identity<'b>),
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

/// Where the rows of one resource end in a table.
#[derive(Clone, Copy, Debug)]
struct Segment {
    resource: u32,
    /// Among the table's chunks; a resource's rows are all in one.
    chunk: u32,
    /// Bytes of the chunk up to there, and rows.
    end: usize,
    rows: usize,
}

/// The rows of a table, in *chunks* that all tables lend each other: memory is
/// used again while the processor's cache still has it, and neither grows nor
/// is asked of the kernel anew with every type of resource.
#[derive(Debug, Default)]
struct TableRows {
    full: Vec<CopyBuffer>,
    /// The chunk that is being filled.
    copy: CopyBuffer,
    /// Whose rows end where, in order.
    segments: Vec<Segment>,
}

/// What a chunk has memory for at first.
const CHUNK_BYTES: usize = 32 << 10;
/// A chunk that has so much takes no further resource.
const FULL_BYTES: usize = 28 << 10;
/// A chunk that had to grow beyond this is not kept for the next batch.
const MOST_CHUNK_BYTES: usize = 4 * CHUNK_BYTES;
/// So much memory is.
const MOST_SPARE_BYTES: usize = 8 << 20;

impl TableRows {
    /// Whether the next resource needs another chunk; the last one's rows are
    /// all there.
    fn is_full(&self) -> bool {
        let ends_here =
            |last: &Segment| last.chunk as usize == self.full.len() && last.end == self.copy.len();
        self.copy.len() >= FULL_BYTES && self.segments.last().is_some_and(ends_here)
    }

    fn chunks(&self) -> impl Iterator<Item = &CopyBuffer> {
        self.full.iter().chain([&self.copy])
    }

    fn chunks_mut(&mut self) -> impl Iterator<Item = &mut CopyBuffer> {
        self.full.iter_mut().chain([&mut self.copy])
    }
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
    /// Empty chunks, the one that was used last on top.
    spare: Vec<CopyBuffer>,
}

impl TableBuffers {
    /// The rows of the table for the resource that is being mapped.
    #[inline]
    pub fn of(&mut self, table: usize) -> &mut CopyBuffer {
        let rows = &mut self.tables[table];
        if self.touched.last().is_none_or(|(touched, _)| *touched != table) {
            if rows.is_full() {
                rows.full.push(std::mem::take(&mut rows.copy));
            }
            if rows.copy.capacity() == 0 {
                rows.copy = self.spare.pop().unwrap_or_else(|| CopyBuffer::with_capacity(CHUNK_BYTES));
            }
            self.touched.push((table, rows.copy.mark()));
        }
        &mut rows.copy
    }

    /// Forgets all rows.
    fn clear(&mut self) {
        let mut spare_bytes: usize = self.spare.iter().map(CopyBuffer::capacity).sum();
        for table in &mut self.tables {
            table.segments.clear();
            for mut chunk in table.full.drain(..).chain([std::mem::take(&mut table.copy)]) {
                let capacity = chunk.capacity();
                if (1..=MOST_CHUNK_BYTES).contains(&capacity) && spare_bytes + capacity <= MOST_SPARE_BYTES {
                    chunk.clear();
                    spare_bytes += capacity;
                    self.spare.push(chunk);
                }
            }
        }
    }
}

/// A target as it is kept.
#[derive(Clone, Copy, Debug)]
enum Kept {
    /// Where its id stands among all.
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

/// A reference as it was written lately: neighbours refer to the same patient
/// and the same encounter.
#[derive(Debug, Default)]
struct Recent {
    written: String,
    /// The Bundle that it was written in.
    bundle: u64,
    meaning: Option<(ResourceType, Target)>,
}

/// So many are remembered, each in the place that its last characters give it;
/// longer ones are not.
const RECENT: usize = 32;
const RECENT_BYTES: usize = 128;

fn recent_place(written: &str) -> Option<usize> {
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let last = written.as_bytes().last_chunk::<8>().filter(|_| written.len() <= RECENT_BYTES)?;
    Some((u64::from_le_bytes(*last).wrapping_mul(SPREAD) >> 32) as usize % RECENT)
}

/// What the keys in a batch's rows stand for.
#[derive(Debug, Default)]
pub(super) struct Targets {
    targets: Vec<Kept>,
    /// The ids of all of them, one behind the other.
    ids: String,
    /// The targets that stand for identities, found by their identity. The
    /// hash is seeded: nobody can choose ids that collide.
    by_identity: HashTable<Target>,
    hash_builder: DefaultHashBuilder,
    recent: [Recent; RECENT],
    by_key: FxHashMap<i64, Target>,
    /// The number of the resource that is being mapped.
    resource: u32,
    /// Numbers whose bearers are not known, with the resources that name them.
    unresolved: HashMap<IdentifierKey, Vec<u32>>,
}

impl Targets {
    fn clear(&mut self) {
        self.targets.clear();
        self.ids.clear();
        self.by_identity.clear();
        for recent in &mut self.recent {
            recent.meaning = None;
        }
        self.by_key.clear();
        self.resource = 0;
        self.unresolved.clear();
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

    /// The meaning of a reference that was written in the same Bundle lately.
    #[inline]
    pub fn recent(&self, written: &str, bundle: u64) -> Option<(ResourceType, Target)> {
        let recent = &self.recent[recent_place(written)?];
        recent.meaning.filter(|_| recent.bundle == bundle && recent.written == written)
    }

    pub fn note_recent(&mut self, written: &str, bundle: u64, meaning: (ResourceType, Target)) {
        let Some(place) = recent_place(written) else { return };
        let recent = &mut self.recent[place];
        recent.written.clear();
        recent.written.push_str(written);
        recent.bundle = bundle;
        recent.meaning = Some(meaning);
    }

    /// The target that stands for a key that is known.
    pub fn of_key(&mut self, key: i64) -> Target {
        *self.by_key.entry(key).or_insert_with(|| {
            self.targets.push(Kept::Key(key));
            self.targets.len() as Target - 1
        })
    }

    /// The resource that is being mapped names a number whose bearer is not
    /// known.
    pub fn note_unresolved(&mut self, identifier: &WrittenIdentifier<'_>) {
        let resources = self.unresolved.entry_ref(identifier).or_default();
        if resources.last() != Some(&self.resource) {
            resources.push(self.resource);
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
                spare: Vec::new(),
            },
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
        self.targets.targets.iter().map(|target| target.read(&self.targets.ids))
    }

    /// Each number whose bearer is not known, with a resource that names it.
    pub fn unresolved(&self) -> impl Iterator<Item = (usize, &IdentifierKey)> {
        self.targets.unresolved.iter().flat_map(|(identifier, resources)| {
            resources.iter().map(move |resource| (*resource as usize, identifier))
        })
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
        self.identity_of(target).resource_type
    }

    /// The type and id of the resource with that number in the batch.
    pub fn identity(&self, resource: usize) -> Identity<'_> {
        self.identity_of(self.resources[resource].target)
    }

    fn identity_of(&self, target: Target) -> Identity<'_> {
        match self.targets.targets[target as usize].read(&self.targets.ids) {
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
            let chunk = rows.full.len() as u32;
            let segment = Segment { resource, chunk, end: rows.copy.len(), rows: rows.copy.row_count() };
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
        self.targets.unresolved.retain(|_, resources| {
            resources.pop_if(|last| *last == resource);
            !resources.is_empty()
        });
        self.unmapped_of_current.0.clear();
    }

    /// Writes the keys, `keys[target]`, and the source into all rows.
    pub fn fill_keys(&mut self, keys: &[i64], source_id: i16) {
        for chunk in self.buffers.tables.iter_mut().flat_map(TableRows::chunks_mut) {
            chunk.fill_keys(keys);
            chunk.fill_source(source_id);
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
        let (mut chunk, mut start) = (0, 0);
        std::iter::from_fn(move || {
            while let Some(segment) = segments.next() {
                let run_start = if segment.chunk == chunk { start } else { 0 };
                (chunk, start) = (segment.chunk, segment.end);
                if !is_wanted(segment.resource as usize) {
                    continue;
                }
                // Neighbours go in one piece.
                let is_next = |next: &&Segment| next.chunk == chunk && is_wanted(next.resource as usize);
                while let Some(next) = segments.next_if(is_next) {
                    start = next.end;
                }
                let copy = rows.full.get(chunk as usize).unwrap_or(&rows.copy);
                return Some(&copy.as_bytes()[run_start..start]);
            }
            None
        })
    }

    /// How many rows of a table belong to those resources.
    pub fn row_count(&self, table: usize, is_wanted: &dyn Fn(usize) -> bool) -> usize {
        let (mut chunk, mut before) = (0, 0);
        let mut count = 0;
        for segment in &self.buffers.tables[table].segments {
            if segment.chunk != chunk {
                before = 0;
            }
            if is_wanted(segment.resource as usize) {
                count += segment.rows - before;
            }
            (chunk, before) = (segment.chunk, segment.rows);
        }
        count
    }

    /// The bytes that the rows take.
    pub fn byte_count(&self) -> usize {
        self.buffers.tables.iter().flat_map(TableRows::chunks).map(CopyBuffer::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn write_row(copy: &mut CopyBuffer, text: &str) -> Vec<u8> {
        copy.begin_row(1);
        copy.text(text);
        [&[0, 1][..], &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
    }

    #[test]
    fn rows_of_chosen_resources_come_in_order_from_chunks_of_any_size() {
        let mut batch = Batch::new(2);
        // The memory of the first round is used again in the second.
        for _ in 0..2 {
            let mut expected: [Vec<u8>; 2] = Default::default();
            let mut counts = [0, 0];
            let mut resource: usize = 0;
            for attempt in 0..400_usize {
                let mut written = [Vec::new(), Vec::new()];
                // Large enough to fill a chunk alone, now and then.
                let long = "x".repeat(if attempt % 50 == 7 { 3 * CHUNK_BYTES } else { attempt * 13 % 2000 });
                for (table, text) in [(0, long.as_str()), (1, "child"), (0, "another"), (1, "")] {
                    written[table].extend(write_row(batch.buffers.of(table), text));
                }
                if attempt % 7 == 3 {
                    batch.abandon_resource();
                    continue;
                }
                batch.finish_resource(Registration::default());
                if !resource.is_multiple_of(3) {
                    for table in 0..2 {
                        expected[table].extend(&written[table]);
                        counts[table] += 2;
                    }
                }
                resource += 1;
            }
            let is_wanted = |resource: usize| !resource.is_multiple_of(3);
            for table in 0..2 {
                let rows: Vec<u8> = batch.runs(table, &is_wanted).flatten().copied().collect();
                assert!(
                    rows == expected[table],
                    "table {table}: {} bytes of {}",
                    rows.len(),
                    expected[table].len()
                );
                assert_eq!(batch.row_count(table, &is_wanted), counts[table]);
            }
            assert!(batch.buffers.tables[0].full.len() > 5);
            batch.clear();
            assert_eq!(batch.byte_count(), 0);
        }
        let spare_bytes: usize = batch.buffers.spare.iter().map(CopyBuffer::capacity).sum();
        assert!(spare_bytes > CHUNK_BYTES && spare_bytes <= MOST_SPARE_BYTES);
    }

    #[test]
    fn a_resource_stays_in_its_chunk_when_another_one_ended_at_the_same_place() {
        let mut batch = Batch::new(2);
        let mut expected = Vec::new();
        for texts in [["x".repeat(60_000), String::new()], ["y".repeat(60_006), "end".to_owned()]] {
            expected.extend(write_row(batch.buffers.of(0), &texts[0]));
            write_row(batch.buffers.of(1), "between");
            expected.extend(write_row(batch.buffers.of(0), &texts[1]));
            batch.finish_resource(Registration::default());
        }
        let rows: Vec<u8> = batch.runs(0, &|_| true).flatten().copied().collect();
        assert!(rows == expected, "{} bytes of {}", rows.len(), expected.len());
        assert_eq!(batch.row_count(0, &|_| true), 4);
    }
}
