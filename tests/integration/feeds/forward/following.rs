//! What a sink has follows what the source sends: new versions, deletions, undo, erasure.

use pretty_assertions::assert_eq;
use serde_json::json;

use super::fhir_server::FhirServer;
use super::{benefit, claims, claims_sink, forward, load, patient, status};
use crate::support::TestEnvironment;

#[test]
fn a_sink_gets_what_was_loaded_in_the_order_of_types_and_follows_every_change() {
    let (environment, server) = claims();
    // Loaded before the sink is known, the ExplanationOfBenefits first.
    let benefits: Vec<[String; 2]> =
        (0..25).map(|number| benefit(&format!("e{number}"), &format!("p{number}"))).collect();
    let sent: Vec<String> = benefits.iter().map(|[sent, _]| sent.clone()).collect();
    load(&environment, "a.ndjson", &sent);
    let patients: Vec<String> = (0..25).map(|number| patient(&format!("p{number}"), "")).collect();
    load(
        &environment,
        "b.ndjson",
        &[&patients[..], &["{\"resourceType\":\"Coverage\",\"id\":\"7\"}".to_owned()]].concat(),
    );
    server.state().checks_references = true;
    let run = forward(&environment).expect_code(0);
    assert_eq!(run.stdout, "claims: 50 accepted, 0 deleted, 0 refused\n");
    assert_eq!((server.names().len(), server.count("Patient")), (50, 25));
    for (number, [_, wanted]) in benefits.iter().enumerate() {
        assert_eq!(server.body(&format!("Patient/p{number}")), patients[number]);
        assert_eq!(server.body(&format!("ExplanationOfBenefit/e{number}")), *wanted);
    }
    assert!(server.drain()[..25].iter().all(|line| line.starts_with("PUT Patient/")));
    // The same again, and the same in other files: nothing is sent.
    load(&environment, "a.ndjson", &sent);
    load(&environment, "c.ndjson", &[&sent[..], &patients[..3]].concat());
    forward(&environment).expect_code(0);
    assert_eq!(server.drain(), Vec::<String>::new());
    let told = status(&environment);
    assert_eq!((&told["state"], &told["outstanding_batches"]), (&json!("idle"), &json!(0)));
    assert_eq!((&told["accepted_total"], &told["requests_total"]), (&json!(50), &json!(6)));
    changes(&environment, &server);
    undo(&environment, &server);
    let acknowledged = "select count(*) from etl.sink_batch where acknowledged_at is null";
    assert_eq!(environment.value(acknowledged), "0");
    environment.run(&["check", "--archive"]).expect_code(0);
}

/// A new version, a deletion, one of a resource that was never sent.
fn changes(environment: &TestEnvironment, server: &FhirServer) {
    load(environment, "d.ndjson", &[patient("p1", ",\"active\":true")]);
    let delete = |url: &str| format!("{{\"request\":{{\"method\":\"DELETE\",\"url\":\"{url}\"}}}}");
    let deletes = [
        delete("Patient/p2"),
        delete("ExplanationOfBenefit/e2"),
        delete("Coverage/7"),
        delete("Patient/none"),
    ];
    load(
        environment,
        "e.json",
        &[format!(
            "{{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{}]}}",
            deletes.join(",")
        )],
    );
    forward(environment).expect_code(0);
    // What refers to others is deleted before them.
    assert_eq!(server.drain(), ["PUT Patient/p1", "DELETE ExplanationOfBenefit/e2", "DELETE Patient/p2"]);
    assert_eq!(server.body("Patient/p1"), patient("p1", ",\"active\":true"));
    assert_eq!(server.names().len(), 48);
}

/// Undo takes a version back, a deletion, and a resource that only the file brought; redo brings
/// all of it again.
fn undo(environment: &TestEnvironment, server: &FhirServer) {
    load(environment, "f.ndjson", &[patient("p1", ",\"active\":false"), patient("new", "")]);
    forward(environment).expect_code(0);
    assert_eq!(server.drain(), ["PUT Patient/p1", "PUT Patient/new"]);
    let file =
        |path: &str| environment.value(&format!("select id from etl.load_file where path = 'payer/{path}'"));
    environment.run(&["undo", "--file", &file("f.ndjson")]).expect_code(0);
    environment.run(&["undo", "--file", &file("e.json")]).expect_code(0);
    forward(environment).expect_code(0);
    assert_eq!(
        server.drain(),
        ["PUT Patient/p2", "PUT Patient/p1", "PUT ExplanationOfBenefit/e2", "DELETE Patient/new"]
    );
    assert_eq!(server.body("Patient/p1"), patient("p1", ",\"active\":true"));
    environment.run(&["undo", "--file", &file("f.ndjson"), "--redo"]).expect_code(0);
    forward(environment).expect_code(0);
    assert_eq!(server.drain(), ["PUT Patient/p1", "PUT Patient/new"]);
    // Taken back and brought again before anything was sent.
    environment.run(&["undo", "--file", &file("f.ndjson")]).expect_code(0);
    environment.run(&["undo", "--file", &file("f.ndjson"), "--redo"]).expect_code(0);
    forward(environment).expect_code(0);
    assert_eq!(server.drain(), Vec::<String>::new());
}

