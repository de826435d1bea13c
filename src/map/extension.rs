//! Extensions that no column takes, gathered for the column `extension` of
//! the row that they belong to: an array of the extensions as they came, each
//! with the path from the row's element to where it stood.
//! Source: <https://hl7.org/fhir/R4/extensibility.html>.

use std::fmt::Write as _;

use crate::json::{Kind, Name, Tree, Value};

/// The lists of extensions in a resource, outermost only, and not those of
/// contained resources.
pub(super) fn lists_of<'t>(tree: &'t Tree<'t>, found: &mut Vec<Value<'t>>) {
    found.clear();
    let contained = tree.root().get(Name::CONTAINED).map(Value::extent).unwrap_or_default();
    let mut within = 0..0;
    for member in tree.all_members() {
        let value = member.value();
        if matches!(member.name(), Name::EXTENSION | Name::MODIFIER_EXTENSION)
            && !within.contains(&value.index())
            && !contained.contains(&value.index())
        {
            within = value.extent();
            found.push(value);
        }
    }
}

/// The JSON array of the extensions in `lists` that `taken` does not name by
/// path and url; `None` if there are none. `element` is what the paths are
/// relative to.
pub(super) fn gather(element: Value<'_>, lists: &[Value<'_>], taken: &[(String, String)]) -> Option<String> {
    let mut json = String::new();
    for list in lists {
        let path = relative_path(element, *list);
        for extension in list.items().filter(|extension| extension.kind() == Kind::Object) {
            let url = extension.get(Name::URL).and_then(Value::as_text).unwrap_or_default();
            if taken.iter().any(|(taken_path, taken_url)| *taken_path == path && *taken_url == url) {
                continue;
            }
            json.push(if json.is_empty() { '[' } else { ',' });
            // A path is made of names and brackets, which need no escapes
            // unless the names have them already.
            let _ = write!(json, "{{\"path\":\"{path}\"");
            let members = extension.raw()[1..].trim_start();
            if !members.starts_with('}') {
                json.push(',');
            }
            json.push_str(members);
        }
    }
    if json.is_empty() {
        return None;
    }
    json.push(']');
    Some(json)
}

/// The path of the element that has the list, without the underscore that
/// JSON puts before the extensions of a primitive.
fn relative_path(element: Value<'_>, list: Value<'_>) -> String {
    let base = element.path();
    let full = list.path();
    let inner = full.strip_prefix(&base).unwrap_or(&full).trim_start_matches('.');
    let owner = inner.rsplit_once('.').map_or("", |(owner, _)| owner);
    owner.split('.').map(|name| name.trim_start_matches('_')).collect::<Vec<_>>().join(".")
}
