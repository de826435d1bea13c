//! *Gathering*: the messages of partitions are put into batches, one for each lane and
//! source. Batches leave in an order that keeps the order of each partition.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rdkafka::message::Message;

use super::batch::MessageBatch;
use super::message::{self, Headers, Received};
use super::partitions::Partitions;
use crate::config::KafkaSettings;
use crate::pipeline::updates::MessagePlace;

/// See the module.
pub struct Gathering<'k> {
    kafka: &'k KafkaSettings,
    /// A batch with so many bytes is full.
    most_bytes: usize,
    /// The partitions that are read.
    pub partitions: Partitions,
    /// Batches that are being gathered, by lane and source.
    batches: HashMap<BatchKey, MessageBatch>,
    /// Batches that are to be loaded, and their lanes.
    complete: VecDeque<(usize, MessageBatch)>,
}

/// A lane and a source.
type BatchKey = (usize, Arc<str>);

impl<'k> Gathering<'k> {
    /// Gathers as the settings say, and batches of at most so many bytes.
    pub fn new(kafka: &'k KafkaSettings, max_batch_bytes: usize) -> Self {
        Gathering {
            kafka,
            most_bytes: kafka.batch_bytes.min(max_batch_bytes),
            partitions: Partitions::default(),
            batches: HashMap::new(),
            complete: VecDeque::new(),
        }
    }

    /// From now on other partitions are read. What was gathered is dropped.
    pub fn begin(&mut self, partitions: Partitions) {
        self.partitions = partitions;
        self.batches.clear();
        self.complete.clear();
    }

    /// Takes a message. False if it has completed a batch.
    pub fn take(&mut self, taken: &impl Message) -> bool {
        let Some(partition) = self.partitions.get_mut(taken.topic(), taken.partition()) else {
            // Of a partition that was given back.
            return true;
        };
        if taken.offset() < partition.next {
            return true;
        }
        let headers = Headers::of(taken);
        let (source, is_allowed) = match headers.source.map(message::header_text) {
            Some(Some(named)) if self.kafka.header_sources.iter().any(|source| source == named) => {
                (Arc::from(named), true)
            }
            Some(_) => (Arc::clone(&partition.source), false),
            None => (Arc::clone(&partition.source), true),
        };
        let (lane, topic) = (partition.lane, Arc::clone(&partition.topic));
        let next = taken.offset() + 1;
        let from = std::mem::replace(&mut partition.next, next);
        partition.is_drained |= next >= partition.end;
        let other = partition.gathered_for.replace(Arc::clone(&source)).filter(|other| *other != source);
        if let Some(other) = other {
            // The messages of a partition are loaded in their order.
            self.complete(&(lane, other));
        }
        let key = (lane, source);
        let batch = self.batches.entry(key.clone()).or_insert_with(|| MessageBatch::new(Arc::clone(&key.1)));
        let place = MessagePlace {
            topic: Arc::clone(&topic),
            partition: taken.partition(),
            offset: taken.offset(),
            line: None,
        };
        let received = Received { value: taken.payload(), key: taken.key(), headers };
        match is_allowed {
            true => message::append(&mut batch.messages, &received, &place, self.kafka.max_message_bytes),
            false => message::append_not_allowed(&mut batch.messages, &received, &place),
        }
        let time = taken.timestamp().to_millis().and_then(DateTime::from_timestamp_millis);
        batch.note(&topic, taken.partition(), (from, next), time);
        let is_full =
            batch.messages.lines.len() >= self.most_bytes || batch.count >= self.kafka.batch_messages;
        if is_full {
            self.complete(&key);
        }
        self.complete.is_empty()
    }

    /// Completes batches that are due, or all of them.
    pub fn complete_due(&mut self, are_all: bool) {
        let is_due = |batch: &MessageBatch| are_all || batch.since.elapsed() >= self.kafka.max_latency;
        let due = self.batches.iter().filter(|(_, batch)| is_due(batch));
        let due: Vec<BatchKey> = due.map(|(key, _)| key.clone()).collect();
        for key in due {
            self.complete(&key);
        }
    }

    fn complete(&mut self, key: &BatchKey) {
        if let Some(batch) = self.batches.remove(key) {
            self.partitions.let_go(key.0, &key.1);
            self.complete.push_back((key.0, batch));
        }
    }

    /// The next batch that is to be loaded, and its lane.
    pub fn next_complete(&mut self) -> Option<(usize, MessageBatch)> {
        self.complete.pop_front()
    }

    /// How long until a batch is due, if there is one.
    pub fn due_in(&self) -> Option<Duration> {
        let due = |batch: &MessageBatch| self.kafka.max_latency.saturating_sub(batch.since.elapsed());
        self.batches.values().map(due).min()
    }
}
