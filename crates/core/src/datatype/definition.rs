//! What a datatype is to the rest of the crate.

use super::column::Column;
use super::defect::ValueDefect;
use super::row::Row;
use crate::json::Value;

/// A FHIR datatype as columns.
pub trait Datatype: Send + Sync {
    /// The columns of an element whose column names begin with `prefix`, which
    /// may be empty.
    fn columns(&self, prefix: &str) -> Vec<Column>;

    /// Writes one value for each of [`columns`](Self::columns). `elements` are
    /// the values at the element's path, in document order and without nulls;
    /// datatypes other than lists use the first.
    ///
    /// # Errors
    /// An element has another JSON type or format than FHIR defines, or does
    /// not fit its column. What was written of the row is then undefined.
    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect>;
}
