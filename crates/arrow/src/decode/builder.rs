//! Values of a column, as they become an Arrow array.
//!
//! Nulls are not appended: a value is appended with the number of its row, and fills the
//! rows that were left out before it. Most values of wide tables are null, and this way
//! they cost nothing.

use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::types::{ArrowPrimitiveType, ByteArrayType};
use arrow_array::{Array, ArrayRef, BooleanArray, GenericByteArray, ListArray, PrimitiveArray};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field};

/// Zeros, shared by all columns without a value.
#[derive(Default)]
pub(super) struct Zeros(Option<Buffer>);

impl Zeros {
    fn take(&mut self, bytes: usize) -> Buffer {
        match &self.0 {
            Some(zeros) if zeros.len() >= bytes => zeros.slice_with_length(0, bytes),
            _ => {
                let zeros = Buffer::from_vec(vec![0u128; bytes.div_ceil(16)]);
                self.0 = Some(zeros.clone());
                zeros.slice_with_length(0, bytes)
            }
        }
    }
}

/// Which rows have a value.
#[derive(Default)]
struct Present {
    bits: Vec<u8>,
    count: usize,
}

impl Present {
    #[inline]
    fn set(&mut self, row: usize) {
        let byte = row / 8;
        if byte >= self.bits.len() {
            self.bits.resize(byte + 1, 0);
        }
        self.bits[byte] |= 1 << (row % 8);
        self.count += 1;
    }

    fn is_set(&self, row: usize) -> bool {
        self.bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }

    /// Forgets the rows from that one on, of which only itself may have a value.
    fn truncate(&mut self, rows: usize) {
        if self.is_set(rows) {
            self.bits[rows / 8] &= !(1 << (rows % 8));
            self.count -= 1;
        }
    }

    fn finish(&mut self, rows: usize, zeros: &mut Zeros) -> Option<NullBuffer> {
        let Present { bits, count } = std::mem::take(self);
        if count == rows {
            return None;
        }
        let bytes = rows.div_ceil(8);
        let buffer = if count == 0 {
            zeros.take(bytes)
        } else {
            let mut bits = bits;
            bits.resize(bytes, 0);
            Buffer::from_vec(bits)
        };
        Some(NullBuffer::new(BooleanBuffer::new(buffer, 0, rows)))
    }
}

/// Room for the values of the next batch, which are about as many as those of this one.
fn room(length: usize) -> usize {
    length + length / 8
}

/// Why a column's values are no array.
pub(super) enum Unfinished {
    /// The text of that row is not UTF-8.
    NotUtf8(usize),
    /// Arrow's reason.
    Arrow(ArrowError),
}

/// What a column builder does with whole rows.
pub(super) trait Builder {
    /// Forgets what was appended for that row, which is the last one.
    fn truncate(&mut self, row: usize);
    /// How many rows have a value.
    fn value_count(&self) -> usize;
    /// The first row without a value.
    fn first_null(&self, rows: usize) -> Option<usize>;
    /// The array of that many rows; the builder is empty afterwards.
    fn finish(&mut self, rows: usize, zeros: &mut Zeros) -> Result<ArrayRef, Unfinished>;
}

macro_rules! of_present {
    () => {
        fn value_count(&self) -> usize {
            self.present.count
        }

        fn first_null(&self, rows: usize) -> Option<usize> {
            (0..rows).find(|row| !self.present.is_set(*row))
        }
    };
}

/// Values of a fixed width.
pub(super) struct Fixed<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    present: Present,
    data_type: DataType,
}

impl<T: ArrowPrimitiveType> Fixed<T> {
    pub fn new(data_type: DataType) -> Self {
        Fixed { values: Vec::new(), present: Present::default(), data_type }
    }

    #[inline]
    pub fn append(&mut self, row: usize, value: T::Native) {
        if self.values.len() < row {
            self.values.resize(row, T::Native::default());
        }
        self.values.push(value);
        self.present.set(row);
    }
}

impl<T: ArrowPrimitiveType> Builder for Fixed<T> {
    of_present!();

    fn truncate(&mut self, row: usize) {
        self.values.truncate(row);
        self.present.truncate(row);
    }

    fn finish(&mut self, rows: usize, zeros: &mut Zeros) -> Result<ArrayRef, Unfinished> {
        let next = Vec::with_capacity(room(self.values.len()));
        let mut values = std::mem::replace(&mut self.values, next);
        let values = if values.is_empty() {
            ScalarBuffer::new(zeros.take(rows * T::Native::get_byte_width()), 0, rows)
        } else {
            values.resize(rows, T::Native::default());
            ScalarBuffer::from(values)
        };
        let nulls = self.present.finish(rows, zeros);
        let array = PrimitiveArray::<T>::try_new(values, nulls).map_err(Unfinished::Arrow)?;
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }
}

/// Booleans.
pub(super) struct Booleans {
    values: BooleanBufferBuilder,
    present: Present,
}

impl Booleans {
    pub fn new() -> Self {
        Booleans { values: BooleanBufferBuilder::new(0), present: Present::default() }
    }

    pub fn append(&mut self, row: usize, value: bool) {
        self.values.resize(row);
        self.values.append(value);
        self.present.set(row);
    }
}

impl Builder for Booleans {
    of_present!();

    fn truncate(&mut self, row: usize) {
        self.values.truncate(row);
        self.present.truncate(row);
    }

