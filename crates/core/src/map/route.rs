//! Follows paths through a resource.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::contained::{MAX_CONTAINED, local_id};
use super::plan::PathStep;
use crate::json::{JsonType, NameId, Value};

/// Appends to `found` the values at the end of `steps` from `from`, with lists
/// flattened and without nulls. `root` is the resource, for `resolve()`.
pub(super) fn follow<'t>(from: Value<'t>, steps: &[PathStep], root: Value<'t>, found: &mut Vec<Value<'t>>) {
    let (mut from, mut steps) = (from, steps);
    // Most paths are names that lead from object to object.
    while let Some((PathStep::Member(name), rest)) = steps.split_first()
        && from.json_type() == JsonType::Object
    {
        let Some(member) = from.get(*name) else { return };
        (from, steps) = (member, rest);
    }
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
                Some((PathStep::InUse, rest)) => {
                    if let Some(item) = in_use(matching) {
                        follow(item, rest, root, found);
                    }
                }
                _ => matching.for_each(|item| follow(item, rest, root, found)),
            }
        }
        PathStep::InUse if from.json_type() == JsonType::Array => {
            if let Some(item) = in_use(from.items()) {
                follow(item, rest, root, found);
            }
        }
        _ if from.json_type() == JsonType::Array => {
            for item in from.items() {
                follow(item, steps, root, found);
            }
        }
        // No object.
        PathStep::Member(_) => {}
        PathStep::Where(path, value) => {
            if holds(from, path, value) {
                follow(from, rest, root, found);
            }
        }
        // An item without its list is the only one.
        PathStep::InUse => follow(from, rest, root, found),
        PathStep::Resolve => {
            if let Some(contained) = contained(from, root) {
                follow(contained, rest, root, found);
            }
        }
    }
}

/// How far a use of a name, address or identifier comes behind the usual one.
fn use_rank(given: Option<&str>) -> u8 {
    match given {
        Some("usual") => 0,
        Some("temp" | "nickname" | "secondary") => 2,
        Some("anonymous" | "maiden" | "billing") => 3,
        _ => 1,
    }
}

/// Of names, addresses or identifiers, the one in use: not marked old, without an
/// end of its period or else with the latest, of the preferred use; the first of
/// several. It does not depend on the day, so that mapping again changes nothing.
fn in_use<'t>(items: impl Iterator<Item = Value<'t>>) -> Option<Value<'t>> {
    let mut items = items.filter(|item| !item.is_null());
    let first = items.next()?;
    let mut best = first;
    for item in items {
        if precedence(item) < precedence(best) {
            best = item;
        }
    }
    Some(best)
}

/// Less is preferred.
fn precedence<'t>(item: Value<'t>) -> (bool, bool, Reverse<Option<Cow<'t, str>>>, u8) {
    let text = |value: Option<Value<'t>>| value.and_then(Value::as_text);
    let name_use = text(item.get(NameId::USE));
    let end = text(item.get(NameId::PERIOD).and_then(|period| period.get(NameId::END)));
    let is_old = name_use.as_deref() == Some("old");
    (is_old, end.is_some(), Reverse(end), use_rank(name_use.as_deref()))
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
