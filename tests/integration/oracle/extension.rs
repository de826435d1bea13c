//! The `extension` column: the extensions, modifier extensions and extensions of primitives below
//! a row's element that no column takes, each with the path of the element it stands on.
//!
//! Elements that are rows of a child table have their own, as do contained
//! resources. Columns take the first extension of a URL that their paths name, and only if they
//! show every value in it: otherwise all of it is here too.

use std::collections::{BTreeMap, BTreeSet};

use super::json::Json;
use super::path::{chosen_coding, quoted, split, walk};
use super::specification::Table;

/// What is not gathered below one kind of row.
#[derive(Debug, Default)]
pub struct Taken {
    /// Paths, without indexes, of elements that are rows elsewhere.
    pub rows: BTreeSet<String>,
    /// Path of an element and URL of an extension there that has columns: what they read.
    pub urls: BTreeMap<(String, String), Vec<Reader>>,
}

/// What one column reads, from the element that the extension stands on.
#[derive(Debug)]
pub struct Reader {
    /// The path of rows of a child table, each of which has the column.
    rows: Option<String>,
    path: String,
}

impl Taken {
    /// What the columns and child tables of `table` take. `base` is the path, without indexes, of
    /// the row's element below the resource; empty for the resource itself.
    pub fn by(table: &Table, base: &str, tables: &[Table]) -> Taken {
        let mut taken = Taken::default();
        for column in &table.columns {
            taken.note_url(None, &column.path);
        }
        for other in tables {
            for source in other.row_sources() {
                if base.is_empty() {
                    for column in &other.columns {
                        taken.note_url(Some(source), &column.path);
                    }
                }
                let source = source.trim_end_matches('*');
                let below = match base {
                    "" => Some(source),
                    base => source.strip_prefix(base).and_then(|rest| rest.strip_prefix('.')),
                };
                if let Some(below) = below {
                    taken.rows.insert(below.to_owned());
                }
            }
        }
        taken
    }

    /// Notes a column's path, below the rows of a child table if `rows` names these.
    fn note_url(&mut self, rows: Option<&str>, path: &str) {
        for alternative in split(path, " or ") {
            let mut element = String::new();
            let whole = rows.map_or_else(|| alternative.to_owned(), |rows| format!("{rows}.{alternative}"));
            for step in split(&whole, ".") {
                if step.starts_with("extension(") {
                    let url = quoted(step).to_owned();
                    let before = whole.find("extension(").unwrap_or_default();
                    // What stands before the extension is left out: it is read from its element.
                    let rows = rows.map(|rows| rows.get(before..).unwrap_or_default().to_owned());
                    let path = if rows.is_some() { alternative } else { &whole[before..] };
                    let reader = Reader { rows, path: path.to_owned() };
                    self.urls.entry((element.clone(), url)).or_default().push(reader);
                    break;
                }
                if !element.is_empty() {
                    element.push('.');
                }
                element.push_str(step.trim_start_matches('_'));
            }
        }
    }
}

impl Reader {
    /// The values that the column shows.
    fn shown<'tree>(&self, element: &'tree Json) -> Vec<&'tree Json> {
        let rows = match &self.rows {
            Some(rows) => walk(element, rows, element),
            None => vec![element],
        };
        let path = self.path.strip_suffix(", else .text").unwrap_or(&self.path);
        let mut shown = Vec::new();
        for row in rows {
            let Some((concept, member)) = path.split_once(".coding.") else {
                shown.extend(walk(row, path, element).first());
                continue;
            };
            // The one coding that is chosen, and the text in place of its display.
            if let Some(concept) = walk(row, concept, element).first() {
                let coding = chosen_coding(concept).map(|(_, coding)| coding);
                let value = coding.and_then(|coding| coding.get(member));
                let text = concept.get("text").filter(|_| path.len() < self.path.len());
                shown.extend(value.or(text));
            }
        }
        shown
    }
}

/// Whether columns show every value of an extension that stands on `element`.
fn is_shown(extension: &Json, element: &Json, readers: &[Reader]) -> bool {
    let shown: Vec<&Json> = readers.iter().flat_map(|reader| reader.shown(element)).collect();
    values_of(extension).into_iter().all(|value| {
        shown.iter().any(|shown| std::ptr::eq(*shown, value))
            // A text that says what the display says.
            || shown.contains(&value)
    })
}

