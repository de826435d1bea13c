//! Real FHIR servers: sekmet-fhir of PyPI, and HAPI (`make hapi`).

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{benefit, claims_sink, forward, load, patient, status};
use crate::feeds::faulty_server::{Fault, FaultyServer, Reply, forward_to};
use crate::feeds::forward::fhir_server::FhirServer;
use crate::feeds::hapi::Hapi;
use crate::support::{TestEnvironment, port_of_its_own, wait_until};

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program of sekmet-fhir, which is installed once, into target/feed-servers; none without
/// a package index, unless REQUIRE_SEKMET is set.
fn sekmet() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/feed-servers");
    let installed = Command::new(root.join("scripts/feed-servers-venv")).arg(&folder).output().unwrap();
    let said = String::from_utf8_lossy(&installed.stderr).into_owned();
    assert!(installed.status.success() || std::env::var_os("REQUIRE_SEKMET").is_none(), "{said}");
    installed.status.success().then(|| folder.join("bin/sekmet"))
}

fn get(url: &str) -> Option<Value> {
    let output = Command::new("curl").args(["--silent", "--fail", url]).output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

#[test]
fn sekmet_takes_bundles_in_spite_of_faults() {
    let Some(program) = sekmet() else {
        eprintln!("left out: sekmet-fhir cannot be installed");
        return;
    };
    let environment = TestEnvironment::new();
    let port = port_of_its_own();
    let proxy = FaultyServer::start(forward_to(port));
    let settings = json!({
        "base_url": proxy.url("/fhir"), "host": "127.0.0.1", "port": port, "data_dir": environment.path("sekmet"),
        "validation": {"inbound": "off"}, "simulator": {"enabled": false}, "server_auth": {"types": ["none"]}});
    let file = environment.put("sekmet.yaml", settings.to_string());
    let mut command = Command::new(program);
    command.args(["serve", "--config"]).arg(file).current_dir(environment.path(""));
    let _server = Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    environment.put("fhirmill.toml", claims_sink("claims", &proxy.url("/fhir")));
    let [sent, wanted] = benefit("e1", "p1");
    let patients: Vec<String> = (0..25).map(|number| patient(&format!("p{number}"), "")).collect();
    load(&environment, "a.ndjson", &[&[sent], &patients[..]].concat());
    let metadata = format!("http://127.0.0.1:{port}/fhir/metadata");
    wait_until("sekmet is up", || get(&metadata).is_some());
    proxy.fault("POST /fhir", 1, Fault::Reply(Reply::status(503)));
    proxy.fault("POST /fhir", 1, Fault::Close);
    proxy.fault("POST /fhir", 1, Fault::Cut(30));
    forward(&environment).expect_code(0);
    proxy.expect_no_faults_left();
    let total =
        |path: &str| get(&proxy.url(&format!("/fhir/{path}_summary=count"))).unwrap()["total"].clone();
    assert_eq!(total("Patient?"), 25);
    let mut stored = get(&proxy.url("/fhir/ExplanationOfBenefit/e1")).unwrap();
    stored.as_object_mut().unwrap().remove("meta");
    assert_eq!(stored, serde_json::from_str::<Value>(&wanted).unwrap());
    let delete = "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/p9\"}}]}";
    load(&environment, "b.json", &[delete.to_owned()]);
    forward(&environment).expect_code(0);
    assert_eq!(total("Patient?"), 24);
}

/// The Patients and ExplanationOfBenefits of one part, with different ids.
fn part(number: usize, patients: usize) -> (Vec<String>, Vec<String>) {
    let id = |n: usize| format!("part{number}-{n}");
    let people = (0..patients)
        .map(|n| {
            patient(
                &id(n),
                &format!(
                    ",\"identifier\":[{{\"system\":\"urn:mbi\",\"value\":\"{number}{n}\"}}],\"name\":[{{\"family\":\"F{n}\",\
                     \"given\":[\"G{n}\",\"H\"]}}],\"gender\":\"female\",\"address\":[{{\"line\":[\"{n} Main St\"],\"city\":\"X\",\
                     \"state\":\"MA\",\"postalCode\":\"02101\"}}]"
                ),
            )
        })
        .collect();
    let item = |n: usize| {
        format!(
            "{{\"sequence\":{n},\"productOrService\":{{\"coding\":[{{\"system\":\"http://www.ama-assn.org/go/cpt\",\"code\":\"9921{n}\"}}]}},\
             \"adjudication\":[{{\"category\":{{\"coding\":[{{\"system\":\"http://terminology.hl7.org/CodeSystem/adjudication\",\"code\":\"submitted\"}}]}},\
             \"amount\":{{\"value\":{n}10.50,\"currency\":\"USD\"}}}}]}}"
        )
    };
    let items: Vec<String> = (1..6).map(item).collect();
    let benefits = (0..3 * patients)
        .map(|n| {
            let [sent, _] = benefit(&format!("part{number}-e{n}"), &id(n % patients));
            let more = format!(
                "\"type\":{{\"coding\":[{{\"system\":\"http://terminology.hl7.org/CodeSystem/claim-type\",\"code\":\"professional\"}}]}},\
                 \"use\":\"claim\",\"created\":\"2026-01-01\",\"outcome\":\"complete\",\"insurer\":{{\"display\":\"Payer\"}},\
                 \"provider\":{{\"display\":\"Clinic\"}},\"item\":[{}],",
                items.join(",")
            );
            sent.replacen("\"status\"", &format!("{more}\"status\""), 1)
        })
        .collect();
    (people, benefits)
}

#[track_caller]
fn load_part(environment: &TestEnvironment, number: usize, patients: usize) {
    let (people, benefits) = part(number, patients);
    // ExplanationOfBenefits come first, in a file of their own.
    load(environment, &format!("{number}-a.ndjson"), &benefits);
    load(environment, &format!("{number}-b.ndjson"), &people);
}

/// A client that sends Bundles, so many at once, over connections that stay open.
fn send_plainly(base: &str, bundles: &[Vec<u8>], parallel: usize) {
    let rest = base.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let left = Mutex::new(bundles.iter());
    thread::scope(|scope| {
        for _ in 0..parallel {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(host).unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let next = left.lock().unwrap().next();
                    let Some(bundle) = next else { return };
                    let head = format!(
                        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/fhir+json\r\n\
                         Accept: application/fhir+json\r\nPrefer: return=minimal\r\nContent-Length: {}\r\n\r\n",
                        bundle.len()
                    );
                    stream.write_all(head.as_bytes()).unwrap();
                    stream.write_all(bundle).unwrap();
                    assert_eq!(read_answer(&mut reader), 200);
                }
            });
        }
    });
}

