//! The *decoder* turns complete rows into record batches.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::ArrowError;

use super::builder::{Unfinished, Zeros};
use super::column::{ColumnBuilder, Keys};
use super::error::{DecodeError, RowProblem, ValueProblem};
use crate::schema::TableSchema;

/// How large batches become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// The most rows.
    pub rows: usize,
    /// A batch that has this many bytes of rows takes no further one. At most 512 MB count:
    /// together with one more row, of which Postgres sends at most 1 GB, no column exceeds
    /// the 2 GB that Arrow's offsets reach.
    pub bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        BatchLimits { rows: 64 << 10, bytes: 16 << 20 }
    }
}

const MOST_BYTES: usize = 512 << 20;
/// As in Postgres (`MaxAllocSize`).
const MOST_VALUE_BYTES: usize = 1 << 30;

/// Numbers of a column that no `Decimal128` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The column.
    pub column: String,
    /// How many there were.
    pub count: u64,
}

/// Turns rows of one table into record batches.
pub struct Decoder {
    table: Arc<TableSchema>,
    limits: BatchLimits,
    columns: Vec<ColumnBuilder>,
    zeros: Zeros,
    rows: usize,
    bytes: usize,
    /// Rows of batches that were taken.
    rows_before: u64,
    unfit: Vec<u64>,
}

/// Why a row was not decoded.
pub(super) enum Stop {
    /// It needs this many bytes at least.
    Incomplete(usize),
    /// It is not a row of the table.
    Row(RowProblem),
    /// A value of that column is wrong.
    Value(usize, ValueProblem),
}

impl Decoder {
    /// A decoder of that table's rows.
    pub fn new(table: Arc<TableSchema>, limits: BatchLimits) -> Self {
        let columns: Vec<ColumnBuilder> =
            table.columns().iter().map(|column| ColumnBuilder::new(column.column_type)).collect();
        let unfit = vec![0; columns.len()];
        let limits = BatchLimits { rows: limits.rows.max(1), bytes: limits.bytes.min(MOST_BYTES) };
        Decoder { table, limits, columns, zeros: Zeros::default(), rows: 0, bytes: 0, rows_before: 0, unfit }
    }

    /// The table.
    pub fn table(&self) -> &Arc<TableSchema> {
        &self.table
    }

    /// Rows that are not in a batch yet.
    pub fn pending_rows(&self) -> usize {
        self.rows
    }

    /// Decodes complete rows, without header and trailer, and shortens `rows` by them.
    /// Returns a batch as soon as it is full: call it until it returns `None`, which means
    /// that all rows were taken.
    ///
    /// # Errors
    /// The rows are not whole rows of the table, or a value does not fit. The rows since the
    /// last batch are lost.
    pub fn decode(&mut self, rows: &mut &[u8], keys: Keys<'_>) -> Result<Option<RecordBatch>, DecodeError> {
        while !rows.is_empty() {
            let length = match self.row(rows, keys) {
                Ok(length) => length,
                Err(stop) => return Err(self.error(stop)),
            };
            *rows = &rows[length..];
            if self.is_full() {
                return self.take().map(Some);
            }
        }
        Ok(None)
    }

