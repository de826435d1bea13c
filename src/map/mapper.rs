//! The *mapper* runs the plan over one resource after the other. It first
//! gathers the rows that a resource will have, then writes them: which row an
//! extension belongs to can be told only when all rows are known.

use std::cmp::Reverse;

use thiserror::Error;

use super::batch::{Batch, Registration};
use super::extension::{self, Lists};
use super::generic::{self, Owner};
use super::identifier::KnownIdentifiers;
use super::plan::{Field, ITSELF, Plan, ResourcePlan, TablePlan};
use super::reference::{FullUrls, Resolver};
use super::route::follow;
use super::rows::{RowJob, gather_children};
use crate::copy::Target;
use crate::json::{Canonical, JsonError, Kind, Parser, Tree, Value};
use crate::kind::{self, Defect, DefectReason, Row, Timezone, moment};
use crate::model::{GenericTable, ResourceType, Rows};

/// What holds for all resources.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub timezone: Timezone,
}

/// A resource as its source gives it.
#[derive(Clone, Copy)]
pub struct Input<'i> {
    /// Its JSON.
    pub bytes: &'i [u8],
    pub full_url: Option<&'i str>,
    pub full_urls: Option<&'i dyn FullUrls>,
    /// The server that it comes from, with a slash at its end.
    pub base_url: Option<&'i str>,
    /// When the version took effect by its Bundle, where the resource itself
    /// does not say so.
    pub effective_at: Option<&'i str>,
}

/// Why a resource has no rows. It never holds values of the resource.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MapError {
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("not a JSON object")]
    NotAnObject,
    #[error("no resourceType")]
    NoResourceType,
    #[error("resourceType is not one of FHIR R4")]
    UnknownResourceType,
    #[error("{path}: {reason}")]
    Value { resource_type: &'static str, fhir_id: Option<String>, path: String, reason: DefectReason },
}

impl MapError {
    /// A word for counting and filtering.
    pub fn reason(&self) -> &'static str {
        match self {
            MapError::Json(_) => "not_json",
            MapError::NotAnObject => "not_an_object",
            MapError::NoResourceType => "no_resource_type",
            MapError::UnknownResourceType => "unknown_resource_type",
            MapError::Value { .. } => "invalid_value",
        }
    }

    /// Type and id of the resource, as far as they could be read.
    pub fn resource(&self) -> (Option<&'static str>, Option<&str>) {
        match self {
            MapError::Value { resource_type, fhir_id, .. } => (Some(*resource_type), fhir_id.as_deref()),
            _ => (None, None),
        }
    }
}

/// Maps resources, reusing its memory.
pub struct Mapper {
    plan: &'static Plan,
    settings: Settings,
    parser: Parser,
    canonical: Canonical,
    identifiers: KnownIdentifiers,
}

impl Mapper {
    pub fn new(plan: &'static Plan, settings: Settings) -> Self {
        Mapper {
            plan,
            settings,
            parser: Parser::default(),
            canonical: Canonical::default(),
            identifiers: KnownIdentifiers::default(),
        }
    }

    /// What is known of numbers that references name.
    pub fn identifiers(&mut self) -> &mut KnownIdentifiers {
        &mut self.identifiers
    }

    /// Adds the resource's rows to the batch, or none and says why.
    pub fn map(&mut self, input: &Input<'_>, batch: &mut Batch) -> Result<(), MapError> {
        let tree = self.parser.parse(input.bytes)?;
        let root = tree.root();
        if root.kind() != Kind::Object {
            return Err(MapError::NotAnObject);
        }
        let name = root.get("resourceType").and_then(Value::as_text).ok_or(MapError::NoResourceType)?;
        let resource_type = ResourceType::named(&name).ok_or(MapError::UnknownResourceType)?;
        let content_hash = self
            .canonical
            .hash(root, |parent, name| parent == "meta" && (name == "lastUpdated" || name == "versionId"))?;

        let written_id = root.get("id").and_then(Value::as_text).filter(|id| !id.is_empty());
        let is_id_generated = written_id.is_none();
        let fhir_id = match written_id {
            Some(id) => id.into_owned(),
            None => input.full_url.and_then(id_of_full_url).unwrap_or_else(|| generated_id(&content_hash)),
        };
        if let Some(defect) = whole(tree, &fhir_id) {
            let fhir_id = Some(fhir_id).filter(|fhir_id| fhir_id.len() <= kind::MAX_INDEXED_BYTES);
            return Err(refusal(tree, resource_type, fhir_id, defect));
        }
        let target = batch.target(resource_type, &fhir_id);
        let mut writing = Writing {
            plan: self.plan,
            resource: self.plan.of(resource_type),
            resource_type,
            tree,
            target,
            fhir_id: &fhir_id,
            timezone: self.settings.timezone,
            resolver: Resolver {
                batch,
                identifiers: &mut self.identifiers,
                full_urls: input.full_urls,
                base_urls: [
                    input.full_url.and_then(|full_url| base_url(full_url, resource_type)),
                    input.base_url,
                ],
            },
        };
        match writing.resource(input, content_hash) {
            Ok(registration) => {
                batch.finish_resource(Registration { is_id_generated, ..registration });
                Ok(())
            }
            Err(defect) => {
                batch.abandon_resource();
                Err(refusal(tree, resource_type, Some(fhir_id), defect))
            }
        }
    }
}