fn read_line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// Reads an answer, and returns its status.
fn read_answer(reader: &mut impl BufRead) -> u16 {
    let status = read_line(reader).split(' ').nth(1).unwrap().parse().unwrap();
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let header = read_line(reader).to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        is_chunked |= header.starts_with("transfer-encoding: chunked");
    }
    loop {
        let size = if is_chunked { usize::from_str_radix(&read_line(reader), 16).unwrap() } else { length };
        reader.read_exact(&mut vec![0; size + 2 * usize::from(is_chunked)]).unwrap();
        if !is_chunked || size == 0 {
            return status;
        }
    }
}

/// How many patients a part has; each has three ExplanationOfBenefits.
fn patients_of_a_part() -> usize {
    std::env::var("FORWARD_PATIENTS").map_or(300, |number| number.parse().unwrap())
}

#[test]
#[ignore = "needs a JDK and HAPI's modules: make hapi"]
fn hapi_gets_all_of_it_through_kills_and_nearly_as_fast_as_from_a_plain_client() {
    let (environment, recording) = (TestEnvironment::new(), TestEnvironment::new());
    let (hapi, recorder) = (Hapi::start_strict(&environment), FhirServer::start());
    let larger = |name: &str, url: &str| {
        let sink =
            claims_sink(name, url).replace("timeout = \"20s\"", "timeout = \"5m\"").replace("5ms", "500ms");
        sink.replace("batch_size = 10\nparallel = 2", "batch_size = 100\nparallel = 4")
    };
    environment.put("fhirmill.toml", larger("hapi", &hapi.base));
    recording.put("fhirmill.toml", larger("recorder", &recorder.base()));
    let patients = patients_of_a_part();
    let resources = 4 * patients as i64;
    // To warm it up, with kills in between.
    load_part(&environment, 0, patients);
    for step in ["forward-taken", "forward-answered=1*off", "forward-noted=2*off", "forward-sent"] {
        let failpoint = if step.contains('=') { format!("{step}->return") } else { format!("{step}=return") };
        let mut mortal = super::forward_command(&environment);
        assert_eq!(environment.run_command(mortal.env("FAILPOINTS", failpoint)).code, -1, "{step}");
    }
    forward(&environment).expect_code(0);
    let counts = |parts: i64| {
        assert_eq!(hapi.count("Patient"), parts * patients as i64);
        assert_eq!(hapi.count("ExplanationOfBenefit"), parts * 3 * patients as i64);
        assert_eq!(hapi.count("Coverage"), 0);
    };
    counts(1);
    let mut rates = [Vec::new(), Vec::new()];
    // In turn, because a server becomes faster, or slower the more it has.
    for (number, is_plain) in [(1, false), (2, true), (3, true), (4, false)] {
        let seconds = if is_plain {
            load_part(&recording, number, patients);
            recorder.http.forget();
            forward(&recording).expect_code(0);
            let bundles: Vec<Vec<u8>> =
                recorder.http.requests("POST").into_iter().map(|request| request.body).collect();
            let since = Instant::now();
            // Patients first, as they were sent.
            let (first, second): (Vec<_>, Vec<_>) = bundles
                .into_iter()
                .partition(|body| memchr::memmem::find(body, b"\"PUT\",\"url\":\"Patient/").is_some());
            send_plainly(&hapi.base, &first, 4);
            send_plainly(&hapi.base, &second, 4);
            since.elapsed().as_secs_f64()
        } else {
            load_part(&environment, number, patients);
            let since = Instant::now();
            forward(&environment).expect_code(0);
            since.elapsed().as_secs_f64()
        };
        println!("part {number}: {} {seconds:.1} s", if is_plain { "plain client" } else { "fhirmill" });
        rates[usize::from(is_plain)].push(resources as f64 / seconds);
        counts(number as i64 + 1);
    }
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    let (mill, plain) = (mean(&rates[0]), mean(&rates[1]));
    println!("{mill:.0} resources a second, a plain client {plain:.0}: {:.2}", mill / plain);
    // References are checked: one that leads nowhere waits for its patient.
    load(&environment, "early.ndjson", &[benefit("early", "late")[0].clone(), patient("other", "")]);
    forward(&environment).expect_code(3);
    let refusal = "select status, code, server_code, awaits from etl.sink_refusal where resolved_at is null";
    assert_eq!(environment.query(refusal), [["400", "processing", "HAPI-1094", "[\"Patient/late\"]"]]);
    load(&environment, "late.ndjson", &[patient("late", "")]);
    forward(&environment).expect_code(0);
    let delete = "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/late\"}},\
                  {\"request\":{\"method\":\"DELETE\",\"url\":\"ExplanationOfBenefit/early\"}}]}";
    load(&environment, "delete.json", &[delete.to_owned()]);
    forward(&environment).expect_code(0);
    assert_eq!(hapi.count("Patient"), 5 * patients as i64 + 1);
    let stored: Value = serde_json::from_slice(&hapi.call("/ExplanationOfBenefit/part1-e0", &[])).unwrap();
    assert_eq!((&stored["insurance"], &stored["contained"]), (&Value::Null, &Value::Null));
    assert_eq!(status(&environment)["outstanding_batches"], 0);
    assert!(mill / plain >= 0.8, "{:.2}", mill / plain);
}
