//! A *table schema*: the columns of a table as COPY sends them, and as Arrow has them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use fhirmill_core::datatype::SqlType;
use fhirmill_core::map::KEY_OF_VIEW_ROWS;
use fhirmill_core::model::{Table, TableColumn};

use crate::column_type::ColumnType;

/// The name of the column with the digits of the number in the column before it: that
/// column's name and this.
pub const NUMBER_SUFFIX: &str = "_text";
/// The entry of a schema's metadata that says what a row is.
pub const TABLE_COMMENT: &str = "comment";
/// The entry of a field's metadata that says what the column holds.
pub const COLUMN_COMMENT: &str = "comment";

/// What the keys of resources are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// The 16 bytes of [`key_of`](crate::key_of).
    Hash,
    /// The `bigint` that the registry gave.
    Number,
}

/// A column as COPY sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// What it holds, for people; may be empty.
    pub comment: String,
}

/// A column as Postgres reports it.
#[derive(Clone, Debug)]
pub struct PostgresColumn {
    /// Its name.
    pub name: String,
    /// The number of its type, `pg_attribute.atttypid`.
    pub type_oid: u32,
    /// Whether it may be null. Those of views may.
    pub is_nullable: bool,
    /// Its comment; may be empty.
    pub comment: String,
}

/// Why a table has no schema.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SchemaError {
    /// A type that has no counterpart.
    #[error("{table}.{column} has the type number {type_oid}, which has no counterpart in Arrow")]
    UnknownType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// `pg_type.oid`
        type_oid: u32,
    },
    /// Two columns of one name.
    #[error("{table} has two columns {column}")]
    Twice {
        /// The table.
        table: String,
        /// The name.
        column: String,
    },
}

/// The columns of a table, in COPY and in Arrow.
#[derive(Clone, Debug)]
pub struct TableSchema {
    name: String,
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl TableSchema {
    /// The schema of a table with those columns, in the order in which COPY sends them.
    ///
    /// # Errors
    /// Two columns have the same name.
    pub fn new(name: &str, comment: &str, columns: Vec<Column>) -> Result<Self, SchemaError> {
        let sent: HashSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let mut fields = Vec::with_capacity(columns.len());
        for column in &columns {
            let is_number = column.column_type == ColumnType::Numeric;
            let is_nullable = column.is_nullable || is_number;
            fields.push(field(&column.name, column.column_type.data_type(), is_nullable, &column.comment));
            if is_number {
                let mut digits = format!("{}{NUMBER_SUFFIX}", column.name);
                while sent.contains(digits.as_str()) {
                    digits.push('_');
                }
                let comment = format!("the digits of {} as they were written", column.name);
                fields.push(field(&digits, DataType::Utf8, column.is_nullable, &comment));
            }
        }
        let mut names = HashSet::new();
        if let Some(twice) = fields.iter().find(|field| !names.insert(field.name().as_str())) {
            return Err(SchemaError::Twice { table: name.to_owned(), column: twice.name().clone() });
        }
        let metadata = metadata(TABLE_COMMENT, comment);
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        Ok(TableSchema { name: name.to_owned(), columns, schema })
    }

    /// The schema of a declared table, or of a view's table. All columns of the type `bigint`
    /// are keys, but for the integers of a view.
    ///
    /// # Errors
    /// Two columns have the same name.
    pub fn of_model(table: &Table, keys: KeyForm) -> Result<Self, SchemaError> {
        let is_view = table.key == [KEY_OF_VIEW_ROWS];
        let columns = table.columns.iter().map(|column| {
            let is_key = !is_view || column.refers_to.is_some() || column.name == KEY_OF_VIEW_ROWS;
            Column::of_model(column, if is_key { keys } else { KeyForm::Number })
        });
        let columns = columns.collect();
        TableSchema::new(&table.name, &table.comment, columns)
    }

    /// The schema of a table or view with the columns that Postgres reports.
    ///
    /// # Errors
    /// A column has a type without a counterpart, or two have the same name.
    pub fn of_postgres(name: &str, comment: &str, columns: &[PostgresColumn]) -> Result<Self, SchemaError> {
        let column = |column: &PostgresColumn| {
            let column_type =
                ColumnType::of_oid(column.type_oid).ok_or_else(|| SchemaError::UnknownType {
                    table: name.to_owned(),
                    column: column.name.clone(),
                    type_oid: column.type_oid,
                })?;
            let PostgresColumn { name, is_nullable, comment, .. } = column.clone();
            Ok(Column { name, column_type, is_nullable, comment })
        };
        let columns = columns.iter().map(column).collect::<Result<_, _>>()?;
        TableSchema::new(name, comment, columns)
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns as COPY sends them.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns as Arrow has them, with comments as metadata. Each number is followed
    /// by its digits.
    pub fn arrow(&self) -> &SchemaRef {
        &self.schema
    }
}

impl Column {
    /// A column that is never null.
    pub fn required(name: &str, column_type: ColumnType, comment: &str) -> Self {
        Column { is_nullable: false, ..Column::optional(name, column_type, comment) }
    }

    /// A column that may be null.
    pub fn optional(name: &str, column_type: ColumnType, comment: &str) -> Self {
        Column { name: name.to_owned(), column_type, is_nullable: true, comment: comment.to_owned() }
    }

    fn of_model(column: &TableColumn, keys: KeyForm) -> Self {
        let column_type = match (column.sql_type, keys) {
            (SqlType::BigInt, KeyForm::Hash) => ColumnType::Key,
            (sql_type, _) => ColumnType::of_sql(sql_type),
        };
        Column {
            name: column.name.clone(),
            column_type,
            is_nullable: column.is_nullable,
            comment: column.comment.clone(),
        }
    }
}

fn field(name: &str, data_type: DataType, is_nullable: bool, comment: &str) -> Field {
    Field::new(name, data_type, is_nullable).with_metadata(metadata(COLUMN_COMMENT, comment))
}

fn metadata(name: &str, text: &str) -> HashMap<String, String> {
    (!text.is_empty()).then(|| (name.to_owned(), text.to_owned())).into_iter().collect()
}
