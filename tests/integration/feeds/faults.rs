//! What servers do to clients: nothing is lost, nothing doubled, and no second export is
//! asked for.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::bulk_server::{BulkServer, Data, observations, patients};
use super::faulty_server::{Fault, FaultyServer, Reply};
use super::{export, resources};
use crate::support::TestEnvironment;

/// An environment and a server for the cases of one test.
struct Cases {
    environment: TestEnvironment,
    server: BulkServer,
    number: usize,
}

impl Cases {
    fn new() -> Self {
        Cases { environment: TestEnvironment::new(), server: BulkServer::start(Data::default()), number: 0 }
    }

    /// Makes a case of it: 40 patients and 30 observations, of a source of their own.
    fn begin(&mut self) {
        self.number += 1;
        let prefix = format!("c{}-", self.number);
        let files = vec![
            ("output", "Patient", patients(&prefix, 0..40)),
            ("output", "Observation", observations(&prefix, 0..30)),
        ];
        self.server.reset(Data { files, ..Data::default() });
    }

    fn fault(&self, matches: &str, times: usize, reply: Reply) {
        self.server.http.fault(matches, times, Fault::Reply(reply));
    }

    fn source(&self) -> String {
        format!("case-{}", self.number)
    }

    /// Exports, and requires that all of it is there, once, by one export.
    #[track_caller]
    fn all_is_there(&self, more: &[&str]) -> Value {
        let report =
            export(&self.environment, &self.server.base(), &self.source(), more).expect_code(0).json();
        self.server.http.expect_no_faults_left();
        let wanted = [("Observation".to_owned(), 30), ("Patient".to_owned(), 40)];
        assert_eq!(resources(&self.environment, &self.source()), wanted);
        assert_eq!(self.server.data().exports, 1);
        report
    }
}

#[test]
fn errors_of_the_server_are_waited_out() {
    let mut cases = Cases::new();
    cases.begin();
    for path in ["GET /fhir/$export", "GET /status", "GET /files"] {
        for status in [500, 502, 503, 504, 429, 408] {
            cases.fault(path, 1, Reply::status(status).body("<html>"));
        }
    }
    for path in ["GET /fhir/$export", "GET /status", "GET /files"] {
        cases.server.http.fault(path, 2, Fault::Close);
    }
    cases.all_is_there(&[]);
    cases.begin();
    // Told to wait: by a number, by a time, in the middle of it.
    cases.fault("GET /fhir/$export", 1, Reply::status(429).header("Retry-After", "0"));
    cases.fault(
        "GET /status",
        3,
        Reply::status(202).header("Retry-After", "0").header("X-Progress", "1 of 3"),
    );
    cases.fault("GET /status", 1, Reply::status(503).header("Retry-After", "Sun, 29 Nov 2020 10:00:00 GMT"));
    cases.fault("GET /files", 1, Reply::status(429).header("Retry-After", "1"));
    cases.server.data().polls = 4;
    cases.all_is_there(&[]);
}

#[test]
fn what_breaks_off_goes_on_where_it_was_or_begins_anew() {
    let mut cases = Cases::new();
    cases.begin();
    cases.server.http.fault("GET /files/0/0", 1, Fault::Cut(500));
    cases.server.http.fault("GET /files/0/0", 1, Fault::Cut(300));
    cases.all_is_there(&[]);
    let ranges: Vec<Option<String>> = cases
        .server
        .http
        .requests("GET /files/0/0")
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges, [None, Some("bytes=500-".to_owned()), Some("bytes=800-".to_owned())]);
    // A server that ignores Range, one that answers another range, one that refuses it.
    cases.begin();
    cases.server.data().has_ranges = false;
    cases.server.http.fault("GET /files/0/0", 2, Fault::Cut(500));
    cases.all_is_there(&[]);
    cases.begin();
    cases.server.http.fault("GET /files/0/0", 1, Fault::Cut(500));
    let wrong = Reply::status(206).header("Content-Range", "bytes 0-9/100").body("0123456789");
    cases.fault("GET /files/0/0", 1, wrong);
    cases.server.http.fault("GET /files/0/1", 1, Fault::Cut(100));
    cases.fault("GET /files/0/1", 1, Reply::status(416));
    cases.all_is_there(&["--downloads", "1"]);
    // gzip cannot be continued.
    cases.begin();
    cases.server.data().has_gzip = true;
    cases.server.http.fault("GET /files/0/0", 1, Fault::Cut(50));
    cases.all_is_there(&[]);
    let path = format!("select count(*) from etl.load_file where path like '{}/%.ndjson.gz'", cases.source());
    assert_eq!(cases.environment.value(&path), "2");
}

