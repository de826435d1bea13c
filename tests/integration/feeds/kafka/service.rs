//! Kafka feeds within `fhirmill run`: all the time, in a group, over kills and breaks.

use nix::sys::signal::Signal;
use pretty_assertions::assert_eq;

use super::{Kafka, counts, offsets, patient};
use crate::feeds::resources;
use crate::support::{TestEnvironment, wait_until};

#[test]
fn a_service_reads_all_the_time_and_its_successor_goes_on() {
    let (environment, kafka) = (TestEnvironment::new(), Kafka::start(&[("fhir", 2)]));
    environment.put(
        "fhirmill.toml",
        kafka
            .feed("[\"fhir\"]", "retry_wait = \"100ms\"\nproperties = { \"session.timeout.ms\" = \"6000\" }"),
    );
    kafka.send_values("fhir", 0, &[patient("a", "x")]);
    let service = environment.start(&mut environment.command(&["run"]));
    let patients = |count: i64| {
        move |environment: &TestEnvironment| {
            resources(environment, "north") == [("Patient".to_owned(), count)]
        }
    };
    wait_until("the first message is loaded", || patients(1)(&environment));
    kafka.send_values("fhir", 1, &[patient("b", "x")]);
    wait_until("the second message is loaded", || patients(2)(&environment));
    let refused = environment.run(&["feeds", "run", "events"]).expect_code(2);
    assert!(refused.stderr.contains("feed events is running"), "{}", refused.stderr);
    kafka.send_values("fhir", 0, &[patient("c", "x")]);
    wait_until("the third message is loaded", || patients(3)(&environment));
    // A successor.
    assert!(service.end(Signal::SIGTERM).success());
    kafka.send_values("fhir", 1, &[patient("d", "x")]);
    let mut service = environment.start(&mut environment.command(&["run"]));
    wait_until("the fourth message is loaded", || patients(4)(&environment));
    environment.run(&["feeds", "pause", "events"]).expect_code(0);
    wait_until("the feed rests", || !environment.run(&["feeds", "list"]).stdout.contains("running"));
    assert!(service.is_running());
    assert!(service.end(Signal::SIGTERM).success());
    assert_eq!(offsets(&environment), [["fhir", "0", "2"], ["fhir", "1", "2"]]);
    environment.run(&["once"]).expect_code(0);
    let counts = counts(&environment);
    assert_eq!((counts[0].as_str(), counts[1].as_str()), ("4", "4"));
    assert!(environment.inbox_is_empty(), "{:?}", environment.listing());
}
