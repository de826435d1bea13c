//! The *generic tables* hold rows of all resource types. They are declared in
//! `generic.model`, column by column, since the engine fills them in the same
//! way for every type.

use std::sync::LazyLock;

use super::error::DeclarationError;
use super::lines::{Line, lines, split_comment, split_list, split_word};
use super::names::GENERIC_KEY;
use super::table::{Table, TableColumn, TableKind};
use crate::datatype::SqlType;

/// One of the generic tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GenericTable {
    /// Items of lists of Identifier.
    Identifier,
    /// Items of lists of ContactPoint.
    Telecom,
    /// Items of lists of CodeableConcept.
    Concept,
    /// Items of lists of Reference.
    Reference,
    /// Items of lists of Annotation.
    Note,
    /// The codings of all concepts that have several. No declaration names it.
    Coding,
}

impl GenericTable {
    /// All of them, in the order of `generic.model`.
    pub const ALL: [GenericTable; 6] = [
        GenericTable::Identifier,
        GenericTable::Telecom,
        GenericTable::Concept,
        GenericTable::Reference,
        GenericTable::Note,
        GenericTable::Coding,
    ];

    /// The table's name.
    pub fn name(self) -> &'static str {
        match self {
            GenericTable::Identifier => "resource_identifier",
            GenericTable::Telecom => "resource_telecom",
            GenericTable::Concept => "resource_concept",
            GenericTable::Reference => "resource_reference",
            GenericTable::Note => "resource_note",
            GenericTable::Coding => "resource_coding",
        }
    }

    /// The table that a line of a declaration names lists for by that word.
    pub(super) fn of_lists(word: &str) -> Option<GenericTable> {
        match word {
            "identifiers" => Some(GenericTable::Identifier),
            "telecoms" => Some(GenericTable::Telecom),
            "concepts" => Some(GenericTable::Concept),
            "references" => Some(GenericTable::Reference),
            "notes" => Some(GenericTable::Note),
            _ => None,
        }
    }
}

static DECLARED: LazyLock<Vec<Table>> = LazyLock::new(|| {
    let text = include_str!("generic.model");
    // Built in and covered by a test, so only a developer can see it.
    parse(text).unwrap_or_else(|error| panic!("src/model/generic.model: {error}"))
});

/// The generic tables, in the order of [`GenericTable::ALL`].
pub fn generic_tables() -> Vec<Table> {
    DECLARED.clone()
}

/// The types of columns that generic tables have.
const COLUMN_TYPES: [SqlType; 6] = [
    SqlType::BigInt,
    SqlType::Boolean,
    SqlType::Integer,
    SqlType::Jsonb,
    SqlType::Text,
    SqlType::Timestamptz,
];

/// Reads `generic NAME keyed by COLUMN, … : comment`, each followed by lines of
/// `COLUMN  TYPE [references TABLE] : comment`.
fn parse(text: &str) -> Result<Vec<Table>, DeclarationError> {
    let mut tables: Vec<Table> = Vec::new();
    for line in lines(text) {
        if line.depth == 0 {
            tables.push(head(&line)?);
            continue;
        }
        let table = tables.last_mut().ok_or_else(|| line.error("stands in no table"))?;
        let column = column(&line, &table.key)?;
        table.columns.push(column);
    }
    Ok(tables)
}

fn head(line: &Line<'_>) -> Result<Table, DeclarationError> {
    let (head, comment) = split_comment(line.text);
    let (name, key) = head
        .strip_prefix("generic ")
        .and_then(|head| head.split_once(" keyed by "))
        .ok_or_else(|| line.error("expected: generic NAME keyed by COLUMNS : comment"))?;
    let resource_type = "type of the resource that the row belongs to";
    Ok(Table {
        name: name.to_owned(),
        kind: TableKind::Generic,
        resource: String::new(),
        comment: comment.to_owned(),
        columns: vec![
            TableColumn::required("resource_type", SqlType::Text, resource_type),
            TableColumn::required(GENERIC_KEY, SqlType::BigInt, "key of that resource"),
        ],
        key: ["resource_type", GENERIC_KEY].into_iter().chain(split_list(key)).map(str::to_owned).collect(),
    })
}

fn column(line: &Line<'_>, key: &[String]) -> Result<TableColumn, DeclarationError> {
    let (text, comment) = split_comment(line.text);
    let (name, text) = split_word(text);
    let (written, target) = split_word(text);
    let sql_type = COLUMN_TYPES
        .into_iter()
        .find(|sql_type| sql_type.sql() == written)
        .ok_or_else(|| line.error(format!("there is no type '{written}'")))?;
    let is_nullable = !key.iter().any(|key| key == name);
    let column = TableColumn { is_nullable, ..TableColumn::optional(name, sql_type, comment) };
    match split_word(target) {
        ("", _) => Ok(column),
        ("references", table) => Ok(column.refers(table)),
        _ => Err(line.error("expected: COLUMN  TYPE [references TABLE] : comment")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn the_declared_tables_are_those_that_the_engine_fills() {
        let declared: Vec<String> = generic_tables().into_iter().map(|table| table.name).collect();
        assert_eq!(declared, GenericTable::ALL.map(GenericTable::name));
        for (place, table) in GenericTable::ALL.into_iter().enumerate() {
            assert_eq!(table as usize, place);
        }
    }

    #[test]
    fn mistakes_are_reported_with_their_line() {
        for (text, line) in [
            ("generic x : y\n", 1),
            ("  a  text : b\n", 1),
            ("generic x keyed by a : y\n  a  words : b\n", 2),
            ("generic x keyed by a : y\n  a  text : b\n  c  text of d : e\n", 3),
        ] {
            assert_eq!(parse(text).expect_err(text).line, line, "{text}");
        }
    }
}
