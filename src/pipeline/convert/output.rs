//! The second half of a conversion: sorted runs → a folder of files for each table.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use fhirmill_arrow::arrow_array::{ArrayRef, BooleanArray, Int32Array};
use fhirmill_arrow::{
    BatchLimits, Checked, Column, ColumnType, Decoder, Format, Keys, RecordBatch, TableSchema, TableWriter,
    WriteOptions,
};
use fhirmill_postgres::failpoint::{self, ConvertStep};
use fhirmill_postgres::lock::lock;

use super::Context;
use super::decide::Decisions;
use super::error::ConvertError;
use super::manifest::{FileOutput, TableOutput, TextOnly};
use super::merge::{Merge, byte_count};
use super::spill::Run;
use crate::report::Unit;

/// A file that is about this large is followed by another one.
const PART_BYTES: usize = 256 << 20;

/// Batches are small enough to stay in the processor's cache.
const LIMITS: BatchLimits = BatchLimits { rows: 8 << 10, bytes: 2 << 20 };

/// The columns that tables have besides their own if all versions are kept.
pub(super) const VERSION_COLUMNS: [(&str, ColumnType, &str); 2] = [
    ("revision", ColumnType::Integer, "number of the version of the resource that the row is of, from 1"),
    ("is_current", ColumnType::Boolean, "whether the row is of the version that counts"),
];

/// A table to write.
pub(super) struct OutputTable {
    /// Its number in the runs.
    pub number: usize,
    /// The columns of its rows.
    pub schema: Arc<TableSchema>,
    /// Whether rows are those of records, of which only kept ones count.
    pub is_of_records: bool,
}

/// Writes the tables; `None` if that was interrupted. The largest are begun first.
pub(super) fn write(
    context: &Context<'_>,
    runs: &[Run],
    decisions: &Decisions,
    mut tables: Vec<OutputTable>,
) -> Result<Option<Vec<TableOutput>>, ConvertError> {
    tables.sort_by_key(|table| std::cmp::Reverse(byte_count(runs, table.number)));
    let progress = context.progress;
    progress.begin("writing", tables.iter().map(|table| byte_count(runs, table.number)).sum(), Unit::Bytes);
    let output = Output { context, runs, decisions, done: AtomicU64::new(0) };
    let (next, written) = (AtomicUsize::new(0), Mutex::new(Ok(Vec::new())));
    thread::scope(|scope| {
        for _ in 0..context.settings.workers.get() {
            scope.spawn(|| {
                while let Some(table) = tables.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if context.cancel.is_cancelled() || lock(&written).is_err() {
                        return;
                    }
                    let table = output.table(table);
                    let mut written = lock(&written);
                    match (table, &mut *written) {
                        (Ok(table), Ok(tables)) => tables.extend(table),
                        (Err(error), Ok(_)) => *written = Err(error),
                        (_, Err(_)) => {}
                    }
                }
            });
        }
    });
    progress.end();
    let mut written = written.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())?;
    written.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((written.len() == tables.len()).then_some(written))
}

struct Output<'o> {
    context: &'o Context<'o>,
    runs: &'o [Run],
    decisions: &'o Decisions,
    /// How many bytes of rows were written, over all tables.
    done: AtomicU64,
}

impl Output<'_> {
    /// Writes a table; `None` if that was interrupted.
    fn table(&self, table: &OutputTable) -> Result<Option<TableOutput>, ConvertError> {
        let keeps_all = self.context.keeps_all && table.is_of_records;
        let mut writer = PartWriter::new(self.context, &table.schema, keeps_all)?;
        let mut decoder = Decoder::new(Arc::clone(&table.schema), LIMITS);
        let mut versions = keeps_all.then(Versions::default);
        let failed = ConvertError::output(&self.context.staging);
        let mut merge = Merge::new(self.runs, table.number).map_err(&failed)?;
        while let Some((head, mut rows)) = merge.next().map_err(&failed)? {
            let done = self.done.fetch_add(rows.len() as u64, Ordering::Relaxed);
            if table.is_of_records && !self.decisions.kept.contains(head.record) {
                continue;
            }
            loop {
                let batch = decoder.decode(&mut rows, Keys::InRows)?;
                if let Some(versions) = &mut versions {
                    let pending = batch.as_ref().map_or(decoder.pending_rows(), RecordBatch::num_rows);
                    versions.fill(pending, self.decisions, head.record);
                }
                let Some(batch) = batch else { break };
                self.context.progress.set(done);
                if self.context.cancel.is_cancelled() {
                    return Ok(None);
                }
                writer.write(batch, versions.as_mut())?;
            }
        }
        if let Some(batch) = decoder.finish()? {
            writer.write(batch, versions.as_mut())?;
        }
        let text_only = decoder.unfit().into_iter().map(TextOnly::from).collect();
        let written = writer.finish(text_only)?;
        failpoint::passed(ConvertStep::TableWritten);
        Ok(Some(written))
    }
}

