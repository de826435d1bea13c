//! Metrics: their values, their names, and a Prometheus that reads them.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::HttpService;
use super::updates::send;
use crate::support::prometheus::{prometheus, promtool};
use crate::support::{Background, TestEnvironment, port_of_its_own, wait_until};

const NDJSON: &str = "Content-Type: application/fhir+ndjson";
/// Two patients, and one whose sex is no code of FHIR's.
const RECORDS: &str = "{\"resourceType\":\"Patient\",\"id\":\"secret-1\"}\n\
                       {\"resourceType\":\"Patient\",\"id\":\"secret-2\",\"birthDate\":\"2001-02-30\"}\n\
                       {\"resourceType\":\"Patient\",\"id\":\"secret-3\"}\n";

/// The page at that port.
pub fn page(port: u16) -> String {
    HttpService::curl(port, &["/metrics"], b"").expect(200).text()
}

/// The samples of a page, by name and labels as they are written there.
pub fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

fn seconds_now() -> f64 {
    chrono::Utc::now().timestamp_millis() as f64 / 1e3
}

/// Waits until the page has the sample with that value.
#[track_caller]
fn wait_for(port: u16, sample: &str, value: f64) {
    wait_until(&format!("{sample} is {value}"), || samples(&page(port)).get(sample) == Some(&value));
}

/// Starts Prometheus on the port that serves metrics, with the rules of the documents.
fn start_prometheus(environment: &TestEnvironment, port: u16) -> (Background, u16) {
    let own_port = port_of_its_own();
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/alerts.yml");
    let settings = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{rules}]\n\
         scrape_configs:\n  - job_name: fhirmill\n    static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    let file = environment.put("prometheus/prometheus.yml", settings);
    let folder = environment.path("prometheus");
    let mut command = Command::new(prometheus("prometheus"));
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{own_port}"));
    let output = environment.path("prometheus");
    command.current_dir(output);
    (environment.start_as("prometheus/", &mut command), own_port)
}

