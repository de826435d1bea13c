//! HTTP, against the running service.

mod bad_clients;
mod batches;
mod crowds;
mod document;
mod early_answers;
mod erased;
mod killed;
pub mod metrics;
pub mod page;
mod page_browser;
mod page_speed;
mod s3;
mod s3_callers;
mod s3_checksums;
mod s3_clients;
mod s3_listing;
mod sigv4;
mod storm;
mod tls;
pub mod tokens;
#[cfg(feature = "traces")]
mod traces;
mod updates;
mod upkeep;
mod uploads;

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Background, TestEnvironment, port_of_its_own, wait_until};

/// How long an answer may take on a machine that is very busy.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A service that takes HTTP.
pub struct HttpService {
    /// Before the folder that it works in, because it ends first.
    process: Option<Background>,
    pub environment: TestEnvironment,
    pub port: u16,
    settings: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?} is not JSON"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let is_named = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}:"));
        let line = self.headers.lines().rev().find(is_named)?;
        Some(line.split_once(':').unwrap().1.trim().to_owned())
    }

    /// Fails unless the answer has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {}", self.headers, self.text());
        self
    }
}

impl HttpService {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_in(TestEnvironment::new(), settings)
    }

    /// Starts it where something is prepared.
    pub fn start_in(environment: TestEnvironment, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let port = port_of_its_own();
        let mut service = HttpService { environment, port, settings: settings.collect(), process: None };
        service.restart();
        service
    }

    /// Kills the process, if it runs, and starts another.
    pub fn restart(&mut self) {
        self.process = None;
        let mut command = self.environment.command(&["run"]);
        command.env("HTTP_ADDRESS", format!("127.0.0.1:{}", self.port)).envs(self.settings.clone());
        self.process = Some(self.environment.start(&mut command));
        wait_until("the service is ready", || self.call(&["/ready"]).status == 200);
    }

    pub fn process(&mut self) -> &mut Background {
        self.process.as_mut().unwrap()
    }

    pub fn end(&mut self) -> Background {
        self.process.take().unwrap()
    }

    /// Calls by curl: a path and more arguments.
    pub fn call(&self, arguments: &[&str]) -> Answer {
        self.call_with(arguments, b"")
    }

    /// Calls by curl, with that on standard input.
    pub fn call_with(&self, arguments: &[&str], input: &[u8]) -> Answer {
        Self::curl(self.port, arguments, input)
    }

    /// Calls a port by curl.
    pub fn curl(port: u16, arguments: &[&str], input: &[u8]) -> Answer {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let (headers, body) = (folder.path().join("headers"), folder.path().join("body"));
        let mut child = Command::new("curl")
            .args(["--silent", "--show-error", "--write-out", "%{http_code}"])
            .args(["--max-time", &PATIENCE.as_secs().to_string()])
            .arg("--dump-header")
            .arg(&headers)
            .arg("--output")
            .arg(&body)
            .arg(format!("http://127.0.0.1:{port}{}", arguments[0]))
            .args(&arguments[1..])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // It may have its answer before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Answer {
            status: String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0),
            headers: fs::read_to_string(&headers).unwrap_or_default(),
            body: fs::read(&body).unwrap_or_default(),
        }
    }

    /// Adds a sender; returns its secrets.
    pub fn sender(&self, name: &str, more: &[&str]) -> Value {
        let arguments = ["senders", "add", name, "--source", name, "--json"];
        self.environment.run(&[&arguments[..], more].concat()).expect_code(0).json()
    }

    /// Asks for a token with a client secret.
    pub fn ask_token(&self, sender: &Value) -> Answer {
        let user = format!(
            "{}:{}",
            sender["client_id"].as_str().unwrap(),
            sender["client_secret"].as_str().unwrap()
        );
        self.call(&["/auth/token", "--user", &user, "--data", "grant_type=client_credentials"])
    }

    /// The header for a new sender with a new token.
    pub fn authorized(&self, name: &str) -> String {
        self.authorization(&self.sender(name, &[]))
    }

    /// The header with a new token.
    pub fn authorization(&self, sender: &Value) -> String {
        let token = self.ask_token(sender).expect(200).json();
        format!("Authorization: Bearer {}", token["access_token"].as_str().unwrap())
    }

    /// Begins an upload; returns its path.
    pub fn begin(&self, authorization: &str, filename: &str, parts: usize) -> String {
        let body = serde_json::json!({"filename": filename, "numParts": parts}).to_string();
        let answer = self.call(&["/api/uploads", "--header", authorization, "--data", &body]).expect(201);
        answer.header("location").unwrap()
    }

    pub fn put(&self, authorization: &str, upload: &str, number: usize, bytes: &[u8]) -> Answer {
        let path = format!("{upload}/parts/{number}");
        self.call_with(
            &[&path, "--header", authorization, "--upload-file", "-", "--header", &length(bytes)],
            bytes,
        )
    }

    pub fn complete(&self, authorization: &str, upload: &str) -> Answer {
        let path = format!("{upload}/complete");
        self.call(&[&path, "--request", "POST", "--header", authorization])
    }

    /// Waits until a job is done; returns its account.
    pub fn finished(&self, authorization: &str, job: &str) -> Value {
        wait_until("the job is done", || self.call(&[job, "--header", authorization]).status == 200);
        self.call(&[job, "--header", authorization]).expect(200).json()
    }

    /// The visible files of the inbox, and the bytes of the hidden ones.
    pub fn spool(&self) -> Vec<String> {
        let entries = fs::read_dir(self.environment.path("inbox/.fhirmill-uploads")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

/// Makes curl announce the length of what it reads from standard input.
fn length(bytes: &[u8]) -> String {
    format!("Content-Length: {}", bytes.len())
}

/// Lines of patients, of at least so many bytes.
pub fn patients(name: &str, bytes: usize) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut number = 0;
    while lines.len() < bytes {
        lines.extend(format!("{{\"resourceType\":\"Patient\",\"id\":\"{name}{number}\"}}\n").into_bytes());
        number += 1;
    }
    lines
}
