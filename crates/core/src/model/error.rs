//! What can be wrong with declarations: their text, or what they mean.

use thiserror::Error;

/// A line of a declaration that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {reason}")]
pub struct DeclarationError {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong, for people.
    pub reason: String,
}

/// Declarations that can be read but have no meaning as tables.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("table {table}: {problem}")]
pub struct ModelError {
    /// The table that cannot be made.
    pub table: String,
    /// Why.
    pub problem: ModelProblem,
}

/// Why a table cannot be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ModelProblem {
    #[error("'{0}' is not a resource type of FHIR R4")]
    UnknownResourceType(String),
    #[error("there is no datatype '{datatype}' for {element}")]
    UnknownDatatype { element: String, datatype: String },
    #[error("[x] is only possible at the end of an element's only path, not in {0}")]
    MisplacedChoice(String),
    #[error("'{0}' is not a name: expected lower-case letters, digits and underscores, 63 at most")]
    InvalidName(String),
    #[error("is declared twice")]
    DeclaredTwice,
    #[error("column {0} is declared twice")]
    ColumnDeclaredTwice(String),
    #[error("has {0} columns, more than Postgres allows")]
    TooManyColumns(usize),
    #[error("the rows of generic table {0} for this resource type are declared twice")]
    ListDeclaredTwice(&'static str),
    #[error("{0}")]
    Unfillable(&'static str),
}

impl ModelProblem {
    /// The error of a table with this problem.
    pub(super) fn of_table(self, table: &str) -> ModelError {
        ModelError { table: table.to_owned(), problem: self }
    }
}
