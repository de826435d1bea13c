//! Rows in the binary form of Postgres' COPY become Arrow record batches, and those
//! become files: Parquet, Arrow IPC, CSV, NDJSON. No database, no network.
//!
//! - [`TableSchema`]: a table's columns and their Arrow types, from the declared tables of
//!   `fhirmill-core` or from the columns that Postgres reports.
//! - [`Decoder`]: complete rows → record batches; [`CopyStream`]: the same for a stream as
//!   `COPY … TO STDOUT (FORMAT binary)` sends it, in pieces of any size.
//! - [`key_of`]: the key of a resource where no database gives one.
//! - `TableWriter`: record batches → a file, with the feature `write`, a default.
//!
//! Values arrive exactly, or there is an error that names table, column and row, and never
//! the value. A number is a `Decimal128` and, in the column beside it, its digits as
//! written; one that no `Decimal128` holds is null in the former, kept in the latter, and
//! counted ([`Decoder::unfit`]).

mod column_type;
mod decode;
mod key;
mod schema;
#[cfg(feature = "write")]
mod write;

pub use arrow_array;
pub use arrow_array::RecordBatch;
pub use arrow_schema::{Schema, SchemaRef};
pub use column_type::{ColumnType, DECIMAL_PRECISION, DECIMAL_SCALE};
pub use decode::{
    BatchLimits, CopyStream, DecodeError, Decoder, FeedError, Keys, RowProblem, Unfit, ValueProblem,
};
pub use key::{Key, key_of, key_text};
pub use schema::{
    COLUMN_COMMENT, Column, KeyForm, NUMBER_SUFFIX, PostgresColumn, SchemaError, TABLE_COMMENT, TableSchema,
};
#[cfg(feature = "write")]
pub use write::{Checked, Format, TableWriter, WriteError, WriteOptions, Written};
