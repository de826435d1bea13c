//! A process that dies at any step of an export is followed by one that goes on with it.

use fhirmill_postgres::failpoint::FeedStep;
use pretty_assertions::assert_eq;

use super::bulk_server::{BulkServer, Data, observations, patients};
use super::{export_command, resources};
use crate::support::TestEnvironment;

#[test]
fn a_death_at_any_step_loses_and_doubles_nothing_and_starts_no_second_export() {
    let (environment, server) = (TestEnvironment::new(), BulkServer::start(Data::default()));
    let outcome = b"{\"resourceType\":\"OperationOutcome\",\"issue\":[]}\n".to_vec();
    for (number, step) in FeedStep::ALL.iter().enumerate() {
        let (prefix, source) = (format!("k{number}-"), format!("killed-{number}"));
        let files = vec![
            ("output", "Patient", patients(&prefix, 0..9)),
            ("output", "Observation", observations(&prefix, 0..7)),
            ("error", "OperationOutcome", outcome.clone()),
        ];
        server.reset(Data { files, polls: 1, ..Data::default() });
        // At the first passing, and at a later one of steps that are passed for each file.
        let mut is_done = false;
        for passings in [0, 1] {
            let action = if passings == 0 { "return".to_owned() } else { format!("{passings}*off->return") };
            let mut mortal = export_command(&environment, &server.base(), &source, &["--downloads", "1"]);
            let run = environment.run_command(mortal.env("FAILPOINTS", format!("{}={action}", step.name())));
            assert!(passings > 0 || run.code == -1, "{step:?} is not passed: {}", run.stderr);
            is_done = run.code == 0;
            if is_done {
                break;
            }
        }
        if !is_done {
            let mut whole = export_command(&environment, &server.base(), &source, &["--downloads", "1"]);
            environment.run_command(&mut whole).expect_code(0);
        }
        let wanted = [("Observation".to_owned(), 7), ("Patient".to_owned(), 9)];
        assert_eq!(resources(&environment, &source), wanted, "{step:?}");
        // Whoever dies after the end has brought it to its end: the next one is another.
        let after_the_end = matches!(step, FeedStep::Finished | FeedStep::Deleted);
        let exports = server.data().exports;
        assert!(exports == 1 || (after_the_end && exports == 2), "{step:?}: {exports} exports");
        assert_eq!(server.data().deleted.len(), exports, "{step:?}");
        let loads = format!(
            "select count(*) from etl.load_file f join etl.source s on s.id = f.source_id \
             where s.code = '{source}' and f.status = 'loaded'"
        );
        assert_eq!(environment.value(&loads), "2", "{step:?}");
        let kept =
            environment.listing().into_iter().filter(|path| path.starts_with(&format!("rejects/{source}/")));
        assert!(kept.count() >= 1, "{step:?}");
    }
    assert!(environment.inbox_is_empty(), "{:?}", environment.listing());
    environment.run(&["check", "--archive"]).expect_code(0);
}

#[test]
fn a_long_file_goes_on_where_it_was_after_a_death() {
    let (environment, server) = (TestEnvironment::new(), BulkServer::start(Data::default()));
    // A checkpoint is every 32 MiB: an extension makes lines long.
    let mut lines = Vec::new();
    for number in 0..70 {
        let long = "x".repeat(1 << 20);
        lines.extend(
            format!("{{\"resourceType\":\"Patient\",\"id\":\"{number}\",\"extension\":[{{\"url\":\"x\",\"valueString\":\"{long}\"}}]}}\n")
                .into_bytes(),
        );
    }
    server.reset(Data { files: vec![("output", "Patient", lines)], ..Data::default() });
    let mut mortal = export_command(&environment, &server.base(), "long", &[]);
    let run = environment.run_command(mortal.env("FAILPOINTS", "feed-checkpoint=1*off->return"));
    assert_eq!(run.code, -1, "{}", run.stderr);
    let size: usize = environment.value("select size_bytes from etl.export_file").parse().unwrap();
    assert!(size >= 32 << 20, "{size}");
    environment.run_command(&mut export_command(&environment, &server.base(), "long", &[])).expect_code(0);
    let requests = server.http.requests("GET /files");
    assert_eq!(requests[1].header("range"), Some(format!("bytes={size}-").as_str()));
    assert_eq!(requests[1].header("if-range"), Some("\"0\""));
    assert_eq!(resources(&environment, "long"), [("Patient".to_owned(), 70)]);
    assert_eq!(server.data().exports, 1);
}
