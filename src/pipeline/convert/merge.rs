//! A *merge* gives the entries of a table in all runs, in their order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::spill::{HEAD_BYTES, Head, MemoryRun, Run};

/// How much of a run's file is read at a time.
const READ_BYTES: usize = 64 << 10;

/// The entries of a table in one run.
enum Cursor {
    Memory { run: Arc<MemoryRun>, table: usize, next: usize },
    File(FileCursor),
}

struct FileCursor {
    file: Arc<File>,
    /// Where the file is read next, and where the table ends.
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    /// What of the buffer has been given.
    given: usize,
    /// The length of the entry that comes next.
    length: usize,
}

impl FileCursor {
    /// Makes that many bytes available after those that were given.
    fn fill(&mut self, count: usize) -> io::Result<()> {
        let available = self.buffer.len() - self.given;
        if available >= count {
            return Ok(());
        }
        self.buffer.drain(..self.given);
        self.given = 0;
        let wanted = (count - available).max(READ_BYTES) as u64;
        let length = usize::try_from(wanted.min(self.end - self.at)).unwrap_or(usize::MAX);
        self.buffer.resize(available + length, 0);
        self.file.read_exact_at(&mut self.buffer[available..], self.at)?;
        self.at += length as u64;
        if self.buffer.len() < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn head(&mut self) -> io::Result<Option<Head>> {
        if self.given == self.buffer.len() && self.at == self.end {
            return Ok(None);
        }
        self.fill(HEAD_BYTES)?;
        let Some(bytes) = self.buffer[self.given..].first_chunk() else { return Ok(None) };
        let (head, length) = Head::read(bytes);
        self.given += HEAD_BYTES;
        self.length = length;
        Ok(Some(head))
    }

    fn rows(&mut self) -> io::Result<&[u8]> {
        self.fill(self.length)?;
        let start = self.given;
        self.given += self.length;
        Ok(&self.buffer[start..self.given])
    }
}

impl Cursor {
    /// The next entry's head; its rows must be taken before the next call.
    fn head(&mut self) -> io::Result<Option<Head>> {
        match self {
            Cursor::Memory { run, table, next } => {
                Ok(run.tables.get(*table).and_then(|entries| entries.get(*next)).map(|(head, ..)| *head))
            }
            Cursor::File(file) => file.head(),
        }
    }

    fn rows(&mut self) -> io::Result<&[u8]> {
        match self {
            Cursor::Memory { run, table, next } => {
                let (_, start, length) = run.tables[*table][*next];
                *next += 1;
                Ok(&run.bytes[start..start + length])
            }
            Cursor::File(file) => file.rows(),
        }
    }
}

/// See the module.
pub(super) struct Merge {
    cursors: Vec<Cursor>,
    heads: BinaryHeap<Reverse<(Head, usize)>>,
    /// The cursor whose rows were given last, which has to go on.
    given: Option<usize>,
}

impl Merge {
    /// Of that table in the runs.
    pub fn new(runs: &[Run], table: usize) -> io::Result<Self> {
        let cursors = runs.iter().filter_map(|run| match run {
            Run::Memory(run) => Some(Cursor::Memory { run: Arc::clone(run), table, next: 0 }),
            Run::File { file, tables } => {
                let (at, end) = *tables.get(table)?;
                let file = Arc::clone(file);
                Some(Cursor::File(FileCursor { file, at, end, buffer: Vec::new(), given: 0, length: 0 }))
            }
        });
        let mut merge = Merge { cursors: cursors.collect(), heads: BinaryHeap::new(), given: None };
        for number in 0..merge.cursors.len() {
            merge.advance(number)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, number: usize) -> io::Result<()> {
        if let Some(head) = self.cursors[number].head()? {
            self.heads.push(Reverse((head, number)));
        }
        Ok(())
    }

    /// The next entry.
    pub fn next(&mut self) -> io::Result<Option<(Head, &[u8])>> {
        if let Some(number) = self.given.take() {
            self.advance(number)?;
        }
        let Some(Reverse((head, number))) = self.heads.pop() else { return Ok(None) };
        self.given = Some(number);
        Ok(Some((head, self.cursors[number].rows()?)))
    }
}

/// How many bytes a table has in all runs.
pub(super) fn byte_count(runs: &[Run], table: usize) -> u64 {
    let bytes = |run: &Run| match run {
        Run::Memory(run) => {
            run.tables.get(table).map_or(0, |entries| entries.iter().map(|(.., length)| *length as u64).sum())
        }
        Run::File { tables, .. } => tables.get(table).map_or(0, |(start, end)| end - start),
    };
    runs.iter().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::super::spill::Spill;
    use super::*;
    use fhirmill_core::version::Place;
    use pretty_assertions::assert_eq;

    fn head(number: u64) -> Head {
        let sort_key = [(number * 37 % 11) as u8; 16];
        Head { sort_key, place: Place { file: 1, position: (number % 7) as i64 }, record: number }
    }

    fn merged(limit: usize) -> (Vec<(Head, Vec<u8>)>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let mut runs = Vec::new();
        for worker in 0..3 {
            let mut spill = Spill::new(2, limit, folder.path());
            for number in (worker..200).step_by(3) {
                let start = spill.bytes().len();
                let rows = vec![number as u8; number as usize * 31 % 900];
                spill.bytes().extend_from_slice(&rows);
                spill.add(1, head(number), start);
                spill.settle().unwrap();
            }
            runs.extend(spill.finish().unwrap());
        }
        let is_in_memory = runs.iter().all(|run| matches!(run, Run::Memory(_)));
        assert_eq!(byte_count(&runs, 0), 0);
        let mut merge = Merge::new(&runs, 1).unwrap();
        let mut entries = Vec::new();
        while let Some((head, rows)) = merge.next().unwrap() {
            entries.push((head, rows.to_vec()));
        }
        (entries, is_in_memory)
    }

    #[test]
    fn entries_come_in_order_from_memory_and_from_files() {
        let (from_memory, is_in_memory) = merged(usize::MAX);
        assert!(is_in_memory);
        let mut expected: Vec<Head> = (0..200).map(head).collect();
        expected.sort_unstable();
        assert_eq!(from_memory.iter().map(|(head, _)| *head).collect::<Vec<_>>(), expected);
        assert!(from_memory.iter().all(|(head, rows)| rows.len() == head.record as usize * 31 % 900));
        for limit in [1, 5_000] {
            let (from_files, is_in_memory) = merged(limit);
            assert!(!is_in_memory);
            assert_eq!(from_files, from_memory);
        }
    }
}
