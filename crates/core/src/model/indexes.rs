//! *Secondary indexes* are those besides the primary keys: for how people ask,
//! and for walking the references. They follow from the declared tables, so
//! that a new column with a reference or a code has its index without a word.
//!
//! They are no part of the migrations: an onboarding is faster without them,
//! and fhirmill builds them at its end.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::sql::quoted;
use super::tables::{PATIENT_ID, SOURCE_TABLE};
use super::{Table, TableKind, tables};
use crate::datatype::SqlType;

/// One secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Unique in its schema, and no longer than Postgres takes names.
    pub name: String,
    pub table: String,
    /// The columns that it holds.
    pub columns: Vec<String>,
    /// The statement that makes it.
    pub sql: String,
}

/// The longest name that Postgres keeps whole:
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html>.
const MAX_NAME_BYTES: usize = 63;

/// Columns that hold the code that a row is about.
const CODES: [&str; 5] =
    ["code", "medication_code", "vaccine_code", "product_or_service_code", "diagnosis_code"];

/// What people look for beside patients, codes and references: numbers,
/// names, places, periods.
const LOOKED_FOR: [(&str, &str); 15] = [
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

/// All secondary indexes of the schema `public`, table by table.
pub fn indexes() -> Vec<Index> {
    let mut indexes = Vec::new();
    for table in tables().iter().filter(|table| table.kind != TableKind::History) {
        let of_patient = patient_columns(table);
        indexes.extend(of_patient.map(|columns| index(&table.name, &columns, "")));
        for column in &table.columns {
            let name = column.name.as_str();
            let is_first_of_key = table.key.first().is_some_and(|first| first == name);
            let is_of_patient = name == PATIENT_ID && table.kind != TableKind::Generic;
            if is_first_of_key {
                continue;
            }
            let refers = column.refers_to.as_deref().is_some_and(|target| target != SOURCE_TABLE);
            if refers && !is_of_patient && !table.key.contains(&column.name) {
                indexes.push(index(
                    &table.name,
                    &quoted(name),
                    &format!(" where {} is not null", quoted(name)),
                ));
            }
            let has_patient = table.columns.iter().any(|column| column.name == PATIENT_ID);
            if CODES.contains(&name) && has_patient && table.kind != TableKind::Generic {
                indexes.push(index(&table.name, &format!("{}, {PATIENT_ID}", quoted(name)), ""));
            } else if CODES.contains(&name) && table.kind == TableKind::Resource {
                indexes.push(index(&table.name, &quoted(name), ""));
            }
        }
        for (of, columns) in LOOKED_FOR.iter().filter(|(of, _)| *of == table.name) {
            indexes.push(index(of, columns, ""));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    indexes.retain(|index| seen.insert(index.sql.clone()));
    indexes
}

/// The text columns of the table that an index holds: no longer texts may
/// stand in them than an index takes.
pub fn indexed_texts(table: &str) -> Vec<String> {
    static INDEXED: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for index in indexes() {
            columns.entry(index.table).or_default().extend(index.columns);
        }
        // The migrations make this one, since loading itself looks up numbers.
        columns
            .entry("patient_identifier".to_owned())
            .or_default()
            .extend(["value", "system"].map(str::to_owned));
        columns
    });
    INDEXED.get(table).cloned().unwrap_or_default()
}

/// A patient's history in order: the patient, and the table's main date, which
/// is the first that tells a time.
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
    use std::collections::BTreeSet;

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
