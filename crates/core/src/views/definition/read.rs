//! Reads a definition from its JSON.

use super::super::Diagnostic;
use super::super::diagnostic::{MAX_MISTAKES, did_you_mean};
use super::super::program::Tag;
use super::constant::{self, Constant, VALUES};
use super::{Column, Definition, Iteration, Select, Text};
use crate::json::{JsonType, Parser, Value};

/// The members of a ViewDefinition. Most of them only describe it.
const DEFINITION: [&str; 31] = [
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
    "extension",
    "modifierExtension",
    "url",
    "identifier",
    "version",
    "versionAlgorithmString",
    "versionAlgorithmCoding",
    "name",
    "title",
    "status",
    "experimental",
    "date",
    "publisher",
    "contact",
    "description",
    "useContext",
    "jurisdiction",
    "purpose",
    "copyright",
    "copyrightLabel",
    "profile",
    "fhirVersion",
    "resource",
    "constant",
];
const PARTS: [&str; 2] = ["select", "where"];
const SELECT: [&str; 9] = [
    "id",
    "extension",
    "modifierExtension",
    "column",
    "select",
    "forEach",
    "forEachOrNull",
    "repeat",
    "unionAll",
];
const COLUMN: [&str; 9] =
    ["id", "extension", "modifierExtension", "name", "path", "description", "collection", "type", "tag"];
const CONDITION: [&str; 5] = ["id", "extension", "modifierExtension", "path", "description"];
const TAG: [&str; 5] = ["id", "extension", "modifierExtension", "name", "value"];
const CONSTANT: [&str; 4] = ["id", "extension", "modifierExtension", "name"];

/// Selects may be nested that deep.
const MAX_DEPTH: usize = 50;
/// All selects and branches together. Each is one more call on the stack when the view is run.
const MAX_SELECTS: usize = 500;
const MAX_CONSTANTS: usize = 1000;
/// Paths of one `repeat`.
const MAX_REPEATED: usize = 100;

/// Reads the definition. All errors of form are reported together.
pub(in super::super) fn read(text: &str) -> Result<Definition, Vec<Diagnostic>> {
    let mut parser = Parser::default();
    let tree = parser.parse(text.as_bytes()).map_err(|error| {
        let at = error.offset.min(text.len().saturating_sub(1));
        vec![Diagnostic::error(format!("not JSON: {error}"), String::new(), at..at + 1)]
    })?;
    let mut reader = Reader { found: Vec::new(), selects: 0 };
    let definition = reader.definition(tree.root());
    match definition {
        Some(definition) if reader.found.is_empty() => Ok(definition),
        _ => Err(reader.found),
    }
}

struct Reader {
    found: Vec<Diagnostic>,
    /// How many there were so far.
    selects: usize,
}

impl Reader {
    fn error(&mut self, message: impl Into<String>, path: &str, at: Value<'_>) {
        self.found.push(Diagnostic::error(message, path.to_owned(), at.span()));
    }

    /// Whether there are so many mistakes that no more are looked for.
    fn is_full(&self) -> bool {
        self.found.len() >= MAX_MISTAKES
    }

