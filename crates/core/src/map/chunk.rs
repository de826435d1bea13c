//! A *chunk* is a buffer for rows of one table. The tables of a batch take chunks
//! from a common pool and return them when the batch is cleared. Memory is thus
//! reused while it is still in the processor's cache, and does not grow with
//! the number of resource types.

use std::ops::Range;

use crate::rows::{Mark, RowBuffer};

/// Where the rows of one resource end in a table.
#[derive(Clone, Copy, Debug)]
struct Segment {
    resource: u32,
    /// Among the table's chunks; a resource's rows are all in one.
    chunk: u32,
    /// Bytes of the chunk up to there, and rows.
    end: usize,
    rows: usize,
}

/// The rows of a table.
#[derive(Debug, Default)]
struct TableRows {
    full: Vec<RowBuffer>,
    /// The chunk that is being filled.
    buffer: RowBuffer,
    /// Where the rows of each resource end, in order.
    segments: Vec<Segment>,
}

/// The capacity of a new chunk.
const CHUNK_BYTES: usize = 32 << 10;
/// A chunk with this many bytes takes no further resource.
const FULL_BYTES: usize = 28 << 10;
/// A larger chunk is not kept for the next batch.
const MAX_KEPT_CHUNK_BYTES: usize = 4 * CHUNK_BYTES;
/// The most memory that is kept for the next batch.
const MAX_SPARE_BYTES: usize = 8 << 20;

impl TableRows {
    /// Whether the next resource needs another chunk: this one is full, and the
    /// rows of its last resource are complete.
    fn is_full(&self) -> bool {
        let ends_here =
            |last: &Segment| last.chunk as usize == self.full.len() && last.end == self.buffer.len();
        self.buffer.len() >= FULL_BYTES && self.segments.last().is_some_and(ends_here)
    }

    /// Makes the rows written since the last resource those of this one.
    fn finish(&mut self, resource: u32) {
        let chunk = self.full.len() as u32;
        let segment = Segment { resource, chunk, end: self.buffer.len(), rows: self.buffer.row_count() };
        match self.segments.last_mut() {
            Some(last) if last.resource == resource => *last = segment,
            _ => self.segments.push(segment),
        }
    }
}

/// The tables of a batch and what one resource has written into them.
#[derive(Debug)]
pub(super) struct TableBuffers {
    tables: Vec<TableRows>,
    touched: Vec<(usize, Mark)>,
    /// Empty chunks, the most recently used on top.
    spare: Vec<RowBuffer>,
    is_compact: bool,
}

impl TableBuffers {
    /// The rows of the table for the resource that is being mapped.
    #[inline]
    pub fn of(&mut self, table: usize) -> &mut RowBuffer {
        let rows = &mut self.tables[table];
        if self.touched.last().is_none_or(|(touched, _)| *touched != table) {
            if rows.is_full() {
                rows.full.push(std::mem::take(&mut rows.buffer));
            }
            if rows.buffer.capacity() == 0 {
                rows.buffer = self.spare.pop().unwrap_or_else(|| {
                    let chunk = RowBuffer::with_capacity(CHUNK_BYTES);
                    if self.is_compact { chunk.compact() } else { chunk }
                });
            }
            self.touched.push((table, rows.buffer.mark()));
        }
        &mut rows.buffer
    }

    /// Empty buffers for that many tables.
    pub fn new(table_count: usize) -> Self {
        TableBuffers {
            tables: (0..table_count).map(|_| TableRows::default()).collect(),
            touched: Vec::new(),
            spare: Vec::new(),
            is_compact: false,
        }
    }

    /// Writes rows as [`RowBuffer::compact`] says.
    pub fn compact(mut self) -> Self {
        self.is_compact = true;
        self
    }

    /// Makes the rows written since the last call those of that resource.
    pub fn finish(&mut self, resource: u32) {
        for (table, _) in self.touched.drain(..) {
            self.tables[table].finish(resource);
        }
    }

