//! The buffer that rows are written into.

use std::ops::Range;

use super::numeric;
use crate::json::DecimalError;

const TEXT_OID: u32 = 25;
const INT4_OID: u32 = 23;

/// A resource whose key is not known yet: an index into a list that the owner
/// of the buffer keeps.
pub type Target = u32;

/// The largest value in bytes. Postgres accepts nearly 1 GiB per value and per
/// row; half of that leaves room for the other values of the row.
pub const MAX_VALUE_BYTES: usize = 1 << 29;

/// Room for the key of a resource: eight bytes. Packed, since a batch has three or
/// four for each of its rows.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
struct KeySlot {
    offset: usize,
    target: Target,
}

/// Room for the id of the source: two bytes. It is the same for all rows of a
/// batch, and not known when they are written.
#[derive(Clone, Copy, Debug)]
struct SourceSlot {
    offset: usize,
}

/// A state of a buffer that [`RowBuffer::truncate`] can restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    bytes: usize,
    rows: usize,
    keys: usize,
    sources: usize,
}

/// Rows of one table. A row is begun with [`begin_row`](Self::begin_row) and the
/// number of its columns; then one value per column is written, in order.
#[derive(Clone, Debug, Default)]
pub struct RowBuffer {
    bytes: Vec<u8>,
    rows: usize,
    keys: Vec<KeySlot>,
    sources: Vec<SourceSlot>,
    is_compact: bool,
}

impl RowBuffer {
    /// From now on columns of absent elements are written as one number instead of a null each:
    /// the length of the first of them is their count, negated. COPY does not take such rows, and
    /// they are half as large.
    pub fn compact(mut self) -> Self {
        self.is_compact = true;
        self
    }

