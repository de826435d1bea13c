//! Follows paths through a resource.

use super::contained::{MAX_CONTAINED, local_id};
use super::plan::PathStep;
use crate::json::{JsonType, NameId, Value};

/// Appends to `found` the values at the end of `steps` from `from`, with lists
/// flattened and without nulls. `root` is the resource, for `resolve()`.
pub(super) fn follow<'t>(from: Value<'t>, steps: &[PathStep], root: Value<'t>, found: &mut Vec<Value<'t>>) {
    if from.is_null() {
        return;
    }
    let Some((step, rest)) = steps.split_first() else {
        match from.json_type() {
            JsonType::Array => found.extend(from.items().filter(|item| !item.is_null())),
            _ => found.push(from),
        }
        return;
    };
    match step {
        PathStep::Index(index) if from.json_type() == JsonType::Array => {
            if let Some(item) = from.items().nth(*index) {
                follow(item, rest, root, found);
            }
        }
        // An item without its list is taken for the first one.
        PathStep::Index(index) => {
            if *index == 0 {
                follow(from, rest, root, found);
            }
        }
        PathStep::Where(path, value) if from.json_type() == JsonType::Array => {
            let mut matching = from.items().filter(|item| holds(*item, path, value));
            match rest.split_first() {
                Some((PathStep::Index(index), rest)) => {
                    if let Some(item) = matching.nth(*index) {
                        follow(item, rest, root, found);
                    }
                }
                _ => matching.for_each(|item| follow(item, rest, root, found)),
            }
        }
        _ if from.json_type() == JsonType::Array => {
            for item in from.items() {
                follow(item, steps, root, found);
            }
        }
        PathStep::Member(name) => {
            if let Some(member) = from.get(*name) {
                follow(member, rest, root, found);
            }
        }
        PathStep::Where(path, value) => {
            if holds(from, path, value) {
                follow(from, rest, root, found);
            }
        }
        PathStep::Resolve => {
            if let Some(contained) = contained(from, root) {
                follow(contained, rest, root, found);
            }
        }
    }
}

/// Whether there is a string of that value at the path.
pub(super) fn holds(value: Value<'_>, path: &[NameId], expected: &str) -> bool {
    match (value.json_type(), path.split_first()) {
        (JsonType::Array, _) => value.items().any(|item| holds(item, path, expected)),
        (_, Some((name, rest))) => value.get(*name).is_some_and(|member| holds(member, rest, expected)),
        (_, None) => value.as_text().is_some_and(|text| text == expected),
    }
}

/// The contained resource that a reference such as `#payer` means.
fn contained<'t>(reference: Value<'t>, root: Value<'t>) -> Option<Value<'t>> {
    let reference = reference.get(NameId::REFERENCE)?.as_text()?;
    contained_with_id(root, reference.strip_prefix('#')?)
}

/// The contained resource with that id.
fn contained_with_id<'t>(root: Value<'t>, id: &str) -> Option<Value<'t>> {
    let list = root.get(NameId::CONTAINED)?;
    let single = Some(list).filter(|list| list.json_type() == JsonType::Object);
    let has_id = |resource: &Value<'t>| {
        resource.get(NameId::ID).and_then(Value::as_text).is_some_and(|own| local_id(own) == id)
    };
    list.items().chain(single).take(MAX_CONTAINED).find(has_id)
}
