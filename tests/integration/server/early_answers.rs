//! Calls that are answered in the middle of their body: the client, which is still
//! sending, gets the answer.

use std::io::{Read, Write};
use std::net::TcpStream;

use pretty_assertions::assert_eq;

use super::s3::S3Service;
use super::{PATIENCE, patients};

const PIECE: usize = 64 * 1024;
/// Far more than the buffers on the way hold.
const PIECES: usize = 256;

/// Sends a head and a large body; reads only at the end, as many clients do. Most of the
/// body is sent after the answer was, which a connection that is merely closed answers with
/// a reset.
#[track_caller]
fn answer_after_everything(port: u16, head: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = PIECE * PIECES;
    stream.write_all(format!("{head}\r\nHost: x\r\nContent-Length: {length}\r\n\r\n").as_bytes()).unwrap();
    let piece = [b' '; PIECE];
    stream.write_all(&piece).unwrap();
    stream.peek(&mut [0]).expect("the answer does not wait for the body");
    for _ in 1..PIECES {
        stream.write_all(&piece).expect("the rest of the body is taken");
    }
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the answer can be read");
    text
}

#[test]
fn clients_that_are_still_sending_get_their_answer() {
    let service = S3Service::start_with(
        &[("MAX_UPLOAD_BYTES", "1MiB"), ("MAX_QUEUED_FILES", "1"), ("SETTLE_SECONDS", "3600")],
        &[],
    );
    let token = service.http.authorization(&service.sender);
    let upload = service.http.begin(&token, "a.ndjson", 1);
    let reader = service.http.authorization(&service.http.sender("reader", &["--scope", "status"]));
    let ndjson = "Content-Type: application/fhir+ndjson";
    let batch = ["/api/batch", "--header", &token, "--header", ndjson, "--data-binary", "@-"];
    service.http.call_with(&batch, &patients("a", 100)).expect(202);
    let part = format!("PUT {upload}/parts/1 HTTP/1.1");
    for (head, status) in [
        (part.clone(), 401),
        (format!("{part}\r\nAuthorization: Bearer x"), 401),
        (format!("{part}\r\n{reader}"), 403),
        (format!("PUT /nowhere HTTP/1.1\r\n{token}"), 404),
        (format!("{part}\r\n{token}"), 413),
        (format!("{part}\r\n{token}\r\nContent-Encoding: gzip"), 415),
        (format!("POST /api/batch HTTP/1.1\r\n{token}\r\nContent-Type: text/html"), 415),
        (format!("POST /api/batch?filename=b HTTP/1.1\r\n{token}\r\n{ndjson}"), 413),
        (format!("POST /api/batch?filename=b HTTP/1.1\r\n{reader}\r\n{ndjson}"), 403),
    ] {
        let text = answer_after_everything(service.http.port, &head);
        assert_eq!(text.split(' ').nth(1), Some(status.to_string().as_str()), "{head}: {text}");
    }
    let text = answer_after_everything(service.port, "PUT /st-marys/a.ndjson HTTP/1.1");
    assert!(text.starts_with("HTTP/1.1 403") && text.contains("AccessDenied"), "{text}");
}
