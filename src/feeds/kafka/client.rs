//! The *client*: librdkafka as the settings say, and what it tells.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fhirmill_postgres::lock::lock;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;
use tracing::debug;

use crate::config::KafkaSettings;
use crate::feeds::http::Failure;
use crate::feeds::secret;

/// How long questions to brokers may take.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How long the first attempt to ask brokers takes at most; each further one takes twice as
/// long.
const FIRST_ATTEMPT: Duration = Duration::from_millis(500);

/// What the group has decided on this consumer's partitions.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It gets these.
    Assign(Vec<(String, i32)>),
    /// It loses all.
    Revoke,
}

/// What librdkafka has told. It tells while it is polled.
#[derive(Debug, Default)]
pub struct Told {
    decisions: Mutex<VecDeque<Decision>>,
    trouble: Mutex<Option<String>>,
    statistics: Mutex<Option<Box<Statistics>>>,
    statistics_count: AtomicU64,
    is_refused: AtomicBool,
    is_closing: AtomicBool,
}

impl Told {
    /// The next decision of the group that was not followed yet.
    pub fn take_decision(&self) -> Option<Decision> {
        lock(&self.decisions).pop_front()
    }

    /// What went wrong last, since the last call.
    pub fn take_trouble(&self) -> Option<String> {
        lock(&self.trouble).take()
    }

    /// The last statistics, unless they were taken before.
    pub fn take_statistics(&self) -> Option<Box<Statistics>> {
        lock(&self.statistics).take()
    }

    /// Whether a broker and the client did not agree on how the connection is secured.
    /// Waiting does not help then.
    fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// How many statistics were told.
    pub fn statistics_count(&self) -> u64 {
        self.statistics_count.load(Ordering::Relaxed)
    }
}

impl ClientContext for Told {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!("librdkafka: {facility}: {message}");
    }

    fn stats(&self, statistics: Statistics) {
        *lock(&self.statistics) = Some(Box::new(statistics));
        self.statistics_count.fetch_add(1, Ordering::Relaxed);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if matches!(error, KafkaError::PartitionEOF(_))
            || error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF)
        {
            return;
        }
        debug!("librdkafka: {error}: {reason}");
        if matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::SSL | RDKafkaErrorCode::Authentication)
        ) {
            self.is_refused.store(true, Ordering::Relaxed);
        }
        let mut trouble = lock(&self.trouble);
        // That all brokers are down says less than why.
        let is_summary = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if !is_summary || trouble.is_none() {
            *trouble = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Told {
    /// The decision is followed by the thread that polls, after the poll.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.is_closing.load(Ordering::Relaxed) {
            let _ = consumer.unassign();
            return;
        }
        let decision = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let of = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
                    (element.topic().to_owned(), element.partition())
                };
                Decision::Assign(partitions.elements().iter().map(of).collect())
            }
            _ => Decision::Revoke,
        };
        lock(&self.decisions).push_back(decision);
    }
}

/// A client that leaves its group when it is dropped.
pub struct Client(BaseConsumer<Told>);

impl Deref for Client {
    type Target = BaseConsumer<Told>;

    fn deref(&self) -> &BaseConsumer<Told> {
        &self.0
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let told = self.0.context();
        told.is_closing.store(true, Ordering::Relaxed);
        // Nobody follows a decision any more, or follows one to its end, and librdkafka waits
        // for that.
        let _ = self.0.unassign();
    }
}

/// A client as the settings say; it gives statistics that often.
pub fn connect(kafka: &KafkaSettings, statistics_every: Duration) -> Result<Client, Failure> {
    let mut config = ClientConfig::new();
    let security = &kafka.security;
    config
        .set("client.id", "fhirmill")
        // Bounds memory: this much for each partition.
        .set("queued.max.messages.kbytes", "16384")
        .set("topic.metadata.refresh.interval.ms", "60000")
        .set("reconnect.backoff.max.ms", "5000")
        // Kafka's own topics.
        .set("topic.blacklist", "^__");
    for (name, value) in &kafka.properties {
        config.set(name, value);
    }
    config
        .set("bootstrap.servers", kafka.brokers.join(","))
        .set("group.id", &kafka.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("statistics.interval.ms", statistics_every.as_millis().to_string());
    let texts = [
        ("security.protocol", &security.protocol),
        ("sasl.mechanism", &security.mechanism),
        ("sasl.username", &security.user),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            config.set(name, text);
        }
    }
    let files =
        [("ssl.ca.location", &security.ca_file), ("ssl.certificate.location", &security.certificate_file)];
    for (name, path) in files {
        if let Some(path) = path {
            config.set(name, path.display().to_string());
        }
    }
    let secrets = [
        ("sasl.password", &security.password),
        ("ssl.key.pem", &security.private_key),
        ("ssl.key.password", &security.private_key_password),
    ];
    for (name, kept) in secrets {
        if let Some(kept) = kept {
            config.set(name, secret::read(kept)?);
        }
    }
    config
        .create_with_context(Told::default())
        .map(Client)
        .map_err(|error| Failure::Settings(refused(&error)))
}

/// What is wrong with the settings of a client, without their values: one may be a secret.
fn refused(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, description, name, _) => {
            format!("librdkafka does not accept the property {name}: {description}")
        }
        other => format!("the Kafka client cannot be made: {other}"),
    }
}

/// What the brokers tell of themselves and of all topics.
pub fn metadata(client: &Client) -> Result<Metadata, Failure> {
    let until = Instant::now() + PATIENCE;
    let mut attempt = FIRST_ATTEMPT;
    loop {
        let was_refused = client.context().is_refused();
        let error = match client.fetch_metadata(None, attempt) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        // The client tells why it cannot connect while it is polled.
        let _ = client.poll(Duration::from_millis(100));
        if was_refused || Instant::now() >= until {
            return Err(failure(client, "the brokers do not answer", &error));
        }
        attempt = (2 * attempt).min(until.saturating_duration_since(Instant::now()));
    }
}

/// A failure of a call, with what librdkafka told of its cause.
pub fn failure(client: &Client, what: &str, error: &KafkaError) -> Failure {
    let cause = client.context().take_trouble().map_or_else(String::new, |trouble| format!(" ({trouble})"));
    transient(format!("{what}: {error}{cause}"))
}

/// A failure after which another attempt may succeed.
pub fn transient(reason: String) -> Failure {
    Failure::Transient { reason, after: None, is_verdict: false }
}
