//! The settings of *Kafka feeds*: which topics are read, how, and what of.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::feed_settings::Secret;

/// Topics of Kafka: where, which, and how they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// The brokers that are asked first, `host:port`.
    pub brokers: Vec<String>,
    /// The topics; of several that fit, the first counts.
    pub topics: Vec<TopicSettings>,
    /// The group of consumers.
    pub group: String,
    /// Where a partition begins that is read for the first time.
    pub start: KafkaStart,
    /// How long a message waits for others.
    pub max_latency: Duration,
    /// A batch has so many bytes at most, if it has more than one message.
    pub batch_bytes: usize,
    /// A batch has so many messages at most.
    pub batch_messages: usize,
    /// A message has so many bytes at most, unpacked.
    pub max_message_bytes: usize,
    /// What happens if a topic has deleted what was not read.
    pub on_lost: OnLost,
    /// The sources that the header `source` of a message may name.
    pub header_sources: Vec<String>,
    /// How long it rests after a failure.
    pub retry_wait: Duration,
    /// How the connection is secured.
    pub security: KafkaSecurity,
    /// Further properties of librdkafka.
    pub properties: Vec<(String, String)>,
}

/// A topic, or a pattern for topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSettings {
    /// Its name; a regular expression if it begins with `^`.
    pub pattern: String,
    /// The source of its messages.
    pub source: String,
}

/// Where a partition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaStart {
    /// With the first message that the topic has.
    Earliest,
    /// With what comes after the feed has begun.
    Latest,
    /// With the first message of that time or later.
    At(DateTime<Utc>),
}

/// What happens if a topic has deleted what was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLost {
    /// The feed goes on with what there is.
    Continue,
    /// The feed stops until somebody resets it.
    Stop,
}

/// How the connection is secured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaSecurity {
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub protocol: Option<String>,
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub mechanism: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
    /// The certificates of the authorities that are trusted, PEM.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate, PEM.
    pub certificate_file: Option<PathBuf>,
    /// The private key of the certificate, PEM.
    pub private_key: Option<Secret>,
    /// The password of the private key.
    pub private_key_password: Option<Secret>,
}

impl KafkaSettings {
    /// These topics of these brokers with everything else as is usual.
    pub fn of(feed: &str, brokers: Vec<String>, topics: Vec<TopicSettings>) -> Self {
        KafkaSettings {
            brokers,
            topics,
            group: format!("fhirmill-{feed}"),
            start: KafkaStart::Earliest,
            max_latency: Duration::from_secs(1),
            batch_bytes: 8 << 20,
            batch_messages: 10_000,
            max_message_bytes: 64 << 20,
            on_lost: OnLost::Continue,
            header_sources: Vec::new(),
            retry_wait: Duration::from_secs(5),
            security: KafkaSecurity::default(),
            properties: Vec::new(),
        }
    }
}
