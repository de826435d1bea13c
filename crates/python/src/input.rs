//! File objects of Python as files that are read at any offset.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use fhirmill_core::read::ReadAt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The exception that ended the reading, if one did.
pub type Failure = Arc<Mutex<Option<PyErr>>>;

/// An object with `seek` and `read`.
pub struct FileObject {
    object: Py<PyAny>,
    failure: Failure,
}

impl FileObject {
    pub fn new(object: Py<PyAny>, failure: Failure) -> Self {
        FileObject { object, failure }
    }

    /// Keeps the exception, which says more than an error of a file can.
    fn failed(&self, error: PyErr) -> io::Error {
        let message = error.to_string();
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        io::Error::other(message)
    }
}

impl fmt::Debug for FileObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileObject")
    }
}

impl ReadAt for FileObject {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Python::attach(|py| {
            let object = self.object.bind(py);
            let read = object
                .call_method1("seek", (offset,))
                .and_then(|_| object.call_method1("read", (buffer.len(),)))
                .and_then(|read| Ok(read.cast_into::<PyBytes>()?));
            let read = read.map_err(|error| self.failed(error))?;
            let bytes = read.as_bytes();
            let length = bytes.len().min(buffer.len());
            buffer[..length].copy_from_slice(&bytes[..length]);
            Ok(length)
        })
    }

    fn size(&self) -> io::Result<u64> {
        Python::attach(|py| {
            let sought = self.object.bind(py).call_method1("seek", (0, 2));
            sought.and_then(|end| end.extract()).map_err(|error| self.failed(error))
        })
    }
}
