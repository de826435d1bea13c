//! `$bulk-submit`: senders submit manifests, and fhirmill fetches their files.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::bulk_server::{BulkServer, Data, observations, patients};
use super::faulty_server::{Fault, FaultyServer, Reply};
use super::resources;
use crate::server::{Answer, HttpService};
use crate::support::wait_until;

/// A request of a submission.
fn parameters(id: &str, more: &[Value]) -> String {
    let mut list = vec![
        json!({"name": "submitter", "valueIdentifier": {"system": "https://example.org", "value": "st-marys"}}),
        json!({"name": "submissionId", "valueString": id}),
    ];
    list.extend_from_slice(more);
    json!({"resourceType": "Parameters", "parameter": list}).to_string()
}

fn manifest(url: &str) -> Vec<Value> {
    vec![
        json!({"name": "manifestUrl", "valueUrl": url}),
        json!({"name": "fhirBaseUrl", "valueUrl": "https://ehr.example.org/r4"}),
    ]
}

fn status(code: &str) -> Value {
    json!({"name": "submissionStatus", "valueCoding": {"system": "http://hl7.org/fhir/event-status", "code": code}})
}

struct Submitter {
    service: HttpService,
    authorization: String,
}

impl Submitter {
    fn post(&self, operation: &str, body: &str) -> Answer {
        let json = "Content-Type: application/fhir+json";
        let path = format!("/fhir/{operation}");
        self.service.call(&[&path, "--header", &self.authorization, "--header", json, "--data-binary", body])
    }

    fn submit(&self, body: &str) -> Answer {
        self.post("$bulk-submit", body)
    }

    /// The path of the status of a submission.
    fn status_path(&self, id: &str) -> String {
        let answer = self.post("$bulk-submit-status", &parameters(id, &[])).expect(202);
        let url = answer.header("content-location").unwrap();
        url.split_once(&format!(":{}", self.service.port)).unwrap().1.to_owned()
    }

    fn get(&self, path: &str) -> Answer {
        self.service.call(&[path, "--header", &self.authorization])
    }

    /// Waits for the end of a submission; returns its status manifest.
    fn ended(&self, id: &str) -> Value {
        let path = self.status_path(id);
        wait_until("the submission is done", || self.get(&path).status == 200);
        self.get(&path).expect(200).json()
    }