/// The values that Prometheus has for a query.
fn query(port: u16, query: &str) -> Vec<f64> {
    let arguments = ["/api/v1/query", "--get", "--data-urlencode", &format!("query={query}")];
    let answer = HttpService::curl(port, &arguments, b"");
    let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let results = answer["data"]["result"].as_array().cloned().unwrap_or_default();
    results.iter().map(|result| result["value"][1].as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn what_was_done_is_in_the_metrics_and_a_real_prometheus_reads_them() {
    let metrics_port = port_of_its_own();
    let address = format!("127.0.0.1:{metrics_port}");
    let mut service = HttpService::start_with(&[("METRICS_ADDRESS", &address)]);
    let authorization = service.authorized("st-marys");
    let sent = service
        .call_with(
            &["/api/batch", "--header", &authorization, "--header", NDJSON, "--data-binary", "@-"],
            RECORDS.as_bytes(),
        )
        .expect(202);
    service.finished(&authorization, &sent.header("content-location").unwrap());
    service.environment.put("inbox/county/broken.json", "<html>");
    wait_for(metrics_port, "fhirmill_files_total{outcome=\"rejected\",source=\"county\"}", 1.0);
    // What the ledger has may be ten seconds old.
    wait_for(metrics_port, "fhirmill_ledger_files{source=\"county\",status=\"rejected\"}", 1.0);
    service.call(&["/no/such/call"]).expect(404);
    service.call(&["/no/other/call"]).expect(404);
    HttpService::curl(metrics_port, &["/nothing"], b"").expect(404);
    assert_eq!(HttpService::curl(metrics_port, &["/live"], b"").expect(200).text(), "live\n");
    assert_eq!(HttpService::curl(metrics_port, &["/ready"], b"").expect(200).text(), "ready\n");

    let text = page(metrics_port);
    let found = samples(&text);
    for (sample, value) in [
        ("fhirmill_records_total{outcome=\"inserted\",source=\"st-marys\"}", 2.0),
        ("fhirmill_records_total{outcome=\"rejected\",source=\"st-marys\"}", 1.0),
        ("fhirmill_files_total{outcome=\"loaded\",source=\"st-marys\"}", 1.0),
        ("fhirmill_file_bytes_total{source=\"st-marys\"}", RECORDS.len() as f64),
        // A patient has one row.
        ("fhirmill_rows_total{source=\"st-marys\"}", 2.0),
        ("fhirmill_ledger_records{outcome=\"inserted\",source=\"st-marys\"}", 2.0),
        ("fhirmill_ledger_files{source=\"county\",status=\"rejected\"}", 1.0),
        ("fhirmill_ledger_unbalanced_files{source=\"st-marys\"}", 0.0),
        ("fhirmill_open_rejects{reason=\"invalid_value\",source=\"st-marys\"}", 1.0),
        ("fhirmill_uploads_total{outcome=\"completed\"}", 1.0),
        ("fhirmill_upload_parts_total", 1.0),
        ("fhirmill_upload_bytes_total", RECORDS.len() as f64),
        ("fhirmill_open_uploads", 0.0),
        ("fhirmill_pushed_queue_files", 0.0),
        ("fhirmill_http_requests_total{method=\"POST\",route=\"/api/batch\",status=\"202\"}", 1.0),
        ("fhirmill_http_request_bytes_total{method=\"POST\",route=\"/api/batch\"}", RECORDS.len() as f64),
        ("fhirmill_http_request_duration_seconds_count{method=\"POST\",route=\"/api/batch\"}", 1.0),
        ("fhirmill_http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"}", 2.0),
        ("fhirmill_database_up", 1.0),
        ("fhirmill_healthy", 1.0),
        ("fhirmill_failed_scans", 0.0),
        (concat!("fhirmill_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        assert_eq!(found.get(sample), Some(&value), "{sample} in {text}");
    }
    for stage in ["scan", "claim", "read", "map", "load", "record", "move", "resolve"] {
        let sample = format!("fhirmill_stage_seconds_total{{stage=\"{stage}\"}}");
        assert!(found[&sample] > 0.0, "{sample} in {text}");
    }
    for folder in ["inbox", "archive", "rejects", "logs"] {
        let free = found[&format!("fhirmill_disk_free_bytes{{folder=\"{folder}\"}}")];
        assert!(free > 0.0 && free <= found[&format!("fhirmill_disk_size_bytes{{folder=\"{folder}\"}}")]);
    }
    for recent in [
        "fhirmill_heartbeat_timestamp_seconds",
        "fhirmill_last_successful_scan_timestamp_seconds",
        "fhirmill_source_last_success_timestamp_seconds{source=\"st-marys\"}",
    ] {
        assert!((seconds_now() - found[recent]).abs() < 60.0, "{recent} in {text}");
    }
    assert!(found["process_resident_memory_bytes"] > 1e6 && found["process_cpu_seconds_total"] > 0.0);
    assert!(!text.contains("secret") && !text.contains("2001"), "{text}");
    check_names(&text);

    let (_prometheus, prometheus_port) = start_prometheus(&service.environment, metrics_port);
    wait_until("Prometheus has read the metrics", || {
        query(prometheus_port, "fhirmill_records_total{outcome=\"inserted\",source=\"st-marys\"}") == [2.0]
            && query(prometheus_port, "up{job=\"fhirmill\"}") == [1.0]
    });
    wait_until("Prometheus has tried the rules", || rules_are_well(prometheus_port));
    assert_eq!(
        query(prometheus_port, "count(ALERTS{alertstate=\"firing\",severity=\"critical\"})"),
        [0.0_f64; 0]
    );

    service.restart();
    wait_for(metrics_port, "fhirmill_ledger_records{outcome=\"inserted\",source=\"st-marys\"}", 2.0);
    let after = samples(&page(metrics_port));
    assert_eq!(after.get("fhirmill_records_total{outcome=\"inserted\",source=\"st-marys\"}"), None);
    let last_success = "fhirmill_source_last_success_timestamp_seconds{source=\"st-marys\"}";
    assert_eq!(after[last_success], found[last_success]);

    // Updates are counted where files are.
    let patient = "{\"resourceType\":\"Patient\",\"id\":\"updated\"}";
    send(service.port, &authorization, ("PUT", "/fhir/Patient/updated"), patient, &[]).expect(201);
    wait_for(metrics_port, "fhirmill_rows_total{source=\"st-marys\"}", 1.0);
}

/// Names follow the conventions, and the alerts use those that there are.
fn check_names(text: &str) {
    let checked = promtool(&["check", "metrics"], text);
    let said =
        format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success() && said.is_empty(), "{said}");
    let alerts = include_str!("../../../docs/alerts.yml");
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let used =
        alerts.split(|character: char| !is_part(character)).filter(|word| word.starts_with("fhirmill_"));
    for name in used {
        let needs_tls = name == "fhirmill_certificate_expiry_timestamp_seconds";
        // None before a source has delivered several times.
        let needs_time = name == "fhirmill_source_interval_seconds";
        let needs_feed = name.starts_with("fhirmill_feed_");
        let needs_snapshots = name == "fhirmill_snapshot_failed_runs";
        let needs_sinks = name.starts_with("fhirmill_sink_");
        let needs = needs_tls || needs_time || needs_feed || needs_snapshots || needs_sinks;
        assert!(needs || text.contains(&format!("# TYPE {name} ")), "{name} in {text}");
    }
}

/// Whether Prometheus has evaluated all rules, and none failed.
fn rules_are_well(port: u16) -> bool {
    let answer = HttpService::curl(port, &["/api/v1/rules"], b"");
    let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let rules = answer["data"]["groups"][0]["rules"].as_array().cloned().unwrap_or_default();
    rules.len() > 10 && rules.iter().all(|rule| rule["health"] == "ok")
}

#[test]
fn the_rules_for_alerts_fire_when_they_should_and_not_before() {
    for arguments in [["check", "rules", "docs/alerts.yml"], ["test", "rules", "docs/alerts.test.yml"]] {
        let checked = promtool(&arguments, "");
        let said = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{said}");
    }
    // Every alert is made to fire once at least.
    let tests = include_str!("../../../docs/alerts.test.yml");
    for line in include_str!("../../../docs/alerts.yml").lines() {
        let Some(name) = line.trim().strip_prefix("- alert: ") else { continue };
        assert!(tests.contains(&format!("- alertname: {name}\n")), "no test makes {name} fire");
    }
}

/// Without HTTP_ADDRESS; the database goes away, and later the archive.
#[test]
fn metrics_and_probes_are_served_alone_and_tell_what_is_wrong() {
    let environment = TestEnvironment::with_own_migrated_server();
    let port = port_of_its_own();
    let mut command = environment.command(&["run"]);
    command.env("METRICS_ADDRESS", format!("127.0.0.1:{port}")).env("SCHEDULE", "* * * * * *");
    environment.put(
        "fhirmill.toml",
        "[[source]]\nname = \"st-marys\"\ninterval = \"1d\"\n\n[[source]]\nname = \"other\"\n",
    );
    environment.put("inbox/st-marys/a.ndjson", RECORDS);
    let _service = environment.start(&mut command);
    let ready = || HttpService::curl(port, &["/ready"], b"");
    wait_until("the service is ready", || ready().status == 200);
    wait_for(port, "fhirmill_source_interval_seconds{source=\"st-marys\"}", 86_400.0);
    wait_for(port, "fhirmill_runs_total{outcome=\"finished\"}", 1.0);
    assert!(!environment.path("secrets").exists(), "nothing is pushed, so there are no secrets");
    assert!(!environment.path("inbox/.fhirmill-uploads").exists());

    environment.crash_server();
    wait_until("the database is missed", || ready().status == 503);
    wait_for(port, "fhirmill_database_up", 0.0);
    assert_eq!(
        samples(&page(port))["fhirmill_source_interval_seconds{source=\"st-marys\"}"],
        86_400.0,
        "as it was last seen"
    );
    assert_eq!(HttpService::curl(port, &["/live"], b"").status, 200);
    environment.start_server();
    wait_until("the database is back", || ready().status == 200);

    fs::rename(environment.path("archive"), environment.path("away")).unwrap();
    fs::write(environment.path("archive"), "no folder").unwrap();
    environment.put("inbox/st-marys/b.ndjson", "{\"resourceType\":\"Patient\",\"id\":\"secret-4\"}\n");
    wait_until("the run that cannot move the file has failed", || ready().status == 503);
    assert!(ready().text().contains("scan"), "{}", ready().text());
    // What is asked of the ledger and the inbox is some seconds old.
    wait_for(port, "fhirmill_waiting_files{source=\"st-marys\"}", 1.0);
    wait_for(port, "fhirmill_healthy", 0.0);
    let is_more = |name: &str| samples(&page(port)).get(name).is_some_and(|value| *value > 0.0);
    for name in [
        "fhirmill_failed_scans",
        "fhirmill_runs_total{outcome=\"failed\"}",
        "fhirmill_queue_oldest_age_seconds",
    ] {
        wait_until(name, || is_more(name));
    }
    let health = ["status", "--health", "--archive-dir", "away"];
    wait_until("the ledger knows it", || environment.run(&health).code == 5);
    fs::remove_file(environment.path("archive")).unwrap();
    fs::rename(environment.path("away"), environment.path("archive")).unwrap();
    wait_until("all is well again", || ready().status == 200 && environment.inbox_is_empty());
}