    /// An empty buffer with memory for that many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        RowBuffer { bytes: Vec::with_capacity(bytes), ..RowBuffer::default() }
    }

    /// The bytes of all rows.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes fit without allocating.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Removes all rows and keeps their memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows = 0;
        self.keys.clear();
        self.sources.clear();
    }

    /// How many rows there are, the last of which may be incomplete.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// The rows as COPY data, without [`HEADER`](super::HEADER) and [`TRAILER`](super::TRAILER).
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The current state.
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), rows: self.rows, keys: self.keys.len(), sources: self.sources.len() }
    }

    /// Removes everything that was written after `mark`.
    pub fn truncate(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.rows = mark.rows;
        self.keys.truncate(mark.keys);
        self.sources.truncate(mark.sources);
    }

    /// Whether any of the values written after `mark` is longer than `limit`
    /// bytes; `positions` are the positions to check among those values, from 0,
    /// in ascending order.
    pub fn has_long_text(&self, mark: Mark, positions: &[usize], limit: usize) -> bool {
        let Some(last) = positions.last() else { return false };
        let mut rest = &self.bytes[mark.bytes..];
        for position in 0..=*last {
            let Some((length, after)) = rest.split_first_chunk::<4>() else { return false };
            let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
            if length > limit && positions.contains(&position) {
                return true;
            }
            rest = after.get(length..).unwrap_or_default();
        }
        false
    }

    /// Writes `keys[target]` wherever room was left for the key of `target`.
    ///
    /// # Panics
    /// A target has no key.
    pub fn fill_keys(&mut self, keys: &[i64]) {
        for KeySlot { offset, target } in self.keys.iter().copied() {
            let key = keys[target as usize];
            self.bytes[offset..offset + 8].copy_from_slice(&key.to_be_bytes());
        }
    }

    /// Writes the id of the source wherever room was left for it.
    pub fn fill_source(&mut self, source_id: i16) {
        for slot in &self.sources {
            self.bytes[slot.offset..slot.offset + 2].copy_from_slice(&source_id.to_be_bytes());
        }
    }

    /// Appends the rows in that range of bytes to `out`, with `keys[target]`, of 16 bytes,
    /// wherever room was left for the key of `target`.
    ///
    /// # Panics
    /// A target has no key.
    pub fn write_with_keys(&self, range: Range<usize>, keys: &[[u8; 16]], out: &mut Vec<u8>) {
        let first = self.keys.partition_point(|slot| slot.offset < range.start);
        let mut at = range.start;
        for slot in self.keys[first..].iter().take_while(|slot| slot.offset < range.end) {
            // The length of the key is in the four bytes before it.
            out.extend_from_slice(&self.bytes[at..slot.offset - 4]);
            out.extend_from_slice(&16u32.to_be_bytes());
            out.extend_from_slice(&keys[slot.target as usize]);
            at = slot.offset + 8;
        }
        out.extend_from_slice(&self.bytes[at..range.end]);
    }

    /// Begins a row of that many columns.
    pub fn begin_row(&mut self, column_count: i16) {
        self.bytes.extend_from_slice(&column_count.to_be_bytes());
        self.rows += 1;
    }

    /// Writes a null.
    #[inline]
    pub fn null(&mut self) {
        self.bytes.extend_from_slice(&[0xff; 4]);
    }

    /// Writes that many nulls.
    #[inline]
    pub fn nulls(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + 4 * count, 0xff);
    }

    /// Writes that many nulls for elements that are absent; see [`compact`](Self::compact).
    #[inline]
    pub fn absent(&mut self, count: usize) {
        match i32::try_from(count) {
            Ok(count @ 2..) if self.is_compact => self.bytes.extend_from_slice(&(-count).to_be_bytes()),
            _ => self.nulls(count),
        }
    }

    /// Writes a `text`.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Writes a `text` or a null.
    #[inline]
    pub fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// Writes a `bytea`, or a value of any type in its binary format, of at most
    /// [`MAX_VALUE_BYTES`].
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= MAX_VALUE_BYTES);
        self.bytes.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes a `boolean`.
    pub fn boolean(&mut self, value: bool) {
        self.bytes(&[u8::from(value)]);
    }

    /// Writes a `smallint`.
    pub fn smallint(&mut self, value: i16) {
        self.bytes(&value.to_be_bytes());
    }

    /// Writes an `integer`.
    pub fn integer(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    /// Writes an `integer` or a null.
    pub fn optional_integer(&mut self, value: Option<i32>) {
        match value {
            Some(value) => self.integer(value),
            None => self.null(),
        }
    }

    /// Writes a `bigint`.
    pub fn bigint(&mut self, value: i64) {
        self.bytes(&value.to_be_bytes());
    }

    /// Leaves room for the key of a resource; see [`fill_keys`](Self::fill_keys).
    #[inline]
    pub fn key(&mut self, target: Target) {
        self.bytes.extend_from_slice(&8u32.to_be_bytes());
        self.keys.push(KeySlot { offset: self.bytes.len(), target });
        self.bytes.extend_from_slice(&[0; 8]);
    }

    /// The target of the last value, if that is a key.
    pub fn key_just_written(&self) -> Option<Target> {
        self.keys.last().filter(|slot| slot.offset + 8 == self.bytes.len()).map(|slot| slot.target)
    }

    /// Leaves room for the id of the source; see
    /// [`fill_source`](Self::fill_source).
    pub fn source(&mut self) {
        self.bytes.extend_from_slice(&2u32.to_be_bytes());
        self.sources.push(SourceSlot { offset: self.bytes.len() });
        self.bytes.extend_from_slice(&[0; 2]);
    }

    /// Leaves room for the key of a resource, or writes a null.
    #[inline]
    pub fn optional_key(&mut self, target: Option<Target>) {
        match target {
            Some(target) => self.key(target),
            None => self.null(),
        }
    }

    /// Writes a `date`, given as days since 2000-01-01.
    pub fn date(&mut self, days: i32) {
        self.integer(days);
    }

    /// Writes a `timestamptz`, given as microseconds since 2000-01-01 00:00 UTC.
    pub fn timestamptz(&mut self, microseconds: i64) {
        self.bigint(microseconds);
    }

    /// Writes a `time`, given as microseconds since midnight.
    pub fn time(&mut self, microseconds: i64) {
        self.bigint(microseconds);
    }

    /// Writes a `numeric` from a number in JSON's notation, keeping every digit.
    ///
    /// # Errors
    /// The text is not such a number, or out of the range of `numeric`. The value
    /// is then incomplete: return to a [`mark`](Self::mark).
    pub fn numeric(&mut self, written: &str) -> Result<(), DecimalError> {
        let length_at = self.bytes.len();
        self.null();
        numeric::write(written, &mut self.bytes)?;
        let length = (self.bytes.len() - length_at - 4) as u32;
        self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// Writes a `jsonb` from the parts of a JSON text.
    pub fn jsonb(&mut self, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.extend_from_slice(&(length as u32 + 1).to_be_bytes());
        self.bytes.push(1);
        for part in parts {
            self.bytes.extend_from_slice(part.as_bytes());
        }
    }

    /// Writes a `text[]`.
    pub fn text_array<T: AsRef<str>>(&mut self, items: &[Option<T>]) {
        let has_null = items.iter().any(Option::is_none);
        let length_at = self.begin_array(items.len(), has_null, TEXT_OID);
        for item in items {
            self.optional_text(item.as_ref().map(AsRef::as_ref));
        }
        self.end_array(length_at);
    }

    /// Writes an `integer[]`.
    pub fn integer_array(&mut self, items: &[i32]) {
        let length_at = self.begin_array(items.len(), false, INT4_OID);
        for &item in items {
            self.integer(item);
        }
        self.end_array(length_at);
    }

    fn begin_array(&mut self, count: usize, has_null: bool, element: u32) -> usize {
        let length_at = self.bytes.len();
        self.null();
        let dimensions = u32::from(count > 0);
        for word in [dimensions, u32::from(has_null), element] {
            self.bytes.extend_from_slice(&word.to_be_bytes());
        }
        if count > 0 {
            // One dimension of `count` items, numbered from 1.
            self.bytes.extend_from_slice(&(count as u32).to_be_bytes());
            self.bytes.extend_from_slice(&1u32.to_be_bytes());
        }
        length_at
    }

    fn end_array(&mut self, length_at: usize) {
        let length = (self.bytes.len() - length_at - 4) as u32;
        self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_row_is_its_count_and_each_value_with_its_length() {
        let mut buffer = RowBuffer::default();
        buffer.begin_row(5);
        buffer.text("é");
        buffer.nulls(2);
        buffer.key(1);
        buffer.boolean(true);
        buffer.fill_keys(&[7, 258]);
        let expected = [
            &[0, 5][..],
            &[0, 0, 0, 2, 0xc3, 0xa9],
            &[0xff; 8],
            &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 2],
            &[0, 0, 0, 1, 1],
        ];
        assert_eq!(buffer.as_bytes(), expected.concat());
    }

    #[test]
    fn keys_may_have_sixteen_bytes() {
        let mut buffer = RowBuffer::default();
        buffer.key(0);
        let start = buffer.len();
        buffer.begin_row(3);
        buffer.text("a");
        buffer.key(1);
        buffer.key(0);
        let end = buffer.len();
        buffer.key(1);
        let mut out = vec![9];
        buffer.write_with_keys(start..end, &[[5; 16], [6; 16]], &mut out);
        let sixteen = [0, 0, 0, 16];
        let expected = [&[9, 0, 3, 0, 0, 0, 1, b'a'][..], &sixteen, &[6; 16], &sixteen, &[5; 16]].concat();
        assert_eq!(out, expected);
    }

    #[test]
    fn a_buffer_returns_to_its_mark() {
        let mut buffer = RowBuffer::default();
        buffer.key(0);
        let mark = buffer.mark();
        buffer.text("gone");
        buffer.key(9);
        buffer.truncate(mark);
        assert_eq!(buffer.mark(), mark);
        buffer.fill_keys(&[3]);
        assert_eq!(buffer.as_bytes(), [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 3]);
    }

    #[test]
    fn arrays_carry_dimension_and_element_type() {
        let mut buffer = RowBuffer::default();
        buffer.text_array(&[Some("a"), None]);
        let expected = [
            &[0, 0, 0, 29][..],
            &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25],
            &[0, 0, 0, 2, 0, 0, 0, 1],
            &[0, 0, 0, 1, b'a'],
            &[0xff; 4],
        ];
        assert_eq!(buffer.as_bytes(), expected.concat());
        buffer.clear();
        buffer.integer_array(&[]);
        assert_eq!(buffer.as_bytes(), [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 23]);
    }
}
