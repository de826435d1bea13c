//! Staging for engines of many processes: rows of all versions, a log of the records, and,
//! apart from it, the decision which of them count.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use fhirmill_arrow::Key;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{IdentifierKey, Plan};
use fhirmill_core::model::{Table as ModelTable, TableKind};
use fhirmill_core::read::{ReadAt, ReadError};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyString};

use arrow_array::RecordBatch;

use crate::capsule;
use crate::decide::decide_batch;
use crate::engine::{Engine, EngineError, KnownOwner, Options, Pass, StageOptions, Staged};
use crate::errors;
use crate::input::{Failure, FileObject};
use crate::run;
use crate::table::Table;
use crate::window::Window;

/// How to read, map and stage, as `fhirmill/spark/_task.py` says it.
#[derive(FromPyObject)]
pub struct StagingOptions {
    source: String,
    timezone: String,
    base_urls: Vec<String>,
    max_rejects: usize,
    on_disk: bool,
    batch_bytes: usize,
    first_record: i64,
    /// Identifiers, each with its one owner: types, system, value, type and key.
    owners: Vec<(String, String, String, String, Vec<u8>)>,
}

/// What was staged.
#[pyclass(frozen, module = "fhirmill._native")]
pub struct StagedOutcome {
    #[pyo3(get)]
    tables: Vec<Py<Table>>,
    #[pyo3(get)]
    records: Py<Table>,
    #[pyo3(get)]
    contained: Py<Table>,
    #[pyo3(get)]
    asked: Py<Table>,
    #[pyo3(get)]
    rejects: Py<Table>,
    #[pyo3(get)]
    files: Py<Table>,
    #[pyo3(get)]
    base_urls: Vec<String>,
    #[pyo3(get)]
    has_unresolved_urls: bool,
}

/// A file or a part of one: its name, a path or a file object, and the range of bytes in
/// which the lines of the part begin.
type Part<'py> = (String, Bound<'py, PyAny>, Option<(u64, u64)>);

/// Stages files and parts of files, one after another.
#[pyfunction]
pub fn stage(py: Python<'_>, parts: &Bound<'_, PyAny>, options: StagingOptions) -> PyResult<StagedOutcome> {
    let plan = Plan::built_in();
    let failure = Failure::default();
    let engine = Engine::new(Arc::clone(&plan), engine_options(options)?, run::interruption(&failure));
    let mut engine = engine.map_err(|error| errors::internal(py, &error))?;
    for part in parts.try_iter()? {
        let (name, content, range): Part<'_> = part?.extract()?;
        let outcome = if let Ok(path) = content.cast::<PyString>() {
            let path: PathBuf = path.extract()?;
            py.detach(|| {
                let file = File::open(&path).map_err(|error| EngineError::Read(ReadError::Open(error)))?;
                read(&mut engine, &name, file, range)
            })
        } else {
            let file = FileObject::new(content.unbind(), Arc::clone(&failure));
            py.detach(|| read(&mut engine, &name, file, range))
        };
        if let Err(error) = outcome {
            let behind = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
            return Err(behind.unwrap_or_else(|| match error {
                EngineError::Read(error) => errors::file(py, &name, &error.to_string()),
                error => errors::internal(py, &error),
            }));
        }
    }
    let pass = py.detach(|| engine.finish()).map_err(|error| errors::internal(py, &error))?;
    let Pass::Last(mut finished) = pass else { return Err(PyValueError::new_err("nothing was staged")) };
    let staged = finished.staged.take().ok_or_else(|| PyValueError::new_err("nothing was staged"))?;
    let rejects = Py::new(py, run::rejects_table(&finished.rejects)?)?;
    let files = Py::new(py, run::files_table(&finished.files)?)?;
    let names = plan.tables.iter().map(|table| table.name.clone());
    let tables = names.zip(finished.tables).map(|(name, rows)| Py::new(py, Table::new(name, rows)));
    outcome(py, tables.collect::<PyResult<_>>()?, staged, rejects, files)
}

