//! An oracle: an independent computation of what every table should contain for
//! one resource.
//!
//! It applies `tests/data/columns.csv`, the specification of the tables, to a
//! plain tree of the JSON text. It shares nothing with the program: neither its
//! parser nor its declarations nor its datatypes. Where the two disagree, one
//! of them misreads the specification.
//!
//! [`expected`] is a pure function. What it needs beyond the resource, the Bundle around it and
//! the identifiers of other resources, stands in the [`Context`]. Every value is the text that
//! Postgres prints for it (`column::text` with `TimeZone = UTC`); keys are named by resource type
//! and id, for the test to look up in `etl.resource`.

mod child;
mod extension;
mod generic;
mod json;
mod path;
mod reference;
mod row;
mod specification;
mod text;

use std::collections::{BTreeMap, BTreeSet};

pub use json::Json;
pub use reference::{Context, ResourceName as Key, id_of_full_url};
pub use row::{Cell, Row};

use extension::Taken;
use generic::Subject;
use row::Source;
use specification::Specification;

/// Rows by table, in order of their ordinals. Tables without rows are absent.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Tables(pub BTreeMap<String, Vec<Row>>);

impl Tables {
    fn push(&mut self, table: &str, row: Row) {
        self.0.entry(table.to_owned()).or_default().push(row);
    }

    /// The rows of a table.
    pub fn rows(&self, table: &str) -> &[Row] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }
}

/// The name that a resource goes by: its type, and its id or the id in its `fullUrl`. Nothing for
/// a resource that has neither; its id is made from a hash.
pub fn name(resource: &Json, context: &Context) -> Option<Key> {
    let resource_type = resource.string("resourceType")?;
    let full_url = context.full_url.as_deref();
    let own = resource.string("id").filter(|id| !id.is_empty()).map(str::to_owned);
    let id = own.or_else(|| id_of_full_url(full_url?, resource_type))?;
    Some((resource_type.to_owned(), id))
}

/// Every row that the resource has in any table. `key` is the name the resource goes by, from
/// [`name`] or, for a made id, from the registry.
///
/// What is contained in it has rows of its own, under the name `Type/id#local`. Of several with
/// one id the first counts; what has no type or no id cannot be named and has no rows.
pub fn expected(resource: &Json, key: &Key, context: &Context) -> Tables {
    context.container.replace(Some(key.clone()));
    let mut tables = Tables::default();
    rows_of(resource, resource, key, context, &mut tables);
    let mut seen = BTreeSet::new();
    for inner in resource.get("contained").map_or(&[][..], Json::items) {
        let (Some(inner_type), Some(local)) = (inner.string("resourceType"), inner.string("id")) else {
            continue;
        };
        if reference::is_resource_type(inner_type) && seen.insert(local) {
            let name = reference::name_within(key, inner_type, local);
            rows_of(inner, resource, &name, context, &mut tables);
        }
    }
    tables
}

/// The rows of `resource`, which is `whole` or one of those contained in it.
fn rows_of(resource: &Json, whole: &Json, key: &Key, context: &Context, tables: &mut Tables) {
    let mut fixed = Row::new();
    fixed.insert("container_id".to_owned(), Cell::Null);
    if !std::ptr::eq(resource, whole) {
        let container = context.container.borrow().clone();
        fixed.insert("container_id".to_owned(), container.map_or(Cell::Null, Cell::Key));
        // dom-4: what is contained has no version.
        fixed.insert("last_updated".to_owned(), Cell::Null);
    }
    let Some(declared) = Specification::get().tables.get(&key.0) else {
        let subject = Subject { resource, whole, context, key: key.clone(), patient: Cell::Null };
        subject.fill_other(&fixed, tables);
        return;
    };
    fixed.insert("id".to_owned(), Cell::Key(key.clone()));
    fixed.insert("fhir_id".to_owned(), Cell::Text(key.1.clone()));
    fixed.insert("source_id".to_owned(), Cell::Text(context.source_id.to_string()));
    let mut patient = match key.0.as_str() {
        "Patient" => Cell::Key(key.clone()),
        _ => Cell::Null,
    };
    for table in declared {
        if table.is_resource() {
            let source = Source { element: resource, answer: None, resource: whole, context };
            let mut taken = Taken::by(table, "", declared);
            if key.0 != "Patient" {
                taken.rows.insert(generic::telecom_element(resource).to_owned());
            }
            let row = source.row(table, &fixed, &taken);
            if let Some(cell) = row.get("patient_id") {
                patient = cell.clone();
            }
            tables.push(&table.name, row);
            continue;
        }
        let parent_key = &table.columns[0].name;
        for found in child::rows(table, resource) {
            let mut fixed = found.places;
            fixed.insert("patient_id".to_owned(), patient.clone());
            fixed.insert(parent_key.clone(), Cell::Key(key.clone()));
            let taken = match found.answer {
                None if table.row_sources() != ["item*"] => Taken::by(table, &found.base, declared),
                _ => {
                    let mut taken = Taken::default();
                    taken.rows.insert("item".to_owned());
                    taken.rows.insert("answer".to_owned());
                    taken
                }
            };
            let source = Source { element: found.element, answer: found.answer, resource: whole, context };
            tables.push(&table.name, source.row(table, &fixed, &taken));
        }
    }
    let subject = Subject { resource, whole, context, key: key.clone(), patient };
    subject.fill(tables);
}

#[cfg(test)]
mod tests;