/// What is wrong with a resource before its columns are looked at.
fn whole(tree: Tree<'_>, fhir_id: &str) -> Option<Defect> {
    let root = tree.root();
    let id = root.get("id").unwrap_or(root);
    if id.kind() != Kind::String && id.index() != root.index() {
        return Some(Defect::new(id, DefectReason::ExpectedString));
    }
    if fhir_id.len() > kind::MAX_INDEXED_BYTES {
        return Some(Defect::new(id, DefectReason::TooLongForIndex));
    }
    if let Some(meta) = root.get("meta").filter(|meta| meta.kind() != Kind::Object) {
        return Some(Defect::new(meta, DefectReason::ExpectedObject));
    }
    tree.excessive_number().map(|number| Defect::new(number, DefectReason::NumberOutOfRange))
}

fn refusal(tree: Tree<'_>, resource_type: ResourceType, fhir_id: Option<String>, defect: Defect) -> MapError {
    let mut path = tree.value_at(defect.at).path();
    if path.is_empty() {
        // What is wrong with no part of the resource is what its entry calls it.
        path.push_str("fullUrl");
    }
    MapError::Value { resource_type: resource_type.name(), fhir_id, path, reason: defect.reason }
}

/// `urn:uuid:X` → X, an absolute URL → its last segment.
fn id_of_full_url(full_url: &str) -> Option<String> {
    let id = match full_url.strip_prefix("urn:uuid:").or(full_url.strip_prefix("urn:oid:")) {
        Some(id) => id,
        None => full_url.rsplit('/').next()?,
    };
    (!id.is_empty()).then(|| id.to_owned())
}

/// An id that a second load of the same resource finds again.
fn generated_id(content_hash: &[u8; 32]) -> String {
    let hexadecimal: String = content_hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("gen-{hexadecimal}")
}

/// `https://server/fhir/` of `https://server/fhir/Patient/1`.
fn base_url(full_url: &str, resource_type: ResourceType) -> Option<&str> {
    let (before_id, _) = full_url.rsplit_once('/')?;
    before_id.strip_suffix(resource_type.name()).filter(|base| base.ends_with('/'))
}

/// The writing of one resource's rows.
struct Writing<'w, 't> {
    plan: &'static Plan,
    resource: &'static ResourcePlan,
    resource_type: ResourceType,
    tree: Tree<'t>,
    target: Target,
    fhir_id: &'w str,
    timezone: Timezone,
    resolver: Resolver<'w>,
}

