//! The paths of `columns.csv`, a small part of FHIRPath, evaluated on one JSON
//! tree.
//!
//! A step is a member name, `extension('URL')`, `where(path='value')`, `inUse()`
//! or `resolve()`, each optionally followed by `[n]`: the n-th result of the step
//! for each of its inputs. Lists are flattened.

use std::cmp::Ordering;

use super::json::Json;

/// Cuts at `separator` where it stands outside of quotes and parentheses.
pub fn split<'path>(path: &'path str, separator: &str) -> Vec<&'path str> {
    let mut parts = Vec::new();
    let mut depth = 0;
    let mut is_quoted = false;
    let mut start = 0;
    let mut place = 0;
    while place < path.len() {
        let rest = &path[place..];
        match rest.as_bytes()[0] {
            b'\'' => is_quoted = !is_quoted,
            b'(' if !is_quoted => depth += 1,
            b')' if !is_quoted => depth -= 1,
            _ if !is_quoted && depth == 0 && rest.starts_with(separator) => {
                parts.push(&path[start..place]);
                place += separator.len();
                start = place;
                continue;
            }
            _ => {}
        }
        place += 1;
    }
    parts.push(&path[start..]);
    parts
}

/// What stands between the first two quotes.
pub fn quoted(text: &str) -> &str {
    text.split('\'').nth(1).unwrap_or("")
}

/// What one step gives for one input.
pub fn step<'tree>(input: &'tree Json, step: &str, resource: &'tree Json) -> Vec<&'tree Json> {
    let (name, index) = match step.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((name, index)) => (name, index.parse::<usize>().ok()),
        None => (step, None),
    };
    let mut found: Vec<&Json> = Vec::new();
    if let Some(rest) = name.strip_prefix("extension(") {
        let extensions = input.get("extension").map_or(&[][..], Json::items);
        for extension in extensions {
            if extension.string("url") == Some(quoted(rest)) {
                found.push(extension);
            }
        }
    } else if let Some(condition) = name.strip_prefix("where(") {
        let (path, value) = condition.split_once('=').expect("where compares with =");
        for tested in walk(input, path.trim(), resource) {
            if tested.as_str() == Some(quoted(value)) {
                found.push(input);
                break;
            }
        }
    } else if name == "resolve()" {
        found.extend(contained(input, resource));
    } else if let Some(value) = input.get(name) {
        found.extend(value.items());
    }
    match index {
        Some(index) => found.get(index).copied().into_iter().collect(),
        None => found,
    }
}

/// The contained resource that a reference `#id` means.
pub fn contained<'tree>(reference: &Json, resource: &'tree Json) -> Option<&'tree Json> {
    let id = reference.string("reference")?.strip_prefix('#')?;
    let inner = resource.get("contained")?.items();
    inner.iter().find(|inner| inner.string("id") == Some(id))
}

/// Everything at the end of a path; the input itself for an empty path.
pub fn walk<'tree>(input: &'tree Json, path: &str, resource: &'tree Json) -> Vec<&'tree Json> {
    let mut found = vec![input];
    if path.is_empty() {
        return found;
    }
    for name in split(path, ".") {
        if name == "inUse()" {
            found = in_use(found).into_iter().collect();
            continue;
        }
        let mut next = Vec::new();
        for input in found {
            next.extend(step(input, name, resource));
        }
        found = next;
    }
    found
}

/// Of names, addresses or identifiers, the one in use: one that is not old before one that is; one without an
/// end before one that ended, and what ended last before what ended earlier; then by its use.
fn in_use(mut items: Vec<&Json>) -> Option<&Json> {
    let end = |item: &Json| Some(item.get("period")?.string("end")?.to_owned());
    let rank = |item: &Json| match item.string("use") {
        Some("usual") => 0,
        Some("temp" | "nickname" | "secondary") => 2,
        Some("anonymous" | "maiden" | "billing") => 3,
        _ => 1,
    };
    items.sort_by(|one, other| {
        let is_old = |item: &Json| item.string("use") == Some("old");
        let by_end = match (end(one), end(other)) {
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (one, other) => other.cmp(&one),
        };
        is_old(one).cmp(&is_old(other)).then(by_end).then(rank(one).cmp(&rank(other)))
    });
    items.first().copied()
}

