//! *Spilled rows*: the rows of a conversion between mapping and writing, in sorted runs.
//!
//! An entry is the rows that one record has in one table, as COPY's binary format, with
//! what they are sorted by. A worker gathers entries in memory; when they reach its share of
//! the memory it sorts them, table by table, and writes them to a temporary file that has
//! no name, so that nothing is left of it whatever happens. Small conversions never write
//! one.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use fhirmill_arrow::Key;
use fhirmill_core::version::Place;

/// What the rows of an entry are sorted by, and which record they are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    /// The patient, for rows of tables; the resource, for versions.
    pub sort_key: Key,
    /// Where the record was read.
    pub place: Place,
    /// The record's number in the conversion.
    pub record: u64,
}

/// The bytes of a head and a length, in a file.
pub(super) const HEAD_BYTES: usize = 16 + 8 + 8 + 8 + 8;

impl Head {
    fn write(&self, length: usize, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.sort_key)?;
        for number in [self.place.file as u64, self.place.position as u64, self.record, length as u64] {
            out.write_all(&number.to_le_bytes())?;
        }
        Ok(())
    }

    /// The head and the length of what follows it.
    pub fn read(bytes: &[u8; HEAD_BYTES]) -> (Head, usize) {
        let number =
            |at: usize| bytes[at..].first_chunk::<8>().map_or(0, |number| u64::from_le_bytes(*number));
        let mut sort_key = [0; 16];
        sort_key.copy_from_slice(&bytes[..16]);
        let place = Place { file: number(16) as i64, position: number(24) as i64 };
        (Head { sort_key, place, record: number(32) }, number(40) as usize)
    }
}

/// An entry in memory: its head, and where its rows begin and how long they are.
pub(super) type Entry = (Head, usize, usize);

/// A run that is in memory.
#[derive(Default)]
pub(super) struct MemoryRun {
    /// The entries of each table, sorted once the run is finished.
    pub tables: Vec<Vec<Entry>>,
    /// The rows of all tables: each run has most rows in other tables, so that memory of their
    /// own would be idle in most of them.
    pub bytes: Vec<u8>,
}

/// A sorted run.
pub(super) enum Run {
    Memory(Arc<MemoryRun>),
    /// Where each table begins and ends in the file.
    File {
        file: Arc<File>,
        tables: Vec<(u64, u64)>,
    },
}

/// Gathers the entries of one worker.
pub(super) struct Spill<'s> {
    run: MemoryRun,
    gathered: usize,
    limit: usize,
    folder: &'s Path,
    file: Option<(Arc<File>, u64)>,
    runs: Vec<Run>,
}

impl<'s> Spill<'s> {
    /// For that many tables; more than `limit` bytes go to a file in the folder.
    pub fn new(table_count: usize, limit: usize, folder: &'s Path) -> Self {
        let run = MemoryRun { tables: vec![Vec::new(); table_count], bytes: Vec::new() };
        Spill { run, gathered: 0, limit, folder, file: None, runs: Vec::new() }
    }

    /// Where the next rows are to be appended; `add` says what they are.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.run.bytes
    }

    /// Makes what was appended since `start` an entry.
    pub fn add(&mut self, table: usize, head: Head, start: usize) {
        let length = self.run.bytes.len() - start;
        self.run.tables[table].push((head, start, length));
        self.gathered += length + size_of::<Entry>();
    }

    /// Writes what was gathered to the file if it is more than the limit.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn settle(&mut self) -> io::Result<()> {
        if self.gathered < self.limit { Ok(()) } else { self.write_run() }
    }

    /// The runs. If one of them is in a file, all are, so that the memory is free.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> io::Result<Vec<Run>> {
        if self.file.is_some() && self.gathered > 0 {
            self.write_run()?;
        } else if self.gathered > 0 {
            let mut run = std::mem::take(&mut self.run);
            run.tables.iter_mut().for_each(|entries| sort(entries));
            self.runs.push(Run::Memory(Arc::new(run)));
        }
        Ok(self.runs)
    }

    fn write_run(&mut self) -> io::Result<()> {
        let (file, start) = match self.file.take() {
            Some(file) => file,
            None => (Arc::new(tempfile::tempfile_in(self.folder)?), 0),
        };
        let mut out = BufWriter::with_capacity(256 << 10, &*file);
        let mut at = start;
        let MemoryRun { tables, bytes } = &mut self.run;
        let mut places = Vec::with_capacity(tables.len());
        for entries in tables {
            let begin = at;
            sort(entries);
            for (head, start, length) in entries.iter() {
                head.write(*length, &mut out)?;
                out.write_all(&bytes[*start..start + length])?;
                at += (HEAD_BYTES + length) as u64;
            }
            places.push((begin, at));
            entries.clear();
        }
        bytes.clear();
        out.flush()?;
        drop(out);
        self.gathered = 0;
        self.runs.push(Run::File { file: Arc::clone(&file), tables: places });
        self.file = Some((file, at));
        Ok(())
    }
}

fn sort(entries: &mut [Entry]) {
    entries.sort_unstable_by_key(|(head, ..)| *head);
}
