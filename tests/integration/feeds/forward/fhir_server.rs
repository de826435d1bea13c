//! A FHIR server in memory that takes transactions, behind faults. It keeps what was sent byte
//! for byte, and in which order.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::feeds::faulty_server::{FaultyServer, Reply, Request};
use crate::support::wait_until;

/// What it has.
#[derive(Default)]
pub struct State {
    /// By `Type/id`.
    pub resources: BTreeMap<String, String>,
    /// Every request that was carried out, with the body of a PUT, in order.
    pub history: Vec<(String, Option<String>)>,
    /// References must lead to what it has.
    pub checks_references: bool,
    /// Resources with this text are refused.
    pub refuses: Option<String>,
    /// The status with which they are refused.
    pub refuses_with: u16,
}

pub struct FhirServer {
    pub http: FaultyServer,
    state: Arc<Mutex<State>>,
}

#[derive(Deserialize)]
struct Transaction<'t> {
    #[serde(borrow)]
    entry: Vec<Entry<'t>>,
}

#[derive(Deserialize)]
struct Entry<'t> {
    #[serde(borrow)]
    resource: Option<&'t RawValue>,
    request: Call,
}

#[derive(Deserialize)]
struct Call {
    method: String,
    url: String,
}

impl FhirServer {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State { refuses_with: 422, ..State::default() }));
        let serving = Arc::clone(&state);
        let http = FaultyServer::start(Box::new(move |request| serving.lock().unwrap().answer(request)));
        FhirServer { http, state }
    }

    pub fn base(&self) -> String {
        self.http.url("/fhir")
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The Type/id of everything that it has.
    pub fn names(&self) -> Vec<String> {
        self.state().resources.keys().cloned().collect()
    }

    /// What it has of a resource.
    #[track_caller]
    pub fn body(&self, name: &str) -> String {
        self.state().resources.get(name).unwrap_or_else(|| panic!("the server has no {name}")).clone()
    }

    /// How many of a type it has.
    pub fn count(&self, resource_type: &str) -> usize {
        let prefix = format!("{resource_type}/");
        self.state().resources.keys().filter(|name| name.starts_with(&prefix)).count()
    }

    /// Waits until all that was sent by processes that are gone has arrived. Connections are
    /// accepted in their order, so the others are known once a later one is answered.
    pub fn settle(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http.port)).unwrap();
        stream.write_all(b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
        drop(stream);
        wait_until("nothing is in flight", || self.http.connections() == 0);
    }

    /// What was carried out since the last time, as `PUT Type/id`.
    pub fn drain(&self) -> Vec<String> {
        let history = std::mem::take(&mut self.state().history);
        history.into_iter().map(|(line, _)| line).collect()
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/fhir/metadata") => Reply::json(&json!({"resourceType": "CapabilityStatement"})),
            ("POST", "/fhir") => self.transaction(&request.body),
            _ => Reply::status(404),
        }
    }

    fn transaction(&mut self, body: &[u8]) -> Reply {
        let transaction: Transaction<'_> = serde_json::from_slice(body).unwrap();
        let mut after = self.resources.clone();
        let mut done = Vec::new();
        for Entry { resource, request } in &transaction.entry {
            let line = format!("{} {}", request.method, request.url);
            match (request.method.as_str(), resource) {
                ("PUT", Some(resource)) => {
                    if let Some(refusal) = self.refusal(resource.get(), &request.url) {
                        return refusal;
                    }
                    after.insert(request.url.clone(), resource.get().to_owned());
                    done.push((line, Some(resource.get().to_owned())));
                }
                ("DELETE", None) => {
                    after.remove(&request.url);
                    done.push((line, None));
                }
                _ => panic!("{line}"),
            }
        }
        if self.checks_references
            && let Some(refusal) = dangling(&transaction, &after)
        {
            return refusal;
        }
        let entries: Vec<Value> =
            done.iter().map(|_| json!({"response": {"status": "200 OK", "etag": "W/\"1\""}})).collect();
        self.resources = after;
        self.history.extend(done);
        Reply::json(&json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entries}))
    }

    fn refusal(&self, resource: &str, url: &str) -> Option<Reply> {
        let value: Value = serde_json::from_str(resource).unwrap();
        let name = format!("{}/{}", value["resourceType"].as_str().unwrap(), value["id"].as_str().unwrap());
        assert_eq!(name, url, "the id of the body is that of the URL");
        let is_refused = self.refuses.as_ref().is_some_and(|text| resource.contains(text));
        is_refused
            .then(|| outcome(self.refuses_with, "invalid", "Mr Secretson is no HAPI-0999", "Patient.gender"))
    }
}

/// What is wrong if a reference of a resource leads to nothing.
fn dangling(transaction: &Transaction<'_>, after: &BTreeMap<String, String>) -> Option<Reply> {
    let resources = transaction.entry.iter().filter_map(|entry| entry.resource);
    let missing = resources.flat_map(|resource| {
        let value: Value = serde_json::from_str(resource.get()).unwrap();
        let mut found = Vec::new();
        references(&value, &mut found);
        found
    });
    let missing = missing.into_iter().find(|name| !name.starts_with('#') && !after.contains_key(name))?;
    let text = format!("HAPI-1094: Resource {missing} of Mr Secretson not found");
    Some(outcome(400, "processing", &text, "ExplanationOfBenefit.patient"))
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn outcome(status: u16, code: &str, text: &str, expression: &str) -> Reply {
    let outcome = json!({"resourceType": "OperationOutcome", "issue": [
        {"severity": "error", "code": code, "diagnostics": text, "expression": [expression]}]});
    Reply { status, ..Reply::json(&outcome) }
}
