//! What the *de-identified* copy of the tables shows: HIPAA Safe Harbor as an allow-list,
//! declared in `rules.txt`. Each column has a [`Rule`]; one without a rule is hidden, so
//! that a new column is hidden until somebody has decided on it.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::names::PATIENT_ID;
use super::{Table, TableColumn, TableKind, tables};
use parse::{Declared, declarations};

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It is not shown.
    Hide,
    /// The key of a resource, replaced by an HMAC of it.
    Key,
    /// The key of a sender, replaced by an HMAC of it.
    Source,
    /// Shown as it is.
    Keep,
    /// A date, moved by the days of the row's patient; without a patient, its year.
    Shift,
    /// A date that many people share, moved and cut to the year.
    Year,
    /// A date of birth: like [`Rule::Shift`], hidden of those over 89.
    Birth,
    /// The text beside a date, replaced by how precise the date is.
    Precision,
    /// An age: over 89 becomes 90.
    Age,
    /// A measurement: in years, or of an age, over 89 becomes 90.
    Number,
    /// A unit, if it is a common one.
    Unit,
    /// Three letters.
    Currency,
    /// The URI of a code system, if that is published.
    System,
    /// A code, if its system, in the column of that name, is published.
    Code {
        /// The column with the system.
        system: String,
    },
    /// One of these codes.
    Codes(Vec<String>),
    /// A list of modifiers of HCPCS and CPT.
    Modifiers,
    /// The name of a resource type.
    Type,
    /// The path of an element.
    Path,
    /// A state of the United States.
    State,
    /// The first three digits of a ZIP code.
    Zip,
    /// A country.
    Country,
}

impl Rule {
    /// What it does, for people.
    pub fn meaning(&self) -> &'static str {
        match self {
            Rule::Hide => "hidden",
            Rule::Key | Rule::Source => "replaced by an HMAC, the same one in all tables",
            Rule::Keep => "as it is",
            Rule::Shift => "moved by the days of the row's patient; without a patient, the year",
            Rule::Year => "moved by the days of the row's patient, and cut to the year",
            Rule::Birth => "moved by the days of the row's patient; null of people over 89",
            Rule::Precision => "how precise the date is: year, month, day or time",
            Rule::Age => "90 if over 89",
            Rule::Number => "90 if it is an age, or a number of years, over 89",
            Rule::Unit => "null unless it is a common unit",
            Rule::Currency => "null unless it is three letters",
            Rule::System => "null unless the code system is published",
            Rule::Code { .. } => "null unless the code system is published",
            Rule::Codes(_) => "null unless it is one of FHIR's codes",
            Rule::Modifiers => "null unless all have two letters or digits",
            Rule::Type => "null unless it is a resource type of FHIR",
            Rule::Path => "null unless it is the path of an element",
            Rule::State => "null unless it is a state of the United States",
            Rule::Zip => "the first three digits; 000 where few people live",
            Rule::Country => "null unless it is a code of a country",
        }
    }

    /// Whether the column is shown in some form.
    pub fn is_shown(&self) -> bool {
        *self != Rule::Hide
    }

    /// Whether the rule needs the days by which dates of a patient are moved.
    pub fn moves(&self) -> bool {
        matches!(self, Rule::Shift | Rule::Year | Rule::Birth | Rule::Precision)
    }
}

/// A table of the de-identified copy.
#[derive(Clone, Debug)]
pub struct DeidentifiedTable {
    /// The table that it is made from.
    pub table: Table,
    /// The columns that are shown, each with its rule.
    pub columns: Vec<(TableColumn, Rule)>,
}

impl DeidentifiedTable {
    /// The column with the key of a row's patient; none if rows have no patient.
    pub fn patient_column(&self) -> Option<&'static str> {
        if self.table.kind == TableKind::Resource && self.table.resource == "Patient" {
            return Some("id");
        }
        self.column(PATIENT_ID).map(|_| PATIENT_ID)
    }

    /// The column of that name of the table that it is made from.
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.table.columns.iter().find(|column| column.name == name)
    }

    /// Whether all columns of the primary key are shown.
    pub fn shows_key(&self) -> bool {
        self.table.key.iter().all(|key| self.columns.iter().any(|(column, _)| column.name == *key))
    }
}

/// All columns of a table: those that the mapper writes and those that the database fills.
fn columns_of(table: &Table) -> Vec<TableColumn> {
    table.columns.iter().cloned().chain(table.filled_by_database()).collect()
}

static DECLARATIONS: LazyLock<BTreeMap<&'static str, Declared>> =
    LazyLock::new(|| declarations(include_str!("rules.txt")));

static DEIDENTIFIED: LazyLock<Vec<DeidentifiedTable>> = LazyLock::new(|| {
    let shown = |table: Table| {
        let Some(Declared::Columns(rules)) = DECLARATIONS.get(table.name.as_str()) else { return None };
        let decided = |column: TableColumn| {
            let rule = rules.get(column.name.as_str()).filter(|rule| rule.is_shown())?.clone();
            Some((column, rule))
        };
        let columns = columns_of(&table).into_iter().filter_map(decided).collect();
        Some(DeidentifiedTable { table, columns })
    };
    tables().into_iter().filter_map(shown).collect()
});

/// The tables of the de-identified copy, in the order of the model.
pub fn deidentified_tables() -> &'static [DeidentifiedTable] {
    &DEIDENTIFIED
}

/// The columns on which nobody has decided, as `table.column`. They are hidden.
pub fn undecided_columns() -> Vec<String> {
    let mut undecided = Vec::new();
    for table in tables() {
        let declared = DECLARATIONS.get(table.name.as_str());
        for column in columns_of(&table) {
            let is_decided = match declared {
                Some(Declared::Hidden) => true,
                Some(Declared::Columns(rules)) => rules.contains_key(column.name.as_str()),
                None => false,
            };
            if !is_decided {
                undecided.push(format!("{}.{}", table.name, column.name));
            }
        }
    }
    undecided
}

/// A table with what becomes of its columns.
#[derive(Clone, Debug)]
pub struct TableRules {
    /// The table.
    pub table: Table,
    /// Every column with its rule; none if the table is hidden as a whole.
    pub columns: Option<Vec<(TableColumn, Rule)>>,
}

/// Every table with what becomes of its columns, in the order of the model.
pub fn deidentified_rules() -> Vec<TableRules> {
    let rules = |table: Table| {
        let columns = match DECLARATIONS.get(table.name.as_str()) {
            Some(Declared::Columns(rules)) => {
                let rule = |column: TableColumn| {
                    let rule = rules.get(column.name.as_str()).cloned().unwrap_or(Rule::Hide);
                    (column, rule)
                };
                Some(columns_of(&table).into_iter().map(rule).collect())
            }
            _ => None,
        };
        TableRules { table, columns }
    };
    tables().into_iter().map(rules).collect()
}