    /// The OperationOutcomes of the manifest at that place of the status manifest.
    fn outcomes(&self, status: &Value, place: usize) -> Vec<Value> {
        let url = status["outcome"][place]["url"].as_str().unwrap();
        let path = url.split_once(&format!(":{}", self.service.port)).unwrap().1;
        let text = self.get(path).expect(200).text();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn start(hosts: &str) -> Submitter {
    let service = HttpService::start_with(&[("BULK_SUBMIT_HOSTS", hosts)]);
    let authorization = service.authorized("st-marys");
    Submitter { service, authorization }
}

#[test]
fn manifests_are_fetched_and_their_outcomes_told() {
    let bad = b"{\"resourceType\":\"Patient\",\"id\":\"bad\",\"birthDate\":\"2015-02-30\"}\n";
    let first = vec![("output", "Patient", [patients("a", 0..20), bad.to_vec()].concat())];
    let server = BulkServer::start(Data { files: first, ..Data::default() });
    let mut submitter = start(&format!("private:127.0.0.1:{}", server.http.port));
    let (one, two) = (server.http.url("/status/1"), server.http.url("/status/2"));
    let header = json!({"name": "fileRequestHeader", "part": [
        {"name": "headerName", "valueString": "X-Key"}, {"name": "headerValue", "valueString": "s3cret"}]});
    let in_progress = [&manifest(&one)[..], &[status("in-progress"), header]].concat();
    submitter.submit(&parameters("s1", &in_progress)).expect(200);
    // Saying it again changes nothing.
    submitter.submit(&parameters("s1", &in_progress)).expect(200);
    let path = submitter.status_path("s1");
    wait_until("the first manifest is loaded", || {
        submitter.get(&path).expect(202).json()["outcome"].as_array().unwrap().len() == 1
    });
    let keys = server.http.requests("GET");
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|request| request.header("x-key") == Some("s3cret")));
    let kept = submitter.service.environment.value("select encode(headers, 'escape') from etl.bulk_manifest");
    assert!(!kept.contains("s3cret"));
    server.data().files = vec![("output", "Observation", observations("a", 0..20))];
    server.data().count = Box::new(|lines| Some(lines + 1));
    submitter.submit(&parameters("s1", &[&manifest(&two)[..], &[status("completed")]].concat())).expect(200);
    let ended = submitter.ended("s1");
    assert_eq!((&ended["submissionId"], &ended["requiresAccessToken"]), (&json!("s1"), &json!(true)));
    assert_eq!(ended["outcome"][0]["manifestUrl"], one.as_str());
    assert_eq!(ended["outcome"][0]["countSeverity"][1], json!({"code": "error", "count": 1}));
    let outcomes = submitter.outcomes(&ended, 0);
    assert_eq!(
        outcomes[0]["issue"][0]["diagnostics"],
        "1 files are loaded: 21 records, of which 1 were rejected"
    );
    assert_eq!((outcomes.len(), &outcomes[1]["issue"][0]["expression"][0]), (2, &json!("Patient.birthDate")));
    assert_eq!(submitter.outcomes(&ended, 1)[1]["issue"][0]["severity"], "warning");
    let wanted = [("Observation".to_owned(), 20), ("Patient".to_owned(), 20)];
    assert_eq!(resources(&submitter.service.environment, "st-marys"), wanted);
    // It has ended: nothing more is taken, and the same end may be said again.
    submitter.submit(&parameters("s1", &[status("completed")])).expect(200);
    submitter.submit(&parameters("s1", &[status("stopped")])).expect(409);
    submitter.submit(&parameters("s1", &manifest(&server.http.url("/status/3")))).expect(409);
    // Another sender knows nothing of it.
    let other = submitter.service.authorized("other");
    let mine = std::mem::replace(&mut submitter.authorization, other);
    submitter.get(&path).expect(404);
    submitter.post("$bulk-submit-status", &parameters("s1", &[])).expect(404);
    submitter.authorization = mine;
    let narrow = submitter.service.sender("narrow", &["--scope", "status"]);
    submitter.authorization = submitter.service.authorization(&narrow);
    submitter.submit(&parameters("s9", &[status("in-progress")])).expect(403);
}

#[test]
fn a_kill_loses_nothing_and_a_stop_ends_it() {
    let files = vec![("output", "Patient", patients("k", 0..9))];
    let server = BulkServer::start(Data { files, ..Data::default() });
    let mut submitter = start(&format!("private:127.0.0.1:{}", server.http.port));
    // Held at the manifest until it is killed.
    let wait = Reply::status(202).header("Retry-After", "7200");
    server.http.fault("GET /status/1", 1, Fault::Reply(wait));
    let request = [&manifest(&server.http.url("/status/1"))[..], &[status("completed")]].concat();
    submitter.submit(&parameters("k", &request)).expect(200);
    let is_waiting = "select count(*) from etl.export_job where retry_at > now() + interval '1 hour'";
    wait_until("it waits", || submitter.service.environment.value(is_waiting) == "1");
    crate::support::execute(
        submitter.service.environment.database_url(),
        "update etl.export_job set retry_at = now()",
    );
    submitter.service.restart();
    let ended = submitter.ended("k");
    assert_eq!(ended["outcome"][0]["countSeverity"], json!([{"code": "information", "count": 1}]));
    assert_eq!(resources(&submitter.service.environment, "st-marys"), [("Patient".to_owned(), 9)]);
    let wait = Reply::status(202).header("Retry-After", "7200");
    server.http.fault("GET /status/2", 1, Fault::Reply(wait));
    submitter.submit(&parameters("stop", &manifest(&server.http.url("/status/2")))).expect(200);
    wait_until("it waits", || submitter.service.environment.value(is_waiting) == "1");
    let replacement = [
        &manifest(&server.http.url("/status/3"))[..],
        &[json!({"name": "replacesManifestUrl", "valueUrl": server.http.url("/status/2")})],
    ];
    server.http.fault("GET /status/3", 1, Fault::Reply(Reply::status(202).header("Retry-After", "7200")));
    submitter.submit(&parameters("stop", &replacement.concat())).expect(200);
    submitter.submit(&parameters("stop", &[status("stopped")])).expect(200);
    let ended = submitter.ended("stop");
    let said = |place: usize| submitter.outcomes(&ended, place)[0]["issue"][0]["diagnostics"].to_string();
    assert!(said(0).contains("another manifest replaces it"), "{}", said(0));
    assert!(said(1).contains("the sender has stopped the submission"), "{}", said(1));
}

