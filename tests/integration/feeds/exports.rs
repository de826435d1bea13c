//! Exports by hand and by feeds: what is asked for, what becomes of it, where the next begins.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::bulk_server::{BulkServer, Data, observations, patients};
use super::{export, resources};
use crate::support::{TestEnvironment, violations};

fn schema(name: &str) -> Value {
    let path = format!("{}/docs/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn two_files() -> Data {
    let files = vec![
        ("output", "Observation", observations("a", 0..30)),
        ("output", "Patient", patients("a", 0..20)),
    ];
    Data { files, ..Data::default() }
}

#[test]
fn an_export_is_fetched_loaded_and_deleted_at_the_server() {
    let (environment, server) = (TestEnvironment::new(), BulkServer::start(Data { polls: 2, ..two_files() }));
    let run = export(&environment, &server.base(), "st-marys", &["--types", "Patient,Observation"]);
    let report = run.expect_code(0).json();
    assert!(
        violations(&schema("export"), &report).is_empty(),
        "{:?}",
        violations(&schema("export"), &report)
    );
    assert_eq!(report["records"], 50);
    assert_eq!(report["transaction_time"], "2026-01-01T00:00:00.5Z");
    assert_eq!(report["count_differences"], json!([]));
    let wanted = [("Observation".to_owned(), 30), ("Patient".to_owned(), 20)];
    assert_eq!(resources(&environment, "st-marys"), wanted);
    let asked = &server.kick_offs()[0];
    assert_eq!(asked.path, "/fhir/$export?_type=Patient%2CObservation");
    assert_eq!(asked.header("prefer"), Some("respond-async"));
    assert_eq!(asked.header("accept"), Some("application/fhir+json"));
    assert_eq!(asked.header("cache-control"), Some("no-cache"));
    assert_eq!(server.data().deleted, ["/status/1"]);
    assert_eq!(
        environment
            .query("select status, progress, url, deleted_at is not null as deleted from etl.export_job"),
        [["finished", "half of it", &format!("{}/$export", server.base()), "true"]]
    );
    // Nothing secret of the links is kept.
    assert_eq!(environment.value("select count(*) from etl.export_file where location like '%secret%'"), "0");
    let paths = environment.query("select archive_path from etl.load_file order by 1");
    assert!(paths.iter().any(|path| path[0].contains("Patient-export-1-00002.ndjson")), "{paths:?}");
    // Again: another export, and nothing new.
    export(&environment, &server.base(), "st-marys", &["--types", "Patient,Observation"]).expect_code(0);
    assert_eq!(resources(&environment, "st-marys"), wanted);
    assert_eq!((server.kick_offs().len(), server.data().deleted.len()), (2, 2));
    assert!(environment.inbox_is_empty(), "{:?}", environment.listing());
}

fn feed(server: &BulkServer, more: &str) -> String {
    format!(
        "[[feed]]\nname = \"nightly\"\nkind = \"export\"\nsource = \"north\"\nurl = \"{}\"\nretry_wait = \"12ms\"\n{more}",
        server.base()
    )
}

#[test]
fn a_feed_goes_on_at_the_transaction_time_of_what_is_loaded() {
    let (environment, server) = (TestEnvironment::new(), BulkServer::start(two_files()));
    environment.put("fhirmill.toml", feed(&server, ""));
    let run = |code: i32| environment.run(&["feeds", "run", "nightly", "--json"]).expect_code(code);
    let since = || -> Vec<Option<String>> {
        let query = |path: String| path.split_once("_since=").map(|(_, since)| since.to_owned());
        server.kick_offs().into_iter().map(|request| query(request.path)).collect()
    };
    assert_eq!(run(0).json()["since"], Value::Null);
    server.data().transaction_time = "2026-02-01T00:00:00+01:00".to_owned();
    assert_eq!(run(0).json()["since"], "2026-01-01T00:00:00.5Z");
    assert_eq!(since(), [None, Some("2026-01-01T00%3A00%3A00.5Z".to_owned())]);
    // A run that fails moves nothing.
    let files = std::mem::replace(&mut server.data().files, vec![("output", "Patient", patients("b", 0..2))]);
    server.data().authorization = Some("Bearer x".to_owned());
    let failed = run(1);
    assert!(failed.stderr.contains("does not accept the access token"), "{}", failed.stderr);
    let position = "select position from etl.feed where name = 'nightly'";
    assert_eq!(environment.value(position), "2026-02-01T00:00:00+01:00");
    let listed = environment.run(&["feeds", "list", "--json"]).expect_code(0).json();
    assert!(violations(&schema("feeds"), &listed).is_empty(), "{listed:#}");
    assert_eq!((&listed[0]["failed_runs"], &listed[0]["is_declared"]), (&json!(1), &json!(true)));
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert!(
        violations(&schema("status"), &status).is_empty(),
        "{:?}",
        violations(&schema("status"), &status)
    );
    assert_eq!(status["feeds"][0]["name"], "nightly");
    let text = environment.run(&["status"]).expect_code(0).stdout;
    assert!(text.contains("feed       nightly for north") && text.contains("1 runs failed"), "{text}");
    server.data().authorization = None;
    server.data().files = files;
    run(0);
    // What has never been asked for is not asked for since anything.
    environment.put("fhirmill.toml", feed(&server, "types = [\"Patient\"]\n"));
    assert_eq!(run(0).json()["since"], Value::Null);
    assert_eq!(run(0).json()["since"], "2026-02-01T00:00:00+01:00");
    let pause = environment.run(&["feeds", "pause", "nightly"]).expect_code(0);
    assert!(pause.stdout.contains("is paused"), "{}", pause.stdout);
    assert!(run(2).stderr.contains("feeds resume nightly"));
    environment.run(&["feeds", "resume", "nightly"]).expect_code(0);
    environment.run(&["feeds", "reset", "nightly"]).expect_code(0);
    assert_eq!(run(0).json()["since"], Value::Null);
    let tested = environment.run(&["feeds", "test", "nightly"]).expect_code(0).stdout;
    assert!(tested.contains("FHIR 4.0.1") && tested.contains("has the operation export"), "{tested}");
    let unknown = environment.run(&["feeds", "run", "nightyl"]).expect_code(2);
    assert!(unknown.stderr.contains("did you mean nightly?"), "{}", unknown.stderr);
}

#[test]
fn every_parameter_reaches_the_server_by_get_and_by_post() {
    let (environment, server) = (TestEnvironment::new(), BulkServer::start(Data::default()));
    let filters =
        ["--type-filter", "Observation?category=lab,vital&x=1", "--type-filter", "Claim?status=active"];
    let more = ["--elements", "id,Patient.name", "--since", "2026-01-01", "--organize-output-by", "Patient"];
    let sets = ["--include-associated-data", "LatestProvenanceResources"];
    let all = [&filters[..], &more[..], &sets[..]].concat();
    export(&environment, &server.base(), "x", &[&all[..], &["--group", "g 1"]].concat()).expect_code(0);
    export(
        &environment,
        &server.base(),
        "x",
        &[&all[..], &["--patient", "7", "--patient", "Patient/8", "--level", "patient"]].concat(),
    )
    .expect_code(0);
    let whole = format!("{}/Group/7/$export?_type=Claim", server.base());
    export(&environment, &whole, "x", &["--method", "post"]).expect_code(0);
    let asked = server.kick_offs();
    assert_eq!(
        asked[0].path,
        "/fhir/Group/g%201/$export?_elements=id%2CPatient.name&includeAssociatedData=LatestProvenanceResources\
         &organizeOutputBy=Patient&_typeFilter=Observation%3Fcategory%3Dlab%2Cvital%26x%3D1\
         &_typeFilter=Claim%3Fstatus%3Dactive&_since=2026-01-01T00%3A00%3A00Z"
    );
    assert_eq!((asked[1].method.as_str(), asked[1].path.as_str()), ("POST", "/fhir/Patient/$export"));
    assert_eq!(asked[1].header("content-type"), Some("application/fhir+json"));
    let text = |name: &str, value: &str| json!({"name": name, "valueString": value});
    let patient =
        |id: &str| json!({"name": "patient", "valueReference": {"reference": format!("Patient/{id}")}});
    let body: Value = serde_json::from_slice(&asked[1].body).unwrap();
    assert_eq!(
        body,
        json!({"resourceType": "Parameters", "parameter": [
            text("_elements", "id,Patient.name"),
            text("includeAssociatedData", "LatestProvenanceResources"),
            text("organizeOutputBy", "Patient"),
            text("_typeFilter", "Observation?category=lab,vital&x=1"),
            text("_typeFilter", "Claim?status=active"),
            {"name": "_since", "valueInstant": "2026-01-01T00:00:00Z"},
            patient("7"),
            patient("8"),
        ]})
    );
    assert_eq!((asked[2].method.as_str(), asked[2].path.as_str()), ("POST", "/fhir/Group/7/$export"));
    assert!(String::from_utf8_lossy(&asked[2].body).contains("\"Claim\""));
    for wrong in [&["--types", "Pateint"][..], &["--since", "tomorrow"], &["--retry-wait", "soon"]] {
        let run = environment.run(&[&["export", &server.base(), "--source", "x"][..], wrong].concat());
        assert_eq!(run.expect_code(2).stdout, "");
    }
    assert_eq!(server.kick_offs().len(), 3);
}