#[test]
fn links_that_expire_are_asked_for_again() {
    let mut cases = Cases::new();
    for status in [403, 404, 410] {
        cases.begin();
        cases.server.data().generation = 1;
        // The first manifest has the links of before.
        let old = json!({"transactionTime": "2026-01-01T00:00:00.5Z", "requiresAccessToken": false, "output": [
            {"type": "Patient", "url": "/files/0/0", "count": 40},
            {"type": "Observation", "url": "/files/0/1", "count": 30}]});
        cases.fault("GET /status", 1, Reply::json(&old));
        cases.fault("GET /files/0/", 1, Reply::status(status));
        cases.all_is_there(&["--downloads", "1"]);
    }
    // Links that are always expired are not asked for for ever, and the export stays open.
    cases.begin();
    cases.server.http.fault("GET /files", 1000, Fault::Reply(Reply::status(403)));
    let run = export(&cases.environment, &cases.server.base(), &cases.source(), &[]).expect_code(1);
    assert!(run.stderr.contains("links that have expired"), "{}", run.stderr);
    cases.server.http.forget();
    cases.all_is_there(&[]);
}

#[test]
fn a_storage_host_gets_no_token_by_redirect_and_files_only_if_they_need_it() {
    let mut cases = Cases::new();
    cases.begin();
    cases.environment.put("token", "s3cret\n");
    let contents: Vec<Vec<u8>> =
        cases.server.data().files.iter().map(|(.., content)| content.clone()).collect();
    let storage = FaultyServer::start(Box::new(move |request| {
        let number = if request.path.contains("/0/1") { 1 } else { 0 };
        Reply::status(200).body(contents[number].clone())
    }));
    let path = |number: usize| format!("/files/0/{number}?sig=x");
    for number in 0..2 {
        let there = Reply::status(307).header("Location", &storage.url(&path(number)));
        cases.fault(&format!("GET /files/0/{number}"), 1, there);
    }
    cases.server.data().authorization = Some("Bearer s3cret".to_owned());
    cases.server.data().requires_access_token = Some(true);
    cases.all_is_there(&["--token-file", "token"]);
    let asked = storage.requests("GET");
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| request.header("authorization").is_none()));
    let with_token = |requests: Vec<super::faulty_server::Request>| {
        requests.iter().filter(|request| request.header("authorization") == Some("Bearer s3cret")).count()
    };
    assert_eq!(with_token(cases.server.http.requests("GET /files")), 2);
    // The manifest says that no token is needed: none is sent, wherever the files are.
    cases.begin();
    cases.server.data().requires_access_token = Some(false);
    cases.all_is_there(&["--token-file", "token"]);
    assert_eq!(with_token(cases.server.http.requests("GET /files")), 0);
    assert_eq!(with_token(cases.server.http.requests("GET /status")), 1);
    assert!(
        !cases.environment.value("select string_agg(j::text, '') from etl.export_job j").contains("s3cret")
    );
}

