//! Sinks: resources of a source are sent to FHIR servers.

mod fhir_server;
mod following;
mod killed;
mod order;
mod refused;
mod servers;
mod service;

use std::process::Command;

use fhir_server::FhirServer;
use serde_json::Value;

use crate::support::{Run, TestEnvironment};

/// What a sink has in the settings file besides its name and kind.
const SHORT_WAITS: &str = "retry_wait = \"5ms\"\ntimeout = \"20s\"\n";

/// A sink for the Patients and ExplanationOfBenefits of `payer`, without Coverages.
fn claims_sink(name: &str, url: &str) -> String {
    format!(
        "[[sink]]\nname = \"{name}\"\nkind = \"fhir\"\nsource = \"payer\"\nurl = \"{url}\"\n\
         types = [\"Patient\", \"ExplanationOfBenefit\"]\nleave_out = [\"Coverage\"]\nbatch_size = 10\nparallel = 2\n{SHORT_WAITS}"
    )
}

/// An environment with that sink, and the server behind it.
fn claims() -> (TestEnvironment, FhirServer) {
    let (environment, server) = (TestEnvironment::new(), FhirServer::start());
    environment.put("fhirmill.toml", claims_sink("claims", &server.base()));
    (environment, server)
}

fn patient(id: &str, more: &str) -> String {
    format!("{{ \"resourceType\":\"Patient\",\"id\":\"{id}\",\"birthDate\" : \"1970-01-01\"{more}}}")
}

/// An ExplanationOfBenefit as it is sent by the payer, and as the sink gets it.
fn benefit(id: &str, patient: &str) -> [String; 2] {
    let with = |contained: &str, insurance: &str| {
        format!(
            "{{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"{id}\",{contained}\"status\":\"active\",\
             \"patient\":{{\"reference\":\"Patient/{patient}\"}},{insurance}\"total\":[ {{\"amount\":{{\"value\":1.10}}}} ]}}"
        )
    };
    let insurance = "\"insurance\":[{\"focal\":true,\"coverage\":{\"reference\":\"#c\"}},{\"focal\":false,\"coverage\":{\"reference\":\"Coverage/7\"}}],";
    [with("\"contained\":[{\"resourceType\":\"Coverage\",\"id\":\"c\"}],", insurance), with("", "")]
}

/// Puts a file into the inbox of the source, and loads it.
#[track_caller]
fn load(environment: &TestEnvironment, name: &str, lines: &[String]) {
    environment.put(&format!("inbox/payer/{name}"), lines.join("\n"));
    environment.run(&["once"]).expect_code(0);
}

fn forward(environment: &TestEnvironment) -> Run {
    environment.run(&["forward", "once"])
}

/// `forward once` with failpoints or settings.
fn forward_command(environment: &TestEnvironment) -> Command {
    environment.command(&["forward", "once"])
}

/// What `forward status` says of the only sink.
#[track_caller]
fn status(environment: &TestEnvironment) -> Value {
    let all = environment.run(&["forward", "status", "--json"]).expect_code(0).json();
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    all[0].clone()
}

/// Nothing that a server said of a resource is in the ledger or in logs.
#[track_caller]
fn expect_no_values(environment: &TestEnvironment) {
    for table in ["sink", "sink_batch", "sink_resource", "sink_refusal", "sink_request"] {
        let rows =
            environment.value(&format!("select coalesce(string_agg(t::text, ''), '') from etl.{table} t"));
        assert!(!rows.contains("Secretson"), "{table}: {rows}");
    }
    for path in environment.listing().iter().filter(|path| path.starts_with("logs/")) {
        let log = std::fs::read_to_string(environment.path(path)).unwrap();
        assert!(!log.contains("Secretson"), "{path}");
    }
}
