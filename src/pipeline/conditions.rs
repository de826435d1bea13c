//! *Conditional requests* of a batch: entries that name their resource by
//! identifier (`ifNoneExist`, `PUT Type?identifier=…`, `DELETE Type?identifier=…`;
//! <https://hl7.org/fhir/R4/http.html#ccreate>). They mean the one resource that
//! has the identifier, in the database or in the batch. If there is none, the
//! first of them makes it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fhirmill_core::fhir::{Address, Condition, IdentifierToken, ResourceType};
use fhirmill_core::json::{Parser, Value};
use fhirmill_core::map::{EarlierReferences, FullUrls};
use fhirmill_core::read::Bundle;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::load::Loader;
use fhirmill_postgres::registry::{ByIdentifier, Wanted};

use super::input_batch::{InputBatch, Record};

/// Other ids for resources that conditional requests name, by type and id.
pub(super) type Redirects = BTreeMap<(ResourceType, String), Redirect>;

/// What a conditional request leads to.
pub(super) struct Redirect {
    id: String,
    /// All that have the identifier, and the id that the request would give: what it
    /// may have led to before.
    candidates: Vec<String>,
}

impl Redirect {
    /// What it leads to.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What it leads to, and what else it may have led to before.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.candidates.iter().map(String::as_str).chain([self.id.as_str()])
    }
}

/// What the conditional requests of a batch mean.
#[derive(Default)]
pub(super) struct Conditions {
    /// The ids of what the entries of the batch's Bundles mean.
    pub redirects: Redirects,
    /// The ids of records, by number.
    pub ids: Vec<(usize, String)>,
    /// Records that create what is there already.
    pub existing: Vec<usize>,
    /// What the registry must know of them.
    pub by_identifier: ByIdentifier,
    /// The URLs of what DELETE entries delete, by their record's number.
    pub deletes: Vec<(usize, String)>,
}

/// What is known of one identifier.
#[derive(Default)]
struct Owners {
    /// The ids of the resources that have it, in the database or in the batch.
    ids: BTreeSet<String>,
    /// The id that the first conditional request would give.
    default_id: Option<String>,
}

impl Owners {
    /// The one owner, else what the first request makes.
    fn id(&self) -> Option<&String> {
        self.only().or(self.default_id.as_ref())
    }

    fn only(&self) -> Option<&String> {
        self.ids.first().filter(|_| self.ids.len() == 1)
    }
}

/// Whether the batch has conditional requests, or parts of Bundles that have.
pub(super) fn are_in(batch: &InputBatch) -> bool {
    let conditional = |record: &Record| {
        record.condition.is_some()
            || record
                .bundle
                .as_ref()
                .is_some_and(|bundle| bundles(bundle).any(|b| !b.conditions().is_empty()))
            || record.delete.as_deref().is_some_and(|url| deleted(url).is_some())
    };
    batch.records().iter().any(conditional)
}

/// The Bundle and those around it.
fn bundles(bundle: &Arc<Bundle>) -> impl Iterator<Item = &Bundle> {
    std::iter::successors(Some(bundle), |bundle| bundle.outer()).map(|bundle| &**bundle)
}

/// The identifier by which a DELETE entry names its resource.
fn deleted(url: &str) -> Option<Wanted> {
    let Address::Search { resource_type, query, .. } = Address::parse(url) else { return None };
    let token = IdentifierToken::of_query(query)?;
    Some((resource_type, token.system.map(Cow::into_owned), token.value.into_owned()))
}

fn wanted(condition: &Condition) -> Wanted {
    (condition.resource_type, condition.system.clone(), condition.value.clone())
}

