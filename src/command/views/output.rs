//! What `fhirmill views run` writes rows to: text, or a file of columns where the build has
//! the feature `lake`.

use std::io::Write;

use anyhow::{Context, Result};
use fhirmill_core::views::{Cell, Format, Refused, RowSink, RowWriter, View, ViewKeys};

use super::super::Refusal;
#[cfg(feature = "lake")]
use super::columnar::ColumnarRows;
use crate::cli::ViewFormat;
use crate::config::Settings;

/// A writer of rows.
pub(super) enum RowOutput<W: Write + Send> {
    Text(Box<RowWriter<W>>),
    #[cfg(feature = "lake")]
    Columnar(Box<ColumnarRows<W>>),
}

impl<W: Write + Send> RowOutput<W> {
    /// A writer of that view's rows in that format.
    #[cfg_attr(not(feature = "lake"), expect(unused_variables, reason = "only columns have types"))]
    pub fn new(view: &View, format: ViewFormat, settings: &Settings, out: W) -> Result<Self> {
        let text = |format, out| Ok(RowOutput::Text(Box::new(RowWriter::new(view, format, out))));
        match format {
            ViewFormat::Csv => text(Format::Csv, out),
            ViewFormat::Ndjson => text(Format::Ndjson, out),
            #[cfg(feature = "lake")]
            ViewFormat::Parquet | ViewFormat::Arrow => {
                let format = match format {
                    ViewFormat::Arrow => fhirmill_arrow::Format::Arrow,
                    _ => fhirmill_arrow::Format::Parquet,
                };
                let rows = ColumnarRows::new(view, format, settings.assume_timezone, out)?;
                Ok(RowOutput::Columnar(Box::new(rows)))
            }
            #[cfg(not(feature = "lake"))]
            ViewFormat::Parquet | ViewFormat::Arrow => Err(unavailable().into()),
        }
    }

    /// Keeps the rows since the last call.
    pub fn keep(&mut self) -> Result<()> {
        match self {
            RowOutput::Text(writer) => writer.keep().context(CANNOT_WRITE),
            #[cfg(feature = "lake")]
            RowOutput::Columnar(rows) => rows.keep(),
        }
    }

    /// Forgets the rows since the last `keep`.
    pub fn forget(&mut self) {
        match self {
            RowOutput::Text(writer) => writer.forget(),
            #[cfg(feature = "lake")]
            RowOutput::Columnar(rows) => rows.forget(),
        }
    }

    /// Ends the output. What is lost of the values is said on standard error.
    pub fn finish(self) -> Result<()> {
        match self {
            RowOutput::Text(mut writer) => writer.flush().context(CANNOT_WRITE),
            #[cfg(feature = "lake")]
            RowOutput::Columnar(rows) => rows.finish(),
        }
    }
}

impl<'t, W: Write + Send> RowSink<'t> for RowOutput<W> {
    fn row(&mut self, cells: &[Cell<'t>], keys: &dyn ViewKeys) -> Result<(), Refused> {
        match self {
            RowOutput::Text(writer) => writer.row(cells, keys),
            #[cfg(feature = "lake")]
            RowOutput::Columnar(rows) => rows.row(cells, keys),
        }
    }

    fn pending_bytes(&self) -> usize {
        match self {
            RowOutput::Text(writer) => writer.pending_bytes(),
            #[cfg(feature = "lake")]
            RowOutput::Columnar(rows) => rows.pending_bytes(),
        }
    }
}

/// What went wrong, before why.
pub(super) const CANNOT_WRITE: &str = "cannot write the rows";

/// Refuses what cannot be printed, before any file is read.
pub(super) fn check(format: ViewFormat) -> Result<(), Refusal> {
    if matches!(format, ViewFormat::Csv | ViewFormat::Ndjson) {
        return Ok(());
    }
    #[cfg(not(feature = "lake"))]
    return Err(unavailable());
    #[cfg(feature = "lake")]
    match std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        true => Err(Refusal::new("this format is not for a terminal")
            .with_hint("write to a file: append `> FILE`; or choose `--format csv`")),
        false => Ok(()),
    }
}

#[cfg(not(feature = "lake"))]
fn unavailable() -> Refusal {
    Refusal::new("this fhirmill was built without the feature `lake`, which writes Parquet and Arrow")
        .with_hint("build it with `make binary FEATURES=lake`; or choose `--format csv`")
}
