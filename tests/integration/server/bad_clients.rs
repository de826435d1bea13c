//! Clients that are broken or hostile, on raw connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::s3::{element, user};
use super::{HttpService, PATIENCE, patients};
use crate::support::{port_of_its_own, wait_until};

fn connect(service: &HttpService) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What the server says until it closes the connection.
#[track_caller]
fn answer(mut stream: &TcpStream) -> String {
    let mut text = Vec::new();
    if let Err(error) = stream.read_to_end(&mut text) {
        // A connection that was closed before it made a call may be reset.
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the connection is not closed");
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_body_shorter_or_longer_than_announced_is_not_a_part() {
    let service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let upload = service.begin(&authorization, "a.ndjson", 1);
    let head = |length: usize| {
        format!("PUT {upload}/parts/1 HTTP/1.1\r\nHost: x\r\n{authorization}\r\nContent-Length: {length}\r\n")
    };
    let mut short = connect(&service);
    short.write_all(format!("{}\r\nhalf of it", head(100)).as_bytes()).unwrap();
    short.shutdown(std::net::Shutdown::Write).unwrap();
    let text = answer(&short);
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
    let missing = || service.call(&[&upload, "--header", &authorization]).json()["missing"].clone();
    assert_eq!(missing(), serde_json::json!([1]));
    let mut long = connect(&service);
    long.write_all(format!("{}Connection: close\r\n\r\n12345and more", head(5)).as_bytes()).unwrap();
    let text = answer(&long);
    assert!(text.starts_with("HTTP/1.1 204"), "{text}");
    let state = service.call(&[&upload, "--header", &authorization]).json();
    assert_eq!(state["received"][0]["size"], 5);
}

#[test]
fn numbers_of_parts_and_paths_that_make_no_sense_are_refused() {
    let service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let upload = service.begin(&authorization, "a.ndjson", 3);
    for number in ["0", "4", "-1", "2147483648", "99999999999999999999", "x", "1.5", "%00"] {
        let path = format!("{upload}/parts/{number}");
        let answer = service.call_with(&[&path, "--header", &authorization, "--upload-file", "-"], b"x");
        assert!(matches!(answer.status, 400 | 404), "{number}: {}", answer.status);
    }
    for path in
        ["/api/uploads/../../etc/passwd", "/api/uploads/x/parts/1", "/api", "/%2e%2e/%2e%2e/etc/passwd"]
    {
        let answer = service.call(&[path, "--header", &authorization, "--path-as-is"]);
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.status);
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
        assert!(answer.header("x-request-id").is_some());
    }
    let echoed = service.call(&["/fhir/metadata", "--header", "X-Request-Id: mine-1"]).expect(200);
    assert_eq!(echoed.header("x-request-id").as_deref(), Some("mine-1"));
    let invented = service.call(&["/fhir/metadata", "--header", "X-Request-Id: <script>"]).expect(200);
    assert!(!invented.header("x-request-id").unwrap().contains('<'));
}

#[test]
fn idle_and_slow_connections_are_closed_and_others_are_served() {
    let mut service = HttpService::start_with(&[("HTTP_CONNECTIONS", "20")]);
    let authorization = service.authorized("st-marys");
    let upload = service.begin(&authorization, "a.ndjson", 1);
    // Bodies at one byte a second and a minute; a head that never ends; connections that say
    // nothing.
    let (mut slow, mut slower) = (connect(&service), connect(&service));
    let head = format!(
        "PUT {upload}/parts/1 HTTP/1.1\r\nHost: x\r\n{authorization}\r\nContent-Length: 100000\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).unwrap();
    slower.write_all(format!("{head}x").as_bytes()).unwrap();
    let mut endless = connect(&service);
    endless.write_all(b"GET /live HTTP/1.1\r\n").unwrap();
    let silent: Vec<TcpStream> = (0..10).map(|_| connect(&service)).collect();
    service.call(&["/live"]).expect(200);
    // Beyond the bound, connections are closed and do no harm.
    let many: Vec<TcpStream> = (0..200).map(|_| connect(&service)).collect();
    let process = format!("/proc/{}/fd", service.process().pid());
    wait_until("connections are closed", || {
        // Some are accepted only after they are connected.
        let open = std::fs::read_dir(&process).map_or(0, Iterator::count);
        open < 100
    });
    // One that says something takes the place of one that does not.
    service.call(&["/live"]).expect(200);
    assert!(many.iter().map(answer).all(|text| text.is_empty()));
    let is_answered = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_answered.load(Ordering::Relaxed) {
                (&slow).write_all(b"x").expect("it may be sent until it is answered");
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        assert!(silent.iter().chain([&endless]).map(answer).all(|text| text.is_empty()));
        let texts = [answer(&slow), answer(&slower)];
        is_answered.store(true, Ordering::Relaxed);
        for text in texts {
            assert!(text.starts_with("HTTP/1.1 408"), "{text}");
        }
    });
    service.call(&["/live"]).expect(200);
    service.put(&authorization, &upload, 1, &patients("a", 100)).expect(204);
}

#[test]
fn a_full_disk_loses_nothing_and_other_uploads_go_on() {
    let mut service = HttpService::start();
    let inbox = service.environment.path("inbox");
    drop(service.end());
    let Some(disk) = crate::support::SmallDisk::mounted_on(&inbox, 4096) else { return };
    let s3_port = port_of_its_own();
    let mut command = service.environment.command(&["run"]);
    command.env("HTTP_ADDRESS", format!("127.0.0.1:{}", service.port));
    command.env("S3_ADDRESS", format!("127.0.0.1:{s3_port}"));
    let mut inside = disk.inside(&command);
    let _process = service.environment.start(&mut inside);
    wait_until("the service is ready", || service.call(&["/ready"]).status == 200);
    let sender = service.sender("st-marys", &[]);
    let authorization = service.authorization(&sender);
    let upload = service.begin(&authorization, "a.ndjson", 2);
    let first = patients("a", 1 << 20);
    service.put(&authorization, &upload, 1, &first).expect(204);
    let large = service.begin(&authorization, "b.ndjson", 1);
    let refused = service.put(&authorization, &large, 1, &vec![b' '; 8 << 20]).expect(507);
    assert_eq!(refused.json()["resourceType"], "OperationOutcome");
    // Without a length, the disk fills in the middle.
    let path = format!("{large}/parts/1");
    let chunked =
        ["--header", "Transfer-Encoding: chunked", "--upload-file", "-", "--header", &authorization];
    service.call_with(&[&[path.as_str()][..], &chunked].concat(), &vec![b' '; 8 << 20]).expect(507);
    let file = service.environment.put("large.ndjson", vec![b' '; 8 << 20]);
    let arguments = ["/st-marys/c.ndjson", "--upload-file", file.to_str().unwrap()];
    let signed = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", &user(&sender)];
    let payload = ["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"];
    let refused = HttpService::curl(s3_port, &[&arguments[..], &signed, &payload].concat(), b"").expect(507);
    assert_eq!(element(&refused, "Code"), "InsufficientStorage");
    service.put(&authorization, &upload, 2, &patients("b", 1000)).expect(204);
    let job = service.complete(&authorization, &upload).expect(202).header("content-location").unwrap();
    assert_eq!(service.finished(&authorization, &job)["rejected"], 0);
}
