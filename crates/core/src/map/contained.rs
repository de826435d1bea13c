//! *Contained resources* stand in the element `contained` of another resource,
//! their container, and exist only within it. They have rows like any resource:
//! their identity is `ContainerType/containerId#localId`, which no other resource
//! has, and they have no version of their own.
//! Source: <https://hl7.org/fhir/R4/references.html#contained>.

use std::borrow::Cow;

use hashbrown::HashSet;

use super::target::Targets;
use super::unmapped::UnmappedElements;
use crate::datatype::MAX_INDEXED_BYTES;
use crate::fhir::{ResourceType, is_blank, trimmed};
use crate::json::{JsonError, JsonType, NameId, Parser, Value};
use crate::rows::Target;

/// The most contained resources of one container that are mapped, since each may
/// have many times the bytes of its JSON in rows. Real resources have far fewer.
pub(super) const MAX_CONTAINED: usize = 1000;

/// One contained resource.
pub(super) struct ContainedResource<'t> {
    pub root: Value<'t>,
    pub resource_type: ResourceType,
    pub target: Target,
    /// Its identity within its type and source.
    pub fhir_id: String,
    /// Its id within the container.
    local_id: Cow<'t, str>,
}

/// A container and what it contains. Empty for most resources.
pub(super) struct Contained<'t> {
    /// What `#` means.
    container: (ResourceType, Target),
    /// In document order.
    pub resources: Vec<ContainedResource<'t>>,
    /// Numbers of `resources`, sorted by local id.
    by_local_id: Vec<usize>,
}

impl<'t> Contained<'t> {
    /// The contained resources of `root`, the resource of that type, id and
    /// target. Of several with the same id only the first counts. Those that
    /// cannot be told from others are noted as unmapped.
    pub fn of(
        root: Value<'t>,
        (resource_type, fhir_id, target): (ResourceType, &str, Target),
        targets: &mut Targets,
        unmapped: &mut UnmappedElements,
    ) -> Self {
        let container = (resource_type, target);
        let Some(list) = root.get(NameId::CONTAINED) else {
            return Contained { container, resources: Vec::new(), by_local_id: Vec::new() };
        };
        let mut contained = Contained { container, resources: Vec::new(), by_local_id: Vec::new() };
        // A single resource in place of a list is taken for a list of one.
        let single = Some(list).filter(|list| list.json_type() == JsonType::Object);
        let mut local_ids = HashSet::new();
        for item in list.items().chain(single) {
            let own = match own_identity(item) {
                Ok((_, local_id)) if !local_ids.insert(local_id.clone()) => Err("contained (duplicate id)"),
                Ok(_) if contained.resources.len() == MAX_CONTAINED => Err("contained (more than 1000)"),
                own => own,
            };
            let (own_type, local_id) = match own {
                Ok(own) => own,
                Err(reason) => {
                    unmapped.note(resource_type, reason);
                    continue;
                }
            };
            let own_id = contained_id(resource_type, fhir_id, &local_id);
            if own_id.len() > MAX_INDEXED_BYTES {
                unmapped.note(resource_type, "contained (id too long)");
                continue;
            }
            if item.get(NameId::CONTAINED).is_some() {
                unmapped.note(resource_type, "contained.contained");
            }
            contained.resources.push(ContainedResource {
                root: item,
                resource_type: own_type,
                target: targets.of_identity(own_type, &own_id),
                fhir_id: own_id,
                local_id,
            });
        }
        contained.by_local_id = (0..contained.resources.len()).collect();
        contained.by_local_id.sort_unstable_by_key(|number| &contained.resources[*number].local_id);
        contained
    }

    /// Type and target of what `#` and this id mean; the container if it is
    /// empty.
    pub fn named(&self, local_id: &str) -> Option<(ResourceType, Target)> {
        if local_id.is_empty() {
            return Some(self.container);
        }
        let local_id_of = |number: &usize| &*self.resources[*number].local_id;
        let place = self.by_local_id.binary_search_by_key(&local_id, local_id_of).ok()?;
        let resource = &self.resources[self.by_local_id[place]];
        Some((resource.resource_type, resource.target))
    }
}

/// The identity, within its type, of what a resource of that type and id contains.
pub(super) fn contained_id(container_type: ResourceType, container_id: &str, local_id: &str) -> String {
    format!("{}/{container_id}#{local_id}", container_type.name())
}

/// The JSON, as written, of the contained resource of that type and local id in
/// the resource whose JSON is `container`; `None` if there is none.
///
/// # Errors
///
/// The bytes are not JSON.
pub fn contained_json(
    container: &[u8],
    resource_type: ResourceType,
    local_id: &str,
) -> Result<Option<String>, JsonError> {
    let mut parser = Parser::default();
    let tree = parser.parse(container)?;
    let Some(list) = tree.root().get(NameId::CONTAINED) else { return Ok(None) };
    let single = Some(list).filter(|list| list.json_type() == JsonType::Object);
    let is_it =
        |item: &Value<'_>| own_identity(*item).is_ok_and(|(of, id)| of == resource_type && id == local_id);
    Ok(list.items().chain(single).find(is_it).map(|item| item.raw().to_owned()))
}

/// The type and the local id of a contained resource, or why it is none.
fn own_identity(item: Value<'_>) -> Result<(ResourceType, Cow<'_, str>), &'static str> {
    let name = item.get(NameId::RESOURCE_TYPE).and_then(Value::as_text);
    let resource_type = name.and_then(|name| ResourceType::named(trimmed(&name)));
    let resource_type = resource_type.ok_or("contained (no resource of R4)")?;
    // As the repair reads it: a number, or the first of a list.
    let written = item.get(NameId::ID).map(|id| id.items().next().unwrap_or(id));
    let text = written.and_then(|id| match id.json_type() {
        JsonType::Number => Some(Cow::Borrowed(id.raw())),
        _ => id.as_text(),
    });
    let local_id = text.map(local_id).unwrap_or_default();
    if local_id.is_empty() { Err("contained (no id)") } else { Ok((resource_type, local_id)) }
}

/// The id without blanks around it, and without the `#` with which some senders
/// write it.
pub(super) fn local_id(written: Cow<'_, str>) -> Cow<'_, str> {
    let bare = |written: &str| {
        let bare = trimmed(written);
        bare.strip_prefix('#').unwrap_or(bare).len()
    };
    let (length, end) = (bare(&written), written.trim_end_matches(is_blank).len());
    match written {
        Cow::Borrowed(written) => Cow::Borrowed(&written[end - length..end]),
        Cow::Owned(written) => Cow::Owned(written[end - length..end].to_owned()),
    }
}
