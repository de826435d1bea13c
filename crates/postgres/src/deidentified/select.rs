//! The query of a table of the copy.

use fhirmill_core::datatype::Timezone;
use fhirmill_core::model::{DeidentifiedTable, Rule};

use super::expression::Expressions;
use crate::database::quoted;

/// The column beside a date of birth that tells of whom the date is hidden.
const IS_OVER_89: &str = "is_over_89";

/// A column of the copy.
pub(super) struct ShownColumn {
    /// Its name.
    pub name: String,
    /// What it is computed by.
    pub expression: String,
    /// What it holds, for people.
    pub comment: String,
}

/// The columns that a table of the copy has.
pub(super) fn columns(shown: &DeidentifiedTable, timezone: Timezone) -> Vec<ShownColumn> {
    let expressions = Expressions { shown, timezone };
    let mut columns = Vec::new();
    for (column, rule) in &shown.columns {
        let name = match rule {
            Rule::Precision => column.name.replace("_text", "_precision"),
            _ => column.name.clone(),
        };
        let comment = format!("{}; {}", column.comment, rule.meaning());
        let comment = comment.replace(" as written", "");
        columns.push(ShownColumn { name, expression: expressions.of(column, rule), comment });
        if *rule == Rule::Birth {
            columns.push(ShownColumn {
                name: IS_OVER_89.to_owned(),
                expression: expressions.is_over_89(column),
                comment: "true of people who are over 89 or turn 90 this year, or were when they died"
                    .to_owned(),
            });
        }
    }
    columns
}

/// The query that gives the rows of the copy of a table.
pub(super) fn select(shown: &DeidentifiedTable, columns: &[ShownColumn]) -> String {
    let list: Vec<String> =
        columns.iter().map(|column| format!("{} as {}", column.expression, quoted(&column.name))).collect();
    let moves = shown.columns.iter().any(|(_, rule)| rule.moves());
    // Once a row: `offset 0` keeps the planner from computing it once a date.
    let days = match shown.patient_column().filter(|_| moves) {
        Some(patient) => format!(
            " cross join lateral (select etl.deidentified_days(t.{}, s.inner_pad, s.outer_pad) as days offset 0) d",
            quoted(patient)
        ),
        None => String::new(),
    };
    format!(
        "select {} from public.{} t cross join etl.deidentified s{days}",
        list.join(", "),
        quoted(&shown.table.name)
    )
}