    fn finish(&mut self, rows: usize, zeros: &mut Zeros) -> Result<ArrayRef, Unfinished> {
        self.values.resize(rows);
        let nulls = self.present.finish(rows, zeros);
        Ok(Arc::new(BooleanArray::new(self.values.finish(), nulls)))
    }
}

/// The offsets of that many rows, the last of which ends at `end`.
fn finish_offsets(mut offsets: Vec<i32>, rows: usize, end: usize, zeros: &mut Zeros) -> OffsetBuffer<i32> {
    let offsets = if end == 0 {
        ScalarBuffer::new(zeros.take(4 * (rows + 1)), 0, rows + 1)
    } else {
        offsets.resize(rows + 1, end as i32);
        ScalarBuffer::from(offsets)
    };
    OffsetBuffer::new(offsets)
}

/// Texts or bytes.
pub(super) struct Bytes<T> {
    /// Where each value begins and the last one ends; empty without values.
    offsets: Vec<i32>,
    bytes: Vec<u8>,
    present: Present,
    of: std::marker::PhantomData<T>,
}

impl<T: ByteArrayType<Offset = i32>> Bytes<T> {
    pub fn new() -> Self {
        Bytes {
            offsets: Vec::new(),
            bytes: Vec::new(),
            present: Present::default(),
            of: std::marker::PhantomData,
        }
    }

    #[inline]
    pub fn append(&mut self, row: usize, value: &[u8]) {
        self.append_with(row, |bytes| bytes.extend_from_slice(value));
    }

    #[inline]
    pub fn append_with(&mut self, row: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if self.offsets.len() <= row {
            self.offsets.resize(row + 1, self.bytes.len() as i32);
        }
        write(&mut self.bytes);
        self.offsets.push(self.bytes.len() as i32);
        self.present.set(row);
    }

    /// How many bytes its values have.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }
}

impl<T: ByteArrayType<Offset = i32>> Builder for Bytes<T> {
    of_present!();

    fn truncate(&mut self, row: usize) {
        if let Some(start) = self.offsets.get(row) {
            self.bytes.truncate(*start as usize);
            self.offsets.truncate(row + 1);
        }
        self.present.truncate(row);
    }

    fn finish(&mut self, rows: usize, zeros: &mut Zeros) -> Result<ArrayRef, Unfinished> {
        let (next_offsets, next_bytes) = (room(self.offsets.len()), room(self.bytes.len()));
        let offsets = std::mem::replace(&mut self.offsets, Vec::with_capacity(next_offsets));
        let bytes = std::mem::replace(&mut self.bytes, Vec::with_capacity(next_bytes));
        let offsets = finish_offsets(offsets, rows, bytes.len(), zeros);
        let nulls = self.present.finish(rows, zeros);
        let bytes = Buffer::from_vec(bytes);
        // Whether texts are UTF-8 is checked here, for all of them at once.
        match GenericByteArray::<T>::try_new(offsets.clone(), bytes.clone(), nulls) {
            Ok(array) => Ok(Arc::new(array)),
            Err(error) => {
                let value = |ends: &[i32]| &bytes[ends[0] as usize..ends[1] as usize];
                let is_wrong = |ends: &[i32]| std::str::from_utf8(value(ends)).is_err();
                let row = (T::DATA_TYPE == DataType::Utf8).then(|| offsets.windows(2).position(is_wrong));
                Err(row.flatten().map_or(Unfinished::Arrow(error), Unfinished::NotUtf8))
            }
        }
    }
}

/// Lists of items that have a builder of their own.
pub(super) struct Lists<B> {
    pub items: B,
    /// As of [`Bytes`], in items.
    offsets: Vec<i32>,
    count: usize,
    present: Present,
}

impl<B: Builder> Lists<B> {
    pub fn new(items: B) -> Self {
        Lists { items, offsets: Vec::new(), count: 0, present: Present::default() }
    }

    /// The number of the next item.
    pub fn next_item(&mut self) -> usize {
        self.count += 1;
        self.count - 1
    }

    /// Ends the list of that row.
    pub fn end(&mut self, row: usize) {
        let before = self.offsets.last().copied().unwrap_or(0);
        if self.offsets.len() <= row {
            self.offsets.resize(row + 1, before);
        }
        self.offsets.push(self.count as i32);
        self.present.set(row);
    }
}

impl<B: Builder> Builder for Lists<B> {
    of_present!();

    fn truncate(&mut self, row: usize) {
        self.offsets.truncate(row + 1);
        self.present.truncate(row);
        let count = self.offsets.last().map_or(0, |end| *end as usize);
        while self.count > count {
            self.count -= 1;
            self.items.truncate(self.count);
        }
    }

    fn finish(&mut self, rows: usize, zeros: &mut Zeros) -> Result<ArrayRef, Unfinished> {
        let count = std::mem::take(&mut self.count);
        let offsets = finish_offsets(std::mem::take(&mut self.offsets), rows, count, zeros);
        let nulls = self.present.finish(rows, zeros);
        let items = self.items.finish(count, zeros).map_err(|unfinished| match unfinished {
            Unfinished::NotUtf8(item) => {
                Unfinished::NotUtf8(offsets.partition_point(|offset| *offset as usize <= item) - 1)
            }
            Unfinished::Arrow(error) => Unfinished::Arrow(error),
        })?;
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        let array = ListArray::try_new(field, offsets, items, nulls).map_err(Unfinished::Arrow)?;
        Ok(Arc::new(array))
    }
}