    /// The value if it is an object, whose members all have names that `known` accepts.
    fn object<'t>(&mut self, value: Value<'t>, path: &str, known: &[&[&str]]) -> Option<Value<'t>> {
        if value.json_type() != JsonType::Object {
            self.error("this must be an object", path, value);
            return None;
        }
        let names = || known.iter().flat_map(|names| names.iter().copied());
        for member in value.members() {
            if self.is_full() {
                return None;
            }
            let name = member.unescaped();
            let bare = name.strip_prefix('_').unwrap_or(&name);
            if bare != "fhir_comments" && !names().any(|known| known == bare) {
                let path = format!("{path}.{name}");
                let diagnostic =
                    Diagnostic::error(format!("no such member: `{name}`"), path, member.value().span());
                self.found.push(diagnostic.with_help(did_you_mean(&name, names())));
            }
        }
        Some(value)
    }

    fn text(&mut self, object: Value<'_>, name: &str, path: &str) -> Option<Text> {
        let value = object.get(name)?;
        self.string(value, join(path, name))
    }

    fn string(&mut self, value: Value<'_>, path: String) -> Option<Text> {
        let Some(text) = value.as_text() else {
            self.error("this must be a string", &path, value);
            return None;
        };
        let written = &value.raw()[1..value.raw().len() - 1];
        let escaped = (*written != *text).then(|| written.to_owned());
        Some(Text { value: text.into_owned(), path, span: value.span(), escaped })
    }

    fn required(&mut self, object: Value<'_>, name: &str, path: &str, what: &str) -> Option<Text> {
        if object.get(name).is_none() && object.json_type() == JsonType::Object {
            let help = format!("add `\"{name}\": \"…\"`");
            let diagnostic =
                Diagnostic::error(format!("{what} has no `{name}`"), path.to_owned(), start_of(object));
            self.found.push(diagnostic.with_help(Some(help)));
        }
        self.text(object, name, path).filter(|text| {
            !text.value.is_empty() || {
                self.found.push(text.error("this must not be empty"));
                false
            }
        })
    }

    /// The items of a list, with their paths.
    fn list<'t>(&mut self, object: Value<'t>, name: &str, path: &str) -> Vec<(Value<'t>, String)> {
        let Some(list) = object.get(name) else { return Vec::new() };
        let path = join(path, name);
        if list.json_type() != JsonType::Array {
            self.error("this must be a list", &path, list);
            return Vec::new();
        }
        list.items().enumerate().map(|(number, item)| (item, format!("{path}[{number}]"))).collect()
    }

    /// The same of a list that has a limit.
    fn limited_list<'t>(
        &mut self,
        object: Value<'t>,
        (name, limit): (&str, usize),
        path: &str,
    ) -> Vec<(Value<'t>, String)> {
        let mut list = self.list(object, name, path);
        if let Some((item, path)) = list.get(limit) {
            self.error(format!("more than {limit} items of `{name}`"), path, *item);
            list.clear();
        }
        list
    }

    fn definition(&mut self, root: Value<'_>) -> Option<Definition> {
        self.object(root, "", &[&DEFINITION, &PARTS])?;
        if let Some(kind) = self.text(root, "resourceType", "")
            && kind.value != "ViewDefinition"
        {
            self.found.push(kind.error("this is no ViewDefinition"));
            return None;
        }
        let constants = self.limited_list(root, ("constant", MAX_CONSTANTS), "");
        let constants = constants.into_iter().filter_map(|(item, path)| self.constant(item, path)).collect();
        let selects = self.list(root, "select", "");
        if selects.is_empty() {
            let help =
                "add `\"select\": [{\"column\": [{\"name\": \"id\", \"path\": \"getResourceKey()\"}]}]`";
            let diagnostic =
                Diagnostic::error("the definition selects nothing", "select".to_owned(), start_of(root));
            self.found.push(diagnostic.with_help(Some(help.to_owned())));
        }
        let select = selects.into_iter().filter_map(|(item, path)| self.select(item, path, 0)).collect();
        let mut conditions = Vec::new();
        for (item, path) in self.list(root, "where", "") {
            if !self.is_full() && self.object(item, &path, &[&CONDITION]).is_some() {
                conditions.extend(self.required(item, "path", &path, "the condition"));
            }
        }
        let name = self.text(root, "name", "");
        let described = |text: Option<Text>| text.map(|text| text.value);
        Some(Definition {
            name,
            title: described(self.text(root, "title", "")),
            description: described(self.text(root, "description", "")),
            resource: self.required(root, "resource", "", "the definition")?,
            constants,
            select,
            conditions,
        })
    }

    fn constant(&mut self, item: Value<'_>, path: String) -> Option<Constant> {
        if self.is_full() {
            return None;
        }
        let values = VALUES.map(|(member, _)| member);
        self.object(item, &path, &[&CONSTANT, &values])?;
        let name = self.required(item, "name", &path, "the constant")?;
        match constant::value(item, &path) {
            Ok((type_name, value)) => Some(Constant { name, type_name, value, span: item.span(), path }),
            Err(diagnostic) => {
                // A misspelt member was reported already.
                if !self.found.iter().any(|found| found.path.starts_with(&path)) {
                    self.found.push(diagnostic);
                }
                None
            }
        }
    }

    fn select(&mut self, item: Value<'_>, path: String, depth: usize) -> Option<Select> {
        if self.is_full() || self.selects > MAX_SELECTS {
            return None;
        }
        self.object(item, &path, &[&SELECT])?;
        if depth == MAX_DEPTH {
            self.error(format!("selects are nested more than {MAX_DEPTH} deep"), &path, item);
            return None;
        }
        self.selects += 1;
        if self.selects > MAX_SELECTS {
            self.error(format!("the definition has more than {MAX_SELECTS} selects"), &path, item);
            return None;
        }
        let columns = self.list(item, "column", &path);
        let columns: Vec<Column> =
            columns.into_iter().filter_map(|(item, path)| self.column(item, path)).collect();
        let mut nested = |name: &str| -> Vec<Select> {
            let list = self.list(item, name, &path);
            list.into_iter().filter_map(|(item, path)| self.select(item, path, depth + 1)).collect()
        };
        let (selects, union) = (nested("select"), nested("unionAll"));
        let iteration = self.iteration(item, &path);
        let has_parts = ["column", "select", "unionAll"].iter().any(|name| item.get(*name).is_some());
        if !has_parts {
            let diagnostic = Diagnostic::error("the select has no columns", path.clone(), start_of(item));
            self.found.push(diagnostic.with_help(Some("add `column`, `select` or `unionAll`".to_owned())));
        }
        Some(Select { path, span: item.span(), iteration, columns, selects, union })
    }

    fn iteration(&mut self, item: Value<'_>, path: &str) -> Option<Iteration> {
        let written: Vec<&str> = ["forEach", "forEachOrNull", "repeat"]
            .into_iter()
            .filter(|name| item.get(*name).is_some())
            .collect();
        if let [first, second, ..] = written.as_slice() {
            let at = item.get(*second).unwrap_or(item);
            self.error(format!("a select has either `{first}` or `{second}`"), &join(path, second), at);
            return None;
        }
        match *written.first()? {
            "forEach" => self.text(item, "forEach", path).map(Iteration::ForEach),
            "forEachOrNull" => self.text(item, "forEachOrNull", path).map(Iteration::ForEachOrNull),
            _ => {
                let list = self.limited_list(item, ("repeat", MAX_REPEATED), path);
                if list.is_empty() && item.get("repeat").is_some_and(is_empty_list) {
                    self.error("`repeat` lists no paths", &join(path, "repeat"), item.get("repeat")?);
                }
                let paths = list.into_iter().filter_map(|(item, path)| self.string(item, path)).collect();
                Some(Iteration::Repeat(paths))
            }
        }
    }

    fn column(&mut self, item: Value<'_>, path: String) -> Option<Column> {
        if self.is_full() {
            return None;
        }
        self.object(item, &path, &[&COLUMN])?;
        let name = self.required(item, "name", &path, "the column");
        let expression = self.required(item, "path", &path, "the column");
        let collection = item.get("collection");
        if let Some(collection) = collection.filter(|collection| collection.as_boolean().is_none()) {
            self.error("this must be true or false", &join(&path, "collection"), collection);
        }
        let mut tags = Vec::new();
        for (item, path) in self.list(item, "tag", &path) {
            if self.object(item, &path, &[&TAG]).is_some()
                && let Some(name) = self.required(item, "name", &path, "the tag")
                && let Some(value) = self.required(item, "value", &path, "the tag")
            {
                tags.push(Tag { name: name.value, value: value.value, path, span: value.span });
            }
        }
        Some(Column {
            name: name?,
            expression: expression?,
            is_collection: collection.and_then(Value::as_boolean) == Some(true),
            declared: self.text(item, "type", &path),
            description: self.text(item, "description", &path).map(|text| text.value),
            tags,
            path,
        })
    }
}

fn is_empty_list(value: Value<'_>) -> bool {
    value.json_type() == JsonType::Array && value.items().next().is_none()
}

/// The bracket that an object begins with.
fn start_of(object: Value<'_>) -> std::ops::Range<usize> {
    let start = object.span().start;
    start..start + 1
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