impl<'t> Writing<'_, 't> {
    fn resource(&mut self, input: &Input<'_>, content_hash: [u8; 32]) -> Result<Registration, Defect> {
        let registration = self.registration(input, content_hash)?;
        let root = self.tree.root();
        let table = &self.resource.table;
        let mut slots = vec![None; table.names.slot_count];
        slots[ITSELF] = Some(root);
        for (name, value) in root.members() {
            match table.names.get(name) {
                Some(Some(slot)) => slots[slot] = Some(value).filter(|value| !value.is_null()),
                Some(None) => {}
                None if self.resource.is_other => {}
                // Extensions of a primitive go with it.
                None if name.strip_prefix('_').is_some_and(|bare| table.names.get(bare).is_some()) => {}
                None => self.resolver.batch.note_unmapped(self.resource_type, name),
            }
        }
        let mut jobs = vec![RowJob { table, child: None, element: root, slots, extensions: Vec::new() }];
        gather_children(root, 0, &[], &mut jobs)?;

        let mut lists = Lists::default();
        if !self.resource.is_other {
            lists = Lists::of(self.tree)?;
            self.hand_out_extensions(&lists.values, &mut jobs);
        }
        let patient = self.root_row(&jobs[0], &registration, &lists)?;
        for job in &jobs[1..] {
            self.child_row(job, patient, &lists)?;
        }
        let patient = if self.resource.is_patient { Some(self.target) } else { patient };
        self.generic_rows(&jobs[0].slots, &lists, patient)?;
        Ok(registration)
    }

    fn registration(&mut self, input: &Input<'_>, content_hash: [u8; 32]) -> Result<Registration, Defect> {
        let root = self.tree.root();
        let meta = root.get("meta");
        let text = |value: Option<Value<'_>>| match value {
            Some(value) => match value.as_text() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(Defect::new(value, DefectReason::ExpectedString)),
            },
            None => Ok(None),
        };
        let of_meta = |name: &str| meta.and_then(|meta| meta.get(name));
        let last_updated = match of_meta("lastUpdated") {
            Some(value) => {
                let written = value.as_text().ok_or(Defect::new(value, DefectReason::ExpectedString))?;
                let span = moment::date_time(&written, self.timezone)
                    .ok_or(Defect::new(value, DefectReason::InvalidDateTime))?;
                Some(span.start)
            }
            None => None,
        };
        let of_bundle = || Some(moment::date_time(input.effective_at?, self.timezone)?.start);
        let mut profiles = Vec::new();
        if let Some(list) = of_meta("profile") {
            for profile in list.items() {
                profiles.extend(text(Some(profile))?);
            }
        }
        let raw = |value: Option<Value<'_>>| value.map(|value| value.raw().to_owned());
        // The usual fullUrl repeats the id and is not kept twice.
        let is_told_by_id =
            input.full_url.and_then(|url| url.strip_prefix("urn:uuid:")) == Some(self.fhir_id);
        Ok(Registration {
            target: self.target,
            full_url: input.full_url.filter(|_| !is_told_by_id).map(str::to_owned),
            version_id: text(of_meta("versionId"))?,
            last_updated,
            effective_at: last_updated.or_else(of_bundle),
            meta_source: text(of_meta("source"))?,
            profiles,
            tags: raw(of_meta("tag")),
            security: raw(of_meta("security")),
            language: text(root.get("language"))?,
            content_hash: Some(content_hash),
            is_id_generated: false,
        })
    }

    /// Gives each list of extensions to the innermost row that it stands in;
    /// telecoms in their generic table take their own.
    fn hand_out_extensions(&self, lists: &[Value<'t>], jobs: &mut [RowJob<'_, 't>]) {
        let telecoms = self.resource.lists.iter().filter(|list| list.table == GenericTable::Telecom);
        let telecoms: Vec<Value<'t>> =
            telecoms.filter_map(|telecoms| jobs[0].slots[telecoms.place.slot]).collect();
        let is_of_telecom =
            |list: &&Value<'t>| telecoms.iter().any(|telecom| telecom.extent().contains(&list.index()));
        // Rows lie in each other as their elements do: those that a list is in
        // are on a stack, the innermost on top.
        let mut rows: Vec<usize> = (0..jobs.len()).filter(|row| jobs[*row].table.has_extension).collect();
        rows.sort_by_key(|row| {
            let extent = jobs[*row].element.extent();
            (extent.start, Reverse(extent.end), Reverse(*row))
        });
        let mut rows = rows.into_iter().peekable();
        let mut around: Vec<usize> = Vec::new();
        for list in lists.iter().filter(|list| !is_of_telecom(list)) {
            while let Some(row) = rows.next_if(|row| jobs[*row].element.index() <= list.index()) {
                around.push(row);
            }
            while around.pop_if(|row| !jobs[*row].element.extent().contains(&list.index())).is_some() {}
            if let Some(innermost) = around.last() {
                jobs[*innermost].extensions.push(*list);
            }
        }
    }

    /// Writes the resource's own row; gives the target that is its patient.
    fn root_row(
        &mut self,
        job: &RowJob<'_, 't>,
        registration: &Registration,
        lists: &Lists<'t>,
    ) -> Result<Option<Target>, Defect> {
        let table = job.table;
        let copy = self.resolver.batch.rows(table.table);
        copy.begin_row(table.column_count);
        if self.resource.is_other {
            copy.text(self.resource_type.name());
        }
        copy.key(self.target);
        copy.text(self.fhir_id);
        copy.source();
        let mut patient = None;
        if let Some(field) = &self.resource.patient {
            self.field(table, field, job)?;
            patient = self.resolver.batch.rows(table.table).key_just_written();
        }
        if let Some(field) = &self.resource.encounter {
            self.field(table, field, job)?;
        }
        for field in &table.fields {
            self.field(table, field, job)?;
        }
        if table.has_extension {
            self.extensions(job, lists)?;
        }
        let copy = self.resolver.batch.rows(table.table);
        match registration.last_updated {
            Some(last_updated) => copy.timestamptz(last_updated),
            None => copy.null(),
        }
        if self.resource.is_other {
            copy.jsonb(&[self.tree.root().raw()]);
        }
        Ok(patient)
    }

    fn child_row(
        &mut self,
        job: &RowJob<'_, 't>,
        patient: Option<Target>,
        lists: &Lists<'t>,
    ) -> Result<(), Defect> {
        let Some((child, numbers)) = &job.child else { return Ok(()) };
        let table = job.table;
        let copy = self.resolver.batch.rows(table.table);
        copy.begin_row(table.column_count);
        copy.key(self.target);
        for enclosing in &numbers.enclosing {
            copy.integer(*enclosing);
        }
        if child.rows != Rows::KeyedByPlace {
            copy.integer(numbers.ordinal);
        }
        for constant in numbers.constants {
            copy.text(constant);
        }
        for place in &numbers.places {
            match place {
                Some(place) => copy.integer(*place),
                None => copy.null(),
            }
        }
        if child.has_patient {
            copy.optional_key(patient);
        }
        for field in &table.fields {
            self.field(table, field, job)?;
        }
        if table.has_extension {
            self.extensions(job, lists)?;
        }
        Ok(())
    }

    fn extensions(&mut self, job: &RowJob<'_, 't>, lists: &Lists<'t>) -> Result<(), Defect> {
        let json = extension::gather(job.element, &job.extensions, lists, &job.table.taken_extensions)?;
        let copy = self.resolver.batch.rows(job.table.table);
        match json {
            Some(json) => copy.jsonb(&[&json]),
            None => copy.null(),
        }
        Ok(())
    }

    fn field(&mut self, table: &TablePlan, field: &Field, job: &RowJob<'_, 't>) -> Result<(), Defect> {
        let is_absent = field.places.iter().all(|place| job.slots[place.slot].is_none());
        // The resolver writes to the batch too, so the rows are lent out of it.
        let mut copy = std::mem::take(self.resolver.batch.rows(table.table));
        if is_absent {
            copy.nulls(field.width);
            *self.resolver.batch.rows(table.table) = copy;
            return Ok(());
        }
        let root = self.tree.root();
        let mut elements: Vec<Value<'t>> = Vec::new();
        for place in &field.places {
            let before = elements.len();
            if let Some(start) = job.slots[place.slot] {
                follow(start, &place.steps, root, &mut elements);
            }
            if field.is_choice {
                // One element for each variant; null stands for none.
                elements.truncate(before + 1);
                if elements.len() == before {
                    elements.push(self.tree.nothing());
                }
            } else if !elements.is_empty() {
                break;
            }
        }
        let mark = copy.mark();
        let mut row = Row { copy: &mut copy, references: &mut self.resolver, timezone: self.timezone };
        let mut written = field.kind.write(&elements, &mut row);
        if written.is_ok() && copy.has_long_text(mark, &field.indexed, kind::MAX_INDEXED_BYTES) {
            let at = elements.iter().find(|element| !element.is_null()).map_or(0, |element| element.index());
            written = Err(Defect { reason: DefectReason::TooLongForIndex, at });
        }
        if written.is_err() && self.resource.is_other {
            // Types without a declaration use the same name for other things.
            copy.truncate(mark);
            copy.nulls(field.width);
            written = Ok(());
        }
        *self.resolver.batch.rows(table.table) = copy;
        written
    }

    fn generic_rows(
        &mut self,
        slots: &[Option<Value<'t>>],
        extensions: &Lists<'t>,
        patient: Option<Target>,
    ) -> Result<(), Defect> {
        if self.resource.is_other {
            return Ok(());
        }
        let owner = Owner { resource_type: self.resource_type.name(), target: self.target, patient };
        let places = &self.plan.generic;
        for list in &self.resource.lists {
            let Some(start) = slots[list.place.slot] else { continue };
            let mut items = Vec::new();
            follow(start, &list.place.steps, self.tree.root(), &mut items);
            generic::write_list(places, list, &items, owner, self.timezone, extensions, &mut self.resolver)?;
        }
        generic::write_codings(places, self.tree, extensions, owner, self.resolver.batch)
    }
}
