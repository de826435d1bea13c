//! Running the engine for Python: inputs in, tables out.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use fhirmill_core::map::Plan;
use fhirmill_core::read::ReadError;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyString};

use crate::capsule;
use crate::engine::{Engine, EngineError, FileAccount, Finished, Options, Pass, Reject};
use crate::errors;
use crate::input::{Failure, FileObject};
use crate::table::Table;
use crate::view;

/// How to read and map, as `fhirmill/_read.py` says it.
#[derive(FromPyObject)]
pub struct RunOptions {
    source: String,
    timezone: String,
    base_urls: Vec<String>,
    all_versions: bool,
    strict: bool,
    max_rejects: usize,
    on_disk: bool,
    batch_bytes: usize,
    /// The text of a ViewDefinition, whose rows are wanted instead of all tables.
    view: Option<String>,
}

/// What was read.
#[pyclass(frozen, module = "fhirmill._native")]
pub struct Outcome {
    #[pyo3(get)]
    tables: Vec<Py<Table>>,
    #[pyo3(get)]
    rejects: Py<Table>,
    #[pyo3(get)]
    files: Py<Table>,
    /// Records seen, inserted, deleted, unchanged, stale, rejected and skipped ones.
    #[pyo3(get)]
    counts: [u64; 7],
}

/// An input, with what it takes to read it.
enum Content {
    Path(PathBuf),
    Bytes(Vec<u8>),
    Object(FileObject),
}

/// What is needed while the engine runs.
struct Run {
    /// `None` once it has finished.
    engine: Option<Engine>,
    plan: Arc<Plan>,
    view: Option<view::Projection>,
    failure: Failure,
}

