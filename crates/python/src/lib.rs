//! `fhirmill._native`: what the Python package fhirmill does in Rust.

mod capsule;
mod decide;
mod engine;
mod errors;
mod input;
mod run;
mod stage;
mod table;
mod view;
mod window;

use std::sync::Arc;

use fhirmill_core::map::Plan;
use pyo3::prelude::*;

use table::TableSchema;

/// The schemas of all tables, in order.
#[pyfunction]
fn schemas(py: Python<'_>) -> PyResult<Vec<TableSchema>> {
    let tables = engine::schemas(&Plan::built_in()).map_err(|error| errors::internal(py, &error))?;
    let schema = |table: Arc<fhirmill_arrow::TableSchema>| {
        TableSchema::new(table.name().to_owned(), Arc::clone(table.arrow()))
    };
    Ok(tables.into_iter().map(schema).collect())
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<table::Table>()?;
    module.add_class::<TableSchema>()?;
    module.add_class::<run::Outcome>()?;
    module.add_function(wrap_pyfunction!(run::read, module)?)?;
    module.add_function(wrap_pyfunction!(run::map, module)?)?;
    module.add_function(wrap_pyfunction!(schemas, module)?)?;
    module.add_class::<stage::StagedOutcome>()?;
    module.add_function(wrap_pyfunction!(stage::stage, module)?)?;
    module.add_function(wrap_pyfunction!(stage::decide, module)?)?;
    module.add_function(wrap_pyfunction!(stage::shapes, module)?)?;
    Ok(())
}