#[test]
fn a_person_who_is_erased_is_erased_on_the_server_too() {
    let (environment, server) = claims();
    // One of another patient mentions the person.
    let other = benefit("e2", "p2")[1].replacen(
        "\"total\"",
        "\"payee\":{\"party\":{\"reference\":\"Patient/p1\"}},\"total\"",
        1,
    );
    let [own, _] = benefit("e1", "p1");
    load(&environment, "a.ndjson", &[patient("p1", ""), patient("p2", ""), own, other]);
    forward(&environment).expect_code(0);
    server.drain();
    let erase = ["erase", "Patient/p1", "--source", "payer", "--yes", "--shared", "keep"];
    environment.run(&erase).expect_code(0);
    assert_eq!(status(&environment)["outstanding_deletes"], 2);
    server.state().checks_references = true;
    forward(&environment).expect_code(0);
    let wanted = ["PUT ExplanationOfBenefit/e2", "DELETE ExplanationOfBenefit/e1", "DELETE Patient/p1"];
    assert_eq!(server.drain(), wanted);
    assert!(!server.body("ExplanationOfBenefit/e2").contains("p1"));
    let left = "select string_agg(fhir_id, ',' order by fhir_id) from etl.sink_resource";
    assert_eq!(environment.value(left), "e2,p2");
}

#[test]
fn what_is_named_within_its_bundle_only_is_named_for_the_server() {
    let (environment, server) = claims();
    let uuid = "0d5c1c9e-6c6a-4f3a-9a5b-0a4e6f6f1a11";
    let entry = |url: &str, resource: &str| format!("{{\"fullUrl\":\"{url}\",\"resource\":{resource}}}");
    let benefit = format!(
        "{{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"e1\",\"patient\":{{\"reference\":\"urn:uuid:{uuid}\"}},\
         \"insurance\":[{{\"coverage\":{{\"reference\":\"urn:uuid:{}\"}}}}]}}",
        uuid.replace("11", "22")
    );
    let entries = [
        entry(&format!("urn:uuid:{uuid}"), "{\"resourceType\":\"Patient\",\"gender\":\"male\"}"),
        entry(
            &format!("urn:uuid:{}", uuid.replace("11", "22")),
            "{\"resourceType\":\"Coverage\",\"id\":\"c1\"}",
        ),
        entry("urn:uuid:7d5c1c9e-6c6a-4f3a-9a5b-0a4e6f6f1a33", &benefit),
    ];
    let bundle =
        format!("{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{}]}}", entries.join(","));
    load(&environment, "bundle.json", &[bundle]);
    server.state().checks_references = true;
    forward(&environment).expect_code(0);
    let id = environment.value("select fhir_id from patient");
    assert_eq!(
        server.body(&format!("Patient/{id}")),
        format!("{{\"id\":\"{id}\",\"resourceType\":\"Patient\",\"gender\":\"male\"}}")
    );
    assert_eq!(
        server.body("ExplanationOfBenefit/e1"),
        format!(
            "{{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"e1\",\"patient\":{{\"reference\":\"Patient/{id}\"}}}}"
        )
    );
}

#[test]
fn a_server_is_that_of_one_source_for_good() {
    let (environment, server) = claims();
    load(&environment, "a.ndjson", &[patient("p1", "")]);
    forward(&environment).expect_code(0);
    let own = claims_sink("claims", &server.base());
    let refused = |settings: &str, said: &str| {
        environment.put("fhirmill.toml", settings);
        for arguments in [&["forward", "once"][..], &["run"]] {
            let run = environment.run(arguments);
            assert!(run.code > 0 && run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
        }
    };
    // In one file, and by comparison with the ledger.
    refused(
        &format!("{own}{}", claims_sink("other", &format!("{}/", server.base())).replace("payer", "lab")),
        "ids of two senders",
    );
    refused(&own.replace("payer", "lab"), "the settings name source lab");
    refused(&own.replace("/fhir\"", "/other\""), "the settings name another URL");
    refused(&own.replace("\"claims\"", "\"renamed\""), "has the URL of sink claims");
    // More types, and others left out: what is there is sent anew.
    server.drain();
    load(
        &environment,
        "b.ndjson",
        &["{\"resourceType\":\"Claim\",\"id\":\"c1\",\"patient\":{\"reference\":\"Patient/p1\"}}".to_owned()],
    );
    environment.put("fhirmill.toml", own.replace("\"Patient\", ", "\"Patient\", \"Claim\", "));
    forward(&environment).expect_code(0);
    assert_eq!(server.drain(), ["PUT Claim/c1"]);
    environment.put("fhirmill.toml", own.replace("\"Coverage\"", "\"Coverage\", \"Organization\""));
    forward(&environment).expect_code(0);
    assert_eq!(server.drain(), ["PUT Patient/p1"]);
    // Forgotten, it begins anew.
    environment.run(&["forward", "forget", "claims"]).expect_code(0);
    environment.put("fhirmill.toml", own.replace("\"claims\"", "\"renamed\""));
    forward(&environment).expect_code(0);
    assert_eq!(server.drain(), ["PUT Patient/p1"]);
}
