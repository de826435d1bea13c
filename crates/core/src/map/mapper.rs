//! The *mapper* runs the plan over one resource after another: parse it, identify
//! it, write its rows into a batch.

use std::mem;
use std::sync::Arc;

use super::batch::RowBatch;
use super::contained::Contained;
use super::fields::FieldWriter;
use super::fingerprint::{self, Fingerprint, Identified};
use super::generic::without_indexes;
use super::identifier::IdentifierCache;
use super::input::{Input, MapError};
use super::plan::Plan;
use super::reference::{Allowed, ResolvedReference, Resolver, base_url};
use super::registration::Registered;
use super::repaired::RepairMemory;
use super::rows::{RowLists, emptied};
use super::shape::{Deviation, Deviations};
use super::unmapped::UnmappedElements;
use super::writing::{ResourceWriter, Subject};
use crate::datatype::{self, Timezone, ValueDefect, ValueDefectReason};
use crate::fhir::ResourceType;
use crate::json::{Canonical, Dictionary, JsonType, NameId, Parser, Tree, Value};
use crate::rows::Target;
use crate::version::number_of;
use crate::views::{View, render};

/// What holds for all resources that a mapper maps.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapSettings {
    /// Stands in for offsets that times are written without.
    pub timezone: Timezone,
}

/// Maps resources into the tables of a plan, reusing its memory. One for each
/// thread; they may share the plan.
pub struct Mapper {
    plan: Arc<Plan>,
    settings: MapSettings,
    parser: Parser,
    canonical: Canonical,
    identifiers: IdentifierCache,
    rows: RowLists<'static>,
    resolved: Vec<ResolvedReference>,
    elements: Vec<Value<'static>>,
    repair: RepairMemory,
    allows_views: bool,
}

impl Mapper {
    /// A mapper of that plan.
    pub fn new(plan: Arc<Plan>, settings: MapSettings) -> Self {
        Mapper {
            settings,
            parser: Parser::new(Arc::clone(&plan.dictionary)),
            canonical: Canonical::new(&plan.dictionary),
            identifiers: IdentifierCache::default(),
            rows: RowLists::default(),
            resolved: Vec::new(),
            elements: Vec::new(),
            repair: RepairMemory::new(&plan),
            plan,
            allows_views: false,
        }
    }

