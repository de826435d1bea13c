//! The tables of a resource's lists: the keys and numbers in front of each row,
//! the columns of its elements, and the history of superseded rows.

use super::columns::{element_columns, front_element};
use super::declaration::{ChildTable, Resource, Rows};
use super::error::{ModelError, ModelProblem};
use super::names::{ORDINAL, PATIENT_ID, parent_column};
use super::path::RouteStep;
use super::table::{Table, TableColumn, TableKind};
use crate::datatype::SqlType;
use crate::fhir::snake_case;

/// Adds the table of `child`, its history and the tables within it to `tables`.
/// `enclosing` are the columns with the ordinals of the rows around it.
pub(super) fn child_tables(
    resource: &Resource,
    child: &ChildTable,
    enclosing: &[String],
    parent: &str,
    tables: &mut Vec<Table>,
) -> Result<(), ModelError> {
    let element = snake_case(&child.element);
    let name = format!("{parent}_{element}");
    let in_front = InFront::of(resource, child, enclosing);
    let columns = columns(resource, child, in_front.columns).map_err(|problem| problem.of_table(&name))?;
    let table = Table {
        name: name.clone(),
        kind: TableKind::Child,
        resource: resource.name.clone(),
        comment: child.comment.clone(),
        columns,
        key: in_front.key,
    };
    let history = child.has_history.then(|| history_table(&table));
    tables.push(table);
    tables.extend(history);
    let mut within = enclosing.to_vec();
    within.push(format!("{element}_{ORDINAL}"));
    for nested in &child.tables {
        child_tables(resource, nested, &within, &name, tables)?;
    }
    Ok(())
}

/// The columns that identify a row, and those among them that are the key.
struct InFront {
    columns: Vec<TableColumn>,
    key: Vec<String>,
}

impl InFront {
    fn of(resource: &Resource, child: &ChildTable, enclosing: &[String]) -> Self {
        let mut in_front = InFront { columns: Vec::new(), key: Vec::new() };
        let resource_key = TableColumn::required(
            &parent_column(&resource.name),
            SqlType::BigInt,
            "key of the resource that the row belongs to",
        );
        in_front.push_key(resource_key.refers(&resource.table));
        for ordinal in enclosing {
            let list = ordinal.trim_end_matches("_ordinal");
            let comment = format!("position of the enclosing {list}, from 1");
            in_front.push_key(TableColumn::required(ordinal, SqlType::Integer, &comment));
        }
        if child.rows != Rows::KeyedByPlace {
            let comment = "position, from 1, in document order";
            in_front.push_key(TableColumn::required(ORDINAL, SqlType::Integer, comment));
        }
        in_front.columns.extend(constant_columns(child));
        for place in &child.place {
            let comment = place_comment(place);
            if child.rows == Rows::KeyedByPlace {
                in_front.push_key(TableColumn::required(place, SqlType::Integer, &comment));
            } else {
                in_front.columns.push(TableColumn::optional(place, SqlType::Integer, &comment));
            }
        }
        in_front
    }

    fn push_key(&mut self, column: TableColumn) {
        self.key.push(column.name.clone());
        self.columns.push(column);
    }
}

/// Columns that are the same for all rows from one `from` clause.
fn constant_columns(child: &ChildTable) -> impl Iterator<Item = TableColumn> {
    let first = child.from.first().map_or(&[][..], |route| &route.constants);
    first.iter().map(|(constant, _)| {
        let mut values: Vec<&str> = Vec::new();
        for (name, value) in child.from.iter().flat_map(|route| &route.constants) {
            if name == constant && !values.contains(&value.as_str()) {
                values.push(value);
            }
        }
        TableColumn::optional(constant, SqlType::Text, &values.join(" | "))
    })
}

fn columns(
    resource: &Resource,
    child: &ChildTable,
    in_front: Vec<TableColumn>,
) -> Result<Vec<TableColumn>, ModelProblem> {
    let mut columns = in_front;
    if has_patient(resource) {
        let column = TableColumn::optional(PATIENT_ID, SqlType::BigInt, "key of the resource's patient");
        columns.push(column.refers("patient"));
    }
    for element in &child.elements {
        columns.extend(element_columns(element, true)?);
    }
    if has_extension(child) {
        columns.push(TableColumn::optional(
            "extension",
            SqlType::Jsonb,
            "extensions of this element that no column takes: an array, each with its path",
        ));
    }
    Ok(columns)
}

/// Whether rows of the resource's lists hold the key of its patient. Those of a
/// patient hold it as the key of their resource.
pub(crate) fn has_patient(resource: &Resource) -> bool {
    resource.name != "Patient" && front_element(resource, PATIENT_ID).is_some()
}

fn place_comment(place: &str) -> String {
    match place {
        "item_sequence" => "sequence of the item".to_owned(),
        "parent_ordinal" => "ordinal of the row of the enclosing item".to_owned(),
        "level" => "1 at the top".to_owned(),
        "answer_ordinal" => "position of the answer in its item; null without one".to_owned(),
        "sub_detail_ordinal" => "position of the subDetail; 0 or null where the row is not of one".to_owned(),
        _ => format!("position of the {}, from 1", place.trim_end_matches("_ordinal")),
    }
}

/// A table whose rows are extensions has no column for extensions.
fn has_extension(child: &ChildTable) -> bool {
    !child.from.iter().any(|route| matches!(route.path.first(), Some(RouteStep::Extension(_))))
}

fn history_table(of: &Table) -> Table {
    let mut columns: Vec<TableColumn> =
        of.columns.iter().filter(|column| column.name != ORDINAL).cloned().collect();
    columns.push(TableColumn::required(
        "content_hash",
        SqlType::Bytea,
        "SHA-256 of the row's values, so that one value is kept once",
    ));
    columns.push(TableColumn::optional(
        "valid_from",
        SqlType::Timestamptz,
        "when the version that first had it took effect",
    ));
    columns.push(TableColumn::required(
        "valid_to",
        SqlType::Timestamptz,
        "when the version that no longer has it took effect",
    ));
    Table {
        name: format!("{}_history", of.name),
        kind: TableKind::History,
        resource: of.resource.clone(),
        comment: format!(
            "rows of {} that a later version no longer has, with the time they were valid",
            of.name
        ),
        columns,
        key: vec![parent_column(&of.resource), "content_hash".to_owned(), "valid_to".to_owned()],
    }
}
