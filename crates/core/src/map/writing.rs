//! Writes all rows of one resource, and of those that it contains: for each root
//! table of its type, gathers
//! the rows that it will have, then writes them. They are gathered first because
//! the row that keeps an extension is known only when all rows are.

use std::borrow::Cow;
use std::mem;

use super::batch::ViewFault;
use super::chunk::TableBuffers;
use super::contained::{Contained, contained_json};
use super::extension::Lists;
use super::extension_rows::give_extensions;
use super::fields::FieldWriter;
use super::gather::gather_children;
use super::generic::{RowPrefix, Writer};
use super::input::Input;
use super::plan::{Plan, ResourcePlan};
use super::registration::{Registered, Registration, registration};
use super::route::{follow, holds};
use super::rows::{Gathered, GatheredRow, RowLists};
use super::shape::Shape;
use super::unmapped::UnmappedElements;
use super::view_rows::write_rows;
use crate::datatype::{Timezone, ValueDefect};
use crate::fhir::ResourceType;
use crate::json::{Tree, Value};
use crate::rows::Target;

/// The resource whose rows are being written: the one that is mapped, or one
/// that it contains.
#[derive(Clone, Copy)]
pub(super) struct Subject<'w, 't> {
    pub resource_type: ResourceType,
    pub target: Target,
    pub fhir_id: &'w str,
    pub root: Value<'t>,
    /// The resource that contains it.
    pub container: Option<Target>,
    /// `meta.lastUpdated`, in microseconds since 2000-01-01 UTC. A contained
    /// resource has no version and so none.
    pub last_updated: Option<i64>,
}

impl<'w, 't> Subject<'w, 't> {
    /// The resource `root` of that type, id and target, which nothing contains.
    pub fn of(root: Value<'t>, (resource_type, fhir_id, target): (ResourceType, &'w str, Target)) -> Self {
        Subject { resource_type, target, fhir_id, root, container: None, last_updated: None }
    }
}

/// Writes the rows of one resource.
pub(super) struct ResourceWriter<'w, 't> {
    pub plan: &'t Plan,
    pub subject: Subject<'w, 't>,
    pub tree: &'t Tree<'t>,
    pub contained: &'w Contained<'t>,
    pub registered: Registered<'w>,
    pub timezone: Timezone,
    pub buffers: &'w mut TableBuffers,
    pub unmapped: &'w mut UnmappedElements,
    pub view_faults: &'w mut Vec<ViewFault>,
    /// The resource as received.
    pub written: &'w str,
    pub shape: Shape,
    pub fields: FieldWriter<'w, 't>,
    /// Memory for reuse.
    pub rows: RowLists<'t>,
}

impl<'w, 't> ResourceWriter<'w, 't> {
    /// Writes all rows. After an error some rows may be written, which the
    /// caller abandons.
    pub fn resource(&mut self, input: &Input<'_>) -> Result<Registration, ValueDefect> {
        let registration = registration(self.subject.root, input, &self.registered, self.timezone)?;
        self.subject.last_updated = registration.last_updated;
        if registration.is_time_unreadable {
            self.unmapped.note(self.subject.resource_type, "meta.lastUpdated");
        }
        self.rows_of_subject()?;
        self.rows_of_views();
        let container = Some(self.subject.target);
        let contained = self.contained;
        for resource in &contained.resources {
            let identity = (resource.resource_type, resource.fhir_id.as_str(), resource.target);
            self.subject = Subject { container, ..Subject::of(resource.root, identity) };
            self.rows_of_subject()?;
        }
        Ok(registration)
    }

    /// The rows of views. What does not fit a view is left out of it alone.
    fn rows_of_views(&mut self) {
        let Subject { resource_type, root, target, .. } = self.subject;
        let of_type = self.plan.views.iter().filter(|plan| plan.view.resource_type == resource_type);
        for plan in of_type {
            let resolver = &mut self.fields.resolver;
            if let Err(fault) = write_rows(plan, (root, target), self.buffers, resolver, self.timezone) {
                let table = self.plan.tables[plan.table].name.as_str();
                ViewFault::note(self.view_faults, table, fault);
            }
        }
    }

    fn rows_of_subject(&mut self) -> Result<(), ValueDefect> {
        let Subject { resource_type, root, .. } = self.subject;
        let plan = self.plan;
        // The rows of types without a declaration of their own are whole.
        let is_whole = plan.of(resource_type).all(|resource| resource.is_other);
        let has_none = is_whole || !self.shape.has_extensions;
        let extensions = if has_none { Lists::default() } else { Lists::of(root)? };
        let applies = |resource: &&ResourcePlan| {
            resource.condition.as_ref().is_none_or(|(path, value)| holds(root, path, value))
        };
        let mut patient = None;
        let mut is_first = true;
        let mut rows = mem::take(&mut self.rows);
        for resource in plan.of(resource_type).filter(applies) {
            let mut gathered = self.gather(resource, &mut rows, mem::take(&mut is_first))?;
            if !resource.is_other {
                give_extensions(&extensions.values, resource, &mut gathered);
            }
            let own_patient = self.tables(resource, &gathered, &extensions)?;
            patient = patient.or(own_patient);
        }
        self.rows = rows;
        if !is_whole && !is_first && self.shape.has_several_codings {
            self.generic(patient).codings(root, &extensions)?;
        }
        Ok(())
    }

