//! The *mapper* runs the plan over one resource after the other. It first
//! gathers the rows that a resource will have, then writes them: which row an
//! extension belongs to can be told only when all rows are known.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use thiserror::Error;

use super::batch::{Registration, RowBatch, UnmappedElements};
use super::chunk::TableBuffers;
use super::extension::Lists;
use super::fields::FieldWriter;
use super::fingerprint::{self, Fingerprint, Identified, owned_text};
use super::generic::{RowPrefix, Writer};
use super::identifier::IdentifierCache;
use super::plan::{Plan, ResourcePlan};
use super::reference::{FullUrls, ResolvedReference, Resolver};
use super::route::follow;
use super::rows::{Gathered, RowLists, emptied};
use crate::datatype::{self, Timezone, ValueDefect, ValueDefectReason};
use crate::fhir::ResourceType;
use crate::json::{Canonical, JsonError, JsonType, NameId, Parser, Tree, Value};
use crate::model::GenericTable;
use crate::rows::Target;

/// What holds for all resources.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapSettings {
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
    /// The types that are wanted, if not all are.
    pub wanted: Option<&'i BTreeSet<String>>,
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
    #[error("resourceType is not one of those that are wanted")]
    NotWanted,
    #[error("resourceType is not one of FHIR R4")]
    UnknownResourceType,
    #[error("{path}: {reason}")]
    Value { resource_type: &'static str, fhir_id: Option<String>, path: String, reason: ValueDefectReason },
}

impl MapError {
    /// A word for counting and filtering.
    pub fn reason(&self) -> &'static str {
        match self {
            MapError::Json(_) => "not_json",
            MapError::NotAnObject => "not_an_object",
            MapError::NoResourceType => "no_resource_type",
            MapError::NotWanted => "not_wanted",
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
    plan: Arc<Plan>,
    settings: MapSettings,
    parser: Parser,
    canonical: Canonical,
    identifiers: IdentifierCache,
    rows: RowLists<'static>,
    resolved: Vec<ResolvedReference>,
    elements: Vec<Value<'static>>,
}

impl Mapper {
    pub fn new(plan: Arc<Plan>, settings: MapSettings) -> Self {
        Mapper {
            settings,
            parser: Parser::new(Arc::clone(&plan.dictionary)),
            canonical: Canonical::new(&plan.dictionary),
            plan,
            identifiers: IdentifierCache::default(),
            rows: RowLists::default(),
            resolved: Vec::new(),
            elements: Vec::new(),
        }
    }

    /// What is known of numbers that references name.
    pub fn identifiers(&mut self) -> &mut IdentifierCache {
        &mut self.identifiers
    }

    /// Who the resource is and which version of it; `None` for one that
    /// cannot be mapped, as `map` will say.
    pub fn fingerprint(&mut self, input: &Input<'_>) -> Option<Fingerprint> {
        let tree = self.parser.parse(input.bytes).ok()?;
        let identified = fingerprint::identify(&tree, &mut self.canonical, input).ok()?;
        let version = fingerprint::version(tree.root(), input, self.settings.timezone).ok()?;
        Some(Fingerprint {
            resource_type: identified.resource_type,
            fhir_id: identified.fhir_id,
            content_hash: identified.content_hash,
            effective_at: version.effective_at,
            version_id: version.version_id,
        })
    }

