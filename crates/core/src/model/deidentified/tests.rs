use std::collections::BTreeSet;

use super::*;
use crate::datatype::SqlType;

#[test]
fn somebody_has_decided_on_every_column() {
    let undecided = undecided_columns();
    assert!(
        undecided.is_empty(),
        "these columns are hidden from the de-identified copy until somebody decides on them in \
         crates/core/src/model/deidentified/rules.txt: {undecided:#?}"
    );
}

#[test]
fn every_rule_is_of_a_column_that_exists() {
    for (name, declared) in DECLARATIONS.iter() {
        let table = tables().into_iter().find(|table| table.name == *name);
        let table = table.unwrap_or_else(|| panic!("there is no table {name}"));
        let columns: BTreeSet<String> = columns_of(&table).into_iter().map(|column| column.name).collect();
        let Declared::Columns(rules) = declared else { continue };
        for column in rules.keys() {
            assert!(columns.contains(*column), "there is no column {name}.{column}");
        }
    }
}

/// The types of columns that a rule is for.
fn types(rule: &Rule) -> &'static [SqlType] {
    use SqlType::{
        BigInt, Boolean, Date, Integer, IntegerArray, Numeric, SmallInt, Text, TextArray, Time, Timestamptz,
    };
    match rule {
        Rule::Hide => &[],
        Rule::Key => &[BigInt],
        Rule::Source => &[SmallInt],
        Rule::Keep => &[Boolean, Integer, IntegerArray, Numeric, Time],
        Rule::Shift => &[Date, Timestamptz],
        Rule::Year => &[Timestamptz],
        Rule::Birth => &[Date],
        Rule::Age => &[Numeric],
        Rule::Number => &[Numeric, Integer],
        Rule::Codes(_) => &[Text, TextArray],
        Rule::Modifiers => &[TextArray],
        _ => &[Text],
    }
}

#[test]
fn rules_are_of_columns_of_their_types_and_have_what_they_need_beside_them() {
    for shown in deidentified_tables() {
        for (column, rule) in &shown.columns {
            let place = format!("{}.{}", shown.table.name, column.name);
            assert!(types(rule).contains(&column.sql_type), "{place} is {:?}", column.sql_type);
            match rule {
                Rule::Code { system } => {
                    assert!(shown.column(system).is_some(), "{place} has no {system}");
                }
                Rule::Precision => {
                    let date = column.name.strip_suffix("_text").and_then(|date| shown.column(date));
                    let is_date = date
                        .is_some_and(|date| matches!(date.sql_type, SqlType::Date | SqlType::Timestamptz));
                    assert!(is_date, "{place} stands beside no date");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn keys_of_tables_are_shown() {
    let hidden: Vec<&str> = deidentified_tables()
        .iter()
        .filter(|shown| !shown.shows_key())
        .map(|shown| shown.table.name.as_str())
        .collect();
    assert_eq!(hidden, Vec::<&str>::new());
}

/// Words that only stand in names of columns with what Safe Harbor names.
const NEVER: [&str; 24] = [
    "fhir_id",
    "family",
    "given",
    "prefix",
    "suffix",
    "line",
    "city",
    "district",
    "latitude",
    "longitude",
    "npi",
    "serial_number",
    "lot_number",
    "udi_carrier_hrf",
    "subscriber_id",
    "url",
    "uri",
    "title",
    "display",
    "extension",
    "body",
    "name",
    "value_string",
    "last_updated",
];

#[test]
fn what_safe_harbor_names_is_hidden() {
    for shown in deidentified_tables() {
        for (column, _) in &shown.columns {
            let name = column.name.as_str();
            let is_named = NEVER.iter().any(|word| name == *word || name.ends_with(&format!("_{word}")));
            assert!(!is_named, "{}.{name} is shown", shown.table.name);
        }
    }
}
