//! Updates of single resources and Bundles, stored when answered.

mod bundles;
mod conditions;
mod killed;
mod single;
mod views;

use serde_json::Value;

use super::{Answer, HttpService};

const FHIR_JSON: &str = "Content-Type: application/fhir+json";

/// A sender that sends updates to a service.
pub struct Client<'s> {
    service: &'s HttpService,
    authorization: String,
}

impl<'s> Client<'s> {
    pub fn new(service: &'s HttpService, name: &str) -> Self {
        Client { service, authorization: service.authorized(name) }
    }

    /// Calls with that method, path and body, and headers.
    pub fn call(&self, method: &str, path: &str, body: &str, headers: &[&str]) -> Answer {
        send(self.service.port, &self.authorization, (method, path), body, headers)
    }

    pub fn put(&self, path: &str, body: &str) -> Answer {
        self.call("PUT", path, body, &[])
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, "", &[])
    }

    pub fn post(&self, body: &Value) -> Answer {
        self.call("POST", "/fhir", &body.to_string(), &[])
    }
}

/// Calls with that method, path and body, and headers.
pub fn send(
    port: u16,
    authorization: &str,
    (method, path): (&str, &str),
    body: &str,
    headers: &[&str],
) -> Answer {
    let mut arguments = vec![path, "--request", method, "--header", authorization];
    headers.iter().for_each(|header| arguments.extend(["--header", *header]));
    if !body.is_empty() {
        if !headers.iter().any(|header| header.starts_with("Content-Type")) {
            arguments.extend(["--header", FHIR_JSON]);
        }
        arguments.extend(["--data-binary", "@-"]);
    }
    HttpService::curl(port, &arguments, body.as_bytes())
}

/// The expression of the first issue of an OperationOutcome.
pub fn expression(answer: &Answer) -> String {
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    let expression = outcome["issue"][0]["expression"][0].as_str();
    expression.unwrap_or_else(|| panic!("there is no expression in {outcome}")).to_owned()
}

pub fn patient(id: &str, more: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\"{more}}}")
}
