//! A *group*: the lines of a file of updates that are loaded together.

use std::collections::HashMap;
use std::sync::Arc;

use fhirmill_core::read::{
    self, Document, Frame, Location, Payload, ReadDefect, ReadError, ReadLimits, ResourceHandler, Stopped,
};
use fhirmill_postgres::ledger::ClaimedFile;
use fhirmill_postgres::load::Reject;

use crate::pipeline::file_progress::FileProgress;
use crate::pipeline::input_batch::InputBatch;
use crate::pipeline::worker::{Decided, RecordOutcome};

/// Where a record stands in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineEntry {
    /// The line, from 0.
    pub line: usize,
    /// The entry of the line's Bundle, from 1.
    pub entry: u32,
}

/// What became of an entry of a line.
#[derive(Clone, Debug)]
pub enum LineOutcome {
    /// Its resource, and what was decided.
    Decided(RecordOutcome),
    /// It cannot be loaded.
    Rejected(Reject),
}

/// What became of the entries of a group that have something to load.
pub type GroupOutcome = HashMap<LineEntry, LineOutcome>;

/// The lines of a group as a batch.
pub(super) struct Group {
    pub batch: InputBatch,
    /// How many records there are, those that are not wanted included.
    pub records: u64,
    /// The position after the last one.
    pub next_position: u64,
    /// By position where each record stands.
    places: HashMap<u64, LineEntry>,
    /// What could not be read, for people.
    pub defects: Vec<(LineEntry, String)>,
    /// Base URLs of servers that the Bundles name.
    pub base_urls: Vec<String>,
}

/// Where a group begins in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupStart {
    /// The number of the batch in its run.
    pub batch_number: u64,
    /// How many records the file has so far.
    pub records: u64,
    /// The next free position.
    pub position: u64,
    /// How many bytes the file has so far.
    pub offset: u64,
}

impl Group {
    /// Reads lines that are to follow what a file has so far.
    pub fn read(
        file: &ClaimedFile,
        start: GroupStart,
        lines: Vec<u8>,
        limits: &ReadLimits,
    ) -> Result<Group, ReadError> {
        let progress = Arc::new(FileProgress::new(file.clone()));
        let mut batch = InputBatch::new(start.batch_number, Vec::with_capacity(lines.len()));
        batch.begin_file(&progress);
        let group = Group {
            batch,
            records: 0,
            next_position: start.position,
            places: HashMap::new(),
            defects: Vec::new(),
            base_urls: Vec::new(),
        };
        let mut reader = GroupReader { group, start };
        let mut next_position = start.position;
        read::read_from(lines, limits, &mut reader, &mut next_position)?;
        let mut group = reader.group;
        group.next_position = next_position;
        group.batch.end_file();
        Ok(group)
    }

    /// The outcomes by line and entry. Of several records in an entry the first counts.
    pub fn outcomes(&self, decided: &Decided<'_>) -> GroupOutcome {
        let mut by_place: Vec<(u64, LineOutcome)> = Vec::new();
        let of_records = decided.outcomes.iter().map(|of| (of.position, LineOutcome::Decided(of.clone())));
        by_place.extend(of_records);
        let rejects = decided.rejects.iter().map(|of| (of.position, LineOutcome::Rejected(of.clone())));
        by_place.extend(rejects);
        by_place.sort_by_key(|(position, _)| *position);
        let mut outcomes = GroupOutcome::new();
        for (position, outcome) in by_place {
            if let Some(place) = self.places.get(&position) {
                outcomes.entry(*place).or_insert(outcome);
            }
        }
        outcomes
    }

    /// Where the record of that position stands.
    pub fn place(&self, position: u64) -> Option<LineEntry> {
        self.places.get(&position).copied()
    }
}

struct GroupReader {
    group: Group,
    start: GroupStart,
}

/// A group of one line is read as a Bundle, and has no lines.
fn place(location: &Location) -> LineEntry {
    LineEntry { line: location.line.saturating_sub(1) as usize, entry: location.entries[0].max(1) }
}

impl ResourceHandler for GroupReader {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, mut frame: Frame<'_>) -> Result<(), Stopped> {
        let group = &mut self.group;
        group.records += 1;
        group.batch.note_record(self.start.records + group.records);
        if let Some(base_url) = frame.bundle.and_then(|bundle| bundle.base_url())
            && !group.base_urls.iter().any(|known| known == base_url)
        {
            group.base_urls.push(base_url.to_owned());
        }
        let place = place(&frame.location);
        frame.offset += self.start.offset;
        match &frame.payload {
            Payload::None => group.batch.skip(),
            Payload::Patch => {
                group.defects.push((place, "PATCH is not supported".to_owned()));
                group.batch.skip();
            }
            Payload::Resource | Payload::Delete => {
                group.places.insert(frame.position, place);
                let location = frame.location.to_string();
                group.batch.push(&frame, location);
            }
        }
        Ok(())
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        self.group.defects.push((place(&defect.location), defect.reason.to_string()));
        Ok(())
    }
}
