//! What operators see of feeds: the state, failures with advice, totals, the next run.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::bulk_server::{BulkServer, Data, patients};
use super::faulty_server::{Fault, Reply};
use crate::support::{TestEnvironment, execute};

fn listed(environment: &TestEnvironment) -> Value {
    environment.run(&["feeds", "list", "--json"]).expect_code(0).json()[0].clone()
}

#[test]
fn failures_totals_and_the_lag_are_listed_and_kept() {
    let files = vec![("output", "Patient", patients("a", 0..5)), ("output", "Claim", Vec::new())];
    let (environment, server) =
        (TestEnvironment::new(), BulkServer::start(Data { files, ..Data::default() }));
    environment.put(
        "fhirmill.toml",
        format!(
            "[[feed]]\nname = \"nightly\"\nkind = \"export\"\nsource = \"north\"\nurl = \"{}\"\n\
             retry_wait = \"12ms\"\nretries = 3\n",
            server.base()
        ),
    );
    // Two calls fail and are made again; then all is loaded.
    server.http.fault("GET /status", 2, Fault::Reply(Reply::status(503)));
    environment.run(&["feeds", "run", "nightly"]).expect_code(0);
    let first = listed(&environment);
    let bytes = patients("a", 0..5).len();
    for (member, value) in [("files", 2), ("records", 5), ("retries", 2), ("bytes", bytes)] {
        assert_eq!(first[member], value, "{member} of {first}");
    }
    assert_eq!((&first["last_failure"], &first["last_failure_at"]), (&Value::Null, &Value::Null));
    assert!(first["seconds_since_success"].as_f64().unwrap() >= 0.0);
    // The token is refused: the reason, and what helps.
    server.data().authorization = Some("Bearer x".to_owned());
    environment.run(&["feeds", "run", "nightly"]).expect_code(1);
    let failed = listed(&environment);
    let reason = "the server does not accept the access token (status 401)";
    assert_eq!((&failed["last_error"], &failed["last_failure"]), (&reason.into(), &reason.into()));
    assert!(failed["last_advice"].as_str().unwrap().contains("`fhirmill feeds test nightly`"), "{failed}");
    assert!(failed["last_failure_at"].is_string(), "{failed}");
    let status = environment.run(&["status"]).stdout;
    assert!(status.contains(reason) && status.contains("The token or key is not accepted"), "{status}");
    // It is well again: the failure is history, the totals have grown.
    server.data().authorization = None;
    environment.run(&["feeds", "run", "nightly"]).expect_code(0);
    let again = listed(&environment);
    assert_eq!((&again["last_error"], &again["last_failure"]), (&Value::Null, &reason.into()));
    assert_eq!((&again["files"], &again["records"], &again["retries"]), (&4.into(), &10.into(), &2.into()));
    // What a feed that runs continuously notes.
    execute(environment.database_url(), "update etl.feed set lag_records = 7, lag_seconds = 90.4");
    let status = environment.run(&["status"]).stdout;
    assert!(status.contains("behind by 7 records, 90 seconds"), "{status}");
}