/// The values of [`VERSION_COLUMNS`] of the rows of a batch.
#[derive(Default)]
struct Versions {
    revisions: Vec<i32>,
    current: Vec<bool>,
}

impl Versions {
    /// The rows up to that number are of the record.
    fn fill(&mut self, rows: usize, decisions: &Decisions, record: u64) {
        let revision = decisions.revisions.get(&record).copied().unwrap_or(1);
        self.revisions.resize(rows, revision);
        self.current.resize(rows, decisions.current.contains(record));
    }

    fn take(&mut self) -> [ArrayRef; 2] {
        let (revisions, current) = (std::mem::take(&mut self.revisions), std::mem::take(&mut self.current));
        [Arc::new(Int32Array::from(revisions)), Arc::new(BooleanArray::from(current))]
    }
}

/// Writes the files of one table.
struct PartWriter<'p> {
    context: &'p Context<'p>,
    schema: TableSchema,
    folder: PathBuf,
    part: Option<(TableWriter<Checked<File>>, PathBuf)>,
    files: Vec<FileOutput>,
}

impl<'p> PartWriter<'p> {
    fn new(context: &'p Context<'p>, table: &TableSchema, keeps_all: bool) -> Result<Self, ConvertError> {
        let mut columns = table.columns().to_vec();
        if keeps_all {
            let of = |(name, column_type, comment)| Column::required(name, column_type, comment);
            columns.extend(VERSION_COLUMNS.map(of));
        }
        let comment = table.arrow().metadata().get(fhirmill_arrow::TABLE_COMMENT);
        let schema = TableSchema::new(table.name(), comment.map_or("", String::as_str), columns)?;
        let folder = context.staging.join(table.name());
        fs::create_dir_all(&folder).map_err(ConvertError::output(&folder))?;
        let mut writer = PartWriter { context, schema, folder, part: None, files: Vec::new() };
        // A table without rows has a file, too, which says what its columns are.
        writer.begin()?;
        Ok(writer)
    }

    fn begin(&mut self) -> Result<(), ConvertError> {
        let name = format!("part-{:05}.{}", self.files.len(), self.context.format.extension());
        let path = self.folder.join(name);
        let file = File::create(&path).map_err(ConvertError::output(&path))?;
        let options = WriteOptions { metadata: self.context.metadata.clone(), ..WriteOptions::default() };
        let writer = TableWriter::new(self.context.format, &self.schema, Checked::new(file), options);
        self.part = Some((writer.map_err(ConvertError::write(&path))?, path));
        Ok(())
    }

    fn write(&mut self, batch: RecordBatch, versions: Option<&mut Versions>) -> Result<(), ConvertError> {
        if self.part.is_none() {
            self.begin()?;
        }
        let Some((writer, path)) = &mut self.part else { return Ok(()) };
        let batch = match versions {
            None => batch,
            Some(versions) => {
                let arrays = batch.columns().iter().cloned().chain(versions.take()).collect();
                let batch = RecordBatch::try_new(Arc::clone(self.schema.arrow()), arrays);
                batch.map_err(|error| ConvertError::write(path)(error.into()))?
            }
        };
        writer.write(&batch).map_err(ConvertError::write(path))?;
        if self.context.format == Format::Parquet && writer.estimated_bytes() >= PART_BYTES {
            self.end()?;
        }
        Ok(())
    }

    /// Ends the file, which is then on the disk.
    fn end(&mut self) -> Result<(), ConvertError> {
        let Some((writer, path)) = self.part.take() else { return Ok(()) };
        let written = writer.finish().map_err(ConvertError::write(&path))?;
        let (file, bytes, hash) = written.out.finish().map_err(ConvertError::output(&path))?;
        file.sync_all().map_err(ConvertError::output(&path))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let path = format!("{}/{name}", self.schema.name());
        self.files.push(FileOutput { path, rows: written.rows, bytes, sha256: hex(&hash) });
        Ok(())
    }

    fn finish(mut self, text_only: Vec<TextOnly>) -> Result<TableOutput, ConvertError> {
        self.end()?;
        sync_folder(&self.folder)?;
        Ok(TableOutput {
            name: self.schema.name().to_owned(),
            rows: self.files.iter().map(|file| file.rows).sum(),
            bytes: self.files.iter().map(|file| file.bytes).sum(),
            files: self.files,
            text_only,
        })
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), ConvertError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(ConvertError::output(folder))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
