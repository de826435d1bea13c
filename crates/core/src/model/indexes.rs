//! *Secondary indexes* are all indexes but the primary keys: for how people
//! query, and for following references. They follow from the tables: a new
//! column with a reference or a code gets its index without a declaration.
//!
//! They are not part of the migrations. An initial load is faster without them,
//! and fhirmill builds them at its end.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::names::{PATIENT_ID, SOURCE_TABLE};
use super::sql::quoted;
use super::table::{Table, TableColumn, TableKind};
use super::validate::MAX_NAME_BYTES;
use crate::datatype::SqlType;

/// One secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Unique in its schema, and no longer than Postgres keeps names.
    pub name: String,
    /// The table's name.
    pub table: String,
    /// The columns in its key, and functions on them.
    pub columns: Vec<String>,
    /// The statement that creates it where it is missing.
    pub sql: String,
}

/// Columns with the code that a row is about.
const CODES: [&str; 5] =
    ["code", "medication_code", "vaccine_code", "product_or_service_code", "diagnosis_code"];

/// What people search by besides patients, codes and references: numbers,
/// names, places, periods. A table and the key of its index.
const SEARCHED: [(&str, &str); 15] = [
    ("patient_name", "lower(family)"),
    ("patient", "birth_date"),
    ("patient_address", "postal_code"),
    ("patient_address", "state, city"),
    ("practitioner", "npi"),
    ("organization", "npi"),
    ("coverage", "subscriber_id"),
    ("encounter", "period_start"),
    ("claim", "billable_period_start"),
    ("explanation_of_benefit", "billable_period_start"),
    ("resource_concept", "code, element"),
    ("resource_coding", "code, system"),
    ("resource_reference", "target_id"),
    ("provenance_target", "target_id"),
    ("observation_component", "code"),
];

/// The indexes that migrations create, since loading itself searches by them:
/// a table with text columns.
pub(super) const MIGRATED: [(&str, [&str; 2]); 1] = [("patient_identifier", ["value", "system"])];

/// All secondary indexes of `tables`, table by table.
pub fn indexes_of(tables: &[Table]) -> Vec<Index> {
    let mut indexes = Vec::new();
    for table in tables.iter().filter(|table| table.kind != TableKind::History) {
        let of_patient = patient_columns(table);
        indexes.extend(of_patient.map(|columns| index(&table.name, &columns, "")));
        for column in &table.columns {
            indexes.extend(reference_index(table, column));
            indexes.extend(code_index(table, column));
        }
        let searched = SEARCHED.iter().filter(|(of, _)| *of == table.name);
        indexes.extend(searched.map(|(of, columns)| index(of, columns, "")));
    }
    let mut seen = BTreeSet::new();
    indexes.retain(|index| seen.insert(index.sql.clone()));
    indexes
}

/// The columns that the indexes of each of `tables` hold, by table: no text in
/// them may be longer than an index accepts.
pub(crate) fn indexed_columns(tables: &[Table]) -> BTreeMap<String, Vec<String>> {
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for index in indexes_of(tables) {
        columns.entry(index.table).or_default().extend(index.columns);
    }
    for (table, migrated) in MIGRATED {
        columns.entry(table.to_owned()).or_default().extend(migrated.map(str::to_owned));
    }
    columns
}

/// The index of a column with a key of another table.
fn reference_index(table: &Table, column: &TableColumn) -> Option<Index> {
    let refers = column.refers_to.as_deref().is_some_and(|target| target != SOURCE_TABLE);
    let is_of_patient = column.name == PATIENT_ID && table.kind != TableKind::Generic;
    let name = quoted(&column.name);
    (refers && !is_of_patient && !table.key.contains(&column.name))
        .then(|| index(&table.name, &name, &format!(" where {name} is not null")))
}

/// The index of a column with a code, by patient where the table has one.
fn code_index(table: &Table, column: &TableColumn) -> Option<Index> {
    if table.key.first() == Some(&column.name) || !CODES.contains(&column.name.as_str()) {
        return None;
    }
    let has_patient = table.columns.iter().any(|column| column.name == PATIENT_ID);
    match table.kind {
        TableKind::Generic => None,
        _ if has_patient => Some(index(&table.name, &format!("{}, {PATIENT_ID}", quoted(&column.name)), "")),
        TableKind::Resource => Some(index(&table.name, &quoted(&column.name), "")),
        _ => None,
    }
}

/// The columns for a patient's record in order of time: the patient, and the
/// table's main date, which is its first column with a date or time.
fn patient_columns(table: &Table) -> Option<String> {
    let is_resource = matches!(table.kind, TableKind::Resource | TableKind::Other);
    if !is_resource || !table.columns.iter().any(|column| column.name == PATIENT_ID) {
        return None;
    }
    let is_date = |sql_type| matches!(sql_type, SqlType::Timestamptz | SqlType::Date);
    let date = table.columns.iter().find(|column| is_date(column.sql_type) && column.name != "last_updated");
    Some(match date {
        Some(date) => format!("{PATIENT_ID}, {}", quoted(&date.name)),
        None => PATIENT_ID.to_owned(),
    })
}

/// The index of `table` on `columns` as SQL, for rows that meet `condition`.
fn index(table: &str, columns: &str, condition: &str) -> Index {
    let words: Vec<&str> = columns
        .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let mut name = format!("{table}_{}", words.join("_"));
    if name.len() > MAX_NAME_BYTES {
        let digest = Sha256::digest(&name);
        name.truncate(MAX_NAME_BYTES - 9);
        name.push_str(&format!("_{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]));
    }
    let sql = format!("create index if not exists {name} on {table} ({columns}){condition}");
    let columns = words.iter().map(|word| (*word).to_owned()).collect();
    Index { name, table: table.to_owned(), columns, sql }
}

#[cfg(test)]
mod tests {
    use super::super::indexes;
    use super::*;
    use pretty_assertions::assert_eq;

    fn of(table: &str) -> Vec<String> {
        indexes().into_iter().filter(|index| index.table == table).map(|index| index.sql).collect()
    }

    #[test]
    fn a_table_is_found_by_patient_reference_code_and_period() {
        assert_eq!(
            of("encounter"),
            [
                "create index if not exists encounter_patient_id_period_start on encounter (patient_id, period_start)",
                "create index if not exists encounter_service_provider_id on encounter (service_provider_id) \
                 where service_provider_id is not null",
                "create index if not exists encounter_part_of_id on encounter (part_of_id) where part_of_id is not null",
                "create index if not exists encounter_period_start on encounter (period_start)",
            ]
        );
        assert!(
            of("condition").contains(
                &"create index if not exists condition_code_patient_id on condition (code, patient_id)"
                    .to_owned()
            )
        );
    }

    #[test]
    fn names_are_unique_and_short_enough() {
        let indexes = indexes();
        let names: BTreeSet<&str> = indexes.iter().map(|index| index.name.as_str()).collect();
        assert_eq!(names.len(), indexes.len());
        assert_eq!(names.iter().find(|name| name.len() > MAX_NAME_BYTES), None);
    }
}