#[test]
fn what_is_in_the_files_is_loaded_and_compared_with_what_was_announced() {
    let mut cases = Cases::new();
    // Counts: wrong, missing; a file that is empty; one that has no type.
    cases.begin();
    cases.server.data().files.push(("output", "Claim", Vec::new()));
    cases.server.data().count =
        Box::new(|lines| if lines == 30 { Some(31) } else { (lines == 0).then_some(0) });
    let report = cases.all_is_there(&[]);
    assert_eq!(
        report["count_differences"],
        json!([{"number": 2, "resource_type": "Observation", "announced": 31, "seen": 30}])
    );
    let listed = "select e.status, announced_count, seen_count from etl.export_file e join etl.export_job j \
                  on j.id = e.job_id where j.source = 'case-1' order by e.number";
    assert_eq!(
        cases.environment.query(listed),
        [["loaded", "NULL", "40"], ["loaded", "31", "30"], ["empty", "0", "0"]]
    );
    // In pages, as STU 4 has it, by POST only.
    cases.begin();
    cases.server.data().page = 1;
    let outcome = "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"exception\"}]}\n";
    cases.server.data().files.push(("outcome", "OperationOutcome", outcome.repeat(2).into_bytes()));
    cases.fault("GET /fhir/$export", 1, Reply::status(405));
    let report = cases.all_is_there(&[]);
    assert_eq!((&report["outcomes"], &report["files"]), (&json!(2), &json!(3)));
    let kept = cases.environment.listing().into_iter().filter(|path| path.starts_with("rejects/case-2/"));
    assert_eq!(kept.collect::<Vec<_>>(), ["rejects/case-2/outcomes-export-2-00003.ndjson"]);
    // Deletes, as STU 3 has them, of what an earlier export brought.
    let source = cases.source();
    cases.begin();
    let bundle = "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{\"method\":\"DELETE\",\
                  \"url\":\"Patient/c2-7\"}},{\"request\":{\"method\":\"DELETE\",\"url\":\"Observation/c2-o7\"}}]}\n";
    cases.server.data().files = vec![("deleted", "Bundle", bundle.as_bytes().to_vec())];
    cases.server.data().files.push(("error", "OperationOutcome", outcome.as_bytes().to_vec()));
    let report = export(&cases.environment, &cases.server.base(), &source, &[]).expect_code(0).json();
    assert_eq!((&report["outcomes"], &report["count_differences"]), (&json!(1), &json!([])));
    let wanted = [("Observation".to_owned(), 29), ("Patient".to_owned(), 39)];
    assert_eq!(resources(&cases.environment, &source), wanted);
    // Two deletes in one Bundle: servers announce either.
    for (number, (announced, is_different)) in [(2, false), (3, true)].into_iter().enumerate() {
        cases.begin();
        let bundle = bundle.replace("c2-7", &format!("c2-{}", 8 + number));
        cases.server.data().files = vec![("deleted", "Bundle", bundle.into_bytes())];
        cases.server.data().count = Box::new(move |_| Some(announced));
        let report = export(&cases.environment, &cases.server.base(), &source, &[]).expect_code(0).json();
        let difference = json!({"number": 1, "resource_type": "Bundle", "announced": announced, "seen": 2});
        let wanted = if is_different { json!([difference]) } else { json!([]) };
        assert_eq!(report["count_differences"], wanted);
    }
}

/// A block of an organized file: a header, a patient, an observation of the patient.
fn block(prefix: &str, number: usize) -> Vec<u8> {
    let header = format!(
        "{{\"resourceType\":\"Parameters\",\"parameter\":[{{\"name\":\"header\",\
         \"valueReference\":{{\"reference\":\"Patient/{prefix}{number}\"}}}}]}}\n"
    );
    let range = number..number + 1;
    [header.into_bytes(), patients(prefix, range.clone()), observations(prefix, range)].concat()
}

