//! A *copy buffer* holds rows of one table in the binary form that
//! `COPY … FROM STDIN (FORMAT binary)` reads
//! (<https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format").
//!
//! Rows are written once, while a resource is mapped, before the keys of the
//! resources are known. A key is eight bytes at a known place: the buffer
//! notes the place and the *target* it stands for, and `fill_keys` writes it
//! when the registry has answered.

mod numeric;

use crate::json::DecimalError;

/// What a COPY in binary form begins with: signature, flags, no extension.
pub const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with: a row of -1 columns.
pub const TRAILER: &[u8] = &(-1i16).to_be_bytes();

const TEXT_OID: u32 = 25;
const INT4_OID: u32 = 23;

/// A key that is not known yet: an index into a list that the owner of the
/// buffer keeps.
pub type Target = u32;

/// A row also holds the id of the source, which is the same for all rows of a
/// batch but is not known when they are written: a slot of two bytes.
#[derive(Clone, Copy, Debug)]
struct SourceSlot {
    offset: usize,
}

/// The largest value that Postgres takes, 1 GB less its overhead.
pub const MAX_VALUE_BYTES: usize = 1 << 29;

#[derive(Clone, Copy, Debug)]
struct KeySlot {
    offset: usize,
    target: Target,
}

/// A state of a buffer to which it can be taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    bytes: usize,
    rows: usize,
    keys: usize,
    sources: usize,
}

/// Rows of one table.
#[derive(Clone, Debug, Default)]
pub struct RowBuffer {
    bytes: Vec<u8>,
    rows: usize,
    keys: Vec<KeySlot>,
    sources: Vec<SourceSlot>,
}

impl RowBuffer {
    /// With memory for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        RowBuffer { bytes: Vec::with_capacity(bytes), ..RowBuffer::default() }
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes there is memory for.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets all rows but not their memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows = 0;
        self.keys.clear();
        self.sources.clear();
    }

    /// How many rows were begun.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), rows: self.rows, keys: self.keys.len(), sources: self.sources.len() }
    }

    /// Forgets all that was written after `mark`.
    pub fn truncate(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.rows = mark.rows;
        self.keys.truncate(mark.keys);
        self.sources.truncate(mark.sources);
    }

    /// Whether one of the values that were written after `mark`, at these
    /// places from 0 on, is longer than `limit` bytes.
    pub fn has_long_text(&self, mark: Mark, places: &[usize], limit: usize) -> bool {
        let Some(last) = places.last() else { return false };
        let mut rest = &self.bytes[mark.bytes..];
        for place in 0..=*last {
            let Some((length, after)) = rest.split_first_chunk::<4>() else { return false };
            let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
            if length > limit && places.contains(&place) {
                return true;
            }
            rest = after.get(length..).unwrap_or_default();
        }
        false
    }

    /// Writes the keys, `keys[target]`, into the places left for them.
    pub fn fill_keys(&mut self, keys: &[i64]) {
        for slot in &self.keys {
            let key = keys[slot.target as usize];
            self.bytes[slot.offset..slot.offset + 8].copy_from_slice(&key.to_be_bytes());
        }
    }

    /// Writes the source's id into the places left for it.
    pub fn fill_source(&mut self, source_id: i16) {
        for slot in &self.sources {
            self.bytes[slot.offset..slot.offset + 2].copy_from_slice(&source_id.to_be_bytes());
        }
    }

    pub fn begin_row(&mut self, column_count: i16) {
        self.bytes.extend_from_slice(&column_count.to_be_bytes());
        self.rows += 1;
    }

    #[inline]
    pub fn null(&mut self) {
        self.bytes.extend_from_slice(&[0xff; 4]);
    }

    #[inline]
    pub fn nulls(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + 4 * count, 0xff);
    }

    #[inline]
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    #[inline]
    pub fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// `bytea`, and the form of every type whose binary form is its bytes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= MAX_VALUE_BYTES);
        self.bytes.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    pub fn boolean(&mut self, value: bool) {
        self.bytes(&[u8::from(value)]);
    }

    pub fn smallint(&mut self, value: i16) {
        self.bytes(&value.to_be_bytes());
    }

    pub fn integer(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    pub fn optional_integer(&mut self, value: Option<i32>) {
        match value {
            Some(value) => self.integer(value),
            None => self.null(),
        }
    }

    pub fn bigint(&mut self, value: i64) {
        self.bytes(&value.to_be_bytes());
    }

    /// The key of a resource, known when `fill_keys` is called.
    #[inline]
    pub fn key(&mut self, target: Target) {
        self.bytes.extend_from_slice(&8u32.to_be_bytes());
        self.keys.push(KeySlot { offset: self.bytes.len(), target });
        self.bytes.extend_from_slice(&[0; 8]);
    }

    /// The target of the key that was written last, if the last value is one.
    pub fn key_just_written(&self) -> Option<Target> {
        self.keys.last().filter(|slot| slot.offset + 8 == self.bytes.len()).map(|slot| slot.target)
    }

    /// The id of the source, known when `fill_source` is called.
    pub fn source(&mut self) {
        self.bytes.extend_from_slice(&2u32.to_be_bytes());
        self.sources.push(SourceSlot { offset: self.bytes.len() });
        self.bytes.extend_from_slice(&[0; 2]);
    }

    #[inline]
    pub fn optional_key(&mut self, target: Option<Target>) {
        match target {
            Some(target) => self.key(target),
            None => self.null(),
        }
    }

    /// `date`: days since 2000-01-01.
    pub fn date(&mut self, days: i32) {
        self.integer(days);
    }

    /// `timestamptz`: microseconds since 2000-01-01 00:00 UTC.
    pub fn timestamptz(&mut self, microseconds: i64) {
        self.bigint(microseconds);
    }

    /// `time`: microseconds since midnight.
    pub fn time(&mut self, microseconds: i64) {
        self.bigint(microseconds);
    }

    /// `numeric` from a number as JSON writes it, every digit kept.
    pub fn numeric(&mut self, written: &str) -> Result<(), DecimalError> {
        let length_at = self.bytes.len();
        self.null();
        numeric::write(written, &mut self.bytes)?;
        let length = (self.bytes.len() - length_at - 4) as u32;
        self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// `jsonb` from parts of one JSON text.
    pub fn jsonb(&mut self, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.extend_from_slice(&(length as u32 + 1).to_be_bytes());
        self.bytes.push(1);
        for part in parts {
            self.bytes.extend_from_slice(part.as_bytes());
        }
    }

    /// `text[]`.
    pub fn text_array<T: AsRef<str>>(&mut self, items: &[Option<T>]) {
        let has_null = items.iter().any(Option::is_none);
        let length_at = self.begin_array(items.len(), has_null, TEXT_OID);
        for item in items {
            self.optional_text(item.as_ref().map(AsRef::as_ref));
        }
        self.end_array(length_at);
    }

    /// `integer[]`.
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
            // One dimension of `count` items, the first one numbered 1.
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
    fn a_buffer_goes_back_to_its_mark() {
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
