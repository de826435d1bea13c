//! A small FHIR server with Bulk Data `$export`, which a test configures.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::faulty_server::{FaultyServer, Reply, Request};

/// What the server has and does.
pub struct Data {
    /// Files by name: kind (`output`, `deleted`, `error`, `outcome`), type, content.
    pub files: Vec<(&'static str, &'static str, Vec<u8>)>,
    /// What it announces instead of the number of lines; `None`: nothing.
    pub count: Box<dyn Fn(usize) -> Option<usize> + Send>,
    pub transaction_time: String,
    /// The type that files are organized by.
    pub organized_by: Option<&'static str>,
    /// How often it says that it is not finished.
    pub polls: usize,
    /// How many files are on a page of the manifest.
    pub page: usize,
    pub has_ranges: bool,
    pub has_gzip: bool,
    /// `true`, `false`, or missing.
    pub requires_access_token: Option<bool>,
    /// Where files are, if not at this server.
    pub storage: Option<String>,
    /// How an Authorization that is accepted begins, if one is needed.
    pub authorization: Option<String>,
    /// Part of links: others have expired.
    pub generation: usize,
    pub exports: usize,
    pub deleted: Vec<String>,
}

impl Default for Data {
    fn default() -> Self {
        Data {
            files: Vec::new(),
            count: Box::new(Some),
            transaction_time: "2026-01-01T00:00:00.5Z".to_owned(),
            organized_by: None,
            polls: 0,
            page: usize::MAX,
            has_ranges: true,
            has_gzip: false,
            requires_access_token: Some(false),
            storage: None,
            authorization: None,
            generation: 0,
            exports: 0,
            deleted: Vec::new(),
        }
    }
}

pub struct BulkServer {
    pub http: FaultyServer,
    data: Arc<Mutex<Data>>,
}

impl BulkServer {
    pub fn start(data: Data) -> Self {
        let data = Arc::new(Mutex::new(data));
        let served = Arc::clone(&data);
        BulkServer { http: FaultyServer::start(Box::new(move |request| answer(&served, request))), data }
    }

    pub fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    pub fn base(&self) -> String {
        self.http.url("/fhir")
    }

    /// Everything anew, with other data.
    pub fn reset(&self, data: Data) {
        *self.data() = data;
        self.http.forget();
    }

    /// The requests for exports, whatever became of them.
    pub fn kick_offs(&self) -> Vec<Request> {
        let all = self.http.requests("");
        all.into_iter().filter(|request| request.path.contains("$export")).collect()
    }
}

fn answer(data: &Mutex<Data>, request: &Request) -> Reply {
    let data = &mut *data.lock().unwrap();
    let path = request.path.split('?').next().unwrap().to_owned();
    let is_file = path.starts_with("/files/");
    let is_open = path == "/fhir/metadata" || (is_file && data.requires_access_token == Some(false));
    let is_accepted = |wanted: &String| {
        request.header("authorization").is_some_and(|found| found.starts_with(wanted.as_str()))
    };
    if !is_open && !data.authorization.as_ref().is_none_or(is_accepted) {
        return Reply::status(401);
    }
    match (request.method.as_str(), path.as_str()) {
        ("GET", "/fhir/metadata") => {
            Reply::json(&json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
            "rest": [{"operation": [{"name": "export"}]}]}))
        }
        ("GET" | "POST", path) if path.ends_with("/$export") => {
            data.exports += 1;
            let location = format!("/status/{}", data.exports);
            Reply::status(202).header("Content-Location", &location)
        }
        ("DELETE", path) => {
            data.deleted.push(path.to_owned());
            Reply::status(202)
        }
        ("GET", path) if path.starts_with("/status/") => status(data, request),
        ("GET", path) if is_file => file(data, request, path),
        _ => Reply::status(404),
    }
}

fn status(data: &mut Data, request: &Request) -> Reply {
    if data.polls > 0 {
        data.polls -= 1;
        return Reply::status(202).header("X-Progress", "half of it");
    }
    let page: usize = request.path.split_once("?page=").map_or(0, |(_, page)| page.parse().unwrap());
    let first = page.saturating_mul(data.page);
    let last = first.saturating_add(data.page).min(data.files.len());
    let mut manifest = json!({"transactionTime": data.transaction_time, "request": "x", "output": []});
    if let Some(required) = data.requires_access_token {
        manifest["requiresAccessToken"] = required.into();
    }
    if let Some(organized_by) = data.organized_by {
        manifest["outputOrganizedBy"] = organized_by.into();
    }
    for (number, (kind, name, content)) in data.files.iter().enumerate().take(last).skip(first) {
        let lines = content.iter().filter(|byte| **byte == b'\n').count();
        let storage = data.storage.as_deref().unwrap_or("");
        let mut item =
            json!({"type": name, "url": format!("{storage}/files/{}/{number}?sig=secret", data.generation)});
        if name.is_empty() {
            item.as_object_mut().unwrap().remove("type");
        }
        if let Some(count) = (data.count)(lines) {
            item["count"] = count.into();
        }
        match manifest[*kind].as_array_mut() {
            Some(items) => items.push(item),
            None => manifest[*kind] = Value::Array(vec![item]),
        }
    }
    if last < data.files.len() {
        let path = request.path.split('?').next().unwrap();
        manifest["link"] = json!([{"relation": "next", "url": format!("{path}?page={}", page + 1)}]);
    }
    Reply::json(&manifest)
}

fn file(data: &Data, request: &Request, path: &str) -> Reply {
    let mut parts = path.trim_start_matches("/files/").split('/').map(|part| part.parse::<usize>().unwrap());
    let (generation, number) = (parts.next().unwrap(), parts.next().unwrap());
    if generation != data.generation {
        return Reply::status(403).body("<Error>Request has expired</Error>");
    }
    let content = &data.files[number].2;
    let reply = Reply::status(200).header("Content-Type", "application/fhir+ndjson");
    if data.has_gzip && request.header("accept-encoding") == Some("gzip") {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        return reply.header("Content-Encoding", "gzip").body(encoder.finish().unwrap());
    }
    let reply = reply.header("ETag", &format!("\"{number}\""));
    let range = request.header("range").filter(|_| data.has_ranges);
    let first: Option<usize> =
        range.map(|range| range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
    match first {
        Some(first) if first < content.len() => {
            let range = format!("bytes {first}-{}/{}", content.len() - 1, content.len());
            Reply { status: 206, ..reply.header("Content-Range", &range).body(&content[first..]) }
        }
        Some(_) => Reply::status(416),
        None => reply.body(content.clone()),
    }
}

/// A line for each patient, from `first` on.
pub fn patients(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<u8> {
    let line = |number: usize| {
        format!("{{\"resourceType\":\"Patient\",\"id\":\"{prefix}{number}\",\"gender\":\"female\"}}\n")
    };
    numbers.map(line).collect::<String>().into_bytes()
}

/// A line for each observation, of the patient with the same number.
pub fn observations(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<u8> {
    let line = |number: usize| {
        format!(
            "{{\"resourceType\":\"Observation\",\"id\":\"{prefix}o{number}\",\"status\":\"final\",\"code\":{{\"text\":\"x\"}},\
             \"subject\":{{\"reference\":\"Patient/{prefix}{number}\"}}}}\n"
        )
    };
    numbers.map(line).collect::<String>().into_bytes()
}
