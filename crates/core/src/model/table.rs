//! A *table* of the schema `public` as the declarations mean it: columns with
//! types and comments, and the primary key.

use crate::datatype::SqlType;

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// At most one row for each resource, keyed by `id`.
    Resource,
    /// The items of a list, keyed by the resource's key first.
    Child,
    /// Superseded rows of a child table.
    History,
    /// Rows of all types, keyed by `resource_type` and `resource_id`.
    Generic,
    /// The resources of types without a table of their own, each whole.
    Other,
}

/// One table of the schema `public`.
#[derive(Clone, Debug)]
pub struct Table {
    /// The name, without a schema.
    pub name: String,
    /// What its rows are.
    pub kind: TableKind,
    /// The resource type whose rows it holds; empty for generic tables.
    pub resource: String,
    /// What a row is, for people.
    pub comment: String,
    /// The columns, in order.
    pub columns: Vec<TableColumn>,
    /// The primary key's columns.
    pub key: Vec<String>,
}

impl Table {
    /// The columns that the database fills by their defaults, after [`Table::columns`],
    /// which the mapper writes.
    pub fn filled_by_database(&self) -> Vec<TableColumn> {
        match self.kind {
            TableKind::Resource | TableKind::Other => vec![TableColumn::required(
                "loaded_at",
                SqlType::Timestamptz,
                "when the row was written: the start of the transaction that loaded this version of the \
                 resource; of rows older than the column, when the column was added",
            )],
            TableKind::Child | TableKind::History | TableKind::Generic => Vec::new(),
        }
    }
}

/// A column with all that the database is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// The name, unquoted.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// The table whose `id` it holds.
    pub refers_to: Option<String>,
    /// What it holds, for people.
    pub comment: String,
}

impl TableColumn {
    /// A column that is never null.
    pub(super) fn required(name: &str, sql_type: SqlType, comment: &str) -> Self {
        TableColumn { is_nullable: false, ..TableColumn::optional(name, sql_type, comment) }
    }

    /// A column that may be null.
    pub(super) fn optional(name: &str, sql_type: SqlType, comment: &str) -> Self {
        TableColumn {
            name: name.to_owned(),
            sql_type,
            is_nullable: true,
            refers_to: None,
            comment: comment.to_owned(),
        }
    }

    /// The same column, as a key of that table.
    pub(super) fn refers(self, table: &str) -> Self {
        TableColumn { refers_to: Some(table.to_owned()), ..self }
    }
}
