//! The `extension` column: the extensions, modifier extensions and extensions of primitives below
//! a row's element that no column takes, each with the path of the element it stands on.
//!
//! Elements that are rows of a child table have their own, as do contained
//! resources. An extension that a column's path names is taken as a whole.

use std::collections::BTreeSet;

use super::json::Json;
use super::path::{quoted, split};
use super::specification::Table;

/// What is not gathered below one kind of row.
#[derive(Debug, Default)]
pub struct Taken {
    /// Paths, without indexes, of elements that are rows elsewhere.
    pub rows: BTreeSet<String>,
    /// Path of an element and URL of an extension there that has columns.
    pub urls: BTreeSet<(String, String)>,
}

impl Taken {
    /// What the columns and child tables of `table` take. `base` is the path, without indexes, of
    /// the row's element below the resource; empty for the resource itself.
    pub fn by(table: &Table, base: &str, tables: &[Table]) -> Taken {
        let mut taken = Taken::default();
        for column in &table.columns {
            taken.note_url(&column.path);
        }
        for other in tables {
            for source in other.row_sources() {
                if base.is_empty() {
                    taken.note_url(source);
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

    fn note_url(&mut self, path: &str) {
        for alternative in split(path, " or ") {
            let mut element = String::new();
            for step in split(alternative, ".") {
                if step.starts_with("extension(") {
                    self.urls.insert((element.clone(), quoted(step).to_owned()));
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
            for extension in value.items() {
                let url = extension.string("url").unwrap_or("");
                if !taken.urls.contains(&(plain.to_owned(), url.to_owned())) {
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
            r#"{"extension":[{"url":"kept","valueString":"1"},{"url":"taken"}],
                "_birthDate":{"extension":[{"url":"time"}]},
                "name":[{"_family":{"extension":[{"url":"own"}]},"_given":[null,{"extension":[{"url":"second"}]}]}],
                "address":[{"extension":[{"url":"elsewhere"}]}],
                "contained":[{"extension":[{"url":"inner"}]}],
                "modifierExtension":[{"url":"modifier"}]}"#,
        )
        .unwrap();
        let mut taken = Taken::default();
        taken.urls.insert((String::new(), "taken".to_owned()));
        taken.rows.insert("address".to_owned());

        let found = Json::List(gather(&element, &taken));

        assert_eq!(
            found.to_jsonb(),
            concat!(
                r#"[{"url": "kept", "path": "", "valueString": "1"}, "#,
                r#"{"url": "time", "path": "birthDate"}, "#,
                r#"{"url": "own", "path": "name[0].family"}, "#,
                r#"{"url": "second", "path": "name[0].given[1]"}, "#,
                r#"{"url": "modifier", "path": "", "modifier": true}]"#
            )
        );
    }
}
