//! What messages become, what is rejected of them, and what a second reading does.

use std::path::Path;

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{Kafka, Sent, counts, gzip, offsets, patient};
use crate::feeds::resources;
use crate::support::{TestEnvironment, violations};

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Messages of every kind, on one partition.
fn send_every_kind(kafka: &Kafka) {
    let [one, two, three] = ["1", "2", "3"].map(|id| patient(id, "Abel"));
    let bundle = r#"{"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": {"resourceType": "Patient", "id": "4"}},
        {"resource": {"resourceType": "Observation", "id": "5", "status": "final", "code": {"text": "x"},
                      "subject": {"reference": "Patient/4"}}}]}"#;
    let ndjson = format!("{}\nnot json\n{}\n", patient("6", "Berg"), patient("7", "Coe"));
    let packed = gzip(two.as_bytes());
    let bad_date = r#"{"resourceType":"Patient","id":"8","birthDate":"2015-02-30"}"#;
    let value = |value: &'static [u8]| Sent { value: Some(value), ..Sent::default() };
    let text = |value| Sent { value: Some(str::as_bytes(value)), ..Sent::default() };
    kafka.send(
        "fhir",
        &[
            text(&one),
            Sent { value: Some(&packed), ..Sent::default() },
            text(&three),
            text(bundle),
            text(&ndjson),
            text(bad_date),
            value(b"{\"resourceType\":\"Patient\""),
            value(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1]),
            Sent { key: Some("Patient/1"), ..Sent::default() },
            Sent { key: Some("17"), ..Sent::default() },
            Sent { headers: &[("deleted", "true")], ..text(&three) },
            Sent { headers: &[("source", "south")], ..text(&one) },
            Sent { headers: &[("source", "elsewhere")], ..text(&one) },
        ],
    );
}

#[test]
fn every_message_is_loaded_once_or_rejected_with_its_place() {
    let (environment, kafka) = (TestEnvironment::new(), Kafka::start(&[("fhir", 1), ("other", 2)]));
    environment.put("fhirmill.toml", kafka.feed("[\"fhir\"]", "header_sources = [\"south\"]"));
    send_every_kind(&kafka);
    let tested = environment.run(&["feeds", "test", "events"]).expect_code(0).stdout;
    assert!(tested.contains("partition 0: offsets 0 to 13, not read yet"), "{tested}");
    let run = environment.run(&["feeds", "run", "events", "--json"]).expect_code(3).json();
    assert_eq!(run, serde_json::json!({"messages": 13, "rejected": 6, "partitions": 1}));
    assert_eq!(offsets(&environment), [["fhir", "0", "13"]]);
    let wanted = [("Observation".to_owned(), 1), ("Patient".to_owned(), 4)];
    assert_eq!(resources(&environment, "north"), wanted);
    assert_eq!(resources(&environment, "south"), [("Patient".to_owned(), 1)]);
    let rejects = environment.query("select location, reason from etl.rejected_record order by id");
    let place = |offset: &str| format!("topic fhir, partition 0, offset {offset}");
    let wanted = [
        ("4, line 2", "not_json"),
        ("5", "invalid_value"),
        ("6", "truncated"),
        ("7", "truncated"),
        ("9", "no_resource_named"),
        ("12", "source_not_allowed"),
    ];
    let mut rejects: Vec<(String, String)> =
        rejects.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    rejects.sort_by_key(|(location, _)| {
        let (_, offset) = location.split_once("offset ").unwrap();
        offset.split(',').next().unwrap().parse::<u32>().unwrap()
    });
    assert_eq!(rejects, wanted.map(|(offset, reason)| (place(offset), reason.to_owned())));
    let listed = environment.run(&["rejects"]).stdout;
    assert!(listed.contains("topic fhir, partition 0, offset 12"), "{listed}");
    assert!(!listed.contains("Abel") && !run.to_string().contains("Abel"), "{listed}");

    // Bodies are in the archive.
    let shown = environment.run(&["show", "Patient/7", "--json"]).expect_code(0).json();
    assert_eq!(shown["resource"]["name"][0]["family"], "Coe");
    environment.run(&["check", "--archive"]).expect_code(0);
    let before = counts(&environment);
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(resources(&environment, "north"), [("Observation".to_owned(), 1), ("Patient".to_owned(), 4)]);
    assert_eq!(counts(&environment), before);
    assert!(environment.inbox_is_empty(), "{:?}", environment.listing());

    // A second run has nothing to do; one from the beginning finds everything unchanged.
    let again = environment.run(&["feeds", "run", "events", "--json"]).expect_code(0).json();
    assert_eq!(again["messages"], 0);
    let rows = "select p::text as row from patient p union all select o::text from observation o order by 1";
    let before_again = environment.query(rows);
    environment.run(&["feeds", "reset", "events"]).expect_code(0);
    assert_eq!(offsets(&environment), [["fhir", "0", "0"]]);
    environment.run(&["feeds", "run", "events"]).expect_code(3);
    assert_eq!(environment.query(rows), before_again);
    let after = counts(&environment);
    assert_eq!(after[1..3], before[1..3], "nothing is inserted or updated: {after:?}");
    environment.run(&["feeds", "reset", "events", "--to", "12"]).expect_code(0);
    assert_eq!(offsets(&environment), [["fhir", "0", "12"]]);

    for (name, arguments) in
        [("feeds.json", ["feeds", "list", "--json"]), ("status.json", ["status", "--json", "--json"])]
    {
        let arguments = if name == "status.json" { &arguments[..2] } else { &arguments[..] };
        let json = environment.run(arguments).expect_code(0).json();
        let found = violations(&schema(name), &json);
        assert!(found.is_empty(), "{found:#?}\n{json:#}");
    }
    let listed = environment.run(&["feeds", "list", "--json"]).json();
    assert_eq!((&listed[0]["lag_records"], &listed[0]["partitions"][0]["lag"]), (&1.into(), &1.into()));
}

