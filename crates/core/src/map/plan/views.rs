//! Views in a plan: their tables are filled, cleared and copied like all others.

use std::sync::Arc;

use super::lifecycle::ClearTable;
use super::{Plan, PlanError};
use crate::datatype::SqlType;
use crate::model::{Table, TableColumn, TableKind};
use crate::views::{ColumnType, View, ViewColumn};

/// The first column of every view's table: the key of the resource that the row is of.
/// No column of a view can have this name.
pub const KEY_OF_VIEW_ROWS: &str = "_resource_id";

/// A view and the table that holds its rows.
#[derive(Clone, Debug)]
pub struct ViewTable {
    /// The table's name, with its schema.
    pub table: String,
    /// The text of the ViewDefinition.
    pub definition: String,
}

/// A view ready to run.
pub(in super::super) struct ViewPlan {
    /// The place of its table among all tables.
    pub table: usize,
    pub view: View,
}

impl Plan {
    /// The same plan with these views besides.
    pub(super) fn and_views(mut self, views: &[ViewTable]) -> Result<Plan, PlanError> {
        let mut dictionary = (*self.dictionary).clone();
        for ViewTable { table, definition } in views {
            let view = View::compile(definition, &mut dictionary).map_err(|found| PlanError::View {
                table: table.clone(),
                message: found.into_iter().next().map(|first| first.message).unwrap_or_default(),
            })?;
            self.lifecycles[view.resource_type.index()].clear.push(ClearTable {
                table: table.clone(),
                key_column: KEY_OF_VIEW_ROWS.to_owned(),
                has_type_column: false,
            });
            self.views.push(ViewPlan { table: self.tables.len(), view });
            self.tables.push(table_of(table, &self.views[self.views.len() - 1].view));
        }
        self.dictionary = Arc::new(dictionary);
        Ok(self)
    }
}

fn table_of(name: &str, view: &View) -> Table {
    Table {
        name: name.to_owned(),
        // Its rows are replaced and deleted with their resource.
        kind: TableKind::Child,
        resource: view.resource_type.name().to_owned(),
        comment: view.description.clone().unwrap_or_default(),
        columns: view_columns(view),
        key: vec![KEY_OF_VIEW_ROWS.to_owned()],
    }
}

/// The columns of a view's table.
pub fn view_columns(view: &View) -> Vec<TableColumn> {
    let key = TableColumn {
        name: KEY_OF_VIEW_ROWS.to_owned(),
        sql_type: SqlType::BigInt,
        is_nullable: false,
        refers_to: None,
        comment: format!("key of the {} that the row is of", view.resource_type.name()),
    };
    let own = view.columns.iter().map(|column| TableColumn {
        name: column.name.to_ascii_lowercase(),
        sql_type: sql_type(column),
        is_nullable: true,
        refers_to: (column.column_type == ColumnType::Key).then(|| {
            column.refers_to.map_or_else(String::new, |target| crate::fhir::snake_case(target.name()))
        }),
        comment: column.description.clone().unwrap_or_else(|| match column.column_type {
            ColumnType::Key => {
                format!("key of the {}", column.refers_to.map_or("resource", |target| target.name()))
            }
            _ => String::new(),
        }),
    });
    std::iter::once(key).chain(own).collect()
}

fn sql_type(column: &ViewColumn) -> SqlType {
    match (column.is_collection, column.column_type) {
        (true, ColumnType::Text) => SqlType::TextArray,
        (true, _) => SqlType::Jsonb,
        (false, ColumnType::Boolean) => SqlType::Boolean,
        (false, ColumnType::Integer) => SqlType::Integer,
        (false, ColumnType::BigInteger | ColumnType::Key) => SqlType::BigInt,
        (false, ColumnType::Decimal) => SqlType::Numeric,
        (false, ColumnType::Text) => SqlType::Text,
        (false, ColumnType::Date) => SqlType::Date,
        (false, ColumnType::Timestamp) => SqlType::Timestamptz,
        (false, ColumnType::Time) => SqlType::Time,
        (false, ColumnType::Bytes) => SqlType::Bytea,
        (false, ColumnType::Json) => SqlType::Jsonb,
    }
}
