//! *Offsets*: where each partition is continued. The ledger knows; for a new partition the
//! settings say.

use diesel::PgConnection;
use fhirmill_postgres::ledger::{EndOffset, FeedOffset};
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tracing::{error, info};

use super::client::{self, Client, PATIENCE, failure};
use super::topics::TopicMap;
use crate::config::{KafkaSettings, KafkaStart, OnLost};
use crate::feeds::http::Failure;

/// A partition, where it is continued, and where it ends now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next offset to read.
    pub next: i64,
    /// The offset after the last message.
    pub end: i64,
}

/// What is asked for the places of partitions.
pub struct Places<'p> {
    /// The client.
    pub client: &'p Client,
    /// The settings of the feed.
    pub kafka: &'p KafkaSettings,
    /// The name of the feed.
    pub feed: &'p str,
    /// Its number.
    pub feed_id: i32,
}

impl Places<'_> {
    /// Where these partitions are continued. The ledger gets those that it does not have.
    ///
    /// # Errors
    ///
    /// If the topic has deleted what was not read, and the settings say to stop then.
    pub fn of(
        &self,
        connection: &mut PgConnection,
        partitions: &[(String, i32)],
    ) -> Result<Vec<Place>, Failure> {
        let known = FeedOffset::of_feed(connection, self.feed_id)?;
        let mut places = Vec::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            let (earliest, end) = watermarks(self.client, topic, *partition)?;
            let of_partition =
                |offset: &&FeedOffset| offset.topic == *topic && offset.partition == *partition;
            let next = match known.iter().find(of_partition) {
                Some(offset) => self.checked(connection, offset, (earliest, end))?,
                None => {
                    let next_offset = match self.kafka.start {
                        KafkaStart::Earliest => earliest,
                        KafkaStart::Latest => end,
                        KafkaStart::At(time) => {
                            offset_at(self.client, (topic, *partition), time.timestamp_millis(), end)?
                        }
                    };
                    let new = FeedOffset { topic: topic.clone(), partition: *partition, next_offset };
                    FeedOffset::enter(connection, self.feed_id, &new)?
                }
            };
            places.push(Place { topic: topic.clone(), partition: *partition, next, end });
        }
        let ends: Vec<EndOffset> = places.iter().map(Place::end_offset).collect();
        FeedOffset::note_ends(connection, self.feed_id, &ends)?;
        Ok(places)
    }

    /// The stored offset, or the earliest one if the topic no longer has it.
    fn checked(
        &self,
        connection: &mut PgConnection,
        stored: &FeedOffset,
        (earliest, end): (i64, i64),
    ) -> Result<i64, Failure> {
        let FeedOffset { topic, partition, next_offset } = stored;
        if (earliest..=end).contains(next_offset) {
            return Ok(*next_offset);
        }
        let what = if *next_offset < earliest {
            format!(
                "topic {topic}, partition {partition}: the offsets {next_offset} to {} were deleted before they were \
                 loaded, by the topic's retention",
                earliest - 1
            )
        } else {
            format!(
                "topic {topic}, partition {partition}: offset {next_offset} is behind the end, {end}: the topic was \
                 deleted and made again, or has lost messages"
            )
        };
        if self.kafka.on_lost == OnLost::Stop {
            return Err(Failure::Permanent(format!(
                "{what}; `fhirmill feeds reset {}` lets the feed go on",
                self.feed
            )));
        }
        error!(feed = %self.feed, topic, partition, "feed {}: {what}; it goes on at offset {earliest}", self.feed);
        if !FeedOffset::skip_lost(connection, self.feed_id, stored, earliest)? {
            return Err(client::transient("another process has moved an offset at the same time".to_owned()));
        }
        Ok(earliest)
    }
}

impl Place {
    /// Where it ends, for the ledger.
    pub fn end_offset(&self) -> EndOffset {
        EndOffset { topic: self.topic.clone(), partition: self.partition, end: self.end }
    }
}

/// The first offset that a partition has, and the one after the last.
pub fn watermarks(client: &Client, topic: &str, partition: i32) -> Result<(i64, i64), Failure> {
    client.fetch_watermarks(topic, partition, PATIENCE).map_err(|error| {
        failure(client, &format!("topic {topic}, partition {partition} does not say where it ends"), &error)
    })
}

/// The offset of the first message of that time or later, in milliseconds; `end` if there is none.
pub fn offset_at(
    client: &Client,
    (topic, partition): (&str, i32),
    time: i64,
    end: i64,
) -> Result<i64, Failure> {
    let mut wanted = TopicPartitionList::new();
    let failed = |error| failure(client, &format!("topic {topic} cannot be searched by time"), &error);
    wanted.add_partition_offset(topic, partition, Offset::Offset(time)).map_err(failed)?;
    let found = client.offsets_for_times(wanted, PATIENCE).map_err(failed)?;
    Ok(match found.find_partition(topic, partition).map(|found| found.offset()) {
        Some(Offset::Offset(offset)) => offset,
        _ => end,
    })
}

/// The partitions of all topics that the feed reads.
pub fn partitions(client: &Client, topics: &TopicMap) -> Result<Vec<(String, i32)>, Failure> {
    let metadata = client::metadata(client)?;
    let mut partitions = Vec::new();
    for topic in metadata.topics() {
        if topics.source(topic.name()).is_some() && topic.error().is_none() {
            partitions
                .extend(topic.partitions().iter().map(|partition| (topic.name().to_owned(), partition.id())));
        }
    }
    partitions.sort();
    info!(partitions = partitions.len(), "Kafka has {} partitions of the feed's topics", partitions.len());
    Ok(partitions)
}
