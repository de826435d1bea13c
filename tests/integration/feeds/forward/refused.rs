//! What a server refuses does not stop the rest, and is told without values.

use pretty_assertions::assert_eq;
use serde_json::json;

use super::{benefit, claims, expect_no_values, forward, load, patient, status};
use crate::feeds::faulty_server::{Fault, Reply};

#[test]
fn one_refused_resource_among_many_is_told_alone_and_sent_again_by_hand() {
    let (environment, server) = claims();
    let mut patients: Vec<String> = (0..30).map(|number| patient(&format!("p{number:02}"), "")).collect();
    patients[17] = patient("p17", ",\"gender\":\"Secretson\"");
    load(&environment, "a.ndjson", &patients);
    // By each status that may be meant for one resource, if the others were accepted.
    for (number, status) in [422, 400, 403, 409, 412, 413, 500].into_iter().enumerate() {
        server.state().refuses = Some("Secretson".to_owned());
        server.state().refuses_with = status;
        if number > 0 {
            let changed = format!(",\"gender\":\"Secretson\",\"active\":{}", number % 2 == 0);
            load(
                &environment,
                &format!("{number}.ndjson"),
                &[patient("p17", &changed), patient(&format!("n{number}"), "")],
            );
        }
        let run = forward(&environment).expect_code(3);
        assert_eq!(
            run.stdout,
            format!("claims: {} accepted, 0 deleted, 1 refused\n", if number == 0 { 29 } else { 1 })
        );
        assert!(!server.names().contains(&"Patient/p17".to_owned()));
        let refusals = "select fhir_id, method, position, status, code, server_code, expression, attempts from etl.sink_refusal \
                        where resolved_at is null";
        let position = if number == 0 { "18" } else { "1" };
        let (status, attempts) = (status.to_string(), (number + 1).to_string());
        assert_eq!(
            environment.query(refusals),
            [["p17", "PUT", position, &status, "invalid", "HAPI-0999", "Patient.gender", &attempts]]
        );
    }
    assert_eq!(server.names().len(), 29 + 6);
    // It is not sent again by itself.
    server.http.forget();
    forward(&environment).expect_code(3);
    assert_eq!(server.http.requests("POST").len(), 0);
    assert_eq!(status(&environment)["refused"], 1);
    expect_no_values(&environment);
    server.state().refuses = None;
    let retried = environment.run(&["forward", "retry"]).expect_code(0);
    assert_eq!(retried.stdout, "claims: 1 refused resources are sent again\n");
    forward(&environment).expect_code(0);
    assert!(server.names().contains(&"Patient/p17".to_owned()));
    assert_eq!(status(&environment)["refused"], 0);
    assert_eq!(environment.value("select count(*) from etl.sink_refusal where resolved_at is null"), "0");
}

#[test]
fn what_refers_to_resources_that_are_not_there_yet_is_sent_when_they_are() {
    let (environment, server) = claims();
    server.state().checks_references = true;
    let benefits: Vec<String> =
        (0..5).map(|number| benefit(&format!("e{number}"), &format!("p{number}"))[0].clone()).collect();
    load(&environment, "a.ndjson", &[&benefits[..], &[patient("p0", "")]].concat());
    forward(&environment).expect_code(3);
    assert_eq!(server.names(), ["ExplanationOfBenefit/e0", "Patient/p0"]);
    let told = status(&environment);
    assert_eq!((&told["refused"], &told["awaiting_references"]), (&json!(0), &json!(4)));
    load(&environment, "b.ndjson", &[patient("p1", ""), patient("p2", "")]);
    forward(&environment).expect_code(3);
    assert_eq!(server.count("ExplanationOfBenefit"), 3);
    load(&environment, "c.ndjson", &[patient("p3", ""), patient("p4", "")]);
    forward(&environment).expect_code(0);
    assert_eq!(server.count("ExplanationOfBenefit"), 5);
    assert_eq!(status(&environment)["awaiting_references"], 0);
    expect_no_values(&environment);
}

#[test]
fn a_server_that_is_away_or_busy_is_waited_for_and_nothing_is_lost() {
    let (environment, server) = claims();
    let patients: Vec<String> = (0..30).map(|number| patient(&format!("p{number}"), "")).collect();
    load(&environment, "a.ndjson", &patients);
    for status in [429, 503, 502, 504, 500, 408, 401, 403, 404] {
        server.http.fault("POST /fhir", 1, Fault::Reply(Reply::status(status).body("<html>Secretson")));
    }
    server.http.fault("POST /fhir", 1, Fault::Reply(Reply::status(429).header("Retry-After", "0")));
    server.http.fault("POST /fhir", 2, Fault::Close);
    // It was carried out, and the answer is lost; it is no answer; it is one to something else.
    server.http.fault("POST /fhir", 2, Fault::Cut(20));
    server.http.fault("POST /fhir", 1, Fault::Reply(Reply::status(200).body("Secretson")));
    let other = json!({"resourceType": "Bundle", "type": "searchset", "entry": []});
    server.http.fault("POST /fhir", 1, Fault::Reply(Reply::json(&other)));
    let sink = super::claims_sink("claims", &server.base());
    environment.put("fhirmill.toml", format!("{sink}retries = 30\n"));
    let run = forward(&environment).expect_code(0);
    assert_eq!(run.stdout, "claims: 30 accepted, 0 deleted, 0 refused\n");
    server.http.expect_no_faults_left();
    assert_eq!(server.names().len(), 30);
    let told = status(&environment);
    assert_eq!((&told["state"], &told["last_error"]), (&json!("idle"), &json!(null)));
    // A connection that was closed before anything was sent over it is no call that failed.
    assert!(told["retries_total"].as_i64().unwrap() >= 14, "{told}");
    expect_no_values(&environment);
    // Away for too long for a command, which says so; later all of it is sent.
    environment.put("fhirmill.toml", format!("{sink}retries = 2\n"));
    load(&environment, "b.ndjson", &[patient("late", "")]);
    server.http.fault("POST /fhir", 3, Fault::Reply(Reply::status(503)));
    let run = forward(&environment).expect_code(1);
    assert!(run.stderr.contains("sink claims: a Bundle was answered with status 503"), "{}", run.stderr);
    server.http.expect_no_faults_left();
    let told = status(&environment);
    assert_eq!((&told["state"], &told["outstanding_resources"]), (&json!("failing"), &json!(1)));
    forward(&environment).expect_code(0);
    assert_eq!(server.names().len(), 31);
}

#[test]
fn who_sends_proves_who_it_is() {
    let (environment, server) = claims();
    load(&environment, "a.ndjson", &[patient("p1", "")]);
    environment.put("secret", "s3cret\n");
    let secret = environment.path("secret");
    let sink = super::claims_sink("claims", &server.base());
    let mut sent = Vec::new();
    for (number, proof) in
        [format!("user = \"mill\"\npassword_file = {secret:?}\n"), format!("token_file = {secret:?}\n")]
            .iter()
            .enumerate()
    {
        environment.put("fhirmill.toml", format!("{sink}{proof}"));
        load(&environment, &format!("{number}.ndjson"), &[patient(&format!("q{number}"), "")]);
        server.http.forget();
        forward(&environment).expect_code(0);
        sent.push(server.http.requests("POST")[0].header("authorization").unwrap().to_owned());
    }
    // mill:s3cret
    assert_eq!(sent, ["Basic bWlsbDpzM2NyZXQ=", "Bearer s3cret"]);
}
