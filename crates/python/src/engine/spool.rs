//! Where the record batches of a table wait: in memory, or in a temporary file.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use rustc_hash::{FxHashMap, FxHashSet};

/// The last column of spooled batches: the number of the resource that a row is of.
const RESOURCE_NUMBER: &str = "\u{0}resource";

/// Rows that no longer count: numbers of resources, by batch.
pub type Voids = FxHashMap<u32, FxHashSet<u32>>;

/// The record batches of one table, each with the number of the batch of resources that its
/// rows come from.
pub struct Spool {
    schema: SchemaRef,
    numbered: SchemaRef,
    batches: Vec<u32>,
    rows: u64,
    place: Place,
}

enum Place {
    Memory(Vec<RecordBatch>),
    /// The file is made with the first batch.
    Disk(Option<Box<StreamWriter<BufWriter<File>>>>),
}

impl Spool {
    pub fn new(schema: SchemaRef, on_disk: bool) -> Self {
        let number = Arc::new(Field::new(RESOURCE_NUMBER, DataType::UInt32, false));
        let fields: Vec<_> = schema.fields().iter().cloned().chain([number]).collect();
        let numbered = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let place = if on_disk { Place::Disk(None) } else { Place::Memory(Vec::new()) };
        Spool { schema, numbered, batches: Vec::new(), rows: 0, place }
    }

    /// Adds rows of that batch of resources; `numbers` are those of their resources.
    pub fn push(&mut self, of: u32, batch: RecordBatch, numbers: Vec<u32>) -> Result<(), ArrowError> {
        self.rows += batch.num_rows() as u64;
        let number: ArrayRef = Arc::new(UInt32Array::from(numbers));
        let (_, columns, _) = batch.into_parts();
        let columns = columns.into_iter().chain([number]).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.numbered), columns)?;
        self.batches.push(of);
        match &mut self.place {
            Place::Memory(batches) => batches.push(batch),
            Place::Disk(Some(writer)) => writer.write(&batch)?,
            Place::Disk(none) => {
                let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD))?;
                let file = BufWriter::with_capacity(1 << 16, tempfile::tempfile().map_err(io_error)?);
                let mut writer = StreamWriter::try_new_with_options(file, &self.numbered, options)?;
                writer.write(&batch)?;
                *none = Some(Box::new(writer));
            }
        }
        Ok(())
    }

    /// Nothing more is added: the rows can be read.
    pub fn finish(self, voids: &Arc<Voids>) -> Result<Spooled, ArrowError> {
        let content = match self.place {
            Place::Memory(batches) => {
                let numbered = self.batches.iter().zip(batches);
                let batches = numbered.map(|(of, batch)| without_voids(&self.schema, *of, batch, voids));
                let mut batches = batches.collect::<Result<Vec<_>, _>>()?;
                batches.retain(|batch| batch.num_rows() > 0);
                Content::Memory(batches)
            }
            Place::Disk(None) => Content::Memory(Vec::new()),
            Place::Disk(Some(mut writer)) => {
                writer.finish()?;
                let file = writer.into_inner()?.into_inner().map_err(|error| io_error(error.into_error()))?;
                Content::Disk { file: Arc::new(file), batches: self.batches, voids: Arc::clone(voids) }
            }
        };
        Ok(Spooled { schema: self.schema, rows: self.rows, content })
    }
}

/// The record batches of one table, complete.
pub struct Spooled {
    schema: SchemaRef,
    rows: u64,
    content: Content,
}

enum Content {
    Memory(Vec<RecordBatch>),
    Disk { file: Arc<File>, batches: Vec<u32>, voids: Arc<Voids> },
}

/// The batches of a table, one after another.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

impl Spooled {
    /// Batches that are in memory.
    pub fn in_memory(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Spooled { schema, rows, content: Content::Memory(batches) }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows were written; on disk some of them may be void.
    pub fn rows_written(&self) -> u64 {
        self.rows
    }

    /// How many rows there are, if all are in memory.
    pub fn rows(&self) -> Option<usize> {
        match &self.content {
            Content::Memory(batches) => Some(batches.iter().map(RecordBatch::num_rows).sum()),
            Content::Disk { .. } => None,
        }
    }

    /// Reads all batches; may be called again.
    pub fn batches(&self) -> Result<Batches, ArrowError> {
        match &self.content {
            Content::Memory(batches) => Ok(Box::new(batches.clone().into_iter().map(Ok))),
            Content::Disk { file, batches, voids } => {
                let at_start = FromStart { file: Arc::clone(file), at: 0 };
                let reader = StreamReader::try_new(BufReader::with_capacity(1 << 16, at_start), None)?;
                let (schema, voids) = (Arc::clone(&self.schema), Arc::clone(voids));
                let read = batches.clone().into_iter().zip(reader);
                let counting = read.map(move |(of, batch)| without_voids(&schema, of, batch?, &voids));
                Ok(Box::new(counting.filter(|batch| batch.as_ref().map_or(true, |b| b.num_rows() > 0))))
            }
        }
    }
}

/// The batch without the numbers of resources, and without rows that do not count.
fn without_voids(
    schema: &SchemaRef,
    of: u32,
    batch: RecordBatch,
    voids: &Voids,
) -> Result<RecordBatch, ArrowError> {
    let (_, mut columns, _) = batch.into_parts();
    let numbers = columns.pop();
    let whole = RecordBatch::try_new(Arc::clone(schema), columns)?;
    let (Some(voids), Some(numbers)) = (voids.get(&of), numbers) else { return Ok(whole) };
    let counts: BooleanArray =
        numbers.as_primitive::<UInt32Type>().values().iter().map(|n| Some(!voids.contains(n))).collect();
    arrow_select::filter::filter_record_batch(&whole, &counts)
}

/// Reads a file that others read at the same time.
struct FromStart {
    file: Arc<File>,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

fn io_error(error: io::Error) -> ArrowError {
    ArrowError::IoError(error.to_string(), error)
}
