//! The *partitions* that a run reads, and how far.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::statistics::Statistics;

use super::offsets::Place;
use super::topics::TopicMap;
use crate::feeds::http::Failure;

/// A partition that is read.
#[derive(Debug)]
pub struct Partition {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub number: i32,
    /// The source of its topic.
    pub source: Arc<str>,
    /// The lane that loads its messages.
    pub lane: usize,
    /// The next offset: where the last message that was gathered has brought it.
    pub next: i64,
    /// Where it ended when it was assigned.
    pub end: i64,
    /// Whether its end was reached since.
    pub is_drained: bool,
    /// The source of the batch that has its last messages, and is not complete yet.
    pub gathered_for: Option<Arc<str>>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Partitions {
    by_topic: HashMap<String, HashMap<i32, Partition>>,
}

impl Partitions {
    /// Those places, spread over so many lanes.
    pub fn new(places: &[Place], topics: &TopicMap, lanes: usize) -> Result<Self, Failure> {
        let mut partitions = Partitions::default();
        for (count, place) in places.iter().enumerate() {
            let source = topics.source(&place.topic).ok_or_else(|| {
                Failure::Settings(format!("topic {} fits none of the topics of the feed", place.topic))
            })?;
            let partition = Partition {
                topic: Arc::from(place.topic.as_str()),
                number: place.partition,
                source,
                lane: count % lanes,
                next: place.next,
                end: place.end,
                is_drained: place.next >= place.end,
                gathered_for: None,
            };
            partitions.by_topic.entry(place.topic.clone()).or_default().insert(place.partition, partition);
        }
        Ok(partitions)
    }

    /// That partition.
    pub fn get_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Partition> {
        self.by_topic.get_mut(topic)?.get_mut(&partition)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Partition> {
        self.by_topic.values().flat_map(HashMap::values)
    }

    /// All of them.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.by_topic.values_mut().flat_map(HashMap::values_mut)
    }

    /// Whether the ends that they had are reached.
    pub fn are_drained(&self) -> bool {
        self.all().all(|partition| partition.is_drained)
    }

    /// The lane's batch for a source is complete.
    pub fn let_go(&mut self, lane: usize, source: &Arc<str>) {
        for partition in self.all_mut() {
            if partition.lane == lane && partition.gathered_for.as_ref() == Some(source) {
                partition.gathered_for = None;
            }
        }
    }
}

/// What statistics say of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The offset after the last message that can be read.
    pub end: Option<i64>,
    /// The end that was reached last.
    pub reached: Option<i64>,
}

/// What statistics say of a partition.
pub fn seen(statistics: &Statistics, partition: &Partition) -> Option<Seen> {
    let found = statistics.topics.get(&*partition.topic)?.partitions.get(&partition.number)?;
    let known = |offset: i64| (offset >= 0).then_some(offset);
    Some(Seen { end: known(found.ls_offset).or(known(found.hi_offset)), reached: known(found.eof_offset) })
}
