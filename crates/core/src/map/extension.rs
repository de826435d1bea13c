//! Extensions that no column holds, collected for the column `extension` of the
//! row that they belong to: an array of the extensions as received, each with its
//! path from the row's element.
//! Source: <https://hl7.org/fhir/R4/extensibility.html>.

use std::fmt::Write as _;

use super::plan::TakenExtension;
use crate::datatype::{ValueDefect, ValueDefectReason};
use crate::json::{Enclosing, JsonType, NameId, Value, path_of};

/// The most depths of all lists of one resource taken together, since all that
/// encloses each of them is kept.
const MAX_DEPTHS: usize = 2_000_000;
/// The most bytes of JSON of one row's extensions. Each has its path with it, so
/// that many extensions with a long path could exceed the limit of `jsonb`.
const MAX_BYTES: usize = 128 << 20;

/// The outermost lists of extensions in a resource, except in those that it
/// contains, in document order.
#[derive(Default)]
pub(super) struct Lists<'t> {
    pub values: Vec<Value<'t>>,
    /// The places in `values` of those of modifier extensions; few.
    modifiers: Vec<usize>,
    /// What encloses each of them.
    enclosing: Vec<Vec<Enclosing<'t>>>,
}

impl<'t> Lists<'t> {
    /// Those of the resource `root`, which has some.
    pub fn of(root: Value<'t>) -> Result<Self, ValueDefect> {
        let mut lists = Self::default();
        let mut depths = 0;
        let contained = root.get(NameId::CONTAINED).map(Value::extent).unwrap_or_default();
        let mut within = 0..0;
        let mut walk = root.walk();
        while let Some(member) = walk.next_member() {
            let value = member.value();
            if is_list(member.name())
                && !within.contains(&value.index())
                && !contained.contains(&value.index())
            {
                within = value.extent();
                depths += walk.enclosing().len();
                if depths > MAX_DEPTHS {
                    return Err(ValueDefect::new(value, ValueDefectReason::TooMuch));
                }
                if member.name() == NameId::MODIFIER_EXTENSION {
                    lists.modifiers.push(lists.values.len());
                }
                lists.values.push(value);
                lists.enclosing.push(walk.enclosing().to_vec());
            }
        }
        Ok(lists)
    }

    /// Whether a list is one of modifier extensions.
    fn is_modifier(&self, list: Value<'_>) -> bool {
        let number = self.values.binary_search_by_key(&list.index(), |list| list.index());
        number.is_ok_and(|number| self.modifiers.contains(&number))
    }

    /// The lists within a value.
    pub fn within(&self, value: Value<'_>) -> &[Value<'t>] {
        let extent = value.extent();
        let start = self.values.partition_point(|list| list.index() < extent.start);
        let end = self.values.partition_point(|list| list.index() < extent.end);
        &self.values[start..end]
    }

    /// Whether a value is within one of the lists.
    pub fn contain(&self, value: Value<'_>) -> bool {
        let after = self.values.partition_point(|list| list.index() <= value.index());
        after.checked_sub(1).is_some_and(|last| self.values[last].extent().contains(&value.index()))
    }

    /// The path from an element to the owner of a list within it, without the
    /// underscore that JSON puts before the extensions of a primitive.
    fn relative_path(&self, element: Value<'_>, list: Value<'_>) -> String {
        let Ok(number) = self.values.binary_search_by_key(&list.index(), |list| list.index()) else {
            return String::new();
        };
        let enclosing = &self.enclosing[number];
        let from = enclosing.iter().position(|outer| outer.value().index() == element.index());
        let path = path_of(&enclosing[from.unwrap_or(0)..]);
        path.split('.').map(|name| name.trim_start_matches('_')).collect::<Vec<_>>().join(".")
    }
}

fn is_list(name: NameId) -> bool {
    matches!(name, NameId::EXTENSION | NameId::MODIFIER_EXTENSION)
}

/// The JSON array of the extensions in `own`, some of the resource's `lists`,
/// that columns do not hold whole; `None` if there are none. A modifier extension
/// is marked as such.
/// Paths are relative to `element`.
pub(super) fn gather<'v>(
    element: Value<'_>,
    own: impl Iterator<Item = Value<'v>>,
    lists: &Lists<'_>,
    taken: &[TakenExtension],
) -> Result<Option<String>, ValueDefect> {
    let mut json = String::new();
    // Columns hold the first of each URL.
    let mut held: Vec<&TakenExtension> = Vec::new();
    for list in own {
        let path = lists.relative_path(element, list);
        let is_modifier = lists.is_modifier(list);
        for extension in list.items().filter(|extension| extension.json_type() == JsonType::Object) {
            let url = extension.get(NameId::URL).and_then(Value::as_text).unwrap_or_default();
            let taken = taken.iter().find(|taken| taken.path == path && taken.url == url && !is_modifier);
            if let Some(taken) = taken.filter(|taken| !held.iter().any(|held| std::ptr::eq(*held, *taken))) {
                held.push(taken);
                if taken.is_all_of(extension) {
                    continue;
                }
            }
            json.push(if json.is_empty() { '[' } else { ',' });
            // A path consists of names and brackets, which need no escaping that
            // the names do not have already.
            let modifier = if is_modifier { ",\"modifier\":true" } else { "" };
            let _ = write!(json, "{{\"path\":\"{path}\"{modifier}");
            let members = extension.raw()[1..].trim_start();
            if !members.starts_with('}') {
                json.push(',');
            }
            json.push_str(members);
            if json.len() > MAX_BYTES {
                return Err(ValueDefect::new(extension, ValueDefectReason::TooMuch));
            }
        }
    }
    if json.is_empty() {
        return Ok(None);
    }
    json.push(']');
    Ok(Some(json))
}
