//! A service tells somebody what went wrong: once, until it has arrived, and without
//! keeping anybody from loading.

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::thread;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::patient;
use crate::support::{TestEnvironment, execute, violations, wait_until};

/// A call that a receiver got.
#[derive(Clone, Debug)]
struct Call {
    headers: Vec<(String, String)>,
    body: String,
}

impl Call {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(of, _)| of.eq_ignore_ascii_case(name));
        &found.unwrap_or_else(|| panic!("{name} in {:?}", self.headers)).1
    }
}

/// Answers the first call with an error, and the others without one.
fn receiver() -> (u16, Arc<Mutex<Vec<Call>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&calls);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Some(call) = read_call(&stream) else { continue };
            let mut calls = kept.lock().unwrap();
            let status = if calls.is_empty() { "503 Service Unavailable" } else { "204 No Content" };
            calls.push(call);
            drop(calls);
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    (port, calls)
}

fn read_call(stream: &TcpStream) -> Option<Call> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let length =
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Call { headers, body: String::from_utf8(body).ok()? })
}

const SECRET: &str = "a secret of more than 16 bytes";

#[test]
fn what_goes_wrong_is_told_once_by_a_signed_call_and_by_a_command() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/notification.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    let environment = TestEnvironment::new();
    // What happened before anybody was to be told is not told.
    environment.put("inbox/old.pdf", "%PDF");
    environment.run(&["once"]).expect_code(3);
    execute(environment.database_url(), "update etl.load_file set finished_at = now() - interval '1 hour'");
    let (port, calls) = receiver();
    environment.put("secret", format!("{SECRET}\n"));
    let program =
        environment.put("tell", "#!/bin/sh\n(cat; echo) >> told\necho \"$FHIRMILL_EVENT\" >> events\n");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let mut command = environment.command(&["run", "--schedule", "0 0 1 1 *"]);
    command.env("NOTIFY_URL", format!("http://127.0.0.1:{port}/hook?token=of-the-url"));
    command.env("NOTIFY_SECRET_FILE", environment.path("secret")).env("NOTIFY_COMMAND", &program);
    let service = environment.start(&mut command);
    wait_until("the ways are known", || {
        environment.value("select count(*) from etl.notification_channel") == "2"
    });
    environment.put("inbox/st-marys/marked-name.ndjson", patient("marked-id") + "marked, not json\n");
    environment.put("inbox/broken/marked-name.pdf", "%PDF marked");
    let sent = "select count(*) from etl.notification where sent_at is not null";
    wait_until("both are told both ways", || environment.value(sent) == "4");
    execute(
        environment.database_url(),
        "update etl.load_file set finished_at = now() - interval '2 days', started_at = now() - interval '2 days'
          where status = 'loaded'",
    );
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));

    // The first call is made again, and each arrives once.
    let calls = calls.lock().unwrap().clone();
    assert_eq!(calls.len(), 3, "{calls:?}");
    let first: Vec<&Call> =
        calls.iter().filter(|call| call.header("webhook-id") == calls[0].header("webhook-id")).collect();
    assert_eq!((first.len(), &first[0].body), (2, &first[1].body));
    for call in &calls {
        let signed =
            format!("{}.{}.{}", call.header("webhook-id"), call.header("webhook-timestamp"), call.body);
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(hmac::sign(&key, signed.as_bytes())));
        assert_eq!(call.header("webhook-signature"), signature);
        assert_eq!(call.header("content-type"), "application/json");
        assert!(!call.body.contains("marked"), "{}", call.body);
        let body: Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!(violations(&schema, &body), Vec::<String>::new(), "{body:#}");
        assert_eq!(body["id"].to_string(), call.header("webhook-id"));
    }
    let mut bodies: Vec<Value> = calls.iter().map(|call| serde_json::from_str(&call.body).unwrap()).collect();
    bodies.sort_by_key(|body| body["type"].to_string());
    bodies.dedup();
    let told: Vec<(&Value, &Value, &Value)> = bodies
        .iter()
        .map(|body| (&body["type"], &body["data"]["source"], &body["data"]["rejected_by_reason"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("file.rejected"), &json!("broken"), &json!({"not_json": 1})),
            (&json!("records.rejected"), &json!("st-marys"), &json!({"not_json": 1}))
        ]
    );
    let events = fs::read_to_string(environment.path("events")).unwrap();
    let mut events: Vec<&str> = events.lines().collect();
    events.sort_unstable();
    assert_eq!(events, ["file.rejected", "records.rejected"]);
    let lines = fs::read_to_string(environment.path("told")).unwrap();
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let body: Value = serde_json::from_str(line).unwrap();
        assert_eq!(violations(&schema, &body), Vec::<String>::new(), "{body:#}");
    }
    let logged = fs::read_to_string(environment.path("output")).unwrap();
    assert!(logged.contains("did not arrive: the webhook answered with 503"), "{logged}");
    assert!(!logged.contains("of-the-url") && !logged.contains(SECRET), "{logged}");

    // A source that is silent for twice its interval is told, once for each silence.
    environment.put("fhirmill.toml", "[[source]]\nname = \"st-marys\"\ninterval = \"1h\"\n");
    for _ in 0..2 {
        let mut command = environment.command(&["run", "--schedule", "0 0 1 1 *"]);
        let service = environment.start(command.env("NOTIFY_COMMAND", &program));
        let silent =
            "select count(*) from etl.notification where event = 'source.silent' and sent_at is not null";
        wait_until("the silence is told", || environment.value(silent) == "1");
        wait_until("the service is heard", || {
            environment.value("select count(*) from etl.service where ended_at is null") == "1"
        });
        assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    }
    let lines = fs::read_to_string(environment.path("told")).unwrap();
    let last: Value = serde_json::from_str(lines.lines().nth(2).unwrap()).unwrap();
    assert_eq!(lines.lines().count(), 3);
    assert_eq!((&last["type"], &last["data"]["source"]), (&json!("source.silent"), &json!("st-marys")));
    assert_eq!(violations(&schema, &last), Vec::<String>::new(), "{last:#}");
}

#[test]
fn a_receiver_that_is_away_keeps_nobody_from_loading() {
    let environment = TestEnvironment::new();
    // Takes calls and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    environment.put("secret", SECRET);
    let mut command = environment.command(&["run", "--schedule", "0 0 1 1 *"]);
    command.env("NOTIFY_URL", format!("http://{}", listener.local_addr().unwrap()));
    let service = environment.start(command.env("NOTIFY_SECRET_FILE", environment.path("secret")));
    wait_until("the way is known", || {
        environment.value("select count(*) from etl.notification_channel") == "1"
    });
    environment.put("inbox/1.pdf", "%PDF");
    listener.set_nonblocking(true).unwrap();
    let called = RefCell::new(None);
    wait_until("it is called", || {
        *called.borrow_mut() = listener.accept().ok();
        called.borrow().is_some()
    });
    environment.put("inbox/2.ndjson", patient("p"));
    wait_until("it is loaded", || environment.value("select count(*) from patient") == "1");
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    drop(called);
    let waiting = "select count(*) from etl.notification where sent_at is null and attempts = 0";
    assert_eq!(environment.value(waiting), "1");

    // Settings that are wrong are told before anything starts.
    let mut command = environment.command(&["run"]);
    let run = environment.run_command(command.env("NOTIFY_URL", "http://127.0.0.1:1")).expect_code(2);
    assert!(run.stderr.contains("NOTIFY_SECRET_FILE"), "{}", run.stderr);
}
