//! A process that dies at any step is followed by one that loses and doubles nothing.

use fhirmill_postgres::failpoint::{KafkaStep, Step};
use pretty_assertions::assert_eq;

use super::{Kafka, counts, offsets, patient};
use crate::feeds::resources;
use crate::support::TestEnvironment;

#[test]
fn a_death_at_any_step_loses_and_doubles_nothing() {
    let (environment, kafka) = (TestEnvironment::new(), Kafka::start(&[("fhir", 1)]));
    // Two batches, the second with a reject.
    environment.put("fhirmill.toml", kafka.feed("[\"fhir\"]", "batch_messages = 3"));
    let steps = KafkaStep::ALL.iter().map(|step| step.name());
    let general = [Step::Committed];
    let mut sent = 0;
    for name in steps.chain(general.iter().map(|step| step.name())) {
        let before = counts(&environment);
        let mut values: Vec<String> =
            (0..5).map(|number| patient(&format!("{name}-{number}"), "x")).collect();
        values[4] = "not json".to_owned();
        kafka.send_values("fhir", 0, &values);
        sent += 5;
        let mut mortal = environment.command(&["feeds", "run", "events"]);
        let run = environment.run_command(mortal.env("FAILPOINTS", format!("{name}=return")));
        assert_eq!(run.code, -1, "{name} is not passed: {}", run.stderr);
        let code = environment.run(&["feeds", "run", "events"]).code;
        assert!(code == 0 || code == 3, "{name}: {code}");
        assert_eq!(offsets(&environment), [["fhir", "0", &sent.to_string()]], "{name}");
        let after = counts(&environment);
        let grown =
            |column: usize| after[column].parse::<i64>().unwrap() - before[column].parse::<i64>().unwrap();
        // Of what was seen, inserted, updated, unchanged, stale, deleted, rejected, skipped.
        let grown: Vec<i64> = (0..8).map(grown).collect();
        assert_eq!(grown, [5, 4, 0, 0, 0, 0, 1, 0], "{name}");
        let rejects = format!(
            "select count(*) from etl.rejected_record where location = 'topic fhir, partition 0, offset {}'",
            sent - 1
        );
        assert_eq!(environment.value(&rejects), "1", "{name}");
    }
    let patients = i64::from(sent / 5 * 4);
    assert_eq!(resources(&environment, "north"), [("Patient".to_owned(), patients)]);
    assert_eq!(environment.value("select count(*) from etl.load_file where status = 'loading'"), "0");
    assert!(environment.inbox_is_empty(), "{:?}", environment.listing());
    environment.run(&["check", "--archive"]).expect_code(0);
}
