//! The tables that declarations mean.

use std::collections::BTreeSet;

use super::child::child_tables;
use super::columns::{element_columns, front_element, is_only_front, path_text};
use super::declaration::Resource;
use super::error::ModelError;
use super::generic::generic_tables;
use super::names::{CONTAINER_ID, ENCOUNTER_ID, PATIENT_ID, SOURCE_TABLE};
use super::table::{Table, TableColumn, TableKind};
use super::validate::{validate, validate_tables};
use crate::datatype::SqlType;

/// All tables that `resources` declare: each root table with its child tables,
/// in the order of declaration, then the generic tables.
///
/// # Errors
///
/// The first table that cannot be made, or that the engine could not fill.
pub fn tables_of(resources: &[Resource]) -> Result<Vec<Table>, ModelError> {
    validate(resources)?;
    let tables = unchecked_tables_of(resources)?;
    validate_tables(&tables)?;
    Ok(tables)
}

/// Like [`tables_of`], for declarations that a test has validated: that takes as long
/// as making the tables.
pub(super) fn unchecked_tables_of(resources: &[Resource]) -> Result<Vec<Table>, ModelError> {
    let mut tables = Vec::new();
    for resource in resources {
        tables.push(root_table(resource)?);
        for child in &resource.tables {
            child_tables(resource, child, &[], &resource.table, &mut tables)?;
        }
    }
    tables.extend(generic_tables());
    let names: BTreeSet<String> = tables.iter().map(|table| table.name.clone()).collect();
    for column in tables.iter_mut().flat_map(|table| &mut table.columns) {
        // A type without a table of its own has no keys to refer to.
        let is_there = |target: &String| names.contains(target) || target == SOURCE_TABLE;
        column.refers_to = column.refers_to.take().filter(is_there);
    }
    Ok(tables)
}

const CONTAINER: &str = "key of the resource that contains this one (FHIR's element contained), with which it is replaced and deleted; \
                         null for most resources, which are not contained";

fn root_table(resource: &Resource) -> Result<Table, ModelError> {
    let mut columns = columns_in_front(resource);
    for element in &resource.elements {
        if !is_only_front(resource, element) {
            let own = element_columns(element, false);
            columns.extend(own.map_err(|problem| problem.of_table(&resource.table))?);
        }
    }
    if !resource.is_other() {
        columns.push(TableColumn::optional(
            "extension",
            SqlType::Jsonb,
            "extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path",
        ));
    }
    columns.push(TableColumn::optional(
        "last_updated",
        SqlType::Timestamptz,
        "meta.lastUpdated: when this version came about at the sender",
    ));
    if resource.is_other() {
        columns.push(TableColumn::optional("body", SqlType::Jsonb, "the whole resource"));
    }
    columns.push(TableColumn::optional(CONTAINER_ID, SqlType::BigInt, CONTAINER));
    let (kind, key) = match resource.is_other() {
        true => (TableKind::Other, &["resource_type", "id"][..]),
        false => (TableKind::Resource, &["id"][..]),
    };
    Ok(Table {
        name: resource.table.clone(),
        kind,
        resource: resource.name.clone(),
        comment: resource.comment.clone(),
        columns,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
    })
}

/// The columns that identify a resource, its patient and its encounter.
fn columns_in_front(resource: &Resource) -> Vec<TableColumn> {
    let mut columns = Vec::new();
    if resource.is_other() {
        columns.push(TableColumn::required(
            "resource_type",
            SqlType::Text,
            "FHIR's name of the type, such as Basic",
        ));
    }
    columns.push(TableColumn::required("id", SqlType::BigInt, "key given by the registry, etl.resource"));
    columns.push(TableColumn::required("fhir_id", SqlType::Text, "id: the logical id as the source gave it"));
    let source = "the sender, etl.source: the health system that the resource came from";
    columns.push(TableColumn::required("source_id", SqlType::SmallInt, source).refers(SOURCE_TABLE));
    for (name, table) in [(PATIENT_ID, "patient"), (ENCOUNTER_ID, "encounter")] {
        if let Some(element) = front_element(resource, name) {
            let holds = format!("{}: key of the {table}", path_text(element));
            columns.push(TableColumn::optional(name, SqlType::BigInt, &holds).refers(table));
        }
    }
    columns
}
