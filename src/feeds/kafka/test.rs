//! The *test* of a feed's settings: what can be found out without reading anything.

use std::time::Duration;

use diesel::PgConnection;
use fhirmill_postgres::ledger::FeedOffset;
use rdkafka::error::RDKafkaErrorCode;

use super::client::{self, Client};
use super::offsets::watermarks;
use super::topics::TopicMap;
use crate::config::KafkaSettings;
use crate::feeds::http::Failure;

/// Tries the settings, and tells each finding. `ledger` has the offsets of the feed, if there
/// is a ledger.
///
/// # Errors
///
/// The first thing that keeps the feed from working.
pub fn test(
    kafka: &KafkaSettings,
    ledger: Option<(&mut PgConnection, i32)>,
    tell: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let topics = TopicMap::new(&kafka.topics)?;
    let known = match ledger {
        Some((connection, feed_id)) => FeedOffset::of_feed(connection, feed_id)?,
        None => Vec::new(),
    };
    let client = client::connect(kafka, Duration::ZERO)?;
    explore(&client, kafka, (&topics, &known), tell)
}

fn explore(
    client: &Client,
    kafka: &KafkaSettings,
    (topics, known): (&TopicMap, &[FeedOffset]),
    tell: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let metadata = client::metadata(client)?;
    tell(&format!("{} brokers answer", metadata.brokers().len()));
    let mut missing = Vec::new();
    for wanted in &kafka.topics {
        let is_of = |name: &str| match wanted.pattern.starts_with('^') {
            true => {
                topics.source(name).is_some_and(|source| *source == *wanted.source) && name != wanted.pattern
            }
            false => name == wanted.pattern,
        };
        let found: Vec<_> = metadata.topics().iter().filter(|topic| is_of(topic.name())).collect();
        if let Some(failed) = found.iter().find_map(|topic| topic.error()) {
            let code = RDKafkaErrorCode::from(failed);
            return Err(Failure::Permanent(format!("topic {} cannot be read: {code}", wanted.pattern)));
        }
        if found.is_empty() {
            missing.push(wanted.pattern.clone());
        }
        for topic in found {
            let source = &wanted.source;
            tell(&format!(
                "topic {} has {} partitions, for {source}",
                topic.name(),
                topic.partitions().len()
            ));
            for partition in topic.partitions() {
                let (earliest, end) = watermarks(client, topic.name(), partition.id())?;
                let is_same =
                    |offset: &&FeedOffset| offset.topic == topic.name() && offset.partition == partition.id();
                let place = match known.iter().find(is_same) {
                    Some(offset) => format!(
                        "loaded up to {}, lag {}",
                        offset.next_offset,
                        (end - offset.next_offset).max(0)
                    ),
                    None => "not read yet".to_owned(),
                };
                tell(&format!("  partition {}: offsets {earliest} to {end}, {place}", partition.id()));
            }
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failure::Permanent(format!("the brokers have no topic {}", missing.join(", ")))),
    }
}