/// Finds out what the conditional requests of the batch mean.
pub(super) fn resolve(
    batch: &InputBatch,
    source_id: i16,
    loader: &mut Loader,
) -> Result<Conditions, LoadError> {
    let mut owners: BTreeMap<Wanted, Owners> = BTreeMap::new();
    let mut requests: Vec<(Wanted, &str)> = Vec::new();
    let mut seen = BTreeSet::new();
    for record in batch.records() {
        for bundle in record.bundle.iter().flat_map(bundles).filter(|bundle| seen.insert(bundle.number())) {
            requests
                .extend(bundle.conditions().iter().map(|(condition, id)| (wanted(condition), id.as_str())));
        }
        if let Some(wanted) = record.delete.as_deref().and_then(deleted) {
            owners.entry(wanted).or_default();
        }
    }
    for (wanted, default_id) in &requests {
        let owners = owners.entry(wanted.clone()).or_default();
        owners.default_id.get_or_insert_with(|| (*default_id).to_owned());
    }
    let asked: Vec<Wanted> = owners.keys().cloned().collect();
    for (owners, ids) in owners.values_mut().zip(loader.owners(source_id, &asked)?) {
        owners.ids.extend(ids);
    }
    let in_database: BTreeSet<Wanted> = owners
        .iter()
        .filter(|(_, owners)| owners.only().is_some())
        .map(|(wanted, _)| wanted.clone())
        .collect();
    add_from_batch(batch, &mut owners);
    let mut conditions = Conditions::default();
    for ((resource_type, system, value), default_id) in requests {
        let key = (resource_type, system, value);
        let owners = &owners[&key];
        if let (None, Some(made)) = (owners.only(), &owners.default_id) {
            conditions.by_identifier.made.push((key.clone(), made.clone()));
        }
        if let Some(id) = owners.id().filter(|id| *id != default_id || !owners.ids.is_empty()) {
            let candidates = owners.ids.iter().cloned().chain([default_id.to_owned()]).collect();
            let redirect = Redirect { id: id.clone(), candidates };
            conditions.redirects.insert((key.0, default_id.to_owned()), redirect);
        }
    }
    let mut made: BTreeSet<Wanted> = BTreeSet::new();
    for (number, record) in batch.records().iter().enumerate() {
        if let Some(wanted) = record.delete.as_deref().and_then(deleted)
            && let Some(id) = owners[&wanted].only()
        {
            conditions.deletes.push((number, format!("{}/{id}", wanted.0.name())));
        }
        let Some(condition) = &record.condition else { continue };
        let key = wanted(condition);
        let Some(owner) = owners.get(&key) else { continue };
        let Some(id) = owner.id() else { continue };
        let has_owner = owner
            .only()
            .is_some_and(|only| in_database.contains(&key) || Some(only) != owner.default_id.as_ref());
        let is_first = made.insert(key);
        // A resource that keeps its own id is a version of the one that has it.
        let keeps_id = condition.own_id.as_ref() == Some(id);
        if condition.is_create && !keeps_id && (has_owner || !is_first) {
            conditions.existing.push(number);
        }
        conditions.by_identifier.written.push((condition.resource_type, id.clone()));
        conditions.ids.push((number, id.clone()));
    }
    Ok(conditions)
}

/// Adds the resources of the batch that have one of the identifiers and no
/// condition of their own.
fn add_from_batch(batch: &InputBatch, owners: &mut BTreeMap<Wanted, Owners>) {
    let mut parser = Parser::default();
    let types: BTreeSet<ResourceType> = owners.keys().map(|(resource_type, ..)| *resource_type).collect();
    let text = |value: Option<Value<'_>>| {
        value.and_then(Value::as_text).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    for record in
        batch.records().iter().filter(|record| record.condition.is_none() && record.delete.is_none())
    {
        let Ok(tree) = parser.parse(batch.bytes(record)) else { continue };
        let root = tree.root();
        let own_type = text(root.get("resourceType")).and_then(|name| ResourceType::named(&name));
        let Some(own_type) = own_type.filter(|own| types.contains(own)) else { continue };
        let Some(id) = record.id.clone().or_else(|| text(root.get("id"))) else { continue };
        for identifier in root.get("identifier").into_iter().flat_map(Value::items) {
            let (Some(value), system) = (text(identifier.get("value")), text(identifier.get("system")))
            else {
                continue;
            };
            for system in [None, Some(system.unwrap_or_default())] {
                if let Some(owners) = owners.get_mut(&(own_type, system, value.clone())) {
                    owners.ids.insert(id.clone());
                }
            }
        }
    }
}

/// The entries of a Bundle, with other ids for what conditional requests name.
pub(super) struct RedirectedUrls<'b> {
    pub bundle: &'b Bundle,
    pub redirects: &'b Redirects,
    /// In a remap, what the references of the resource led to before.
    pub earlier: Option<&'b EarlierReferences>,
}

impl FullUrls for RedirectedUrls<'_> {
    fn bundle(&self) -> u64 {
        self.bundle.number()
    }

    fn resolve(&self, address: &Address<'_>) -> Option<(ResourceType, Cow<'_, str>)> {
        let (resource_type, id) = self.bundle.resolve_address(address)?;
        match self.redirects.get(&(resource_type, id.clone().into_owned())) {
            Some(Redirect { id, candidates }) => {
                let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
                let before = self.earlier.and_then(|earlier| earlier.one_of(resource_type, &candidates));
                Some((resource_type, Cow::Borrowed(before.unwrap_or(id))))
            }
            None => Some((resource_type, id)),
        }
    }

    fn has_namesakes(&self) -> bool {
        self.bundle.has_namesakes()
    }
}
