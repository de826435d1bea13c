//! The elements of FHIR R4 that no column holds, for the data dictionary: what
//! the definitions of the types have and the declarations do not name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fhirmill_core::fhir::{ElementDefinition, TypeDefinition, type_definitions};
use fhirmill_core::model::{ChildTable, DECLARED, DatatypeName, Element, Resource, RouteStep};

/// What the declaration of a resource type names, as paths without indexes.
#[derive(Default)]
struct Declared {
    paths: BTreeSet<String>,
    /// Elements that are kept as JSON with all that is in them.
    whole: BTreeSet<String>,
}

fn joined(prefix: &str, path: &str) -> String {
    let parts: Vec<&str> = [prefix, path].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

/// The names on a route, as far as it stays in the element.
fn names(route: &[RouteStep]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for step in route {
        match step {
            RouteStep::Member(name) | RouteStep::Choice(name) => names.push(name),
            RouteStep::Extension(_) | RouteStep::Resolve => break,
            _ => {}
        }
    }
    names.join(".")
}

impl Declared {
    fn of(resource: &Resource) -> Declared {
        let mut declared = Declared::default();
        declared.elements("", &resource.elements);
        for list in &resource.lists {
            declared.paths.insert(names(&list.path));
        }
        for table in &resource.tables {
            declared.table(&[String::new()], table);
        }
        declared
    }

    fn elements(&mut self, prefix: &str, elements: &[Element]) {
        for element in elements {
            let is_whole = matches!(&element.datatype, DatatypeName::One(word) if word.name == "json");
            for route in &element.path {
                let path = joined(prefix, &names(route));
                if is_whole {
                    self.whole.insert(path.clone());
                }
                self.paths.insert(path);
            }
        }
    }

    fn table(&mut self, enclosing: &[String], table: &ChildTable) {
        let mut own = Vec::new();
        for prefix in enclosing {
            if table.from.is_empty() {
                own.push(joined(prefix, &table.element));
            }
            own.extend(table.from.iter().map(|from| joined(prefix, &names(&from.path))));
        }
        for prefix in &own {
            self.paths.insert(prefix.clone());
            self.elements(prefix, &table.elements);
        }
        for nested in &table.tables {
            self.table(&own, nested);
        }
    }

    /// Whether it names the element, a part of it or a variant of it.
    fn has(&self, path: &str, element: &ElementDefinition) -> bool {
        let is_of = |declared: &String| {
            let Some(rest) = declared.strip_prefix(path) else { return false };
            let is_variant = element.is_choice && rest.starts_with(|first: char| first.is_ascii_uppercase());
            rest.is_empty() || rest.starts_with('.') || is_variant
        };
        self.paths.iter().any(is_of)
    }

    fn has_parts(&self, path: &str) -> bool {
        let inside = format!("{path}.");
        self.paths.iter().any(|declared| declared.starts_with(&inside))
    }

    /// Adds what it does not name of the last of the types that enclose each
    /// other to `left_out`. A type within itself is read as often as it occurs.
    fn compare<'t>(
        &self,
        types: &BTreeMap<&'t str, TypeDefinition>,
        enclosing: &[&'t str],
        prefix: &str,
        left_out: &mut Vec<String>,
    ) {
        let Some(name) = enclosing.last() else { return };
        for element in &types[name].elements {
            let path = joined(prefix, element.name);
            if element.types.iter().any(|inner| enclosing.contains(inner)) {
                continue;
            }
            if !self.has(&path, element) {
                left_out.push(path);
            } else if self.has_parts(&path) && !self.whole.contains(&path) {
                for inner in element.types.iter().filter(|inner| is_described(types, inner)) {
                    self.compare(types, &[enclosing, &[*inner]].concat(), &path, left_out);
                }
            }
        }
    }
}

/// Whether a type's own elements are looked at: types within a resource type, and
/// the datatypes that become as many columns.
fn is_described(types: &BTreeMap<&str, TypeDefinition>, name: &str) -> bool {
    types.get(name).is_some_and(|definition| definition.base == Some("BackboneElement"))
        || name == "TimingRepeat"
}

/// The section of the dictionary.
pub fn section() -> String {
    let types: BTreeMap<_, _> = type_definitions().map(|definition| (definition.name, definition)).collect();
    let mut section = String::from(
        "\n## Elements without a column\n\n\
         What FHIR R4 defines for types with tables, and no column holds. It is in the archived\n\
         file: `fhirmill show` prints a resource as received. Of a list within a list, columns\n\
         show the first item where the dictionary says `[0]`.\n\n",
    );
    for resource in DECLARED.iter().filter(|resource| !resource.is_other()) {
        let mut left_out = Vec::new();
        Declared::of(resource).compare(&types, &[resource.name.as_str()], "", &mut left_out);
        if !left_out.is_empty() {
            writeln!(section, "- {}: {}", resource.name, left_out.join(", ")).unwrap();
        }
    }
    section
}
