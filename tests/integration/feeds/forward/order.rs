//! Several processes send to one sink: one at a time, and versions in their order.

use std::collections::BTreeMap;

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{claims, forward_command, load, patient, status};

#[test]
fn several_processes_never_put_an_older_version_over_a_newer_one() {
    let (environment, server) = claims();
    let version = |number: usize| format!(",\"multipleBirthInteger\":{number}");
    let mut mills: Vec<_> = (0..2)
        .map(|number| {
            environment.start_as(&format!("mill-{number}-"), &mut environment.command(&["forward", "run"]))
        })
        .collect();
    for round in 0..4 {
        let lines: Vec<String> = (0..15).map(|n| patient(&format!("p{n}"), &version(round))).collect();
        load(&environment, &format!("{round}.ndjson"), &lines);
        if round == 1 {
            // Nothing is in flight, so that the other one need not wait for it.
            crate::support::wait_until("all is sent", || status(&environment)["outstanding_batches"] == 0);
            drop(mills.remove(0));
        }
    }
    // Another one waits for its turn, or for what is left.
    environment.run_command(&mut forward_command(&environment)).expect_code(0);
    crate::support::wait_until("all is sent", || status(&environment)["outstanding_batches"] == 0);
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for (line, body) in &server.state().history {
        let body: Value = serde_json::from_str(body.as_ref().unwrap()).unwrap();
        let version = body["multipleBirthInteger"].as_u64().unwrap();
        let before = last.insert(line.clone(), version).unwrap_or(0);
        assert!(before <= version, "{line}: {version} after {before}");
    }
    assert_eq!(last.values().collect::<Vec<_>>(), vec![&3; 15]);
}
