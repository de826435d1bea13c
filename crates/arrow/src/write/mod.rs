//! Record batches → a file of some format.

mod checked;
mod encoding;
mod noting;
mod text;

use std::collections::BTreeMap;
use std::io::Write;

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

pub use checked::Checked;

use crate::schema::TableSchema;
use noting::{FirstError, Noting};
use text::TextWriter;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet, compressed by zstd.
    Parquet,
    /// Arrow IPC, the file format.
    Arrow,
    /// CSV with a header line.
    Csv,
    /// One JSON object a line; nulls are left out.
    Ndjson,
}

impl Format {
    /// How names of files of the format end, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Arrow => "arrow",
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
        }
    }
}

/// How a file is written.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// A row group of Parquet ends when it has about this many bytes, compressed. A writer
    /// holds this much in memory.
    pub row_group_bytes: usize,
    /// The level of zstd, 1 to 22.
    pub zstd_level: i32,
    /// Entries of the file's metadata; CSV and NDJSON have none.
    pub metadata: BTreeMap<String, String>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        WriteOptions { row_group_bytes: 32 << 20, zstd_level: 1, metadata: BTreeMap::new() }
    }
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file refused the bytes: the disk is full, for example.
    #[error(transparent)]
    Io(std::io::Error),
    /// The writer of the format failed.
    #[error("{0}")]
    Format(String),
}

/// What was written.
#[derive(Debug)]
pub struct Written<W> {
    /// How many rows.
    pub rows: u64,
    /// Where they were written, not flushed to the disk.
    pub out: W,
}

/// Writes a table's record batches to a file.
pub struct TableWriter<W: Write + Send> {
    rows: u64,
    options: WriteOptions,
    first_error: FirstError,
    writer: Writer<W>,
}

enum Writer<W: Write + Send> {
    /// Parquet, before the first batch, which tells how the columns are encoded. Then nothing
    /// is left of it.
    Unbegun(Option<Box<Unbegun<W>>>),
    Parquet(Box<ArrowWriter<Noting<W>>>),
    Arrow(Box<FileWriter<Noting<W>>>),
    Text(TextWriter<W>),
}

impl<W: Write + Send> TableWriter<W> {
    /// A file of that table. Arrow IPC and text write small pieces: give them a buffered
    /// writer, such as [`Checked`].
    ///
    /// # Errors
    /// The head of the file cannot be written.
    pub fn new(
        format: Format,
        table: &TableSchema,
        out: W,
        options: WriteOptions,
    ) -> Result<Self, WriteError> {
        let first_error = FirstError::default();
        let writer = match format {
            Format::Parquet => Writer::Unbegun(Some(Box::new(Unbegun {
                out: Noting::new(out, &first_error),
                schema: table.arrow().clone(),
                properties: parquet_properties(table, &options)?,
            }))),
            Format::Arrow => {
                let mut writer = FileWriter::try_new(Noting::new(out, &first_error), table.arrow())?;
                for (name, value) in &options.metadata {
                    writer.write_metadata(name, value);
                }
                Writer::Arrow(Box::new(writer))
            }
            Format::Csv => Writer::Text(TextWriter::csv(out, table)?),
            Format::Ndjson => Writer::Text(TextWriter::ndjson(out, table)),
        };
        Ok(TableWriter { rows: 0, options, first_error, writer })
    }

    /// Writes a batch of the table's schema.
    ///
    /// # Errors
    /// The file refused it; it is of no use then.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        self.rows += batch.num_rows() as u64;
        let written = self.write_batch(batch);
        written.map_err(|error| self.first_error.take().map_or(error, WriteError::Io))
    }

    fn write_batch(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        if let Writer::Unbegun(unbegun) = &mut self.writer
            && let Some(unbegun) = unbegun.take()
        {
            self.writer = Writer::Parquet(unbegun.begin(Some(batch))?);
        }
        match &mut self.writer {
            Writer::Unbegun(_) => return Err(WriteError::Format(FAILED.to_owned())),
            Writer::Parquet(writer) => {
                writer.write(batch)?;
                if writer.in_progress_size() >= self.options.row_group_bytes {
                    writer.flush()?;
                }
            }
            Writer::Arrow(writer) => writer.write(batch)?,
            Writer::Text(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many bytes the file will have, about.
    pub fn estimated_bytes(&self) -> usize {
        match &self.writer {
            Writer::Parquet(writer) => writer.bytes_written() + writer.in_progress_size(),
            Writer::Unbegun(_) | Writer::Arrow(_) | Writer::Text(_) => 0,
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file refused its end.
    pub fn finish(self) -> Result<Written<W>, WriteError> {
        let TableWriter { rows, first_error, writer, .. } = self;
        let out = writer.finish().map_err(|error| first_error.take().map_or(error, WriteError::Io))?;
        Ok(Written { rows, out })
    }
}

impl<W: Write + Send> Writer<W> {
    fn finish(self) -> Result<W, WriteError> {
        match self {
            Writer::Unbegun(Some(unbegun)) => Ok(unbegun.begin(None)?.into_inner()?.out),
            Writer::Unbegun(None) => Err(WriteError::Format(FAILED.to_owned())),
            Writer::Parquet(writer) => Ok(writer.into_inner()?.out),
            Writer::Arrow(mut writer) => {
                writer.finish()?;
                Ok(writer.into_inner()?.out)
            }
            Writer::Text(writer) => writer.finish(),
        }
    }
}

/// A file whose head was refused before.
const FAILED: &str = "the file could not be begun";

/// A Parquet file without rows.
struct Unbegun<W: Write + Send> {
    out: Noting<W>,
    schema: SchemaRef,
    properties: WriterPropertiesBuilder,
}

impl<W: Write + Send> Unbegun<W> {
    /// Begins the file, whose first rows are those of the batch.
    fn begin(self, first: Option<&RecordBatch>) -> Result<Box<ArrowWriter<Noting<W>>>, WriteError> {
        let properties = match first {
            Some(batch) => encoding::chosen(self.properties, batch),
            None => self.properties,
        };
        let options = ArrowWriterOptions::new().with_properties(properties.build());
        Ok(Box::new(ArrowWriter::try_new_with_options(self.out, self.schema, options)?))
    }
}

fn parquet_properties(
    table: &TableSchema,
    options: &WriteOptions,
) -> Result<WriterPropertiesBuilder, WriteError> {
    let level = ZstdLevel::try_new(options.zstd_level)?;
    let comment = table.arrow().metadata().iter();
    let metadata =
        comment.chain(&options.metadata).map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(None)
        .set_created_by(format!("fhirmill {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata.collect())))
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<std::io::Error>() {
                Ok(error) => WriteError::Io(*error),
                Err(other) => WriteError::Format(other.to_string()),
            },
            other => WriteError::Format(other.to_string()),
        }
    }
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => WriteError::Io(error),
            other => WriteError::Format(other.to_string()),
        }
    }
}

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        WriteError::Io(error)
    }
}

#[cfg(test)]
mod tests;