    /// The rows in the tables of one root, with their elements. Only for the
    /// first root, unmapped elements are noted: all roots of a type know the
    /// same ones.
    fn gather<'g>(
        &mut self,
        resource: &'t ResourcePlan,
        rows: &'g mut RowLists<'t>,
        is_first: bool,
    ) -> Result<Gathered<'g, 't>, ValueDefect> {
        let slots = &resource.table.slots;
        let mut gathered = Gathered::new(&resource.table, self.tree, self.subject.root, rows);
        for member in self.subject.root.members() {
            match slots.get(member.name()) {
                Some(Some(slot)) => gathered.put_slot(0, slot, Some(member.value())),
                Some(None) => {}
                None if resource.is_other || !is_first => {}
                None if self.is_of_primitive(resource, member.text()) => {}
                None => self.unmapped.note(self.subject.resource_type, member.text()),
            }
        }
        gather_children(&mut gathered, 0)?;
        Ok(gathered)
    }

    /// Whether the member holds the extensions of a primitive, which belong to it.
    fn is_of_primitive(&self, resource: &ResourcePlan, name: &str) -> bool {
        let is_member = |bare| resource.table.slots.get(self.plan.dictionary.lookup(bare)).is_some();
        name.strip_prefix('_').is_some_and(is_member)
    }

    /// Writes the gathered rows and those of the generic tables; gives the
    /// target that is the resource's patient.
    fn tables(
        &mut self,
        resource: &'t ResourcePlan,
        gathered: &Gathered<'_, 't>,
        extensions: &Lists<'t>,
    ) -> Result<Option<Target>, ValueDefect> {
        self.fields.is_lenient = resource.is_other;
        let patient = self.root_row(resource, gathered.row(0), extensions)?;
        for row in 1..gathered.count() {
            self.child_row(gathered.row(row), extensions, patient)?;
        }
        let patient = if resource.is_patient { Some(self.subject.target) } else { patient };
        for list in &resource.lists {
            let Some(start) = gathered.row(0).slot(list.path.slot) else { continue };
            let mut items = mem::take(&mut self.fields.elements);
            items.clear();
            follow(start, &list.path.steps, self.tree.root(), &mut items);
            let written = self.generic(patient).list(list, &items, extensions);
            self.fields.elements = items;
            written?;
        }
        Ok(patient)
    }

    /// Writes the root row; gives the target that is its patient.
    fn root_row(
        &mut self,
        resource: &'t ResourcePlan,
        row: GatheredRow<'_, 't>,
        extensions: &Lists<'t>,
    ) -> Result<Option<Target>, ValueDefect> {
        let subject = self.subject;
        let buffer = self.buffers.of(resource.table.table);
        buffer.begin_row(resource.table.column_count);
        if resource.is_other {
            buffer.text(subject.resource_type.name());
        }
        buffer.key(subject.target);
        buffer.text(subject.fhir_id);
        buffer.source();
        let mut patient = None;
        if let Some(field) = &resource.patient {
            self.fields.one(buffer, field, row)?;
            patient = buffer.key_just_written();
        }
        if let Some(field) = &resource.encounter {
            self.fields.one(buffer, field, row)?;
        }
        self.fields.all(buffer, row, extensions)?;
        match subject.last_updated {
            Some(last_updated) => buffer.timestamptz(last_updated),
            None => buffer.null(),
        }
        if resource.is_other {
            // As received.
            let is_contained = subject.container.is_some();
            let contained = match self.shape.is_defined {
                _ if !is_contained => None,
                true => Some(Cow::Borrowed(subject.root.raw())),
                // What is mapped was repaired.
                false => contained_as_written(self.written, subject.resource_type, subject.fhir_id)
                    .map(Cow::Owned)
                    .or(Some(Cow::Borrowed(subject.root.raw()))),
            };
            buffer.jsonb(&[contained.as_deref().unwrap_or(self.written)]);
        }
        buffer.optional_key(subject.container);
        Ok(patient)
    }

    fn child_row(
        &mut self,
        row: GatheredRow<'_, 't>,
        extensions: &Lists<'t>,
        patient: Option<Target>,
    ) -> Result<(), ValueDefect> {
        let Some(child) = row.child() else { return Ok(()) };
        let buffer = self.buffers.of(child.table.table);
        buffer.begin_row(child.table.column_count);
        buffer.key(self.subject.target);
        for ordinal in row.ordinals() {
            buffer.optional_integer(*ordinal);
        }
        for constant in row.constants() {
            buffer.text(constant);
        }
        for place in row.places() {
            buffer.optional_integer(*place);
        }
        if child.has_patient {
            buffer.optional_key(patient);
        }
        self.fields.all(buffer, row, extensions)
    }

    /// What writes rows of generic tables.
    fn generic(&mut self, patient: Option<Target>) -> Writer<'_, 'w> {
        let ResourceWriter { plan, subject, timezone, buffers, fields, .. } = self;
        let prefix = RowPrefix { resource_type: subject.resource_type, target: subject.target, patient };
        let FieldWriter { resolver, coerced, .. } = fields;
        Writer { places: &plan.generic, prefix, timezone: *timezone, buffers, resolver, coerced }
    }
}

/// The JSON, as received, of the resource with that identity which `container` holds.
fn contained_as_written(container: &str, resource_type: ResourceType, fhir_id: &str) -> Option<String> {
    let (_, local_id) = fhir_id.split_once('#')?;
    contained_json(container.as_bytes(), resource_type, local_id).ok()?
}