#[test]
fn topics_have_sources_and_tests_say_what_is_wrong() {
    let (environment, kafka) =
        (TestEnvironment::new(), Kafka::start(&[("lab.blood", 2), ("lab.urine", 1), ("adt", 1)]));
    environment.put("fhirmill.toml", kafka.feed("{ \"^lab\\\\.\" = \"lab\", adt = \"hospital\" }", ""));
    for (topic, partition) in [("lab.blood", 0), ("lab.blood", 1), ("lab.urine", 0), ("adt", 0)] {
        kafka.send_values(topic, partition, &[patient(&format!("{topic}-{partition}"), "x")]);
    }
    environment.run(&["feeds", "run", "events"]).expect_code(0);
    assert_eq!(resources(&environment, "lab"), [("Patient".to_owned(), 3)]);
    assert_eq!(resources(&environment, "hospital"), [("Patient".to_owned(), 1)]);
    assert_eq!(offsets(&environment).len(), 4);
    environment.put("fhirmill.toml", kafka.feed("[\"nothing\"]", ""));
    let tested = environment.run(&["feeds", "test", "events"]).expect_code(5).stdout;
    assert!(tested.contains("failed: ") && tested.contains("nothing"), "{tested}");
    environment.put("fhirmill.toml", kafka.feed("[\"adt\"]", "security_protocol = \"ssl\""));
    let tested = environment.run(&["feeds", "test", "events"]).expect_code(5).stdout;
    assert!(tested.contains("failed: the brokers do not answer"), "{tested}");
}

#[test]
fn what_a_topic_has_deleted_is_told_counted_and_passed() {
    let (environment, kafka) = (TestEnvironment::new(), Kafka::start(&[("fhir", 1)]));
    environment.put("fhirmill.toml", kafka.feed("[\"fhir\"]", ""));
    kafka.send_values("fhir", 0, &[patient("1", "x")]);
    environment.run(&["feeds", "run", "events"]).expect_code(0);
    // The mock keeps five megabytes of a partition.
    let long = "x".repeat(900_000);
    for number in 2..14 {
        kafka.send_values("fhir", 0, &[patient(&number.to_string(), &long)]);
    }
    environment.put("fhirmill.toml", kafka.feed("[\"fhir\"]", "on_lost = \"stop\""));
    let stopped = environment.run(&["feeds", "run", "events"]).expect_code(1);
    assert!(stopped.stderr.contains("were deleted before they were loaded"), "{}", stopped.stderr);
    assert_eq!(offsets(&environment), [["fhir", "0", "1"]]);
    environment.put("fhirmill.toml", kafka.feed("[\"fhir\"]", ""));
    environment.run(&["feeds", "run", "events"]).expect_code(3);
    let lost: i64 = environment.value("select lost_offsets from etl.feed_offset").parse().unwrap();
    let messages: i64 = environment.value("select messages from etl.feed_offset").parse().unwrap();
    assert!(lost > 0, "{lost}");
    assert_eq!(
        (messages + lost, offsets(&environment)),
        (13, vec![vec!["fhir".into(), "0".into(), "13".into()]])
    );
    let listed = environment.run(&["feeds", "list"]).stdout;
    assert!(listed.contains(&format!("up to {lost} messages were deleted by their topics")), "{listed}");
}
