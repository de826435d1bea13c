//! Tables as Python sees them.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::{Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::capsule;
use crate::engine::Spooled;

/// A table in memory or in a temporary file, for whatever reads Arrow's C stream.
#[pyclass(frozen, module = "fhirmill._native")]
pub struct Table {
    #[pyo3(get)]
    name: String,
    content: Arc<Spooled>,
}

impl Table {
    pub fn new(name: String, content: Spooled) -> Self {
        Table { name, content: Arc::new(content) }
    }

    pub fn of_batches(name: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Table::new(name.to_owned(), Spooled::in_memory(schema, batches))
    }
}

#[pymethods]
impl Table {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // Best effort is allowed, and ours is to have one schema only.
        drop(requested_schema);
        let batches = self.content.batches().map_err(|error| capsule::failed(&error))?;
        let schema = Arc::clone(self.content.schema());
        capsule::stream(py, Box::new(RecordBatchIterator::new(batches, schema)))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, self.content.schema())
    }

    /// How many rows there are; `None` if they are in a file.
    #[getter]
    fn num_rows(&self) -> Option<usize> {
        self.content.rows()
    }

    /// Whether rows were written.
    #[getter]
    fn has_rows(&self) -> bool {
        self.content.rows().map_or(self.content.rows_written() > 0, |rows| rows > 0)
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.content.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn schema(&self) -> TableSchema {
        TableSchema::new(self.name.clone(), Arc::clone(self.content.schema()))
    }
}

/// The schema of a table, for whatever reads Arrow's C schema.
#[pyclass(frozen, module = "fhirmill._native")]
pub struct TableSchema {
    #[pyo3(get)]
    name: String,
    schema: Arc<Schema>,
}

impl TableSchema {
    pub fn new(name: String, schema: Arc<Schema>) -> Self {
        TableSchema { name, schema }
    }
}

#[pymethods]
impl TableSchema {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.schema)
    }

    /// What a row is.
    #[getter]
    fn comment(&self) -> &str {
        self.schema.metadata().get(fhirmill_arrow::TABLE_COMMENT).map_or("", String::as_str)
    }

    /// Name, type and comment of each column.
    fn columns(&self) -> Vec<(String, String, String)> {
        let column = |field: &Arc<arrow_schema::Field>| {
            let comment = field.metadata().get(fhirmill_arrow::COLUMN_COMMENT).cloned();
            (field.name().clone(), field.data_type().to_string(), comment.unwrap_or_default())
        };
        self.schema.fields().iter().map(column).collect()
    }
}
