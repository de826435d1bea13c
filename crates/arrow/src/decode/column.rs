//! A column of the rows that are being decoded.

use arrow_array::ArrayRef;
use arrow_array::types::{
    BinaryType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType, Utf8Type,
};

use super::builder::{Booleans, Builder, Bytes, Fixed, Lists, Unfinished, Zeros};
use super::error::ValueProblem;
use super::numeric::Numeric;
use crate::column_type::ColumnType;
use crate::key::Key;

/// Days from 1970-01-01, where Arrow's dates begin, to 2000-01-01, where Postgres' do.
const DAYS: i32 = 10_957;
const MICROSECONDS: i64 = 86_400_000_000 * DAYS as i64;

/// What the keys in rows are.
#[derive(Clone, Copy, Debug)]
pub enum Keys<'k> {
    /// They are keys already, of 8 or of 16 bytes.
    InRows,
    /// They are numbers in this list, as
    /// [`RowBatch::fill_keys`](fhirmill_core::map::RowBatch::fill_keys) writes if the key of
    /// each target is its number.
    Listed(&'k [Key]),
}

/// The values of a column, by its type.
pub(super) enum ColumnBuilder {
    Key(Bytes<BinaryType>),
    BigInt(Fixed<Int64Type>),
    BigIntArray(Lists<Fixed<Int64Type>>),
    Boolean(Booleans),
    Bytes(Bytes<BinaryType>),
    Date(Fixed<Date32Type>),
    Double(Fixed<Float64Type>),
    Integer(Fixed<Int32Type>),
    IntegerArray(Lists<Fixed<Int32Type>>),
    Jsonb(Bytes<Utf8Type>),
    Numeric { decimals: Fixed<Decimal128Type>, digits: Bytes<Utf8Type>, unfit: u64 },
    Oid(Fixed<Int64Type>),
    Real(Fixed<Float32Type>),
    SmallInt(Fixed<Int16Type>),
    SmallIntArray(Lists<Fixed<Int16Type>>),
    Text(Bytes<Utf8Type>),
    TextArray(Lists<Bytes<Utf8Type>>),
    Time(Fixed<Time64MicrosecondType>),
    Timestamp(Fixed<TimestampMicrosecondType>),
    Uuid(Bytes<Utf8Type>),
}

impl ColumnBuilder {
    pub fn new(column_type: ColumnType) -> Self {
        let data_type = column_type.data_type();
        match column_type {
            ColumnType::Key => Self::Key(Bytes::new()),
            ColumnType::BigInt => Self::BigInt(Fixed::new(data_type)),
            ColumnType::BigIntArray => {
                Self::BigIntArray(Lists::new(Fixed::new(ColumnType::BigInt.data_type())))
            }
            ColumnType::Boolean => Self::Boolean(Booleans::new()),
            ColumnType::Bytes => Self::Bytes(Bytes::new()),
            ColumnType::Date => Self::Date(Fixed::new(data_type)),
            ColumnType::Double => Self::Double(Fixed::new(data_type)),
            ColumnType::Integer => Self::Integer(Fixed::new(data_type)),
            ColumnType::IntegerArray => {
                Self::IntegerArray(Lists::new(Fixed::new(ColumnType::Integer.data_type())))
            }
            ColumnType::Jsonb => Self::Jsonb(Bytes::new()),
            ColumnType::Numeric => {
                Self::Numeric { decimals: Fixed::new(data_type), digits: Bytes::new(), unfit: 0 }
            }
            ColumnType::Oid => Self::Oid(Fixed::new(data_type)),
            ColumnType::Real => Self::Real(Fixed::new(data_type)),
            ColumnType::SmallInt => Self::SmallInt(Fixed::new(data_type)),
            ColumnType::SmallIntArray => {
                Self::SmallIntArray(Lists::new(Fixed::new(ColumnType::SmallInt.data_type())))
            }
            ColumnType::Text | ColumnType::Json => Self::Text(Bytes::new()),
            ColumnType::TextArray => Self::TextArray(Lists::new(Bytes::new())),
            ColumnType::Time => Self::Time(Fixed::new(data_type)),
            ColumnType::Timestamp | ColumnType::Timestamptz => Self::Timestamp(Fixed::new(data_type)),
            ColumnType::Uuid => Self::Uuid(Bytes::new()),
        }
    }

