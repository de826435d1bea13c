//! A process that is stopped while it has messages in its hands, loses its partition to
//! another, and goes on.

use nix::sys::signal::{Signal, kill};
use pretty_assertions::assert_eq;

use super::{Kafka, counts, offsets, patient};
use crate::feeds::resources;
use crate::support::{TestEnvironment, wait_until};

#[test]
fn a_zombie_is_refused_what_its_successor_has_loaded() {
    let (environment, kafka) = (TestEnvironment::new(), Kafka::start(&[("fhir", 1)]));
    let timing = "retry_wait = \"100ms\"\n\
                  properties = { \"session.timeout.ms\" = \"2000\", \"heartbeat.interval.ms\" = \"500\" }";
    environment.put("fhirmill.toml", kafka.feed("[\"fhir\"]", timing));
    let is_loaded_up_to = |offset: &str| offsets(&environment) == [["fhir", "0", offset]];
    let send = |id: &str| kafka.send_values("fhir", 0, &[patient(id, "x")]);

    // It has read two messages, and is about to open a file for them.
    let zombie = environment.start_as("zombie-", &mut environment.command(&["run"]));
    wait_until("the partition is assigned", || is_loaded_up_to("0"));
    let files = environment.hold("etl.feed_file");
    send("a");
    send("b");
    let waits = "select count(*) > 0 as waits from pg_stat_activity where datname = current_database() \
                 and wait_event_type = 'Lock' and query like 'insert into etl.feed_file %'";
    wait_until("a file is being opened", || environment.value(waits) == "true");
    kill(zombie.pid(), Signal::SIGSTOP).unwrap();
    drop(files);

    // Kafka gives the partition to another one, which loads these messages and one more.
    let successor = environment.start_as("successor-", &mut environment.command(&["run"]));
    wait_until("the successor has loaded them", || is_loaded_up_to("2"));
    send("c");
    wait_until("the successor has loaded another message", || is_loaded_up_to("3"));

    kill(zombie.pid(), Signal::SIGCONT).unwrap();
    let refusal = "another process has loaded messages of the same partition";
    wait_until("the zombie is refused", || zombie.stdout().contains(refusal));
    assert!(is_loaded_up_to("3"), "{:?}", offsets(&environment));

    // Whoever has the partition now.
    send("d");
    wait_until("the feed goes on", || is_loaded_up_to("4"));
    assert!(zombie.end(Signal::SIGTERM).success());
    send("e");
    wait_until("the successor has the partition alone", || is_loaded_up_to("5"));
    assert!(successor.end(Signal::SIGTERM).success());
    environment.run(&["once"]).expect_code(0);
    assert_eq!(resources(&environment, "north"), [("Patient".to_owned(), 5)]);
    let counts = counts(&environment);
    assert_eq!((counts[0].as_str(), counts[1].as_str()), ("5", "5"), "nothing is loaded twice");
    assert!(environment.inbox_is_empty(), "{:?}", environment.listing());
    environment.run(&["check", "--archive"]).expect_code(0);
}
