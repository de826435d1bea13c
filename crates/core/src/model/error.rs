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
    /// A declaration is of a type that FHIR R4 does not define.
    #[error("'{0}' is not a resource type of FHIR R4")]
    UnknownResourceType(String),
    /// An element has a datatype that this crate does not know.
    #[error("there is no datatype '{datatype}' for {element}")]
    UnknownDatatype {
        /// The element, as its declaration writes it.
        element: String,
        /// The name of the datatype.
        datatype: String,
    },
    /// A choice is not at the end of an element's only path.
    #[error("[x] is only possible at the end of an element's only path, not in {0}")]
    MisplacedChoice(String),
    /// A table or column has a name that Postgres would change or reject.
    #[error("'{0}' is not a name: expected lower-case letters, digits and underscores, 63 at most")]
    InvalidName(String),
    /// Two declarations make the same table.
    #[error("is declared twice")]
    DeclaredTwice,
    /// Two elements make the same column.
    #[error("column {0} is declared twice")]
    ColumnDeclaredTwice(String),
    /// The table exceeds Postgres' limit on columns.
    #[error("has {0} columns, more than Postgres allows")]
    TooManyColumns(usize),
    /// Two declarations fill the same generic table for one resource type.
    #[error("the rows of generic table {0} for this resource type are declared twice")]
    ListDeclaredTwice(&'static str),
    /// The declaration asks for rows or columns that the mapper cannot fill.
    #[error("{0}")]
    Unfillable(&'static str),
}

impl ModelProblem {
    /// The error of a table with this problem.
    pub(super) fn of_table(self, table: &str) -> ModelError {
        ModelError { table: table.to_owned(), problem: self }
    }
}