/// What the URI of a terminology that many senders share contains or begins with. Those
/// that occur in the tests' resources; the mapper has a longer list of its own.
fn is_shared(system: &str) -> bool {
    let is_missing = system.contains("NullFlavor") || system.contains("data-absent-reason");
    let hosts = [
        "snomed.info",
        "loinc.org",
        "www.nlm.nih.gov",
        "unitsofmeasure.org",
        "www.ama-assn.org",
        "www.cms.gov",
        "hl7.org",
        "terminology.hl7.org",
        "www.whocc.no",
        "nucc.org",
        "www.nubc.org",
        "dicom.nema.org",
    ];
    let mut parts = system.split('/');
    let is_web = matches!(parts.next(), Some("http:" | "https:")) && parts.next() == Some("");
    let is_hosted = is_web && parts.next().is_some_and(|host| hosts.contains(&host));
    let is_oid =
        ["5", "6", "12"].iter().any(|arc| system.starts_with(&format!("urn:oid:2.16.840.1.113883.{arc}.")));
    !is_missing
        && (is_hosted || is_oid || system.starts_with("urn:iso:std:iso:") || system.starts_with("urn:ietf:"))
}

/// The coding of a concept that the columns show, and its place in the list. Codings with a
/// code of a shared terminology leave all others aside; of those left it is the one that the
/// user selected, else the first with both system and code, else the first.
pub fn chosen_coding(concept: &Json) -> Option<(usize, &Json)> {
    let codings = concept.get("coding")?.items();
    let mut left: Vec<(usize, &Json)> = codings.iter().enumerate().collect();
    let shared =
        |coding: &Json| coding.string("code").is_some() && coding.string("system").is_some_and(is_shared);
    if left.iter().any(|(_, coding)| shared(coding)) {
        left.retain(|(_, coding)| shared(coding));
    }
    let selected = left.iter().find(|(_, coding)| coding.get("userSelected") == Some(&Json::Boolean(true)));
    let complete = || {
        left.iter().find(|(_, coding)| coding.string("system").is_some() && coding.string("code").is_some())
    };
    selected.or_else(complete).or(left.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tree: &str, path: &str) -> Vec<String> {
        let tree = Json::parse(tree).unwrap();
        let mut texts = Vec::new();
        for found in walk(&tree, path, &tree) {
            texts.push(found.as_str().unwrap_or("?").to_owned());
        }
        texts
    }

    #[test]
    fn an_index_counts_within_each_parent() {
        let tree = r#"{"modifier":[{"coding":[{"code":"a"},{"code":"b"}]},{"coding":[{"code":"c"}]}]}"#;

        assert_eq!(texts(tree, "modifier.coding[0].code"), ["a", "c"]);
        assert_eq!(texts(tree, "modifier[0].coding.code"), ["a", "b"]);
    }

    #[test]
    fn extensions_are_found_by_url() {
        let tree = r#"{"extension":[{"url":"http://a.b/c","extension":[{"url":"x","valueString":"1"}]},{"url":"x","valueString":"2"}]}"#;

        assert_eq!(texts(tree, "extension('http://a.b/c').extension('x').valueString"), ["1"]);
    }

    #[test]
    fn where_keeps_what_matches() {
        let tree = r#"{"class":[{"type":{"coding":[{"code":"plan"}]},"value":"p"},{"type":{"coding":[{"code":"x"},{"code":"group"}]},"value":"g"}]}"#;

        assert_eq!(texts(tree, "class.where(type.coding.code='group').value"), ["g"]);
    }

    #[test]
    fn resolve_finds_contained_resources() {
        let tree = r##"{"contained":[{"id":"o","name":"Payer"}],"insurer":{"reference":"#o"}}"##;

        assert_eq!(texts(tree, "insurer.resolve().name"), ["Payer"]);
    }

    #[test]
    fn the_name_in_use() {
        let names = r#"{"name":[{"use":"old","text":"a"},{"use":"maiden","text":"b"},{"text":"c","period":{"end":"2019"}},
            {"use":"official","text":"d"},{"use":"usual","text":"e","period":{"end":"2020-01-01"}}]}"#;

        assert_eq!(texts(names, "name.inUse().text"), ["d"]);
    }

    #[test]
    fn the_chosen_coding() {
        let chosen = |tree: &str| chosen_coding(&Json::parse(tree).unwrap()).unwrap().0;

        assert_eq!(chosen(r#"{"coding":[{"display":"a"},{"code":"b"},{"system":"s","code":"c"}]}"#), 2);
        assert_eq!(chosen(r#"{"coding":[{"system":"s","code":"a"},{"userSelected":true}]}"#), 1);
        assert_eq!(chosen(r#"{"coding":[{"display":"a"},{"code":"b"}]}"#), 0);
        assert_eq!(
            chosen(
                r#"{"coding":[{"system":"s","code":"a","userSelected":true},{"system":"http://loinc.org"},
                {"system":"http://loinc.org","code":"1-8"}]}"#
            ),
            2
        );
    }
}
