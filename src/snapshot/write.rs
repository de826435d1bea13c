//! Writes the rows that a picture shows of a table into files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fhirmill_arrow::{
    BatchLimits, Checked, CopyStream, Decoder, FeedError, Format, PostgresColumn, TableSchema, TableWriter,
    WriteError, WriteOptions,
};
use fhirmill_postgres::database::{CopyOutError, CopyRows, CopySource};
use fhirmill_postgres::picture::{Picture, Relation, RelationKind};

use super::error::SnapshotError;
use super::manifest::{ManifestFile, ManifestTable};
use super::target::Target;
use crate::config::SnapshotFormat;

/// Tables with more pages are written in parts, by several sessions at once: 512 MB.
const PART_PAGES: i64 = 64 << 10;
/// A batch of rows that is decoded before it is written. Larger ones take more memory and no
/// less time.
const BATCH_BYTES: usize = 4 << 20;

/// The rows of one file.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The table, by its place among the relations.
    pub table: usize,
    /// Counted from 0.
    pub number: u32,
    /// Which rows.
    pub rows: CopyRows,
}

/// The parts of a table or view.
pub(super) fn parts(table: usize, relation: &Relation) -> Vec<Part> {
    if relation.kind == RelationKind::View {
        return vec![Part { table, number: 0, rows: CopyRows::OfView }];
    }
    let count = u32::try_from((relation.pages + PART_PAGES - 1) / PART_PAGES).unwrap_or(u32::MAX).max(1);
    if count == 1 {
        return vec![Part { table, number: 0, rows: CopyRows::OfTable }];
    }
    let part = |number: u32| {
        let from = i64::from(number) * PART_PAGES;
        let to = (number + 1 < count).then_some(from + PART_PAGES);
        Part { table, number, rows: CopyRows::Pages(from, to) }
    };
    (0..count).map(part).collect()
}

/// The columns of a relation, in Arrow.
pub(super) fn schema_of(relation: &Relation) -> Result<Arc<TableSchema>, SnapshotError> {
    let columns = relation.columns.iter().map(|column| PostgresColumn {
        name: column.name.clone(),
        type_oid: column.type_oid,
        is_nullable: column.is_nullable,
        comment: column.comment.clone(),
    });
    let columns: Vec<PostgresColumn> = columns.collect();
    Ok(Arc::new(TableSchema::of_postgres(&relation.path(), &relation.comment, &columns)?))
}

/// What is written of a part.
pub(super) struct WrittenPart {
    /// Its file.
    pub file: ManifestFile,
    /// How many numbers had too many digits for the column of numbers.
    pub numbers_as_text_only: u64,
}

/// Where parts are written.
pub(super) struct PartWriter<'w> {
    /// The target.
    pub target: &'w dyn Target,
    /// The snapshot in the making.
    pub name: &'w str,
    /// The format of files.
    pub format: SnapshotFormat,
}

impl PartWriter<'_> {
    /// Writes a part of a relation.
    pub fn write(
        &self,
        picture: &mut Picture,
        (relation, schema): (&Relation, &Arc<TableSchema>),
        part: &Part,
        stop: &AtomicBool,
    ) -> Result<WrittenPart, SnapshotError> {
        let path = format!("{}/part-{}.{}", ManifestTable::folder(relation), part.number, self.format.name());
        let failed = |error: WriteError| match error {
            WriteError::Io(source) => SnapshotError::Target { place: path.clone(), source },
            WriteError::Format(problem) => SnapshotError::Format { table: relation.path(), problem },
        };
        let out = self.target.create(self.name, &path).map_err(SnapshotError::target(&path))?;
        let options = WriteOptions::default();
        let writer = TableWriter::new(format_of(self.format), schema, Checked::new(out), options);
        let mut writer = writer.map_err(failed)?;
        let limits = BatchLimits { bytes: BATCH_BYTES, ..BatchLimits::default() };
        let mut stream = CopyStream::new(Decoder::new(Arc::clone(schema), limits));
        let columns = relation.columns.iter().map(|column| column.name.as_str());
        let source = CopySource::new((&relation.schema, &relation.name), columns, part.rows);
        let copied = source.copy(picture.connection(), &mut |bytes| {
            if stop.load(Ordering::Relaxed) {
                return Err(SnapshotError::Cancelled);
            }
            stream.feed(bytes, |batch| writer.write(&batch)).map_err(|error| match error {
                FeedError::Decode(error) => SnapshotError::Rows(error),
                FeedError::Take(error) => failed(error),
            })
        });
        copied.map_err(|error| match error {
            CopyOutError::Taken(error) => error,
            CopyOutError::Query(error) => SnapshotError::query(format!("read {}", relation.path()))(error),
        })?;
        if let Some(batch) = stream.finish()? {
            writer.write(&batch).map_err(failed)?;
        }
        let numbers_as_text_only = stream.decoder().unfit().iter().map(|unfit| unfit.count).sum();
        let written = writer.finish().map_err(failed)?;
        let (file, bytes, sha256) = written.out.finish().map_err(SnapshotError::target(&path))?;
        file.finish().map_err(SnapshotError::target(&path))?;
        let file = ManifestFile { path, rows: written.rows, bytes, sha256: hexadecimal(&sha256) };
        Ok(WrittenPart { file, numbers_as_text_only })
    }
}

fn format_of(format: SnapshotFormat) -> Format {
    match format {
        SnapshotFormat::Parquet => Format::Parquet,
        SnapshotFormat::Arrow => Format::Arrow,
        SnapshotFormat::Csv => Format::Csv,
        SnapshotFormat::Ndjson => Format::Ndjson,
    }
}

/// Bytes as digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
