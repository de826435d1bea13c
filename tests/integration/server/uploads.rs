//! Uploads in parts.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pretty_assertions::assert_eq;

use super::{HttpService, patients};
use crate::support::wait_until;

/// A checksum by openssl, in Base64.
fn digest(algorithm: &str, bytes: &[u8]) -> String {
    use std::io::Write;
    let mut child = Command::new("openssl")
        .args(["dgst", &format!("-{algorithm}"), "-binary"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    STANDARD.encode(child.wait_with_output().unwrap().stdout)
}

#[test]
fn parts_in_any_order_and_of_any_size_become_the_file() {
    let service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let whole = patients("a", 300_000);
    // Equal sizes; a last one that is longer; odd ones; one byte; an empty one.
    let cuts: [&[usize]; 5] = [
        &[100_000, 200_000],
        &[10_000, 20_000],
        &[50_000, 50_007, 210_000],
        &[1],
        &[100_000, 100_000, 200_000],
    ];
    for (index, cuts) in cuts.into_iter().enumerate() {
        for order in [false, true] {
            let whole = [patients(&format!("b{index}{order}x"), 10), whole.clone()].concat();
            let mut ends = cuts.to_vec();
            ends.push(whole.len());
            let mut start = 0;
            let mut parts: Vec<(usize, &[u8])> = Vec::new();
            for (number, end) in ends.iter().enumerate() {
                parts.push((number + 1, &whole[start..*end]));
                start = *end;
            }
            if order {
                parts.reverse();
            }
            let upload = service.begin(&authorization, &format!("{index}{order}.ndjson"), parts.len());
            for (number, bytes) in &parts {
                service.put(&authorization, &upload, *number, bytes).expect(204);
            }
            let job =
                service.complete(&authorization, &upload).expect(202).header("content-location").unwrap();
            let account = service.finished(&authorization, &job);
            assert_eq!(account["status"], "loaded", "{account}");
            let lines = whole.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(account["seen"], lines, "{account}");
            assert_eq!(account["rejected"], 0, "{account}");
        }
    }
    assert_eq!(service.spool(), Vec::<String>::new());
}

#[test]
fn a_part_is_checked_and_can_be_sent_again() {
    let service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let upload = service.begin(&authorization, "a.ndjson", 2);
    let bytes = patients("a", 1000);
    let send = |header: &str, bytes: &[u8]| {
        let path = format!("{upload}/parts/1");
        service
            .call_with(&[&path, "--header", &authorization, "--upload-file", "-", "--header", header], bytes)
    };
    let (md5, sha256) = (digest("md5", &bytes), digest("sha256", &bytes));
    let wrong = digest("md5", b"other");
    send(&format!("Content-MD5: {wrong}"), &bytes).expect(400);
    send("Content-MD5: nonsense", &bytes).expect(400);
    send(&format!("Content-Digest: sha-256=:{}:", digest("sha256", b"other")), &bytes).expect(400);
    let missing = service.call(&[&upload, "--header", &authorization]).expect(200).json()["missing"].clone();
    assert_eq!(missing, serde_json::json!([1, 2]));
    send(&format!("Content-MD5: {md5}"), &bytes).expect(204);
    send(&format!("Content-Digest: sha-256=:{sha256}:, md5=:{md5}:"), &bytes).expect(204);
    send("X-Nothing: 1", &patients("b", 1000)).expect(409);
    let state = service.call(&[&upload, "--header", &authorization]).expect(200).json();
    assert_eq!(state["missing"], serde_json::json!([2]));
    assert_eq!(state["received"][0]["size"], bytes.len());
    let incomplete = service.complete(&authorization, &upload).expect(409).json();
    assert_eq!(incomplete["resourceType"], "OperationOutcome");
    assert!(incomplete["issue"][0]["diagnostics"].as_str().unwrap().contains("missing: 2"), "{incomplete}");
    service.put(&authorization, &upload, 2, b"\n").expect(204);
    let job = service.complete(&authorization, &upload).expect(202).header("content-location").unwrap();
    assert_eq!(
        service.complete(&authorization, &upload).expect(202).header("content-location"),
        Some(job.clone())
    );
    service.put(&authorization, &upload, 2, b"\n").expect(409);
    assert_eq!(service.finished(&authorization, &job)["status"], "loaded");
    let files = service.environment.value("select count(*) from etl.load_file");
    assert_eq!(files, "1");
}

#[test]
fn what_was_announced_of_the_whole_file_is_checked() {
    let service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let bytes = patients("a", 1000);
    let begin = |body: serde_json::Value| {
        let body = body.to_string();
        service.call(&["/api/uploads", "--header", &authorization, "--data", &body])
    };
    let wrong = "00".repeat(32);
    for announced in [serde_json::json!({"sha256": wrong}), serde_json::json!({"size": 5})] {
        let mut body = serde_json::json!({"filename": "a.ndjson", "numParts": 1});
        body.as_object_mut().unwrap().extend(announced.as_object().unwrap().clone());
        let upload = begin(body).expect(201).header("location").unwrap();
        service.put(&authorization, &upload, 1, &bytes).expect(204);
        service.complete(&authorization, &upload).expect(422);
        service.call(&[&upload, "--request", "DELETE", "--header", &authorization]).expect(204);
        service.call(&[&upload, "--header", &authorization]).expect(410);
    }
    assert_eq!(service.spool(), Vec::<String>::new());
    assert_eq!(service.environment.value("select count(*) from etl.load_file"), "0");
    for (body, status) in [
        (serde_json::json!({"filename": "../../etc/passwd", "numParts": 1}), 400),
        (serde_json::json!({"filename": "..", "numParts": 1}), 400),
        (serde_json::json!({"filename": "a\u{0}b", "numParts": 1}), 400),
        (serde_json::json!({"filename": "", "numParts": 1}), 400),
        (serde_json::json!({"filename": "a", "numParts": 0}), 400),
        (serde_json::json!({"filename": "a", "numParts": 10001}), 400),
        (serde_json::json!({"filename": "a"}), 400),
        (serde_json::json!({"filename": "a", "numParts": 1, "sha256": "zz"}), 400),
        (serde_json::json!({"filename": "a", "numParts": 1, "size": u64::MAX}), 413),
        (serde_json::json!({"filename": "a", "numParts": 1, "size": -1}), 400),
        (serde_json::json!([]), 400),
    ] {
        let text = body.to_string();
        let answer = begin(body);
        assert_eq!(answer.status, status, "{text}: {}", answer.text());
    }
}

#[test]
fn expired_uploads_are_removed_and_limits_hold_per_sender() {
    let service = HttpService::start();
    let authorization = service.authorization(&service.sender("st-marys", &["--max-open-uploads", "2"]));
    let first = service.begin(&authorization, "a.ndjson", 2);
    service.put(&authorization, &first, 1, b"one").expect(204);
    service.begin(&authorization, "b.ndjson", 1);
    let body = r#"{"filename":"c","numParts":1}"#;
    let refused = service.call(&["/api/uploads", "--header", &authorization, "--data", body]).expect(429);
    assert!(refused.header("retry-after").is_some());
    crate::support::execute(service.environment.database_url(), "update etl.upload set expires_at = now()");
    wait_until("they have expired", || {
        service.call(&[&first, "--header", &authorization]).status == 410 && service.spool().is_empty()
    });
    service.put(&authorization, &first, 2, b"two").expect(410);
    service.complete(&authorization, &first).expect(410);
    service.begin(&authorization, "c.ndjson", 1);
    assert_eq!(service.environment.value("select count(*) from etl.upload_part"), "0");
}

#[test]
fn a_sender_reaches_its_own_source_and_uploads_only() {
    let service = HttpService::start();
    let mine = service.authorized("st-marys");
    let other = service.authorized("county");
    let upload = service.begin(&mine, "a.ndjson", 1);
    service.call(&[&upload, "--header", &other]).expect(404);
    service.put(&other, &upload, 1, b"x").expect(404);
    service.complete(&other, &upload).expect(404);
    service.call(&[&upload, "--request", "DELETE", "--header", &other]).expect(404);
    service.put(&mine, &upload, 1, &patients("a", 100)).expect(204);
    let job = service.complete(&mine, &upload).expect(202).header("content-location").unwrap();
    service.finished(&mine, &job);
    service.call(&[&job, "--header", &other]).expect(404);
    let status = service.authorization(&service.sender("reader", &["--scope", "status"]));
    service.call(&["/api/uploads", "--header", &status, "--data", "{}"]).expect(403);
    let source = "select s.code from etl.load_file f join etl.source s on s.id = f.source_id";
    assert_eq!(service.environment.value(source), "st-marys");
    let audited = "select count(*) from etl.audit_event e join etl.sender s on s.id = e.sender_id \
                   where s.name = 'county' and e.status = 404 and e.action = 'PUT /api/uploads/{id}/parts/{number}' \
                   and e.client_address = '127.0.0.1' and e.bytes = 0";
    assert_eq!(service.environment.value(audited), "1");
}

#[test]
fn a_call_that_hangs_does_not_hold_its_upload_up() {
    use std::io::Write;
    let service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let whole = patients("a", 200_000);
    let parts: Vec<&[u8]> = whole.chunks(100_000).collect();
    let upload = service.begin(&authorization, "a.ndjson", parts.len());
    let mut hanging = std::net::TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    let head = format!(
        "PUT {upload}/parts/1 HTTP/1.1\r\nHost: x\r\n{authorization}\r\nContent-Length: {}\r\n\r\n",
        parts[0].len()
    );
    hanging.write_all(head.as_bytes()).unwrap();
    hanging.write_all(&[b'x'; 50_000]).unwrap();
    wait_until("the call has begun", || !service.spool().is_empty());
    for (index, bytes) in parts.iter().enumerate() {
        service.put(&authorization, &upload, index + 1, bytes).expect(204);
    }
    let job = service.complete(&authorization, &upload).expect(202).header("content-location").unwrap();
    // It goes on writing to what is no longer the file.
    hanging.write_all(&[b'x'; 49_000]).unwrap();
    let account = service.finished(&authorization, &job);
    assert_eq!(account["rejected"], 0, "{account}");
    assert_eq!(account["seen"], whole.iter().filter(|byte| **byte == b'\n').count(), "{account}");
}
