//! Snapshots within `fhirmill run`, by their schedule.

use pretty_assertions::assert_eq;

use super::{latest, load, names};
use crate::support::{TestEnvironment, wait_until};

#[test]
fn scheduled_snapshots_are_taken_and_failures_are_told() {
    let environment = TestEnvironment::new();
    load(&environment, &[("p1", "a")]);
    environment.put("blocked", "a file");
    environment.put(
        "fhirmill.toml",
        "[[snapshot]]\nname = \"often\"\nto = \"lake\"\nschedule = \"* * * * * *\"\ntables = [\"patient\"]\nkeep = 2\n\
         [[snapshot]]\nname = \"never\"\nto = \"blocked/lake\"\nschedule = \"* * * * * *\"\n\
         [[snapshot]]\nname = \"by-hand\"\nto = \"lake\"\ntables = [\"patient\"]\n",
    );
    let mut service = environment.start(&mut environment.command(&["run"]));
    let count =
        "select count(*) > 3 as are_there from etl.snapshot where name = 'often' and state = 'complete'";
    wait_until("snapshots were taken", || environment.value(count) == "true");
    let failed =
        "select count(*) > 0 as is_there from etl.snapshot where name = 'never' and state = 'failed'";
    wait_until("the other one has failed", || environment.value(failed) == "true");
    wait_until("the failure is in the log", || service.stdout().contains("snapshot never has failed"));
    let log = service.stdout();
    let warning = log.lines().find(|line| line.contains("snapshot never has failed")).unwrap();
    assert!(warning.contains("WARN") && warning.contains("blocked/lake"), "{warning}");
    assert!(service.is_running());
    assert!(service.end(nix::sys::signal::Signal::SIGTERM).success());
    assert!(names(&environment).len() <= 3 && names(&environment).contains(&latest(&environment)));
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    let of = |name: &str| {
        let all = status["snapshots"].as_array().unwrap();
        all.iter().find(|snapshot| snapshot["name"] == name).unwrap().clone()
    };
    assert!(of("never")["failed_runs"].as_i64().unwrap() > 0, "{status}");
    assert!(of("often")["last_success_at"].is_string(), "{status}");
    let by_hand = environment.run(&["snapshot", "run", "by-hand"]).expect_code(0);
    assert!(by_hand.stdout.contains("1 tables and views"), "{}", by_hand.stdout);
    assert_eq!(environment.value("select count(*) from etl.snapshot where name = 'by-hand'"), "1");
}
