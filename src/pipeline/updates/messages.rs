//! *Messages* of Kafka as a batch: each is one or more lines of a file that is being written,
//! and each line a resource or a Bundle. A message that cannot be read has a line that
//! stands for it, so that the file has as many records as the ledger.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use fhirmill_core::read::{
    self, Document, Frame, Location, Payload, ReadDefect, ReadError, ReadLimits, ResourceHandler, Stopped,
};
use fhirmill_postgres::ledger::ClaimedFile;
use fhirmill_postgres::load::Reject;

use super::group::GroupStart;
use crate::pipeline::file_progress::FileProgress;
use crate::pipeline::input_batch::InputBatch;

/// Messages that are loaded together.
#[derive(Debug, Default)]
pub struct Messages {
    /// Lines, each with its end.
    pub lines: Arc<Vec<u8>>,
    /// What is known of each line.
    pub of_lines: Vec<MessageLine>,
}

/// Where a line comes from.
#[derive(Debug)]
pub struct MessageLine {
    /// Where it begins.
    pub start: usize,
    /// The place of its message.
    pub place: MessagePlace,
    /// Why it is rejected, if it stands for what cannot be read.
    pub bad: Option<BadMessage>,
}

/// Where a message stands in Kafka. Written out, it is the location of its records.
#[derive(Clone, Debug)]
pub struct MessagePlace {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The line of the message, from 1, if it has several.
    pub line: Option<usize>,
}

impl fmt::Display for MessagePlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MessagePlace { topic, partition, offset, line } = self;
        write!(formatter, "topic {topic}, partition {partition}, offset {offset}")?;
        line.map_or(Ok(()), |line| write!(formatter, ", line {line}"))
    }
}

/// Why a message, or a line of it, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadMessage {
    /// The reason code.
    pub reason: &'static str,
    /// The reason, for people.
    pub message: String,
    /// What was received, or its beginning.
    pub raw: Vec<u8>,
}

impl Messages {
    /// The line that has the byte at that place.
    fn line_at(&self, offset: u64) -> usize {
        let after = self.of_lines.partition_point(|line| line.start as u64 <= offset);
        after.saturating_sub(1)
    }

    /// How many records of each line are among these rejects.
    pub(super) fn rejects_by_line(&self, rejects: &[&Reject]) -> Vec<u32> {
        let mut counts = vec![0; self.of_lines.len()];
        if rejects.is_empty() {
            return counts;
        }
        let places = self.of_lines.iter().enumerate().map(|(number, line)| (line.place.to_string(), number));
        let places: HashMap<String, usize> = places.collect();
        for reject in rejects {
            let location = reject.location.as_str();
            let of_message = location.rsplit_once(", entry ").map_or(location, |(of_message, _)| of_message);
            let line = places.get(location).or_else(|| places.get(of_message));
            if let Some(count) = line.and_then(|line| counts.get_mut(*line)) {
                *count += 1;
            }
        }
        counts
    }
}

/// Messages as a batch of their file.
pub(super) struct MessageGroup {
    pub batch: InputBatch,
    /// How many records there are.
    pub records: u64,
    /// The position after the last one.
    pub next_position: u64,
    /// Base URLs of servers that the Bundles name.
    pub base_urls: Vec<String>,
}

impl MessageGroup {
    /// Reads messages that are to follow what a file has so far.
    pub fn read(
        file: &ClaimedFile,
        start: GroupStart,
        messages: &Messages,
        limits: &ReadLimits,
    ) -> Result<MessageGroup, ReadError> {
        let progress = Arc::new(FileProgress::new(file.clone()));
        let mut batch = InputBatch::new(start.batch_number, Vec::with_capacity(messages.lines.len()));
        batch.begin_file(&progress);
        let group = MessageGroup { batch, records: 0, next_position: start.position, base_urls: Vec::new() };
        let mut reader = MessageReader { group, start, messages };
        let mut next_position = start.position;
        read::read_from(Arc::clone(&messages.lines), limits, &mut reader, &mut next_position)?;
        let mut group = reader.group;
        group.next_position = next_position;
        group.batch.end_file();
        Ok(group)
    }
}

struct MessageReader<'m> {
    group: MessageGroup,
    start: GroupStart,
    messages: &'m Messages,
}

impl MessageReader<'_> {
    /// Notes a record; returns its line, and where it stands for people.
    fn note(&mut self, offset: u64, location: &Location) -> (usize, String) {
        self.group.records += 1;
        self.group.batch.note_record(self.start.records + self.group.records);
        let line = self.messages.line_at(offset);
        let place = self.messages.of_lines.get(line).map(|line| line.place.to_string()).unwrap_or_default();
        let in_bundle = Location { line: 0, item: 0, ..*location };
        let place = match in_bundle.depth() {
            0 => place,
            _ => format!("{place}, {in_bundle}"),
        };
        (line, place)
    }
}

impl ResourceHandler for MessageReader<'_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, mut frame: Frame<'_>) -> Result<(), Stopped> {
        let (line, place) = self.note(frame.offset, &frame.location);
        let group = &mut self.group;
        if let Some(base_url) = frame.bundle.and_then(|bundle| bundle.base_url())
            && !group.base_urls.iter().any(|known| known == base_url)
        {
            group.base_urls.push(base_url.to_owned());
        }
        frame.offset += self.start.offset;
        let bad = self.messages.of_lines.get(line).and_then(|line| line.bad.as_ref());
        if let Some(bad) = bad {
            group.batch.reject(frame.position, place, bad.reason, bad.message.clone(), &bad.raw);
            return Ok(());
        }
        match &frame.payload {
            Payload::None => group.batch.skip(),
            Payload::Patch => {
                let message = "PATCH changes what only the sender's server has; ask for the whole resource";
                group.batch.reject(frame.position, place, "patch", message.to_owned(), frame.bytes);
            }
            Payload::Resource | Payload::Delete => group.batch.push(&frame, place),
        }
        Ok(())
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        let (_, place) = self.note(defect.offset, &defect.location);
        self.group.batch.reject(0, place, defect.reason.code(), defect.reason.to_string(), defect.bytes);
        Ok(())
    }
}
