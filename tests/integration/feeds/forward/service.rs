//! `fhirmill run` forwards beside its scans, and tells how far it is.

use pretty_assertions::assert_eq;

use super::{claims, load, patient, status};
use crate::support::{port_of_its_own, wait_until};

#[test]
fn the_service_forwards_what_it_loads_and_metrics_say_how_far_it_is() {
    let (environment, server) = claims();
    load(&environment, "a.ndjson", &[patient("p1", "")]);
    let port = port_of_its_own();
    let mut command = environment.command(&["run"]);
    let service = environment.start(command.env("METRICS_ADDRESS", format!("127.0.0.1:{port}")));
    wait_until("the first file is sent", || server.names() == ["Patient/p1"]);
    environment.put("inbox/payer/b.ndjson", patient("p2", ""));
    wait_until("the second file is sent", || server.names() == ["Patient/p1", "Patient/p2"]);
    wait_until("the ledger has it", || status(&environment)["accepted_total"] == 2);
    let scrape = || {
        let output = std::process::Command::new("curl")
            .args(["--silent", &format!("http://127.0.0.1:{port}/metrics")])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    wait_until("metrics have it", || scrape().contains("fhirmill_sink_accepted_total{sink=\"claims\"} 2"));
    let metrics = scrape();
    for line in [
        "fhirmill_sink_outstanding_batches{sink=\"claims\"} 0",
        "fhirmill_sink_refused_resources{sink=\"claims\"} 0",
        "fhirmill_sink_failing{sink=\"claims\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(status(&environment)["is_running"], true);
    drop(service);
}
