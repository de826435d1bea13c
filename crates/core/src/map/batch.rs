//! A *row batch* holds the rows of some resources, ready to be copied, and what
//! the registry keeps of each resource. In place of keys its rows have *targets*,
//! numbers in a list of identities, until the registry gives the keys.

use std::ops::Range;

use super::chunk::TableBuffers;
use super::identifier::IdentifierKey;
use super::registration::Registration;
use super::shape::{DeviantElement, DeviationCounts, Deviations};
use super::target::{AbsoluteReferences, Identity, TargetIdentity, Targets};
use super::unmapped::{Unmapped, UnmappedCounts, UnmappedElements};
use crate::fhir::ResourceType;
use crate::rows::{RowBuffer, Target};
use crate::views::Fault;

/// The rows of some resources, table by table.
#[derive(Debug)]
pub struct RowBatch {
    pub(super) buffers: TableBuffers,
    pub(super) targets: Targets,
    resources: Vec<Registration>,
    deviations: DeviationCounts,
    pub(super) deviations_of_current: Deviations,
    unmapped: UnmappedCounts,
    pub(super) unmapped_of_current: UnmappedElements,
    /// Contained resources, each with the number of its container.
    contained: Vec<(usize, Target)>,
    pub(super) view_faults: Vec<ViewFault>,
}

/// Resources that do not fit a view, and so have no rows in it.
#[derive(Clone, Debug)]
pub struct ViewFault {
    /// The view's table.
    pub table: String,
    /// How many they are.
    pub resources: u64,
    /// What is wrong with the first one.
    pub first: Fault,
}

impl ViewFault {
    pub(super) fn note(all: &mut Vec<ViewFault>, table: &str, fault: Fault) {
        match all.iter_mut().find(|known| known.table == table) {
            Some(known) => known.resources += 1,
            None => all.push(ViewFault { table: table.to_owned(), resources: 1, first: fault }),
        }
    }
}

impl RowBatch {
    /// An empty batch whose rows are compact, as [`RowBuffer::compact`] says: for whoever decodes
    /// them. COPY does not take them.
    pub fn compact(table_count: usize) -> Self {
        let batch = RowBatch::new(table_count);
        RowBatch { buffers: batch.buffers.compact(), ..batch }
    }

    /// An empty batch for the rows of that many tables: `plan.tables.len()`.
    pub fn new(table_count: usize) -> Self {
        RowBatch {
            buffers: TableBuffers::new(table_count),
            targets: Targets::default(),
            resources: Vec::new(),
            deviations: DeviationCounts::default(),
            deviations_of_current: Deviations::default(),
            unmapped: UnmappedCounts::default(),
            unmapped_of_current: UnmappedElements::default(),
            contained: Vec::new(),
            view_faults: Vec::new(),
        }
    }

    /// Forgets everything and keeps its memory.
    pub fn clear(&mut self) {
        self.buffers.clear();
        self.targets.clear();
        self.resources.clear();
        self.deviations.clear();
        self.deviations_of_current.clear();
        self.unmapped.clear();
        self.unmapped_of_current.clear();
        self.contained.clear();
        self.view_faults.clear();
    }

    /// The resources that do not fit views.
    pub fn view_faults(&self) -> &[ViewFault] {
        &self.view_faults
    }

    /// The registrations of its resources, in the order in which they were mapped.
    pub fn resources(&self) -> &[Registration] {
        &self.resources
    }

