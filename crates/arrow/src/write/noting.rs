//! A writer that notes its first error, for writers of formats that lose what it was.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The first error of a writer.
#[derive(Clone, Default)]
pub(super) struct FirstError(Arc<Mutex<Option<io::Error>>>);

impl FirstError {
    /// The error, if there was one.
    pub fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Passes everything on.
pub(super) struct Noting<W> {
    pub out: W,
    first: FirstError,
}

impl<W> Noting<W> {
    pub fn new(out: W, first: &FirstError) -> Self {
        Noting { out, first: first.clone() }
    }

    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let copy = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            if error.kind() != io::ErrorKind::Interrupted {
                self.first.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(copy);
            }
        })
    }
}

impl<W: Write> Write for Noting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}