    /// Discards the rows written since the last `finish`.
    pub fn abandon(&mut self) {
        for (table, mark) in self.touched.drain(..).rev() {
            self.tables[table].buffer.truncate(mark);
        }
    }

    /// Writes the keys, `keys[target]`, and the source into all rows.
    pub fn fill_keys(&mut self, keys: &[i64], source_id: i16) {
        let chunks = self.tables.iter_mut().flat_map(|rows| rows.full.iter_mut().chain([&mut rows.buffer]));
        for chunk in chunks {
            chunk.fill_keys(keys);
            chunk.fill_source(source_id);
        }
    }

    /// Writes the id of the source into all rows.
    pub fn fill_source(&mut self, source_id: i16) {
        for rows in &mut self.tables {
            rows.full.iter_mut().chain([&mut rows.buffer]).for_each(|chunk| chunk.fill_source(source_id));
        }
    }

    /// The rows of each resource in a table, in order, as a range of bytes of a buffer.
    pub fn of_resources(&self, table: usize) -> impl Iterator<Item = (u32, &RowBuffer, Range<usize>)> {
        let rows = &self.tables[table];
        let (mut chunk, mut start) = (0, 0);
        rows.segments.iter().map(move |segment| {
            let from = if segment.chunk == chunk { start } else { 0 };
            (chunk, start) = (segment.chunk, segment.end);
            let buffer = rows.full.get(chunk as usize).unwrap_or(&rows.buffer);
            (segment.resource, buffer, from..segment.end)
        })
    }