    /// Appends the value of that row, and returns how many bytes it takes beyond its own.
    #[inline]
    pub fn append(&mut self, row: usize, value: &[u8], keys: Keys<'_>) -> Result<usize, ValueProblem> {
        match self {
            Self::Text(texts) => texts.append(row, value),
            Self::Key(bytes) => bytes.append(row, key(value, keys)?),
            Self::BigInt(values) => values.append(row, i64::from_be_bytes(fixed(value)?)),
            Self::SmallInt(values) => values.append(row, i16::from_be_bytes(fixed(value)?)),
            Self::Integer(values) => values.append(row, i32::from_be_bytes(fixed(value)?)),
            Self::Boolean(values) => values.append(row, fixed::<1>(value)? != [0]),
            Self::Bytes(bytes) => bytes.append(row, value),
            Self::Date(values) => values.append(row, date(value)?),
            Self::Timestamp(values) => values.append(row, timestamp(value)?),
            Self::Time(values) => values.append(row, i64::from_be_bytes(fixed(value)?)),
            Self::Numeric { decimals, digits, unfit } => {
                let numeric = Numeric::parse(value)?;
                match numeric.decimal() {
                    Some(decimal) => decimals.append(row, decimal),
                    None => *unfit += 1,
                }
                let before = digits.byte_count();
                digits.append_with(row, |out| numeric.write(out));
                return Ok(digits.byte_count() - before);
            }
            Self::Jsonb(texts) => match value {
                [1, text @ ..] => texts.append(row, text),
                _ => return Err(ValueProblem::Malformed),
            },
            _ => self.append_rare(row, value)?,
        }
        Ok(0)
    }

    /// [`append`](Self::append) for the types that few columns have.
    fn append_rare(&mut self, row: usize, value: &[u8]) -> Result<(), ValueProblem> {
        match self {
            Self::Double(values) => values.append(row, f64::from_be_bytes(fixed(value)?)),
            Self::Real(values) => values.append(row, f32::from_be_bytes(fixed(value)?)),
            Self::Oid(values) => values.append(row, i64::from(u32::from_be_bytes(fixed(value)?))),
            Self::Uuid(texts) => {
                let text = crate::key::key_text(&fixed(value)?);
                texts.append(row, text.as_bytes());
            }
            Self::TextArray(lists) => append_list(lists, row, value, |texts, item, text| {
                texts.append(item, text);
                Ok(())
            })?,
            Self::IntegerArray(lists) => append_list(lists, row, value, |values, item, value| {
                values.append(item, i32::from_be_bytes(fixed(value)?));
                Ok(())
            })?,
            Self::SmallIntArray(lists) => append_list(lists, row, value, |values, item, value| {
                values.append(item, i16::from_be_bytes(fixed(value)?));
                Ok(())
            })?,
            Self::BigIntArray(lists) => append_list(lists, row, value, |values, item, value| {
                values.append(item, i64::from_be_bytes(fixed(value)?));
                Ok(())
            })?,
            _ => return Err(ValueProblem::Malformed),
        }
        Ok(())
    }

    /// Forgets what was appended for that row, which is the last one.
    pub fn truncate(&mut self, row: usize) {
        if let Self::Numeric { decimals, digits, unfit } = self {
            // A number that was counted as unfit has digits and no decimal.
            let (numbers, texts) = (decimals.value_count(), digits.value_count());
            decimals.truncate(row);
            digits.truncate(row);
            *unfit -= (texts - digits.value_count()) as u64 - (numbers - decimals.value_count()) as u64;
            return;
        }
        self.each(|builder| builder.truncate(row));
    }

    /// How many numbers are text only, since the last call.
    pub fn take_unfit(&mut self) -> u64 {
        match self {
            Self::Numeric { unfit, .. } => std::mem::take(unfit),
            _ => 0,
        }
    }

    /// The first row without a value.
    pub fn first_null(&mut self, rows: usize) -> Option<usize> {
        let mut first = None;
        self.each(|builder| {
            // The digits of a number come last, and are there whatever the decimal is.
            first = if builder.value_count() < rows { builder.first_null(rows) } else { None };
        });
        first
    }