/// Reads files. `inputs` is called for an iterator of pairs of a name and a path, bytes or a
/// file object, once or twice; a file is read before the next one is asked for.
#[pyfunction]
pub fn read(py: Python<'_>, inputs: &Bound<'_, PyAny>, options: RunOptions) -> PyResult<Outcome> {
    let mut run = Run::new(py, options)?;
    loop {
        for input in inputs.call0()?.try_iter()? {
            let (name, input): (String, Bound<'_, PyAny>) = input?.extract()?;
            let content = content(&input, &run.failure)?;
            let outcome = py.detach(|| run.read(&name, content));
            outcome.map_err(|error| run.error(py, &name, error))?;
        }
        if let Some(finished) = run.finish(py)? {
            return run.outcome(py, finished);
        }
    }
}

/// Maps the texts of a column: a capsule of `__arrow_c_stream__`, the two of
/// `__arrow_c_array__`, or a list.
#[pyfunction]
pub fn map(py: Python<'_>, column: &Bound<'_, PyAny>, name: &str, options: RunOptions) -> PyResult<Outcome> {
    let mut run = Run::new(py, options)?;
    let arrays = if let Ok(capsule) = column.cast::<PyCapsule>() {
        Some(capsule::arrays(capsule)?)
    } else if let Ok((schema, array)) = column.extract::<(Bound<'_, PyCapsule>, Bound<'_, PyCapsule>)>() {
        Some(vec![capsule::array(&schema, &array)?])
    } else {
        None
    };
    let texts = match (&arrays, column) {
        (Some(arrays), _) => {
            Texts::Borrowed(arrays.iter().map(capsule::texts).collect::<PyResult<Vec<_>>>()?)
        }
        (None, list) => {
            Texts::Owned(list.try_iter()?.map(|text| text_of(&text?)).collect::<PyResult<Vec<_>>>()?)
        }
    };
    loop {
        let outcome = py.detach(|| match &texts {
            Texts::Borrowed(arrays) => run.engine()?.read_texts(name, arrays.iter().flatten().copied()),
            Texts::Owned(texts) => run.engine()?.read_texts(name, texts.iter().map(Option::as_deref)),
        });
        outcome.map_err(|error| run.error(py, name, error))?;
        if let Some(finished) = run.finish(py)? {
            return run.outcome(py, finished);
        }
    }
}

/// The texts of a column.
enum Texts<'t> {
    Borrowed(Vec<Vec<Option<&'t [u8]>>>),
    Owned(Vec<Option<Vec<u8>>>),
}

fn content(input: &Bound<'_, PyAny>, failure: &Failure) -> PyResult<Content> {
    if let Ok(path) = input.cast::<PyString>() {
        return Ok(Content::Path(path.extract()?));
    }
    if let Ok(bytes) = input.cast::<PyBytes>() {
        return Ok(Content::Bytes(bytes.as_bytes().to_vec()));
    }
    Ok(Content::Object(FileObject::new(input.clone().unbind(), Arc::clone(failure))))
}

fn text_of(text: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    if text.is_none() {
        return Ok(None);
    }
    if let Ok(bytes) = text.cast::<PyBytes>() {
        return Ok(Some(bytes.as_bytes().to_vec()));
    }
    match text.cast::<PyString>() {
        Ok(text) => Ok(Some(text.extract::<String>()?.into_bytes())),
        // What pandas writes for a missing value.
        Err(_) if text.extract::<f64>().is_ok_and(f64::is_nan) => Ok(None),
        Err(_) => Err(PyTypeError::new_err("a column of JSON texts is wanted: str, bytes or None")),
    }
}

impl Run {
    fn new(py: Python<'_>, options: RunOptions) -> PyResult<Self> {
        let timezone = options.timezone.parse();
        let timezone = timezone.map_err(|error: fhirmill_core::datatype::InvalidTimezone| {
            PyValueError::new_err(format!("timezone must be {error}"))
        })?;
        let (plan, view) = match &options.view {
            None => (Plan::built_in(), None),
            Some(text) => {
                let (plan, projection) =
                    view::plan(text).map_err(|message| errors::definition(py, message))?;
                (plan, Some(projection))
            }
        };
        let failure = Failure::default();
        let engine_options = Options {
            source: options.source,
            timezone,
            base_urls: options.base_urls,
            all_versions: options.all_versions,
            strict: options.strict,
            max_rejects: options.max_rejects,
            on_disk: options.on_disk,
            batch_bytes: options.batch_bytes,
            stage: None,
        };
        let engine = Engine::new(Arc::clone(&plan), engine_options, interruption(&failure));
        let engine = engine.map_err(|error| errors::internal(py, &error))?;
        Ok(Run { engine: Some(engine), plan, view, failure })
    }

    fn engine(&mut self) -> Result<&mut Engine, EngineError> {
        self.engine.as_mut().ok_or(EngineError::Interrupted)
    }

    fn read(&mut self, name: &str, content: Content) -> Result<(), EngineError> {
        let engine = self.engine()?;
        match content {
            Content::Bytes(bytes) => engine.read(name, bytes),
            Content::Object(object) => engine.read(name, object),
            Content::Path(path) => {
                let is_file = path.metadata().map(|metadata| metadata.is_file());
                match is_file.map_err(|error| EngineError::Read(ReadError::Open(error)))? {
                    true => {}
                    false => return Err(EngineError::Read(ReadError::NotAFile)),
                }
                let file = File::open(&path).map_err(|error| EngineError::Read(ReadError::Open(error)))?;
                engine.read(name, file)
            }
        }
    }

    /// The exception for an error of the engine, or the one that was behind it.
    fn error(&self, py: Python<'_>, file: &str, error: EngineError) -> PyErr {
        let behind = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reject = self.engine.as_ref().and_then(|engine| engine.rejects().last());
        match (behind, error, reject) {
            (Some(exception), _, _) => exception,
            (None, EngineError::Read(error), _) => errors::file(py, file, &error.to_string()),
            (None, EngineError::Rejected, Some(reject)) => errors::rejected(py, reject),
            (None, error, _) => errors::internal(py, &error),
        }
    }

    /// What was read; `None` if it has to be read once more.
    fn finish(&mut self, py: Python<'_>) -> PyResult<Option<Finished>> {
        let Some(engine) = self.engine.take() else { return Ok(None) };
        let pass = py.detach(|| engine.finish()).map_err(|error| errors::internal(py, &error))?;
        match pass {
            Pass::Last(finished) => Ok(Some(finished)),
            Pass::Again(engine) => {
                self.engine = Some(*engine);
                Ok(None)
            }
        }
    }

    fn outcome(self, py: Python<'_>, finished: Finished) -> PyResult<Outcome> {
        let Run { plan, view, .. } = self;
        let Finished { tables, files, rejects, .. } = finished;
        let names = plan.tables.iter().map(|table| table.name.clone());
        let tables: Vec<Table> = match view {
            None => names.zip(tables).map(|(name, table)| Table::new(name, table)).collect(),
            Some(projection) => {
                vec![projection.table(tables).map_err(|error| capsule::failed(&error))?]
            }
        };
        let tables = tables.into_iter().map(|table| Py::new(py, table)).collect::<PyResult<_>>()?;
        Ok(Outcome {
            tables,
            rejects: Py::new(py, rejects_table(&rejects)?)?,
            counts: counts(&files),
            files: Py::new(py, files_table(&files)?)?,
        })
    }
}

/// Asks Python whether a signal has arrived, such as that of Ctrl-C.
pub fn interruption(failure: &Failure) -> Box<dyn FnMut() -> bool + Send> {
    let failure: Arc<Mutex<Option<PyErr>>> = Arc::clone(failure);
    Box::new(move || match Python::attach(|py| py.check_signals()) {
        Ok(()) => false,
        Err(error) => {
            *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            true
        }
    })
}

fn counts(files: &[FileAccount]) -> [u64; 7] {
    let sum = |count: fn(&FileAccount) -> u64| files.iter().map(count).sum();
    [
        sum(|file| file.seen),
        sum(|file| file.inserted),
        sum(|file| file.deleted),
        sum(|file| file.unchanged),
        sum(|file| file.stale),
        sum(|file| file.rejected),
        sum(|file| file.skipped),
    ]
}

pub fn files_table(files: &[FileAccount]) -> PyResult<Table> {
    let numbers = |count: fn(&FileAccount) -> u64| -> ArrayRef {
        Arc::new(files.iter().map(count).collect::<UInt64Array>())
    };
    let names: ArrayRef = Arc::new(files.iter().map(|file| Some(&file.file)).collect::<StringArray>());
    table(
        "files",
        vec![
            ("file", names),
            ("seen", numbers(|file| file.seen)),
            ("inserted", numbers(|file| file.inserted)),
            ("deleted", numbers(|file| file.deleted)),
            ("unchanged", numbers(|file| file.unchanged)),
            ("stale", numbers(|file| file.stale)),
            ("rejected", numbers(|file| file.rejected)),
            ("skipped", numbers(|file| file.skipped)),
        ],
    )
}

pub fn rejects_table(rejects: &[Reject]) -> PyResult<Table> {
    let texts = |text: fn(&Reject) -> Option<&str>| -> ArrayRef {
        Arc::new(rejects.iter().map(text).collect::<StringArray>())
    };
    table(
        "rejects",
        vec![
            ("file", texts(|reject| Some(&reject.file))),
            ("location", texts(|reject| Some(&reject.location))),
            ("resource_type", texts(|reject| reject.resource_type.as_deref())),
            ("fhir_id", texts(|reject| reject.fhir_id.as_deref())),
            ("path", texts(|reject| reject.path.as_deref())),
            ("reason", texts(|reject| Some(&reject.reason))),
            ("message", texts(|reject| Some(&reject.message))),
        ],
    )
}

fn table(name: &str, columns: Vec<(&str, ArrayRef)>) -> PyResult<Table> {
    let field = |(name, array): &(&str, ArrayRef)| {
        let is_nullable = matches!(*name, "resource_type" | "fhir_id" | "path");
        Field::new(*name, DataType::clone(array.data_type()), is_nullable)
    };
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|error| capsule::failed(&error))?;
    Ok(Table::of_batches(name, schema, vec![batch]))
}