#[test]
fn only_allowed_hosts_are_called() {
    let secret = FaultyServer::start(Box::new(|_| Reply::status(200).body("secret")));
    let files = vec![("output", "Patient", patients("a", 0..3))];
    let server = BulkServer::start(Data { files, ..Data::default() });
    let submitter = start(&format!("private:127.0.0.1:{}, localhost, files.example.org", server.http.port));
    let long = "x".repeat(2000);
    for (more, status) in [
        (manifest(&secret.url("/m")), 422),
        (manifest("https://localhost/m"), 200),
        (manifest("http://localhost/m"), 422),
        (manifest("http://169.254.169.254/latest/meta-data"), 422),
        (manifest("https://[::1]/m"), 422),
        (manifest("https://files.example.org@127.0.0.1/m"), 422),
        (manifest("https://files.example.org.evil.example/m"), 422),
        (manifest("file:///etc/passwd"), 422),
        (manifest("nonsense"), 400),
        (manifest(&server.http.url("/m"))[..1].to_vec(), 400),
        (vec![], 400),
        (vec![json!({"name": "submissionStatus", "valueCoding": {"code": "sleeping"}})], 400),
        (vec![json!({"name": "fileEncryptionKey", "part": []}), status("in-progress")], 422),
        (vec![json!({"name": "oauthMetadataUrl", "valueUrl": "https://x"}), status("in-progress")], 422),
        (
            vec![
                json!({"name": "outputFormat", "valueString": "application/parquet"}),
                status("in-progress"),
            ],
            422,
        ),
        (
            [
                &manifest(&server.http.url("/m"))[..],
                &[json!({"name": "fileRequestHeader", "part": [
            {"name": "headerName", "valueString": "Host"}, {"name": "headerValue", "valueString": "x"}]})],
            ]
            .concat(),
            400,
        ),
        (
            [
                &manifest(&server.http.url("/m"))[..],
                &[json!({"name": "fileRequestHeader", "part": [
            {"name": "headerName", "valueString": "X"}, {"name": "headerValue", "valueString": "a\r\nb"}]})],
            ]
            .concat(),
            400,
        ),
    ] {
        let answer = submitter.submit(&parameters("ssrf", &more)).expect(status);
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
    }
    submitter.submit(&parameters(&long, &[status("in-progress")])).expect(400);
    submitter.submit(&parameters("a\u{0}b", &[status("in-progress")])).expect(400);
    submitter.submit("{}").expect(400);
    // The manifest leads elsewhere: by a redirect, by its links, by the redirect of a file.
    let elsewhere = |path: &str| Reply::status(307).header("Location", &secret.url(path));
    server.http.fault("GET /status/1", 1, Fault::Reply(elsewhere("/manifest")));
    let link = json!({"transactionTime": "2026-01-01T00:00:00Z", "output": [{"type": "Patient", "url": secret.url("/file")}]});
    server.http.fault("GET /status/2", 1, Fault::Reply(Reply::json(&link)));
    server.http.fault("GET /files", 1, Fault::Reply(elsewhere("/file")));
    for number in 1..=3 {
        let id = format!("lead-{number}");
        let url = server.http.url(&format!("/status/{number}"));
        submitter
            .submit(&parameters(&id, &[&manifest(&url)[..], &[status("completed")]].concat()))
            .expect(200);
        let ended = submitter.ended(&id);
        assert_eq!(submitter.outcomes(&ended, 0)[0]["issue"][0]["severity"], "fatal", "{number}");
    }
    // A name that is allowed, and whose address is private.
    submitter.submit(&parameters("ssrf", &[status("completed")])).expect(200);
    let ended = submitter.ended("ssrf");
    let said = submitter.outcomes(&ended, 0)[0]["issue"][0]["diagnostics"].to_string();
    assert!(said.contains("no address that may be called"), "{said}");
    assert!(secret.requests("").is_empty());
}