    /// Appends its arrays of that many rows: two for a number, else one.
    pub fn finish(
        &mut self,
        rows: usize,
        zeros: &mut Zeros,
        arrays: &mut Vec<ArrayRef>,
    ) -> Result<(), Unfinished> {
        let mut failed = None;
        self.each(|builder| match builder.finish(rows, zeros) {
            Ok(array) => arrays.push(array),
            Err(error) => failed = Some(error),
        });
        failed.map_or(Ok(()), Err)
    }

    fn each(&mut self, mut call: impl FnMut(&mut dyn Builder)) {
        match self {
            Self::Key(of) | Self::Bytes(of) => call(of),
            Self::BigInt(of) | Self::Oid(of) => call(of),
            Self::BigIntArray(of) => call(of),
            Self::Boolean(of) => call(of),
            Self::Date(of) => call(of),
            Self::Double(of) => call(of),
            Self::Integer(of) => call(of),
            Self::IntegerArray(of) => call(of),
            Self::Numeric { decimals, digits, .. } => {
                call(decimals);
                call(digits);
            }
            Self::Real(of) => call(of),
            Self::SmallInt(of) => call(of),
            Self::SmallIntArray(of) => call(of),
            Self::Text(of) | Self::Jsonb(of) | Self::Uuid(of) => call(of),
            Self::TextArray(of) => call(of),
            Self::Time(of) => call(of),
            Self::Timestamp(of) => call(of),
        }
    }
}

#[inline]
fn fixed<const N: usize>(value: &[u8]) -> Result<[u8; N], ValueProblem> {
    value.try_into().map_err(|_| ValueProblem::Length)
}

#[inline]
fn key<'v>(value: &'v [u8], keys: Keys<'v>) -> Result<&'v [u8], ValueProblem> {
    match (value.len(), keys) {
        (16, _) => Ok(value),
        (8, Keys::Listed(keys)) => {
            let number = usize::try_from(u64::from_be_bytes(fixed(value)?));
            let key = number.ok().and_then(|number| keys.get(number)).ok_or(ValueProblem::UnknownKey)?;
            Ok(key)
        }
        _ => Err(ValueProblem::Length),
    }
}

fn date(value: &[u8]) -> Result<i32, ValueProblem> {
    match i32::from_be_bytes(fixed(value)?) {
        i32::MIN => Err(ValueProblem::OutOfRange),
        days => days.checked_add(DAYS).ok_or(ValueProblem::OutOfRange),
    }
}

fn timestamp(value: &[u8]) -> Result<i64, ValueProblem> {
    match i64::from_be_bytes(fixed(value)?) {
        i64::MIN => Err(ValueProblem::OutOfRange),
        microseconds => microseconds.checked_add(MICROSECONDS).ok_or(ValueProblem::OutOfRange),
    }
}

/// Appends the items of an array of one dimension (`array_send` in
/// src/backend/utils/adt/arrayfuncs.c).
fn append_list<B: Builder>(
    lists: &mut Lists<B>,
    row: usize,
    value: &[u8],
    append: impl Fn(&mut B, usize, &[u8]) -> Result<(), ValueProblem>,
) -> Result<(), ValueProblem> {
    let mut rest = value;
    let mut word = || {
        let (word, after) = rest.split_first_chunk::<4>().ok_or(ValueProblem::Length)?;
        rest = after;
        Ok(i32::from_be_bytes(*word))
    };
    let (dimensions, _has_null, _item_type) = (word()?, word()?, word()?);
    let count = match dimensions {
        0 => 0,
        1 => {
            let count = word()?;
            word()?;
            count
        }
        _ => return Err(ValueProblem::Dimensions),
    };
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(ValueProblem::Length)?;
        let length = i32::from_be_bytes(*length);
        let item = lists.next_item();
        if length == -1 {
            rest = after;
            continue;
        }
        let length = usize::try_from(length).map_err(|_| ValueProblem::Length)?;
        let (text, after) = after.split_at_checked(length).ok_or(ValueProblem::Length)?;
        append(&mut lists.items, item, text)?;
        rest = after;
    }
    if !rest.is_empty() {
        return Err(ValueProblem::Length);
    }
    lists.end(row);
    Ok(())
}
