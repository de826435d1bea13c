//! Exceptions: the classes are in `fhirmill/_errors.py`.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::engine::Reject;

fn raised<'py>(py: Python<'py>, class: &str, arguments: Bound<'py, PyTuple>) -> PyErr {
    let exception = py
        .import("fhirmill._errors")
        .and_then(|errors| errors.getattr(class))
        .and_then(|class| class.call1(arguments));
    exception.map_or_else(|error| error, PyErr::from_value)
}

/// A file cannot be opened or read.
pub fn file(py: Python<'_>, file: &str, reason: &str) -> PyErr {
    match (file, reason).into_pyobject(py) {
        Ok(arguments) => raised(py, "FileError", arguments),
        Err(error) => error,
    }
}

/// A record was rejected where none may be.
pub fn rejected(py: Python<'_>, reject: &Reject) -> PyErr {
    let Reject { file, location, resource_type, fhir_id, path, reason, message } = reject;
    match (file, location, resource_type, fhir_id, path, reason, message).into_pyobject(py) {
        Ok(arguments) => raised(py, "RejectedError", arguments),
        Err(error) => error,
    }
}

/// A ViewDefinition cannot be used.
pub fn definition(py: Python<'_>, message: String) -> PyErr {
    match (message,).into_pyobject(py) {
        Ok(arguments) => raised(py, "DefinitionError", arguments),
        Err(error) => error,
    }
}

/// What should not happen.
pub fn internal(py: Python<'_>, error: &dyn std::error::Error) -> PyErr {
    match (error.to_string(),).into_pyobject(py) {
        Ok(arguments) => raised(py, "Error", arguments),
        Err(error) => error,
    }
}