    /// Adds the resource's rows to the batch, or none and says why.
    pub fn map(&mut self, input: &Input<'_>, batch: &mut RowBatch) -> Result<(), MapError> {
        let tree = self.parser.parse(input.bytes)?;
        let Identified { resource_type, fhir_id, is_id_generated, content_hash } =
            fingerprint::identify(&tree, &mut self.canonical, input)?;
        if let Some(defect) = whole(&tree, &fhir_id) {
            let fhir_id = Some(fhir_id).filter(|fhir_id| fhir_id.len() <= datatype::MAX_INDEXED_BYTES);
            return Err(refusal(&tree, resource_type, fhir_id, defect));
        }
        let target = batch.target(resource_type, &fhir_id);
        self.resolved.clear();
        let resource = self.plan.of(resource_type);
        let mut writing = Writing {
            plan: &self.plan,
            resource,
            resource_type,
            tree: &tree,
            target,
            fhir_id: &fhir_id,
            timezone: self.settings.timezone,
            buffers: &mut batch.buffers,
            unmapped: &mut batch.unmapped_of_current,
            fields: FieldWriter {
                tree: &tree,
                timezone: self.settings.timezone,
                resolver: Resolver {
                    targets: &mut batch.targets,
                    identifiers: &mut self.identifiers,
                    full_urls: input.full_urls,
                    base_urls: [
                        input.full_url.and_then(|full_url| base_url(full_url, resource_type)),
                        input.base_url,
                    ],
                    resolved: &mut self.resolved,
                },
                is_lenient: resource.is_other,
                elements: emptied(mem::take(&mut self.elements)),
            },
            rows: mem::take(&mut self.rows).emptied(),
        };
        let written = writing.resource(input, content_hash);
        self.elements = emptied(writing.fields.elements);
        self.rows = writing.rows.emptied();
        match written {
            Ok(registration) => {
                batch.finish_resource(Registration { is_id_generated, ..registration });
                Ok(())
            }
            Err(defect) => {
                batch.abandon_resource();
                Err(refusal(&tree, resource_type, Some(fhir_id), defect))
            }
        }
    }
}

/// What is wrong with a resource before its columns are looked at.
fn whole(tree: &Tree<'_>, fhir_id: &str) -> Option<ValueDefect> {
    let root = tree.root();
    let id = root.get(NameId::ID).unwrap_or(root);
    if id.json_type() != JsonType::String && id.index() != root.index() {
        return Some(ValueDefect::new(id, ValueDefectReason::ExpectedString));
    }
    if fhir_id.len() > datatype::MAX_INDEXED_BYTES {
        return Some(ValueDefect::new(id, ValueDefectReason::TooLongForIndex));
    }
    if let Some(meta) = root.get(NameId::META).filter(|meta| meta.json_type() != JsonType::Object) {
        return Some(ValueDefect::new(meta, ValueDefectReason::ExpectedObject));
    }
    tree.excessive_number().map(|number| ValueDefect::new(number, ValueDefectReason::NumberOutOfRange))
}

fn refusal(
    tree: &Tree<'_>,
    resource_type: ResourceType,
    fhir_id: Option<String>,
    defect: ValueDefect,
) -> MapError {
    let mut path = tree.value_at(defect.at).path();
    if path.is_empty() {
        // What is wrong with no part of the resource is what its entry calls it.
        path.push_str("fullUrl");
    }
    MapError::Value { resource_type: resource_type.name(), fhir_id, path, reason: defect.reason }
}

/// `https://server/fhir/` of `https://server/fhir/Patient/1`.
fn base_url(full_url: &str, resource_type: ResourceType) -> Option<&str> {
    let (before_id, _) = full_url.rsplit_once('/')?;
    before_id.strip_suffix(resource_type.name()).filter(|base| base.ends_with('/') && base.contains("://"))
}

/// The writing of one resource's rows.
struct Writing<'w, 't> {
    plan: &'t Plan,
    resource: &'t ResourcePlan,
    resource_type: ResourceType,
    tree: &'t Tree<'t>,
    target: Target,
    fhir_id: &'w str,
    timezone: Timezone,
    buffers: &'w mut TableBuffers,
    unmapped: &'w mut UnmappedElements,
    fields: FieldWriter<'w, 't>,
    rows: RowLists<'t>,
}

impl<'t> Writing<'_, 't> {
    fn resource(&mut self, input: &Input<'_>, content_hash: [u8; 32]) -> Result<Registration, ValueDefect> {
        let registration = self.registration(input, content_hash)?;
        let mut rows = mem::take(&mut self.rows);
        let mut gathered = self.gather(&mut rows)?;
        let mut lists = Lists::default();
        if !self.resource.is_other {
            lists = Lists::of(self.tree)?;
            self.hand_out_extensions(&lists.values, &mut gathered);
        }
        let patient = self.root_row(&gathered, &lists, &registration)?;
        for job in 1..gathered.jobs().len() {
            self.child_row(&gathered, &lists, job, patient)?;
        }
        if !self.resource.is_other {
            let patient = if self.resource.is_patient { Some(self.target) } else { patient };
            self.generic_rows(&gathered, &lists, patient)?;
        }
        self.rows = rows;
        Ok(registration)
    }

