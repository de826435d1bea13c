//! The rows of a view as a file of columns: Parquet or Arrow IPC.
//!
//! A resource's rows are collected in COPY's binary form, which the tables have too, and
//! are decoded once the resource is complete. So a value is what the table would have, or
//! the resource is a problem.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use anyhow::{Context, Result};
use fhirmill_arrow::{
    BatchLimits, Column, ColumnType, Decoder, Format, Keys, NUMBER_SUFFIX, SchemaError, TableSchema,
    TableWriter, WriteOptions,
};
use fhirmill_core::datatype::{SqlType, Timezone};
use fhirmill_core::map::{ViewRows, view_columns};
use fhirmill_core::views::{self, Cell, Refused, RowSink, View, ViewKeys};

use super::output::CANNOT_WRITE;

/// The name of a view that has none.
const UNNAMED: &str = "view";

/// Writes rows as columns. Memory holds a resource, a batch and a row group.
pub(super) struct ColumnarRows<W: Write + Send> {
    rows: ViewRows,
    decoder: Decoder,
    writer: TableWriter<BufWriter<W>>,
}

impl<W: Write + Send> ColumnarRows<W> {
    /// A file of that view's rows. Times without a time zone are in `timezone`.
    pub fn new(view: &View, format: Format, timezone: Timezone, out: W) -> Result<Self> {
        let table = Arc::new(schema(view)?);
        let writer = TableWriter::new(format, &table, BufWriter::new(out), WriteOptions::default());
        Ok(ColumnarRows {
            rows: ViewRows::new(view, timezone),
            decoder: Decoder::new(table, BatchLimits::default()),
            writer: writer.context(CANNOT_WRITE)?,
        })
    }

    /// Keeps the rows since the last call.
    pub fn keep(&mut self) -> Result<()> {
        let mut rows = self.rows.keep();
        while let Some(batch) = self.decoder.decode(&mut rows, Keys::InRows)? {
            self.writer.write(&batch).context(CANNOT_WRITE)?;
        }
        self.rows.clear();
        Ok(())
    }

    /// Forgets the rows since the last `keep`.
    pub fn forget(&mut self) {
        self.rows.forget();
    }

    /// Ends the file, and says on standard error which numbers are only in columns of digits.
    pub fn finish(mut self) -> Result<()> {
        if let Some(batch) = self.decoder.finish()? {
            self.writer.write(&batch).context(CANNOT_WRITE)?;
        }
        let written = self.writer.finish().context(CANNOT_WRITE)?;
        written
            .out
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?
            .flush()
            .context(CANNOT_WRITE)?;
        for unfit in self.decoder.unfit() {
            let (column, count) = (unfit.column, unfit.count);
            let values = if count == 1 { "1 number has".to_owned() } else { format!("{count} numbers have") };
            eprintln!("{column}: {values} too many digits for a decimal: see {column}{NUMBER_SUFFIX}");
        }
        Ok(())
    }
}

impl<'t, W: Write + Send> RowSink<'t> for ColumnarRows<W> {
    fn row(&mut self, cells: &[Cell<'t>], keys: &dyn ViewKeys) -> Result<(), Refused> {
        self.rows.row(cells, keys)
    }

    fn pending_bytes(&self) -> usize {
        self.rows.pending_bytes()
    }
}

/// The view's own columns, named as it names them, with the types that its table would have.
/// Keys are texts.
fn schema(view: &View) -> Result<TableSchema, SchemaError> {
    // The first column of the table is the key of the resource.
    let in_table = view_columns(view).into_iter().skip(1);
    let columns = in_table.zip(&view.columns).map(|(column, own)| {
        let sql_type = match (own.column_type, own.is_collection) {
            (views::ColumnType::Key, false) => SqlType::Text,
            _ => column.sql_type,
        };
        Column::optional(&own.name, ColumnType::of_sql(sql_type), &column.comment)
    });
    let comment = view.description.clone().unwrap_or_default();
    TableSchema::new(view.name.as_deref().unwrap_or(UNNAMED), &comment, columns.collect())
}