    /// The runs of rows of a table that belong to the resources for which
    /// `is_wanted` holds.
    pub fn runs<'b>(
        &'b self,
        table: usize,
        is_wanted: &'b dyn Fn(usize) -> bool,
    ) -> impl Iterator<Item = &'b [u8]> + 'b {
        let rows = &self.tables[table];
        let mut segments = rows.segments.iter().peekable();
        let (mut chunk, mut start) = (0, 0);
        std::iter::from_fn(move || {
            while let Some(segment) = segments.next() {
                let run_start = if segment.chunk == chunk { start } else { 0 };
                (chunk, start) = (segment.chunk, segment.end);
                if !is_wanted(segment.resource as usize) {
                    continue;
                }
                // Adjacent segments are one run.
                let is_next = |next: &&Segment| next.chunk == chunk && is_wanted(next.resource as usize);
                while let Some(next) = segments.next_if(is_next) {
                    start = next.end;
                }
                let buffer = rows.full.get(chunk as usize).unwrap_or(&rows.buffer);
                return Some(&buffer.as_bytes()[run_start..start]);
            }
            None
        })
    }

    /// How many rows of a table belong to those resources.
    pub fn row_count(&self, table: usize, is_wanted: &dyn Fn(usize) -> bool) -> usize {
        let (mut chunk, mut before) = (0, 0);
        let mut count = 0;
        for segment in &self.tables[table].segments {
            if segment.chunk != chunk {
                before = 0;
            }
            if is_wanted(segment.resource as usize) {
                count += segment.rows - before;
            }
            (chunk, before) = (segment.chunk, segment.rows);
        }
        count
    }

    /// How many rows of a table each resource has, in order; those that have none are
    /// left out.
    pub fn row_counts(&self, table: usize) -> impl Iterator<Item = (u32, usize)> {
        let (mut chunk, mut before) = (0, 0);
        self.tables[table].segments.iter().map(move |segment| {
            if segment.chunk != chunk {
                before = 0;
            }
            let rows = segment.rows - before;
            (chunk, before) = (segment.chunk, segment.rows);
            (segment.resource, rows)
        })
    }

    /// The bytes that the rows take.
    pub fn byte_count(&self) -> usize {
        self.tables.iter().flat_map(|rows| rows.full.iter().chain([&rows.buffer])).map(RowBuffer::len).sum()
    }

    /// Discards all rows.
    pub fn clear(&mut self) {
        let mut spare_bytes: usize = self.spare.iter().map(RowBuffer::capacity).sum();
        for table in &mut self.tables {
            table.segments.clear();
            for mut chunk in table.full.drain(..).chain([std::mem::take(&mut table.buffer)]) {
                let capacity = chunk.capacity();
                if (1..=MAX_KEPT_CHUNK_BYTES).contains(&capacity) && spare_bytes + capacity <= MAX_SPARE_BYTES
                {
                    chunk.clear();
                    spare_bytes += capacity;
                    self.spare.push(chunk);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn write_row(buffer: &mut RowBuffer, text: &str) -> Vec<u8> {
        buffer.begin_row(1);
        buffer.text(text);
        [&[0, 1][..], &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
    }

    #[test]
    fn rows_of_chosen_resources_come_in_order_from_chunks_of_any_size() {
        let mut buffers = TableBuffers::new(2);
        // The memory of the first round is used again in the second.
        for _ in 0..2 {
            let mut expected: [Vec<u8>; 2] = Default::default();
            let mut counts = [0, 0];
            let mut resource: usize = 0;
            for attempt in 0..400_usize {
                let mut written = [Vec::new(), Vec::new()];
                // Large enough to fill a chunk alone, now and then.
                let long = "x".repeat(if attempt % 50 == 7 { 3 * CHUNK_BYTES } else { attempt * 13 % 2000 });
                for (table, text) in [(0, long.as_str()), (1, "child"), (0, "another"), (1, "")] {
                    written[table].extend(write_row(buffers.of(table), text));
                }
                if attempt % 7 == 3 {
                    buffers.abandon();
                    continue;
                }
                buffers.finish(resource as u32);
                if !resource.is_multiple_of(3) {
                    for table in 0..2 {
                        expected[table].extend(&written[table]);
                        counts[table] += 2;
                    }
                }
                resource += 1;
            }
            let is_wanted = |resource: usize| !resource.is_multiple_of(3);
            for table in 0..2 {
                let rows: Vec<u8> = buffers.runs(table, &is_wanted).flatten().copied().collect();
                assert!(
                    rows == expected[table],
                    "table {table}: {} bytes of {}",
                    rows.len(),
                    expected[table].len()
                );
                assert_eq!(buffers.row_count(table, &is_wanted), counts[table]);
                let mut of_wanted = Vec::new();
                for (resource, buffer, range) in buffers.of_resources(table) {
                    if is_wanted(resource as usize) {
                        buffer.write_with_keys(range, &[], &mut of_wanted);
                    }
                }
                assert!(of_wanted == expected[table], "table {table}, resource by resource");
                let of_each = buffers.row_counts(table);
                let of_wanted = of_each.filter(|(resource, _)| is_wanted(*resource as usize));
                assert_eq!(of_wanted.map(|(_, rows)| rows).sum::<usize>(), counts[table]);
            }
            assert!(buffers.tables[0].full.len() > 5);
            buffers.clear();
            assert_eq!(buffers.byte_count(), 0);
        }
        let spare_bytes: usize = buffers.spare.iter().map(RowBuffer::capacity).sum();
        assert!(spare_bytes > CHUNK_BYTES && spare_bytes <= MAX_SPARE_BYTES);
    }

    #[test]
    fn a_resource_stays_in_its_chunk_when_another_one_ended_at_the_same_place() {
        let mut buffers = TableBuffers::new(2);
        let mut expected = Vec::new();
        let texts = [["x".repeat(60_000), String::new()], ["y".repeat(60_006), "end".to_owned()]];
        for (resource, texts) in (0..).zip(texts) {
            expected.extend(write_row(buffers.of(0), &texts[0]));
            write_row(buffers.of(1), "between");
            expected.extend(write_row(buffers.of(0), &texts[1]));
            buffers.finish(resource);
        }
        let rows: Vec<u8> = buffers.runs(0, &|_| true).flatten().copied().collect();
        assert!(rows == expected, "{} bytes of {}", rows.len(), expected.len());
        assert_eq!(buffers.row_count(0, &|_| true), 4);
    }
}