    /// The rows that the resource will have, with their elements.
    fn gather<'g>(&mut self, rows: &'g mut RowLists<'t>) -> Result<Gathered<'g, 't>, ValueDefect> {
        let table = &self.resource.table;
        let mut gathered = Gathered::new(table, self.tree, rows);
        for member in self.tree.root().members() {
            match table.names.get(member.name()) {
                Some(Some(slot)) => gathered.put_slot(0, slot, Some(member.value())),
                Some(None) => {}
                None if self.resource.is_other => {}
                None if self.is_of_primitive(member.text()) => {}
                None => self.unmapped.note(self.resource_type, member.text()),
            }
        }
        gathered.children_of(0)?;
        Ok(gathered)
    }

    /// Whether the member holds the extensions of a primitive, which go with it.
    fn is_of_primitive(&self, name: &str) -> bool {
        let names = &self.resource.table.names;
        name.strip_prefix('_').is_some_and(|bare| names.get(self.plan.dictionary.lookup(bare)).is_some())
    }

    fn registration(
        &mut self,
        input: &Input<'_>,
        content_hash: [u8; 32],
    ) -> Result<Registration, ValueDefect> {
        let root = self.tree.root();
        let meta = root.get(NameId::META);
        let of_meta = |name: NameId| meta.and_then(|meta| meta.get(name));
        let version = fingerprint::version(root, input, self.timezone)?;
        let mut profiles = Vec::new();
        if let Some(list) = of_meta(NameId::PROFILE) {
            for profile in list.items() {
                profiles.extend(owned_text(Some(profile))?);
            }
        }
        let raw = |value: Option<Value<'_>>| value.map(|value| value.raw().to_owned());
        // The usual fullUrl repeats the id and is not kept twice.
        let is_told_by_id =
            input.full_url.and_then(|url| url.strip_prefix("urn:uuid:")) == Some(self.fhir_id);
        Ok(Registration {
            target: self.target,
            full_url: input.full_url.filter(|_| !is_told_by_id).map(str::to_owned),
            version_id: version.version_id,
            last_updated: version.last_updated,
            effective_at: version.effective_at,
            meta_source: owned_text(of_meta(NameId::SOURCE))?,
            profiles,
            tags: raw(of_meta(NameId::TAG)),
            security: raw(of_meta(NameId::SECURITY)),
            language: owned_text(root.get(NameId::LANGUAGE))?,
            content_hash: Some(content_hash),
            is_id_generated: false,
        })
    }

    /// Gives each list of extensions to the innermost row that it stands in;
    /// telecoms in their generic table take their own.
    fn hand_out_extensions(&self, lists: &[Value<'t>], gathered: &mut Gathered<'_, 't>) {
        if lists.is_empty() {
            return;
        }
        let telecoms = self.resource.lists.iter().filter(|list| list.table == GenericTable::Telecom);
        let telecoms: Vec<Value<'t>> =
            telecoms.filter_map(|telecoms| gathered.slot(0, telecoms.place.slot)).collect();
        let is_of_telecom =
            |list: &&Value<'t>| telecoms.iter().any(|telecom| telecom.extent().contains(&list.index()));
        // Rows lie in each other as their elements do: those that a list is in
        // are on a stack, the innermost on top.
        let jobs = gathered.jobs();
        let mut rows: Vec<usize> = (0..jobs.len()).filter(|row| jobs[*row].table.has_extension).collect();
        rows.sort_by_key(|row| {
            let extent = gathered.element(*row).extent();
            (extent.start, Reverse(extent.end), Reverse(*row))
        });
        let mut rows = rows.into_iter().peekable();
        let mut around: Vec<usize> = Vec::new();
        let mut kept = Vec::new();
        for list in lists.iter().filter(|list| !is_of_telecom(list)) {
            while let Some(row) = rows.next_if(|row| gathered.element(*row).index() <= list.index()) {
                around.push(row);
            }
            while around.pop_if(|row| !gathered.element(*row).extent().contains(&list.index())).is_some() {}
            if let Some(innermost) = around.last() {
                kept.push((*innermost, *list));
            }
        }
        gathered.keep_extensions(kept);
    }

    /// Writes the resource's own row; gives the target that is its patient.
    fn root_row(
        &mut self,
        gathered: &Gathered<'_, 't>,
        lists: &Lists<'t>,
        registration: &Registration,
    ) -> Result<Option<Target>, ValueDefect> {
        let resource = self.resource;
        let buffer = self.buffers.of(resource.table.table);
        buffer.begin_row(resource.table.column_count);
        if resource.is_other {
            buffer.text(self.resource_type.name());
        }
        buffer.key(self.target);
        buffer.text(self.fhir_id);
        buffer.source();
        let mut patient = None;
        if let Some(field) = &resource.patient {
            self.fields.one(buffer, field, gathered, 0)?;
            patient = buffer.key_just_written();
        }
        if let Some(field) = &resource.encounter {
            self.fields.one(buffer, field, gathered, 0)?;
        }
        self.fields.all(buffer, gathered, lists, 0)?;
        match registration.last_updated {
            Some(last_updated) => buffer.timestamptz(last_updated),
            None => buffer.null(),
        }
        if resource.is_other {
            buffer.jsonb(&[self.tree.root().raw()]);
        }
        Ok(patient)
    }

    fn child_row(
        &mut self,
        gathered: &Gathered<'_, 't>,
        lists: &Lists<'t>,
        job: usize,
        patient: Option<Target>,
    ) -> Result<(), ValueDefect> {
        let row = &gathered.jobs()[job];
        let Some(child) = row.child else { return Ok(()) };
        let buffer = self.buffers.of(row.table.table);
        buffer.begin_row(row.table.column_count);
        buffer.key(self.target);
        for ordinal in gathered.ordinals(job) {
            buffer.optional_integer(*ordinal);
        }
        for constant in row.constants {
            buffer.text(constant);
        }
        for place in gathered.places(job) {
            buffer.optional_integer(*place);
        }
        if child.has_patient {
            buffer.optional_key(patient);
        }
        self.fields.all(buffer, gathered, lists, job)
    }

    fn generic_rows(
        &mut self,
        gathered: &Gathered<'_, 't>,
        extensions: &Lists<'t>,
        patient: Option<Target>,
    ) -> Result<(), ValueDefect> {
        let FieldWriter { resolver, elements, .. } = &mut self.fields;
        let mut writer = Writer {
            places: &self.plan.generic,
            prefix: RowPrefix { resource_type: self.resource_type, target: self.target, patient },
            timezone: self.timezone,
            buffers: self.buffers,
            resolver,
        };
        for list in &self.resource.lists {
            let Some(start) = gathered.slot(0, list.place.slot) else { continue };
            elements.clear();
            follow(start, &list.place.steps, self.tree.root(), elements);
            writer.list(list, elements, extensions)?;
        }
        writer.codings(self.tree, extensions)
    }
}