fn engine_options(options: StagingOptions) -> PyResult<Options> {
    let timezone = options.timezone.parse();
    let timezone = timezone.map_err(|error: fhirmill_core::datatype::InvalidTimezone| {
        PyValueError::new_err(format!("timezone must be {error}"))
    })?;
    let owner = |(types, system, value, resource_type, key): (String, String, String, String, Vec<u8>)| {
        let identifier = IdentifierKey { types, system, value };
        let resource_type = ResourceType::named(&resource_type)?;
        Some(KnownOwner { identifier, resource_type, key: Key::try_from(key.as_slice()).ok()? })
    };
    let owners = options.owners.into_iter().map(owner).collect::<Option<Vec<_>>>();
    let owners = owners.ok_or_else(|| PyValueError::new_err("an owner has a type and a key of 16 bytes"))?;
    Ok(Options {
        source: options.source,
        timezone,
        base_urls: options.base_urls,
        all_versions: true,
        strict: false,
        max_rejects: options.max_rejects,
        on_disk: options.on_disk,
        batch_bytes: options.batch_bytes,
        stage: Some(StageOptions { first_record: options.first_record, owners }),
    })
}

fn read(
    engine: &mut Engine,
    name: &str,
    file: impl ReadAt + 'static,
    range: Option<(u64, u64)>,
) -> Result<(), EngineError> {
    let Some((start, end)) = range else { return engine.read(name, file) };
    let window = Window::new(file, start, end).map_err(|error| EngineError::Read(ReadError::Open(error)))?;
    engine.read_part(name, window, start + 1)
}

fn outcome(
    py: Python<'_>,
    tables: Vec<Py<Table>>,
    staged: Staged,
    rejects: Py<Table>,
    files: Py<Table>,
) -> PyResult<StagedOutcome> {
    let table =
        |name: &str, batch: RecordBatch| Py::new(py, Table::of_batches(name, batch.schema(), vec![batch]));
    Ok(StagedOutcome {
        tables,
        records: table("records", staged.records)?,
        contained: table("contained", staged.contained)?,
        asked: table("asked", staged.asked)?,
        rejects,
        files,
        base_urls: staged.base_urls,
        has_unresolved_urls: staged.has_unresolved_urls,
    })
}

/// Decides on records: the two capsules of `__arrow_c_array__` of a record batch that has all
/// records of each of its resources, and what the registry has of it, which has no record.
/// Returns as many rows, in the same order.
#[pyfunction]
pub fn decide(
    py: Python<'_>,
    schema: &Bound<'_, PyCapsule>,
    array: &Bound<'_, PyCapsule>,
) -> PyResult<Table> {
    let array = capsule::array(schema, array)?;
    let decided = py.detach(|| decide_batch(&array)).map_err(|error| capsule::failed(&error))?;
    Ok(Table::of_batches("decided", decided.schema(), vec![decided]))
}

/// What a table is: its name, its kind, the one resource type whose rows it holds or nothing,
/// the column with the key of the resource that a row
/// is of, the column with the patient's key if it has one, and its primary key.
type Shape = (String, &'static str, String, String, Option<String>, Vec<String>);

/// The shapes of all tables, in order.
#[pyfunction]
pub fn shapes() -> Vec<Shape> {
    Plan::built_in().tables.iter().map(shape).collect()
}

fn shape(table: &ModelTable) -> Shape {
    let (kind, owner) = match table.kind {
        TableKind::Resource => ("resource", "id"),
        TableKind::Other => ("other", "id"),
        TableKind::Child => ("child", table.key.first().map_or("", String::as_str)),
        TableKind::History => ("history", table.key.first().map_or("", String::as_str)),
        TableKind::Generic => ("generic", "resource_id"),
    };
    let has = |name: &str| table.columns.iter().any(|column| column.name == name);
    let patient = match () {
        () if has("patient_id") => Some("patient_id"),
        () if table.name == "patient" => Some("id"),
        () => None,
    };
    (
        table.name.clone(),
        kind,
        table.resource.clone(),
        owner.to_owned(),
        patient.map(str::to_owned),
        table.key.clone(),
    )
}