    /// What the targets stand for, by their number.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = TargetIdentity<'_>> {
        self.targets.all()
    }

    /// Each identifier whose owner is unknown, with a resource that refers to it.
    pub fn unresolved(&self) -> impl Iterator<Item = (usize, &IdentifierKey)> {
        self.targets.unresolved()
    }

    /// How many of its references are absolute URLs.
    pub fn absolute_references(&self) -> AbsoluteReferences {
        self.targets.absolute
    }

    /// The elements of the resources that R4 does not define, sorted by type and
    /// name.
    pub fn unmapped(&self) -> Vec<Unmapped<'_>> {
        self.unmapped.sorted()
    }

    /// The elements of the resources that are not as R4 defines them, sorted by
    /// type and path.
    pub fn deviations(&self) -> Vec<DeviantElement<'_>> {
        self.deviations.sorted()
    }

    /// The type of a resource that is registered, contained or deleted.
    pub fn resource_type(&self, target: Target) -> ResourceType {
        self.targets.identity(target).resource_type
    }

    /// The type and id of a resource that is registered, contained or deleted.
    pub fn target_identity(&self, target: Target) -> Identity<'_> {
        self.targets.identity(target)
    }

    /// The type and id of the resource with that number in the batch.
    pub fn identity(&self, resource: usize) -> Identity<'_> {
        self.targets.identity(self.resources[resource].target)
    }

    /// The target that stands for that resource, an existing one if there is one.
    pub fn target(&mut self, resource_type: ResourceType, fhir_id: &str) -> Target {
        self.targets.of_identity(resource_type, fhir_id)
    }

    /// The contained resources whose rows are in the batch, each after the number
    /// of its container in the batch. Their rows belong to the container.
    pub fn contained(&self) -> impl Iterator<Item = (usize, Target)> {
        self.contained.iter().copied()
    }

    /// Keeps the rows written since the last call as those of one resource and of
    /// the resources that it contains.
    pub(super) fn finish_resource(
        &mut self,
        registration: Registration,
        contained: impl Iterator<Item = Target>,
    ) {
        let resource = self.targets.finish_resource();
        self.contained.extend(contained.map(|target| (resource as usize, target)));
        self.buffers.finish(resource);
        self.unmapped.take(&mut self.unmapped_of_current, resource as usize);
        self.deviations.take(&mut self.deviations_of_current, resource as usize);
        self.resources.push(registration);
    }

    /// Forgets the rows written since the last `finish_resource`.
    pub(super) fn abandon_resource(&mut self) {
        self.buffers.abandon();
        self.targets.abandon_resource();
        self.unmapped_of_current.clear();
        self.deviations_of_current.clear();
    }

    /// Writes the keys, one for each target, and the sender's id into all rows.
    pub fn fill_keys(&mut self, keys: &[i64], source_id: i16) {
        self.buffers.fill_keys(keys, source_id);
    }

    /// Writes the sender's id into all rows.
    pub fn fill_source(&mut self, source_id: i16) {
        self.buffers.fill_source(source_id);
    }

    /// The rows of each resource in a table, in order: the number of the resource, and a
    /// range of bytes of a buffer. Their keys are filled in by
    /// [`RowBuffer::write_with_keys`].
    pub fn of_resources(&self, table: usize) -> impl Iterator<Item = (usize, &RowBuffer, Range<usize>)> {
        self.buffers.of_resources(table).map(|(resource, buffer, range)| (resource as usize, buffer, range))
    }

    /// The rows of a table that belong to the resources for which `is_wanted`
    /// holds, in COPY's binary form, as few runs of bytes as possible.
    pub fn runs<'b>(
        &'b self,
        table: usize,
        is_wanted: &'b dyn Fn(usize) -> bool,
    ) -> impl Iterator<Item = &'b [u8]> + 'b {
        self.buffers.runs(table, is_wanted)
    }

    /// The number of rows of a table that belong to those resources.
    pub fn row_count(&self, table: usize, is_wanted: &dyn Fn(usize) -> bool) -> usize {
        self.buffers.row_count(table, is_wanted)
    }

    /// How many rows of a table each of its resources has, in order; resources that have
    /// none are left out.
    pub fn row_counts(&self, table: usize) -> impl Iterator<Item = (usize, usize)> {
        self.buffers.row_counts(table).map(|(resource, rows)| (resource as usize, rows))
    }

    /// The number of bytes of all rows.
    pub fn byte_count(&self) -> usize {
        self.buffers.byte_count()
    }
}
