//! *Batches*: messages of one source that are loaded together, and how far they bring
//! each partition.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use fhirmill_postgres::ledger::OffsetMove;

use crate::pipeline::updates::Messages;

/// A batch that is being gathered.
#[derive(Debug)]
pub struct MessageBatch {
    /// The source.
    pub source: Arc<str>,
    /// The lines of its messages.
    pub messages: Messages,
    /// When its first message came.
    pub since: Instant,
    /// How many messages it has.
    pub count: usize,
    ranges: Vec<Range>,
    /// By line, which range it is of.
    range_of_line: Vec<usize>,
}

/// What it has of a partition.
#[derive(Debug)]
struct Range {
    topic: Arc<str>,
    partition: i32,
    from: i64,
    to: i64,
    messages: i64,
    message_at: Option<DateTime<Utc>>,
}

impl MessageBatch {
    /// An empty batch.
    pub fn new(source: Arc<str>) -> Self {
        MessageBatch {
            source,
            messages: Messages::default(),
            since: Instant::now(),
            count: 0,
            ranges: Vec::new(),
            range_of_line: Vec::new(),
        }
    }

    /// Notes that a message was appended, which brings its partition from one offset to
    /// another.
    pub fn note(
        &mut self,
        topic: &Arc<str>,
        partition: i32,
        (from, to): (i64, i64),
        message_at: Option<DateTime<Utc>>,
    ) {
        let is_of = |range: &Range| range.partition == partition && range.topic == *topic;
        let number = self.ranges.iter().position(is_of).unwrap_or_else(|| {
            let (topic, message_at) = (Arc::clone(topic), None);
            self.ranges.push(Range { topic, partition, from, to, messages: 0, message_at });
            self.ranges.len() - 1
        });
        let range = &mut self.ranges[number];
        range.to = to;
        range.messages += 1;
        range.message_at = message_at.or(range.message_at);
        self.count += 1;
        self.range_of_line.resize(self.messages.of_lines.len(), number);
    }

    /// How it moves the offsets, if so many records of each line are rejected.
    pub fn moves(&self, rejected: &[u32]) -> Vec<OffsetMove> {
        let mut moves: Vec<OffsetMove> = self.ranges.iter().map(Range::to_move).collect();
        for (number, rejected) in self.range_of_line.iter().zip(rejected) {
            moves[*number].rejected += i64::from(*rejected);
        }
        moves
    }
}

impl Range {
    fn to_move(&self) -> OffsetMove {
        OffsetMove {
            topic: self.topic.to_string(),
            partition: self.partition,
            from: self.from,
            to: self.to,
            messages: self.messages,
            rejected: 0,
            message_at: self.message_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::kafka::message::append_bad;
    use crate::pipeline::updates::MessagePlace;

    #[test]
    fn a_batch_moves_each_partition_from_where_it_was_over_gaps() {
        let mut batch = MessageBatch::new(Arc::from("a"));
        let topic: Arc<str> = Arc::from("t");
        for (partition, from, to) in [(0, 5, 8), (1, 0, 1), (0, 8, 9)] {
            let place = MessagePlace { topic: Arc::clone(&topic), partition, offset: from, line: None };
            append_bad(&mut batch.messages, &place, ("not_json", String::new()), b"");
            batch.note(&topic, partition, (from, to), None);
        }
        let moves: Vec<_> = batch
            .moves(&[1, 0, 1])
            .into_iter()
            .map(|of| (of.partition, of.from, of.to, of.messages, of.rejected))
            .collect();
        assert_eq!(moves, [(0, 5, 9, 2, 2), (1, 0, 1, 1, 0)]);
    }
}