/// The values at the ends of an extension, but for URLs of extensions.
fn values_of(value: &Json) -> Vec<&Json> {
    match value {
        Json::Object(members) => {
            let of_member = |(name, inner): &(String, Json)| match inner {
                Json::Text(_) if name == "url" => None,
                Json::Null => None,
                _ => Some(()),
            };
            let kept = members.iter().filter(|member| of_member(member).is_some());
            kept.flat_map(|(_, inner)| values_of(inner)).collect()
        }
        Json::List(items) => items.iter().flat_map(values_of).collect(),
        value => vec![value],
    }
}

/// The extensions below `element` as a list, or nothing if there are none.
pub fn gather(element: &Json, taken: &Taken) -> Vec<Json> {
    let mut found = Vec::new();
    descend(element, "", "", taken, &mut found);
    found
}

fn joined(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// `path` has indexes, as it is shown; `plain` has none, as `Taken` knows it.
fn descend(element: &Json, path: &str, plain: &str, taken: &Taken, found: &mut Vec<Json>) {
    for (name, value) in element.members() {
        if name == "extension" || name == "modifierExtension" {
            let mut seen = BTreeSet::new();
            for extension in value.items() {
                let url = extension.string("url").unwrap_or("");
                let readers = taken.urls.get(&(plain.to_owned(), url.to_owned()));
                let is_first = name == "extension" && seen.insert(url);
                let is_taken =
                    is_first && readers.is_some_and(|readers| is_shown(extension, element, readers));
                if !is_taken {
                    let mut members = vec![("path".to_owned(), Json::Text(path.to_owned()))];
                    if name == "modifierExtension" {
                        members.push(("modifier".to_owned(), Json::Boolean(true)));
                    }
                    members.extend_from_slice(extension.members());
                    found.push(Json::Object(members));
                }
            }
            continue;
        }
        let element_name = name.strip_prefix('_').unwrap_or(name);
        let plain = joined(plain, element_name);
        if taken.rows.contains(&plain) || (path.is_empty() && name == "contained") {
            continue;
        }
        let shown = joined(path, element_name);
        match value {
            Json::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    descend(item, &format!("{shown}[{index}]"), &plain, taken, found);
                }
            }
            single => descend(single, &shown, &plain, taken, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_where_an_extension_stood() {
        let element = Json::parse(
            r#"{"extension":[{"url":"kept","valueString":"1"},
                {"url":"taken","valueString":"shown"},{"url":"taken","valueString":"second"},
                {"url":"parts","extension":[{"url":"one","valueCoding":{"code":"c","display":"not shown"}}]}],
                "_birthDate":{"extension":[{"url":"time"}]},
                "name":[{"_family":{"extension":[{"url":"own"}]},"_given":[null,{"extension":[{"url":"second"}]}]}],
                "address":[{"extension":[{"url":"elsewhere"}]}],
                "contained":[{"extension":[{"url":"inner"}]}],
                "modifierExtension":[{"url":"modifier"}]}"#,
        )
        .unwrap();
        let mut taken = Taken::default();
        taken.note_url(None, "extension('taken').valueString");
        taken.note_url(None, "extension('parts').extension('one').valueCoding.code");
        taken.rows.insert("address".to_owned());

        let found = Json::List(gather(&element, &taken));

        assert_eq!(
            found.to_jsonb(),
            concat!(
                r#"[{"url": "kept", "path": "", "valueString": "1"}, "#,
                r#"{"url": "taken", "path": "", "valueString": "second"}, "#,
                r#"{"url": "parts", "path": "", "extension": [{"url": "one", "valueCoding": "#,
                r#"{"code": "c", "display": "not shown"}}]}, "#,
                r#"{"url": "time", "path": "birthDate"}, "#,
                r#"{"url": "own", "path": "name[0].family"}, "#,
                r#"{"url": "second", "path": "name[0].given[1]"}, "#,
                r#"{"url": "modifier", "path": "", "modifier": true}]"#
            )
        );
    }
}
