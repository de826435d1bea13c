//! The *reset* of a feed: where it continues is set in the ledger. What is read again is
//! found unchanged.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{Connection, PgConnection};
use fhirmill_postgres::ledger::{Feed, FeedOffset};

use super::client::{self, Client};
use super::offsets::{offset_at, partitions, watermarks};
use super::topics::TopicMap;
use crate::config::KafkaSettings;
use crate::feeds::http::Failure;

/// Where a feed is to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetTo {
    /// With the first message that a partition has.
    Beginning,
    /// With what comes from now on.
    End,
    /// With that offset.
    Offset(i64),
    /// With the first message of that time or later.
    Time(DateTime<Utc>),
}

/// What is reset, and where to.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where to.
    pub to: ResetTo,
    /// Only this topic.
    pub topic: Option<String>,
    /// Only this partition.
    pub partition: Option<i32>,
}

/// Resets partitions over a session that holds the lock of the feed; returns where each
/// continues.
pub fn reset(
    kafka: &KafkaSettings,
    feed: &Feed,
    connection: &mut PgConnection,
    wanted: &Wanted,
) -> Result<Vec<FeedOffset>, Failure> {
    let client = client::connect(kafka, Duration::ZERO)?;
    let places = places(&client, kafka, wanted)?;
    connection.transaction(|connection| {
        places.iter().try_for_each(|place| FeedOffset::set(connection, feed.id, place))
    })?;
    Ok(places)
}

fn places(client: &Client, kafka: &KafkaSettings, wanted: &Wanted) -> Result<Vec<FeedOffset>, Failure> {
    let topics = TopicMap::new(&kafka.topics)?;
    let is_wanted = |(topic, partition): &(String, i32)| {
        wanted.topic.as_ref().is_none_or(|wanted| wanted == topic)
            && wanted.partition.is_none_or(|wanted| wanted == *partition)
    };
    let partitions: Vec<(String, i32)> = partitions(client, &topics)?.into_iter().filter(is_wanted).collect();
    if partitions.is_empty() {
        return Err(Failure::Permanent("the brokers have no such topic or partition of the feed".to_owned()));
    }
    let mut places = Vec::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        let (earliest, end) = watermarks(client, &topic, partition)?;
        let next_offset = match wanted.to {
            ResetTo::Beginning => earliest,
            ResetTo::End => end,
            ResetTo::Offset(offset) => offset.clamp(earliest, end),
            ResetTo::Time(time) => offset_at(client, (&topic, partition), time.timestamp_millis(), end)?,
        };
        places.push(FeedOffset { topic, partition, next_offset });
    }
    Ok(places)
}