#[test]
fn counts_of_files_that_are_organized_by_patient_are_compared_without_their_headers() {
    let mut cases = Cases::new();
    for (count, is_different) in [(6, false), (9, false), (7, true)] {
        for has_gzip in [false, true] {
            cases.begin();
            let prefix = format!("g{}-", cases.number);
            let file = |numbers: std::ops::Range<usize>| numbers.flat_map(|number| block(&prefix, number));
            let mut data = cases.server.data();
            data.files = vec![("output", "", file(0..3).collect()), ("output", "", file(3..6).collect())];
            (data.organized_by, data.has_gzip) = (Some("Patient"), has_gzip);
            data.count = Box::new(move |lines| (lines == 9).then_some(count));
            drop(data);
            let report =
                export(&cases.environment, &cases.server.base(), &cases.source(), &[]).expect_code(0).json();
            let difference = |number: usize| json!({"number": number, "resource_type": null, "announced": count, "seen": 6});
            let wanted = if is_different { json!([difference(1), difference(2)]) } else { json!([]) };
            assert_eq!(report["count_differences"], wanted, "{count} {has_gzip}");
            // Headers are no resources, and no rows.
            let found = resources(&cases.environment, &cases.source());
            assert_eq!(found, [("Observation".to_owned(), 6), ("Patient".to_owned(), 6)]);
        }
    }
    assert_eq!(cases.environment.value("select count(*) from other_resource"), "0");
    let accounts = "select distinct seen, inserted, skipped, rejected from etl.load_file";
    assert_eq!(cases.environment.query(accounts), [["9", "6", "3", "0"]]);
    let headers = "select distinct header_count, seen_count from etl.export_file";
    assert_eq!(cases.environment.query(headers), [["3", "9"]]);
}

#[test]
fn lines_that_are_no_data_do_not_stop_the_others() {
    let mut cases = Cases::new();
    cases.begin();
    let outcome = "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"exception\",\
                   \"diagnostics\":\"Miller\"}]}\n";
    let mut lines = patients("c1-", 0..20);
    lines.extend_from_slice(outcome.as_bytes());
    lines.extend_from_slice(&patients("c1-", 20..40));
    cases.server.data().files[0].2 = lines;
    cases.server.data().count = Box::new(|lines| Some(lines.min(40)));
    let source = cases.source();
    let report = export(&cases.environment, &cases.server.base(), &source, &[]).expect_code(0).json();
    let found = resources(&cases.environment, &source);
    assert!(found.contains(&("Patient".to_owned(), 40)), "{found:?}");
    // One record more than announced: told.
    assert_eq!(report["count_differences"][0]["seen"], 41);
}

#[test]
fn what_cannot_succeed_is_said_at_once() {
    let mut cases = Cases::new();
    let refused = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-supported",
        "diagnostics": "_typeFilter is not supported"}]});
    let failed = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception",
        "diagnostics": "Mr Miller broke it"}]});
    for (path, reply, said) in [
        (
            "GET /fhir",
            Reply { status: 400, ..Reply::json(&refused) },
            "not-supported _typeFilter is not supported",
        ),
        ("GET /fhir", Reply::status(404), "there is no such export"),
        ("GET /fhir", Reply::status(202), "does not say where its status is"),
        (
            "GET /status",
            Reply::status(200).body("<html>"),
            "the manifest cannot be understood: it is not JSON",
        ),
        ("GET /status", Reply::status(200).body("{}"), "is not a manifest"),
        ("GET /status", Reply::status(404), "is not there any more"),
        ("GET /status", Reply { status: 500, ..Reply::json(&failed) }, "status 500: exception"),
        (
            "GET /files",
            Reply::status(200).header("Content-Encoding", "br"),
            "encoding that was not asked for",
        ),
    ] {
        cases.begin();
        cases.fault(path, 1000, reply);
        let run = export(&cases.environment, &cases.server.base(), &cases.source(), &["--retries", "1"]);
        assert!(run.expect_code(1).stderr.contains(said), "{said}");
        // The next run does not go on with it.
        cases.server.http.forget();
        cases.server.data().exports = 0;
        cases.all_is_there(&[]);
    }
    assert_eq!(
        cases.environment.value("select count(*) from etl.export_job where last_error like '%Miller%'"),
        "0"
    );
}
