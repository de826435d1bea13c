//! Kafka feeds, against librdkafka's mock of a cluster, which is in this process.

mod broker;
mod killed;
mod loading;
mod secured;
mod servers;
mod service;
mod zombie;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use rdkafka::bindings;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};

use crate::support::TestEnvironment;

/// How long a producer waits for brokers.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// How long a group without members waits for others when the first one has come. Kafka's
/// default of three seconds would be most of the time of a test.
const REBALANCE_DELAY: i32 = 10;

/// A cluster with one broker, in a producer.
pub struct Kafka {
    producer: BaseProducer,
}

/// A message that is to be sent.
#[derive(Clone, Copy, Default)]
pub struct Sent<'s> {
    pub partition: i32,
    pub key: Option<&'s str>,
    pub value: Option<&'s [u8]>,
    pub headers: &'s [(&'s str, &'s str)],
}

impl Kafka {
    /// With these topics, each with so many partitions.
    pub fn start(topics: &[(&str, i32)]) -> Self {
        let producer: BaseProducer = ClientConfig::new()
            .set("test.mock.num.brokers", "1")
            .set("message.max.bytes", "12000000")
            .set("linger.ms", "0")
            .create()
            .unwrap();
        let kafka = Kafka { producer };
        for (topic, partitions) in topics {
            kafka.cluster().create_topic(topic, *partitions, 1).unwrap();
        }
        kafka.shorten_rebalances();
        kafka
    }

    #[expect(unsafe_code, reason = "rdkafka does not offer this function of librdkafka")]
    fn shorten_rebalances(&self) {
        let client = self.producer.client().native_ptr();
        // SAFETY: the client lives, and it has a mock cluster as long as it lives.
        unsafe {
            let cluster = bindings::rd_kafka_handle_mock_cluster(client);
            bindings::rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, REBALANCE_DELAY);
        }
    }

    fn cluster(&self) -> MockCluster<'_, DefaultProducerContext> {
        self.producer.client().mock_cluster().unwrap()
    }

    pub fn brokers(&self) -> String {
        self.cluster().bootstrap_servers()
    }

    /// Sends messages, in this order, and waits until the broker has them.
    pub fn send(&self, topic: &str, messages: &[Sent<'_>]) {
        for message in messages {
            let mut headers = OwnedHeaders::new();
            for (key, value) in message.headers {
                headers = headers.insert(Header { key, value: Some(value.as_bytes()) });
            }
            let mut record: BaseRecord<'_, str, [u8]> =
                BaseRecord::to(topic).partition(message.partition).headers(headers);
            record.key = message.key;
            record.payload = message.value;
            self.producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        self.producer.flush(PATIENCE).unwrap();
    }

    /// Sends values without keys.
    pub fn send_values(&self, topic: &str, partition: i32, values: &[String]) {
        let messages: Vec<Sent<'_>> = values
            .iter()
            .map(|value| Sent { partition, value: Some(value.as_bytes()), ..Sent::default() })
            .collect();
        self.send(topic, &messages);
    }

    /// A feed `events` of these topics, with more settings.
    pub fn feed(&self, topics: &str, more: &str) -> String {
        format!(
            "[[feed]]\nname = \"events\"\nkind = \"kafka\"\nsource = \"north\"\nbrokers = [{:?}]\ntopics = {topics}\n\
             max_latency = \"50ms\"\n{more}\n",
            self.brokers()
        )
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn patient(id: &str, family: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}"}}]}}"#)
}

/// How far each partition is, by topic and number.
pub fn offsets(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query("select topic, partition, next_offset from etl.feed_offset order by 1, 2")
}

/// The counts of all files together: what came, and what it did.
pub fn counts(environment: &TestEnvironment) -> Vec<String> {
    let sums = ["seen", "inserted", "updated", "unchanged", "stale", "deleted", "rejected", "skipped"]
        .map(|column| format!("coalesce(sum({column}), 0)::bigint as {column}"));
    environment.query(&format!("select {} from etl.load_file", sums.join(", "))).remove(0)
}
