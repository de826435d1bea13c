//! Against a real broker, Apache Kafka: `make kafka-servers` fetches it and runs this.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pretty_assertions::assert_eq;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::{counts, gzip, offsets, patient};
use crate::feeds::resources;
use crate::support::{TestEnvironment, port_of_its_own, wait_until};

const PATIENCE: Duration = Duration::from_secs(120);

/// A broker that is also the controller.
struct Broker {
    folder: PathBuf,
    port: u16,
    child: Child,
}

fn java(class: &str) -> Command {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/kafka/lib/*");
    let mut command = Command::new("java");
    command.arg("-Xmx512m").arg("-cp").arg(lib).arg(class).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Broker {
    fn start(folder: &Path) -> Self {
        let (port, controller) = (port_of_its_own(), port_of_its_own());
        fs::create_dir_all(folder).unwrap();
        let properties = folder.join("server.properties");
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\ncontroller.listener.names=CONTROLLER\nlog.dirs={}\n\
             offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\ngroup.initial.rebalance.delay.ms=0\nmessage.max.bytes=20000000\n\
             log.cleaner.backoff.ms=200\nlog.retention.check.interval.ms=500\nauto.create.topics.enable=false\n",
            folder.join("data").display()
        );
        fs::write(&properties, text).unwrap();
        let format = ["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"];
        assert!(java("kafka.tools.StorageTool").args(format).arg(&properties).status().unwrap().success());
        let mut broker = Broker { folder: folder.to_owned(), port, child: Self::spawn(folder) };
        broker.wait();
        broker
    }

    fn spawn(folder: &Path) -> Child {
        let log = File::create(folder.join("log")).unwrap();
        java("kafka.Kafka").arg(folder.join("server.properties")).stdout(log).spawn().unwrap()
    }

    fn wait(&mut self) {
        let client = self.client().create::<AdminClient<DefaultClientContext>>().unwrap();
        wait_until("the broker answers", || {
            client
                .inner()
                .fetch_metadata(None, Duration::from_secs(1))
                .is_ok_and(|answer| !answer.brokers().is_empty())
        });
    }

    /// Killed as by a power failure, and started again.
    fn restart(&mut self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL).unwrap();
        self.child.wait().unwrap();
        self.child = Self::spawn(&self.folder);
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", format!("127.0.0.1:{}", self.port))
            .set("message.max.bytes", "19000000");
        config
    }

    fn topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let client: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let mut topic =
            NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("max.message.bytes", "20000000");
        for (key, value) in settings {
            topic = topic.set(key, value);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let created = runtime.block_on(client.create_topics([&topic], &AdminOptions::new())).unwrap();
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    }

    fn feed(&self, topics: &str, more: &str) -> String {
        format!(
            "[[feed]]\nname = \"events\"\nkind = \"kafka\"\nsource = \"north\"\nbrokers = [\"127.0.0.1:{}\"]\n\
             topics = {topics}\nmax_latency = \"100ms\"\nretry_wait = \"200ms\"\n{more}\n",
            self.port
        )
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, key: &str, value: Option<&[u8]>) {
    loop {
        let mut record: BaseRecord<'_, str, [u8]> = BaseRecord::to(topic).partition(partition).key(key);
        record.payload = value;
        match producer.send(record) {
            Ok(()) => return,
            Err(_) => {
                producer.poll(Duration::from_millis(50));
            }
        }
    }
}

#[test]
#[ignore = "make kafka-servers fetches Apache Kafka"]
fn transactions_compaction_and_large_messages() {
    let environment = TestEnvironment::new();
    let broker = Broker::start(&environment.path("kafka"));
    broker.topic("t", 1, &[]);
    environment.put("fhirmill.toml", broker.feed("[\"t\"]", ""));
    // Committed, given up, committed, and one that is open.
    let producer: BaseProducer = broker.client().set("transactional.id", "a").create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    for (name, is_committed) in [("a", true), ("b", false), ("c", true), ("d", false)] {
        producer.begin_transaction().unwrap();
        for number in 0..10 {
            let id = format!("{name}{number}");
            send(&producer, "t", 0, &id, Some(patient(&id, "x").as_bytes()));
        }
        producer.flush(PATIENCE).unwrap();
        match is_committed {
            true => producer.commit_transaction(PATIENCE).unwrap(),
            false => producer.abort_transaction(PATIENCE).unwrap(),
        }
    }
    let run = environment.run(&["feeds", "run", "events", "--json"]).expect_code(0).json();
    assert_eq!(run["messages"], 20);
    assert_eq!(resources(&environment, "north"), [("Patient".to_owned(), 20)]);
    // 40 messages and 4 control records: all of them are passed.
    assert_eq!(offsets(&environment), [["t", "0", "44"]]);
    producer.begin_transaction().unwrap();
    send(&producer, "t", 0, "e", Some(patient("e", "x").as_bytes()));
    producer.flush(PATIENCE).unwrap();
    let run = environment.run(&["feeds", "run", "events", "--json"]).expect_code(0).json();
    assert_eq!(run["messages"], 0, "a transaction that is open holds the rest back");
    producer.commit_transaction(PATIENCE).unwrap();
    let run = environment.run(&["feeds", "run", "events", "--json"]).expect_code(0).json();
    assert_eq!(run["messages"], 1);

    // Compressed topics, and messages of 10 MB, plain and gzip.
    broker.topic("large", 1, &[]);
    environment.put("fhirmill.toml", broker.feed("[\"t\", \"large\"]", ""));
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let producer: BaseProducer = broker.client().set("compression.type", codec).create().unwrap();
        let text = "x".repeat(10_000);
        let patient = format!(r#"{{"resourceType":"Patient","id":"{codec}","name":[{{"text":"{text}"}}]}}"#);
        send(&producer, "large", 0, codec, Some(patient.as_bytes()));
        producer.flush(PATIENCE).unwrap();
    }
    let entry = |number: usize| {
        let text = "é".repeat(4000);
        format!(
            r#"{{"resource":{{"resourceType":"Patient","id":"m{number}","name":[{{"text":"{text}"}}]}}}}"#
        )
    };
    let entries: Vec<String> = (0..1250).map(entry).collect();
    let bundle =
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","));
    assert!(bundle.len() > 10_000_000);
    let producer: BaseProducer = broker.client().create().unwrap();
    send(&producer, "large", 0, "plain", Some(bundle.as_bytes()));
    send(&producer, "large", 0, "packed", Some(&gzip(bundle.replace("\"m", "\"n").as_bytes())));
    producer.flush(PATIENCE).unwrap();
    environment.run(&["feeds", "run", "events"]).expect_code(0);
    assert_eq!(resources(&environment, "north"), [("Patient".to_owned(), 21 + 5 + 2500)]);

    // Compaction leaves gaps.
    broker.topic(
        "compacted",
        1,
        &[
            ("cleanup.policy", "compact"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("segment.ms", "100"),
            ("max.compaction.lag.ms", "200"),
        ],
    );
    environment.put("fhirmill.toml", broker.feed("[\"compacted\"]", ""));
    for round in 0..20 {
        for key in 0..5 {
            let id = format!("k{key}");
            send(
                &producer,
                "compacted",
                0,
                &format!("Patient/{id}"),
                Some(patient(&id, &format!("r{round}")).as_bytes()),
            );
        }
        producer.flush(PATIENCE).unwrap();
        std::thread::sleep(Duration::from_millis(120));
    }
    send(&producer, "compacted", 0, "Patient/k0", None);
    producer.flush(PATIENCE).unwrap();
    std::thread::sleep(Duration::from_secs(5));
    let run = environment.run(&["feeds", "run", "events", "--json"]).expect_code(0).json();
    println!("compaction: {run} of 101 messages");
    assert!(run["messages"].as_i64().unwrap() < 101, "{run}");
    assert_eq!(offsets(&environment)[0], ["compacted", "0", "101"]);
    let deleted = "select count(*) from etl.resource_key k join etl.resource_version v on v.id = k.id where k.fhir_id like 'k_' and v.deleted_at is not null";
    assert_eq!(environment.value(deleted), "1");
    environment.run(&["check", "--archive"]).expect_code(0);
}

#[test]
#[ignore = "make kafka-servers fetches Apache Kafka"]
fn kills_of_brokers_and_services_lose_and_double_nothing() {
    let environment = TestEnvironment::new();
    let mut broker = Broker::start(&environment.path("kafka"));
    broker.topic("t", 4, &[]);
    environment.put(
        "fhirmill.toml",
        broker.feed("[\"t\"]", "batch_messages = 40\nproperties = { \"session.timeout.ms\" = \"6000\" }"),
    );
    let producer: BaseProducer = broker.client().set("enable.idempotence", "true").create().unwrap();
    let kills: usize = std::env::var("KILLS").map_or(20, |kills| kills.parse().unwrap());
    let start =
        |number: usize| environment.start_as(&format!("{number}-"), &mut environment.command(&["run"]));
    let mut services = vec![start(0), start(1)];
    let mut sent = 0;
    for round in 0..kills {
        for _ in 0..200 {
            send(
                &producer,
                "t",
                sent % 4,
                &sent.to_string(),
                Some(patient(&sent.to_string(), "x").as_bytes()),
            );
            sent += 1;
        }
        producer.poll(Duration::from_millis(0));
        // Dropping it kills it.
        services.remove(0);
        services.push(start(round + 2));
        if round % 5 == 4 {
            broker.restart();
        }
        let until = Instant::now() + Duration::from_millis(1500 + 400 * (round as u64 % 5));
        while Instant::now() < until {
            producer.poll(Duration::from_millis(100));
        }
    }
    producer.flush(Duration::from_secs(300)).unwrap();
    let done = "select coalesce(sum(next_offset), 0) from etl.feed_offset";
    wait_until("all messages are loaded", || environment.value(done) == sent.to_string());
    services.clear();
    environment.run(&["feeds", "run", "events"]).expect_code(0);
    environment.run(&["once"]).expect_code(0);
    assert_eq!(resources(&environment, "north"), [("Patient".to_owned(), i64::from(sent))]);
    let counts = counts(&environment);
    println!("{kills} kills, {sent} messages: seen, inserted, updated, unchanged, … {counts:?}");
    assert_eq!(
        (counts[0].as_str(), counts[1].as_str()),
        (sent.to_string().as_str(), sent.to_string().as_str())
    );
    environment.run(&["check", "--archive"]).expect_code(0);
    assert!(environment.inbox_is_empty(), "{:?}", environment.listing());
}