    /// Whether the batch takes no further row.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= self.limits.rows || self.bytes >= self.limits.bytes
    }

    /// The rows that are not in a batch yet; `None` if there are none.
    ///
    /// # Errors
    /// A text is not UTF-8, or a value is null that must not be.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, DecodeError> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.take().map(Some)
    }

    /// The columns with numbers that no `Decimal128` holds, of all batches so far. Such a
    /// number is null; its digits are in the column beside it.
    pub fn unfit(&self) -> Vec<Unfit> {
        let counted = self.table.columns().iter().zip(&self.unfit).filter(|(_, count)| **count > 0);
        counted.map(|(column, count)| Unfit { column: column.name.clone(), count: *count }).collect()
    }

    /// Decodes the row that begins the bytes, and returns its length. On an error nothing of
    /// it is kept.
    pub(super) fn row(&mut self, bytes: &[u8], keys: Keys<'_>) -> Result<usize, Stop> {
        let read = self.values(bytes, keys);
        match read {
            Ok(length) => {
                self.rows += 1;
                self.bytes += length;
            }
            Err(_) => {
                for column in &mut self.columns {
                    column.truncate(self.rows);
                }
            }
        }
        read
    }

    fn values(&mut self, bytes: &[u8], keys: Keys<'_>) -> Result<usize, Stop> {
        let count = bytes.first_chunk().ok_or(Stop::Incomplete(2))?;
        if usize::from(u16::from_be_bytes(*count)) != self.columns.len() {
            return Err(Stop::Row(RowProblem::ColumnCount));
        }
        let mut at = 2;
        let mut number = 0;
        while number < self.columns.len() {
            // Two nulls at once, as long as there are two columns left.
            if bytes.get(at..at + 8) == Some(&[0xff; 8]) && number + 2 <= self.columns.len() {
                at += 8;
                number += 2;
                continue;
            }
            let length = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(Stop::Incomplete(at + 4))?;
            at += 4;
            match usize::try_from(i32::from_be_bytes(*length)) {
                Ok(length) => {
                    if length >= MOST_VALUE_BYTES {
                        return Err(Stop::Value(number, ValueProblem::TooLong));
                    }
                    let value = bytes.get(at..at + length).ok_or(Stop::Incomplete(at + length))?;
                    at += length;
                    let appended = self.columns[number].append(self.rows, value, keys);
                    self.bytes += appended.map_err(|problem| Stop::Value(number, problem))?;
                }
                // One null, or several in a compact row.
                Err(_) => {
                    let nulls = i32::from_be_bytes(*length).unsigned_abs() as usize;
                    if nulls > self.columns.len() - number {
                        return Err(Stop::Row(RowProblem::NegativeLength));
                    }
                    number += nulls;
                    continue;
                }
            }
            number += 1;
        }
        Ok(at)
    }

    fn take(&mut self) -> Result<RecordBatch, DecodeError> {
        let rows = self.rows;
        let mut arrays = Vec::with_capacity(self.table.arrow().fields().len());
        for number in 0..self.columns.len() {
            let column = &mut self.columns[number];
            self.unfit[number] += column.take_unfit();
            let null = match self.table.columns()[number].is_nullable {
                true => None,
                false => column.first_null(rows),
            };
            let finished = column.finish(rows, &mut self.zeros, &mut arrays);
            match (null, finished) {
                (Some(row), _) => return Err(self.value_error(number, row, ValueProblem::Null)),
                (None, Err(Unfinished::NotUtf8(row))) => {
                    return Err(self.value_error(number, row, ValueProblem::NotUtf8));
                }
                (None, Err(Unfinished::Arrow(source))) => return Err(self.batch_error(source)),
                (None, Ok(())) => {}
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(self.table.arrow()), arrays, &options);
        (self.rows, self.bytes) = (0, 0);
        self.rows_before += rows as u64;
        batch.map_err(|source| self.batch_error(source))
    }

    /// The error of a row that was not decoded.
    pub(super) fn error(&self, stop: Stop) -> DecodeError {
        match stop {
            Stop::Incomplete(_) => self.row_error(RowProblem::Truncated),
            Stop::Row(problem) => self.row_error(problem),
            Stop::Value(column, problem) => self.value_error(column, self.rows, problem),
        }
    }

    /// An error of the next row.
    pub(super) fn row_error(&self, problem: RowProblem) -> DecodeError {
        let row = self.rows_before + self.rows as u64 + 1;
        DecodeError::Row { table: self.table.name().to_owned(), row, problem }
    }

    fn value_error(&self, column: usize, row: usize, problem: ValueProblem) -> DecodeError {
        DecodeError::Value {
            table: self.table.name().to_owned(),
            column: self.table.columns()[column].name.clone(),
            row: self.rows_before + row as u64 + 1,
            problem,
        }
    }

    fn batch_error(&self, source: ArrowError) -> DecodeError {
        DecodeError::Batch { table: self.table.name().to_owned(), source }
    }
}
