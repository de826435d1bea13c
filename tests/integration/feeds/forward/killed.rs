//! A process that dies at any step of forwarding is followed by one that goes on with it.

use fhirmill_postgres::failpoint::ForwardStep;
use pretty_assertions::assert_eq;

use super::{benefit, claims, forward_command, load, patient};

#[test]
fn a_death_at_any_step_loses_nothing_and_no_older_version_comes_after_a_newer_one() {
    let (environment, server) = claims();
    let version = |step: usize, round: usize| format!(",\"multipleBirthInteger\":{}", step * 10 + round);
    let delete = |id: &str| {
        format!(
            "{{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{{\"request\":{{\"method\":\"DELETE\",\
             \"url\":\"Patient/{id}\"}}}}]}}"
        )
    };
    for (number, step) in ForwardStep::ALL.iter().enumerate() {
        // New ones, another version of one, a deletion.
        let mut lines: Vec<String> = (0..12).map(|n| patient(&format!("p{number}-{n}"), "")).collect();
        lines.push(patient("same", &version(number, 0)));
        lines.extend((0..3).map(|n| benefit(&format!("e{number}-{n}"), "same")[0].clone()));
        load(&environment, &format!("{number}.ndjson"), &lines);
        if number > 0 {
            load(&environment, &format!("{number}-delete.json"), &[delete(&format!("p{}-1", number - 1))]);
        }
        let action = if *step == ForwardStep::Answered { "1*off->return" } else { "return" };
        let mut mortal = forward_command(&environment);
        let run = environment.run_command(mortal.env("FAILPOINTS", format!("{}={action}", step.name())));
        let has_deletes = number > 0;
        assert!(
            run.code == -1 || (*step == ForwardStep::DeletesTaken && !has_deletes),
            "{step:?}: {}",
            run.stderr
        );
        // What it has sent has arrived, and meanwhile there is another version.
        server.settle();
        load(&environment, &format!("{number}-later.ndjson"), &[patient("same", &version(number, 1))]);
        let mut next = forward_command(&environment);
        environment.run_command(next.env("FAILPOINTS", "forward-grace=return(50)")).expect_code(0);
        assert_eq!(server.body("Patient/same"), patient("same", &version(number, 1)), "{step:?}");
        assert_eq!(server.count("Patient"), 12 * (number + 1) + 1 - number, "{step:?}");
        assert_eq!(server.count("ExplanationOfBenefit"), 3 * (number + 1), "{step:?}");
    }
    let history = std::mem::take(&mut server.state().history);
    let versions: Vec<u64> = history
        .iter()
        .filter(|(line, _)| line == "PUT Patient/same")
        .map(|(_, body)| {
            let body: serde_json::Value = serde_json::from_str(body.as_ref().unwrap()).unwrap();
            body["multipleBirthInteger"].as_u64().unwrap()
        })
        .collect();
    assert!(versions.is_sorted(), "{versions:?}");
    assert_eq!(
        environment.value("select count(*) from etl.sink_resource where sending_hash is not null"),
        "0"
    );
}