    /// Whether ViewDefinitions are mapped, which nobody may send at first.
    pub fn allow_views(&mut self, are_allowed: bool) {
        self.allows_views = are_allowed;
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The owners of identifiers that references name, as far as they are known.
    pub fn identifiers(&mut self) -> &mut IdentifierCache {
        &mut self.identifiers
    }

    /// The identity and version of the resource; `None` for one that cannot be
    /// mapped, whose error `map` gives.
    pub fn fingerprint(&mut self, input: &Input<'_>) -> Option<Fingerprint> {
        let written = self.parser.parse(input.bytes).ok()?;
        let notes = (&mut Deviations::default(), &mut UnmappedElements::default());
        let (tree, resource_type, _) = self.repair.as_defined(written, input, &self.plan, notes).ok()?;
        let identified =
            fingerprint::identify(&tree, resource_type, &written, &mut self.canonical, input).ok()?;
        let version = fingerprint::version(tree.root(), input, self.settings.timezone).ok()?;
        Some(Fingerprint {
            resource_type: identified.resource_type,
            fhir_id: identified.fhir_id,
            content_hash: identified.content_hash,
            effective_at: version.effective_at,
            version_id: version.version_id,
            is_deleted: fingerprint::is_marked_deleted(tree.root()),
        })
    }

    /// Adds the resource's rows to the batch, which must have as many tables as
    /// the plan.
    ///
    /// # Errors
    ///
    /// Why it has no rows. The batch is then as it was, but for targets.
    pub fn map(&mut self, input: &Input<'_>, batch: &mut RowBatch) -> Result<(), MapError> {
        let mapped = self.rows(input, batch);
        if mapped.is_err() {
            batch.abandon_resource();
        }
        mapped
    }

    /// As `map`, but after an error the batch may have some of the rows.
    fn rows(&mut self, input: &Input<'_>, batch: &mut RowBatch) -> Result<(), MapError> {
        let written = self.parser.parse(input.bytes)?;
        let notes = (&mut batch.deviations_of_current, &mut batch.unmapped_of_current);
        let (tree, resource_type, shape) = self.repair.as_defined(written, input, &self.plan, notes)?;
        if resource_type.is_view_definition() && !self.allows_views {
            return Err(MapError::ViewNotAllowed);
        }
        let Identified { resource_type, fhir_id, is_id_generated, content_hash } =
            fingerprint::identify(&tree, resource_type, &written, &mut self.canonical, input)?;
        if let Some(defect) = whole(&tree, &fhir_id) {
            let is_shown =
                |fhir_id: &String| !is_id_generated && fhir_id.len() <= datatype::MAX_INDEXED_BYTES;
            let fhir_id = Some(fhir_id).filter(is_shown);
            return Err(refusal(&tree, resource_type, fhir_id, defect));
        }
        let target = batch.target(resource_type, &fhir_id);
        if fingerprint::is_marked_deleted(tree.root()) {
            batch.abandon_resource();
            return Err(deletion(&tree, (resource_type, fhir_id, target), input, self.settings.timezone));
        }
        if resource_type.is_view_definition() {
            check_view(input.bytes, &fhir_id)?;
        }
        let contained = Contained::of(
            tree.root(),
            (resource_type, &fhir_id, target),
            &mut batch.targets,
            &mut batch.unmapped_of_current,
        );
        self.resolved.clear();
        let mut writer = ResourceWriter {
            plan: &self.plan,
            subject: Subject::of(tree.root(), (resource_type, &fhir_id, target)),
            tree: &tree,
            contained: &contained,
            registered: Registered { target, fhir_id: &fhir_id, is_id_generated, content_hash },
            timezone: self.settings.timezone,
            buffers: &mut batch.buffers,
            unmapped: &mut batch.unmapped_of_current,
            view_faults: &mut batch.view_faults,
            written: written.root().raw(),
            shape,
            fields: FieldWriter {
                tree: &tree,
                timezone: self.settings.timezone,
                resolver: Resolver {
                    targets: &mut batch.targets,
                    identifiers: &mut self.identifiers,
                    full_urls: input.full_urls,
                    own_base: input.full_url.and_then(base_url),
                    base_urls: input.base_urls,
                    resolved: &mut self.resolved,
                    allowed: Allowed::of(&tree, &self.plan.structure),
                    contained: &contained,
                    earlier: input.earlier,
                },
                is_lenient: false,
                elements: emptied(mem::take(&mut self.elements)),
                coerced: Vec::new(),
            },
            rows: mem::take(&mut self.rows).emptied(),
        };
        let registration = writer.resource(input);
        let coerced = writer.fields.coerced;
        self.elements = emptied(writer.fields.elements);
        self.rows = writer.rows.emptied();
        let targets = contained.resources.iter().map(|resource| resource.target);
        match registration {
            Ok(registration) => {
                note_coerced(&mut batch.deviations_of_current, resource_type, &tree, &coerced);
                batch.finish_resource(registration, targets);
                Ok(())
            }
            Err(defect) => Err(refusal(&tree, resource_type, Some(fhir_id), defect)),
        }
    }
}

/// Whether a ViewDefinition can be applied.
fn check_view(bytes: &[u8], fhir_id: &str) -> Result<(), MapError> {
    let faulty = |message: String| MapError::FaultyView { fhir_id: fhir_id.to_owned(), message };
    let text = std::str::from_utf8(bytes).map_err(|_| faulty("the definition is not UTF-8".to_owned()))?;
    let view = View::compile(text, &mut Dictionary::new()).map_err(|found| {
        let first = found.first().map(|first| render(first, "ViewDefinition", text));
        faulty(first.unwrap_or_default())
    })?;
    match view.name {
        Some(_) => Ok(()),
        None => Err(faulty("the view has no name: its table is named after it".to_owned())),
    }
}

/// What is wrong with a resource as a whole, whatever its columns.
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

/// A resource that is marked as deleted: what it deletes, and when.
fn deletion(
    tree: &Tree<'_>,
    (resource_type, fhir_id, target): (ResourceType, String, Target),
    input: &Input<'_>,
    timezone: Timezone,
) -> MapError {
    match fingerprint::version(tree.root(), input, timezone) {
        Ok(version) => {
            let number = version.version_id.as_deref().and_then(number_of);
            MapError::Deleted { target, effective_at: version.effective_at, version: number }
        }
        Err(defect) => refusal(tree, resource_type, Some(fhir_id), defect),
    }
}

/// Counts the values that were read as another JSON type than R4 defines.
fn note_coerced(deviations: &mut Deviations, resource_type: ResourceType, tree: &Tree<'_>, coerced: &[u32]) {
    for index in coerced {
        let path = without_indexes(&tree.value_at(*index).path());
        deviations.note(resource_type, &path, Deviation::Coerced);
    }
}

/// The error of a defect, with the path of the value.
fn refusal(
    tree: &Tree<'_>,
    resource_type: ResourceType,
    fhir_id: Option<String>,
    defect: ValueDefect,
) -> MapError {
    let mut path = tree.value_at(defect.at).path();
    if path.is_empty() {
        // The defect is in no part of the resource, so it is in its entry.
        path.push_str("fullUrl");
    }
    MapError::Value { resource_type: resource_type.name(), fhir_id, path, reason: defect.reason }
}
