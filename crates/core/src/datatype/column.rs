//! Columns: their names, types and descriptions.

use crate::fhir::ResourceType;

/// The type of a column in Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SqlType {
    /// `bigint`
    BigInt,
    /// `boolean`
    Boolean,
    /// `bytea`
    Bytea,
    /// `date`
    Date,
    /// `integer`
    Integer,
    /// `integer[]`
    IntegerArray,
    /// `jsonb`
    Jsonb,
    /// `numeric`
    Numeric,
    /// `smallint`
    SmallInt,
    /// `text`
    Text,
    /// `text[]`
    TextArray,
    /// `time`
    Time,
    /// `timestamptz`
    Timestamptz,
}

impl SqlType {
    /// Its name in SQL's `CREATE TABLE`.
    pub fn sql(self) -> &'static str {
        match self {
            SqlType::BigInt => "bigint",
            SqlType::Boolean => "boolean",
            SqlType::Bytea => "bytea",
            SqlType::Date => "date",
            SqlType::Integer => "integer",
            SqlType::IntegerArray => "integer[]",
            SqlType::Jsonb => "jsonb",
            SqlType::Numeric => "numeric",
            SqlType::SmallInt => "smallint",
            SqlType::Text => "text",
            SqlType::TextArray => "text[]",
            SqlType::Time => "time",
            SqlType::Timestamptz => "timestamptz",
        }
    }
}

/// A column that a datatype produces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, not quoted.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// What it holds, as a FHIRPath below the element or in words, for comments
    /// and the data dictionary.
    pub holds: String,
    /// The resource type whose table the column refers to.
    pub refers_to: Option<ResourceType>,
}

impl Column {
    /// A column that refers to no other table.
    pub fn new(name: String, sql_type: SqlType, holds: &str) -> Self {
        Column { name, sql_type, holds: holds.to_owned(), refers_to: None }
    }
}

/// The column name made of `prefix` and `suffix`, either of which may be empty.
pub(super) fn join(prefix: &str, suffix: &str) -> String {
    match (prefix.is_empty(), suffix.is_empty()) {
        (true, _) => suffix.to_owned(),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}_{suffix}"),
    }
}
