//! Against a real broker, Apache Kafka: `make kafka-servers` fetches it and runs this.

use std::time::{Duration, Instant};

use chrono::DateTime;
use pretty_assertions::assert_eq;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::broker::{Broker, PATIENCE, send};
use super::{counts, gzip, offsets, patient};
use crate::feeds::resources;
use crate::support::{TestEnvironment, wait_until};

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

#[test]
#[ignore = "make kafka-servers fetches Apache Kafka"]
fn a_reset_to_a_time_continues_with_the_first_message_of_that_time() {
    let environment = TestEnvironment::new();
    let broker = Broker::start(&environment.path("kafka"));
    broker.topic("t", 2, &[]);
    let producer: BaseProducer = broker.client().create().unwrap();
    let milliseconds = |time: &str| DateTime::parse_from_rfc3339(time).unwrap().timestamp_millis();
    // At 6, 7 and 8 o'clock; the other partition has one message, of 7 o'clock.
    for (partition, hour) in [(0, 6), (0, 7), (0, 8), (1, 7)] {
        let value = patient(&format!("{partition}-{hour}"), "x");
        let time = milliseconds(&format!("2026-01-31T0{hour}:00:00Z"));
        let record: BaseRecord<'_, str, str> =
            BaseRecord::to("t").partition(partition).payload(value.as_str()).timestamp(time);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    environment.put("fhirmill.toml", broker.feed("[\"t\"]", ""));
    let run = || environment.run(&["feeds", "run", "events", "--json"]).expect_code(0).json();
    assert_eq!(run()["messages"], 4);
    for (to, wanted) in [
        // Before all, exactly at one, between two, with another zone, after all.
        ("2026-01-01T00:00:00Z", ["0", "0"]),
        ("2026-01-31T07:00:00Z", ["1", "0"]),
        ("2026-01-31T07:00:00.001Z", ["2", "1"]),
        ("2026-01-31T09:00:00+02:00", ["1", "0"]),
        ("2027-01-01T00:00:00Z", ["3", "1"]),
    ] {
        environment.run(&["feeds", "reset", "events", "--to", to]).expect_code(0);
        let [zero, one] = wanted;
        assert_eq!(offsets(&environment), [["t", "0", zero], ["t", "1", one]], "{to}");
    }
    let reset =
        ["feeds", "reset", "events", "--to", "2026-01-31T07:00:00Z", "--topic", "t", "--partition", "0"];
    environment.run(&reset).expect_code(0);
    assert_eq!(offsets(&environment), [["t", "0", "1"], ["t", "1", "1"]]);
    assert_eq!(run()["messages"], 2);
    assert_eq!(resources(&environment, "north"), [("Patient".to_owned(), 4)]);
    let counts = counts(&environment);
    assert_eq!((counts[0].as_str(), counts[1].as_str()), ("6", "4"), "what is read again is unchanged");
    // A feed that is read for the first time may begin at a time.
    let later = broker.feed("[\"t\"]", "start = \"2026-01-31T07:30:00Z\"").replace("\"events\"", "\"later\"");
    environment.put("fhirmill.toml", later);
    let run = environment.run(&["feeds", "run", "later", "--json"]).expect_code(0).json();
    assert_eq!(run["messages"], 1);
}
