//! `POST /api/batch`, and what jobs say of rejects.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{HttpService, patients};

const NDJSON: &str = "Content-Type: application/fhir+ndjson";

#[test]
fn a_batch_is_taken_once_per_key_and_its_rejects_are_named() {
    let service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let lines = b"{\"resourceType\":\"Patient\",\"id\":\"p1\"}\n{\"resourceType\":\"Patient\",\"id\":\"p2\",\"birthDate\":17}\n{broken\n";
    let send = |key: &str| {
        let key = format!("Idempotency-Key: {key}");
        let path = "/api/batch?filename=a.ndjson";
        service.call_with(
            &[path, "--header", &authorization, "--header", NDJSON, "--header", &key, "--data-binary", "@-"],
            lines,
        )
    };
    let answer = send("one").expect(202);
    let job = answer.header("content-location").unwrap();
    assert_eq!(send("one").expect(202).header("content-location").as_ref(), Some(&job));
    let account = service.finished(&authorization, &job);
    assert_eq!((account["seen"].as_i64(), account["rejected"].as_i64()), (Some(3), Some(2)), "{account}");
    let path = account["outcomes"].as_str().unwrap();
    let outcomes = service.call(&[path, "--header", &authorization]).expect(200);
    assert_eq!(outcomes.header("content-type").as_deref(), Some("application/fhir+ndjson"));
    let outcomes: Vec<Value> =
        outcomes.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(outcomes.len(), 2);
    for outcome in &outcomes {
        assert_eq!(outcome["resourceType"], "OperationOutcome");
    }
    let of_record = outcomes.iter().find(|outcome| outcome.to_string().contains("\"p2\"")).unwrap();
    assert!(of_record["issue"][0]["diagnostics"].as_str().unwrap().contains("line 2"), "{of_record}");
    assert_eq!(service.environment.value("select count(*) from etl.load_file"), "1");
    let other = send("two").expect(202).header("content-location").unwrap();
    assert_eq!(service.finished(&authorization, &other)["status"], "duplicate");
}

#[test]
fn what_a_batch_may_not_be_is_refused_and_leaves_nothing() {
    let service = HttpService::start_with(&[("MAX_POST_BYTES", "1MiB")]);
    let authorization = service.authorized("st-marys");
    let small = patients("a", 100);
    let call = |headers: &[&str], body: &[u8]| {
        let mut arguments = vec!["/api/batch", "--header", &authorization];
        headers.iter().for_each(|header| arguments.extend(["--header", header]));
        arguments.extend(["--data-binary", "@-"]);
        service.call_with(&arguments, body)
    };
    call(&[], &small).expect(415);
    call(&["Content-Type: text/html"], &small).expect(415);
    call(&[NDJSON, "Content-Encoding: gzip"], &small).expect(415);
    call(&[NDJSON], &vec![b' '; 2 << 20]).expect(413);
    call(&[NDJSON, "Transfer-Encoding: chunked"], &vec![b' '; 2 << 20]).expect(413);
    call(&[NDJSON, "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg=="], &small).expect(400);
    crate::support::wait_until("nothing is left", || service.spool().is_empty());
    assert_eq!(service.environment.value("select count(*) from etl.load_file"), "0");
    let chunked = call(&[NDJSON, "Transfer-Encoding: chunked"], &small).expect(202);
    let job = chunked.header("content-location").unwrap();
    assert_eq!(service.finished(&authorization, &job)["status"], "loaded");
}

#[test]
fn a_sender_whose_queue_is_full_is_told_to_wait() {
    let service = HttpService::start_with(&[("MAX_QUEUED_FILES", "2")]);
    let authorization = service.authorized("st-marys");
    // No run can begin.
    let _held = service.environment.hold("etl.load_run");
    let send = |authorization: &str, name: &str| {
        service.call_with(
            &["/api/batch", "--header", authorization, "--header", NDJSON, "--data-binary", "@-"],
            &patients(name, 100),
        )
    };
    send(&authorization, "a").expect(202);
    send(&authorization, "b").expect(202);
    let refused = send(&authorization, "c").expect(429);
    assert!(refused.header("retry-after").is_some());
    send(&service.authorized("county"), "c").expect(202);
}
