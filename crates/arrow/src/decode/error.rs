//! Why rows cannot be decoded. Errors name table, column and row, never a value.

use arrow_schema::ArrowError;

/// Why rows cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A value is not as its type says, or does not fit.
    #[error("{table}.{column}, row {row}: {problem}")]
    Value {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The row's number among all that were decoded, from 1.
        row: u64,
        /// What is wrong.
        problem: ValueProblem,
    },
    /// A row is not one of the table.
    #[error("{table}, row {row}: {problem}")]
    Row {
        /// The table.
        table: String,
        /// The row's number among all that were decoded, from 1.
        row: u64,
        /// What is wrong.
        problem: RowProblem,
    },
    /// A batch could not be put together.
    #[error("{table}: {source}")]
    Batch {
        /// The table.
        table: String,
        /// Arrow's reason.
        source: ArrowError,
    },
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueProblem {
    /// It has another length than values of the type.
    #[error("a value of an unexpected length")]
    Length,
    /// It is longer than Postgres' values are.
    #[error("a value of 1 GB or more")]
    TooLong,
    /// A text that is not UTF-8.
    #[error("a text that is not UTF-8")]
    NotUtf8,
    /// A date or time that Arrow's type does not hold, or that is infinite.
    #[error("a date or time that is infinite or out of range")]
    OutOfRange,
    /// Not the binary form of the type.
    #[error("a value that is not in the binary form of its type")]
    Malformed,
    /// An array of several dimensions.
    #[error("an array of several dimensions")]
    Dimensions,
    /// A key that stands for no resource.
    #[error("a key that stands for no resource")]
    UnknownKey,
    /// Null in a column that is declared as never null.
    #[error("null, where the column is declared as never null")]
    Null,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// It has more or fewer columns than the table.
    #[error("a row of another number of columns")]
    ColumnCount,
    /// A length below -1.
    #[error("a value of negative length")]
    NegativeLength,
    /// The rows end within it.
    #[error("the data end within a row")]
    Truncated,
    /// A stream that does not begin as binary COPY data do.
    #[error("not the binary format of COPY")]
    NotCopy,
    /// The stream ended without its trailer.
    #[error("the stream ended before its end was marked")]
    NoTrailer,
    /// Bytes after the trailer.
    #[error("data after the end of the stream")]
    AfterTrailer,
}
