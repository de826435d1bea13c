//! Which types the references in a resource may lead to, by their places. Needed
//! only for the few that have an identifier and do not state a type.

use rustc_hash::FxHashMap;

use super::structure::{Kind, Structure, TypeId};
use crate::fhir::ResourceType;
use crate::json::{JsonType, NameId, Tree, Value};

/// By the index of a reference's value the types that its element allows, with bars
/// between them; nothing for elements that allow any.
pub(in super::super) type AllowedTargets = FxHashMap<u32, &'static str>;

/// The types that the references of a resource may lead to, and those of what it
/// contains. One pass over the nodes.
pub(in super::super) fn allowed_targets(tree: &Tree<'_>, structure: &Structure) -> AllowedTargets {
    let mut search = Search { structure, found: AllowedTargets::default() };
    search.resource(tree.root());
    search.found
}

struct Search<'s> {
    structure: &'s Structure,
    found: AllowedTargets,
}

impl Search<'_> {
    fn resource(&mut self, resource: Value<'_>) {
        let name = resource.get(NameId::RESOURCE_TYPE).and_then(Value::as_text);
        if let Some(resource_type) = name.and_then(|name| ResourceType::named(&name)) {
            self.object(resource, self.structure.of_resource(resource_type));
        }
    }

    fn object(&mut self, object: Value<'_>, type_id: TypeId) {
        for member in object.members() {
            let (name, value) = (member.name(), member.value());
            let Some(definition) = self.structure.member(type_id, name) else { continue };
            let (kind, member_type) = (definition.kind, definition.type_id);
            if kind != Kind::Object && kind != Kind::Resource {
                continue;
            }
            let targets = self.structure.targets(type_id, name);
            let mut visit = |value: Value<'_>| {
                if value.json_type() != JsonType::Object {
                    return;
                }
                self.found.extend(targets.map(|targets| (value.index(), targets)));
                match kind {
                    Kind::Resource => self.resource(value),
                    _ => self.object(value, member_type),
                }
            };
            match value.json_type() {
                JsonType::Array => value.items().for_each(visit),
                _ => visit(value),
            }
        }
    }
}
