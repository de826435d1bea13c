//! S3, by curl: files in one call and in parts, and what is said of their bytes.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{Answer, HttpService};
use crate::support::{port_of_its_own, wait_until};

pub const A: &[u8] = b"{\"resourceType\":\"Patient\",\"id\":\"a\"}\n";
pub const B: &[u8] = b"{\"resourceType\":\"Patient\",\"id\":\"b\"}\n";
pub const C: &[u8] = b"{\"resourceType\":\"Patient\",\"id\":\"cc\"}\n";
/// Their MD5s, by md5sum.
const MD5_A: &str = "c1a65601b3a4a0a89da5d41c41178c30";
const MD5_B: &str = "6cecd6baa1f9caa124b7ca7d212c334c";
const MD5_C: &str = "ab1ecc49ed6e9aa60042c2f11a05614c";

/// A service that takes S3, and a sender of the source `st-marys`.
pub struct S3Service {
    pub http: HttpService,
    pub port: u16,
    pub sender: Value,
    pub user: String,
}

impl S3Service {
    pub fn start() -> Self {
        Self::start_with(&[], &[])
    }

    pub fn start_with(settings: &[(&str, &str)], sender: &[&str]) -> Self {
        let port = port_of_its_own();
        let address = format!("127.0.0.1:{port}");
        let http = HttpService::start_with(&[&[("S3_ADDRESS", address.as_str())], settings].concat());
        let sender = http.sender("st-marys", sender);
        S3Service { user: user(&sender), http, port, sender }
    }

    /// A call signed by the sender.
    pub fn call(&self, arguments: &[&str], input: &[u8]) -> Answer {
        self.call_as(&self.user, arguments, input)
    }

    pub fn call_as(&self, user: &str, arguments: &[&str], input: &[u8]) -> Answer {
        let signed = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", user];
        let has_payload = arguments.iter().any(|argument| argument.contains("x-amz-content-sha256"));
        let payload = ["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"];
        let payload = if has_payload { &[][..] } else { &payload[..] };
        HttpService::curl(self.port, &[arguments, &signed, payload].concat(), input)
    }

    pub fn put(&self, path: &str, bytes: &[u8], more: &[&str]) -> Answer {
        // From a file, because curl announces no length of what it reads from a pipe.
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let arguments = [path, "--upload-file", file.path().to_str().unwrap()];
        self.call(&[&arguments, more].concat(), b"")
    }

    /// Begins an upload; returns its id.
    pub fn begin(&self, key: &str) -> String {
        let path = format!("/st-marys/{key}?uploads=");
        let answer = self.call(&[&path, "--request", "POST"], b"").expect(200);
        element(&answer, "UploadId")
    }

    pub fn put_part(&self, key: &str, upload: &str, number: u32, bytes: &[u8]) -> Answer {
        self.put(&format!("/st-marys/{key}?partNumber={number}&uploadId={upload}"), bytes, &[])
    }

    pub fn complete(&self, key: &str, upload: &str, parts: &[(u32, &str)]) -> Answer {
        let path = format!("/st-marys/{key}?uploadId={upload}");
        let mut document = "<CompleteMultipartUpload>".to_owned();
        for (number, etag) in parts {
            document.push_str(&format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag></Part>"
            ));
        }
        document.push_str("</CompleteMultipartUpload>");
        self.call(&[&path, "--request", "POST", "--data", &document], b"")
    }

    pub fn wait_until_loaded(&self, files: usize) {
        let loaded = "select count(*) from etl.load_file where status in ('loaded', 'duplicate')";
        wait_until("the files are loaded", || self.http.environment.value(loaded) == files.to_string());
    }

    /// The ids of the patients that were loaded.
    pub fn patients(&self) -> Vec<String> {
        let patients = self.http.environment.query("select fhir_id from patient order by 1");
        patients.into_iter().flatten().collect()
    }
}

pub fn user(sender: &Value) -> String {
    let text = |name: &str| sender[name].as_str().unwrap().to_owned();
    format!("{}:{}", text("access_key_id"), text("secret_access_key"))
}

/// The text of the first element of that name.
#[track_caller]
pub fn element(answer: &Answer, name: &str) -> String {
    let text = answer.text();
    let begin = text.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{name} in {text}")).1;
    begin.split_once("</").unwrap().0.replace("&quot;", "\"")
}

fn etag(answer: &Answer) -> String {
    answer.header("etag").unwrap()
}

#[test]
fn a_file_in_one_call_is_loaded_and_shown() {
    let service = S3Service::start();
    let mtime = "x-amz-meta-mtime: 1764374400.5";
    let answer = service.put("/st-marys/ward/a.ndjson", A, &["--header", mtime]).expect(200);
    assert_eq!(etag(&answer), format!("\"{MD5_A}\""));
    assert!(answer.header("x-amz-request-id").is_some(), "{}", answer.headers);
    assert_eq!(answer.header("x-amz-request-id"), answer.header("x-request-id"));
    service.wait_until_loaded(1);
    assert_eq!(service.patients(), ["a"]);

    let head = service.call(&["/st-marys/ward/a.ndjson", "--head"], b"").expect(200);
    assert_eq!(etag(&head), format!("\"{MD5_A}\""));
    assert_eq!(head.header("content-length").as_deref(), Some("36"));
    assert_eq!(head.header("x-amz-meta-mtime").as_deref(), Some("1764374400.5"));
    service.call(&["/st-marys/ward/b.ndjson", "--head"], b"").expect(404);

    // The same name again is a new delivery.
    service.put("/st-marys/ward/a.ndjson", B, &[]).expect(200);
    service.wait_until_loaded(2);
    assert_eq!(service.patients(), ["a", "b"]);
    let head = service.call(&["/st-marys/ward/a.ndjson", "--head"], b"").expect(200);
    assert_eq!(etag(&head), format!("\"{MD5_B}\""));
    let absent = ["--header", "If-None-Match: *"];
    let refused = service.put("/st-marys/ward/a.ndjson", C, &absent).expect(412);
    assert_eq!(element(&refused, "Code"), "PreconditionFailed");

    let audited = "select count(*) from etl.audit_event e join etl.sender s on s.id = e.sender_id \
                   where action = 's3:PutObject' and status = 200 and bytes = 36";
    wait_until("both are in the audit", || service.http.environment.value(audited) == "2");
}

#[test]
fn parts_come_in_any_order_with_gaps_and_again() {
    let service = S3Service::start();
    let upload = service.begin("p.ndjson");
    assert_eq!(etag(&service.put_part("p.ndjson", &upload, 9, C).expect(200)), format!("\"{MD5_C}\""));
    service.put_part("p.ndjson", &upload, 2, C).expect(200);
    service.put_part("p.ndjson", &upload, 5, B).expect(200);
    // It takes the place of the one before.
    assert_eq!(etag(&service.put_part("p.ndjson", &upload, 2, A).expect(200)), format!("\"{MD5_A}\""));

    let path = format!("/st-marys/p.ndjson?uploadId={upload}");
    let parts = service.call(&[&path], b"").expect(200).text();
    let numbers: Vec<&str> = parts.split("<PartNumber>").skip(1).map(|rest| &rest[..1]).collect();
    assert_eq!(numbers, ["2", "5", "9"], "{parts}");
    assert_eq!(element(&service.call(&["/st-marys?uploads="], b"").expect(200), "UploadId"), upload);

    let wrong = service.complete("p.ndjson", &upload, &[(2, MD5_B), (5, MD5_B)]).expect(400);
    assert_eq!(element(&wrong, "Code"), "InvalidPart");
    let wrong = service.complete("p.ndjson", &upload, &[(5, MD5_B), (2, MD5_A)]).expect(400);
    assert_eq!(element(&wrong, "Code"), "InvalidPartOrder");
    let wrong = service.complete("p.ndjson", &upload, &[(2, MD5_A), (3, MD5_B)]).expect(400);
    assert_eq!(element(&wrong, "Code"), "InvalidPart");

    let parts = [(2, MD5_A), (5, MD5_B), (9, MD5_C)];
    // Lost answers are asked for again.
    for _ in 0..2 {
        let done = service.complete("p.ndjson", &upload, &parts).expect(200);
        assert_eq!(element(&done, "ETag"), "\"374791e010e2caddc39aea86daa9a207-3\"");
    }
    service.wait_until_loaded(1);
    assert_eq!(service.patients(), ["a", "b", "cc"]);
    let gone = service.put_part("p.ndjson", &upload, 1, A).expect(404);
    assert_eq!(element(&gone, "Code"), "NoSuchUpload");
}

#[test]
fn an_aborted_upload_is_gone() {
    let service = S3Service::start();
    let upload = service.begin("p.ndjson");
    service.put_part("p.ndjson", &upload, 1, A).expect(200);
    let path = format!("/st-marys/p.ndjson?uploadId={upload}");
    service.call(&[&path, "--request", "DELETE"], b"").expect(204);
    assert_eq!(element(&service.put_part("p.ndjson", &upload, 2, A).expect(404), "Code"), "NoSuchUpload");
    assert_eq!(service.http.spool(), Vec::<String>::new());
    for part in ["0", "10001", "2147483648", "x"] {
        let upload = service.begin("q.ndjson");
        let path = format!("/st-marys/q.ndjson?partNumber={part}&uploadId={upload}");
        assert_eq!(service.put(&path, A, &[]).status, 400, "{part}");
    }
}

#[test]
fn an_upload_is_finished_on_the_other_interface() {
    let service = S3Service::start();
    let token = service.http.authorization(&service.sender);
    let upload = service.begin("from-s3.ndjson");
    service.put_part("from-s3.ndjson", &upload, 1, A).expect(200);
    let path = format!("/api/uploads/{upload}");
    service.http.put(&token, &path, 2, B).expect(204);
    service.http.complete(&token, &path).expect(202);

    let path = service.http.begin(&token, "from-rest.ndjson", 2);
    let upload = path.rsplit('/').next().unwrap();
    service.http.put(&token, &path, 1, A).expect(204);
    service.put_part("from-rest.ndjson", upload, 2, C).expect(200);
    let done = service.complete("from-rest.ndjson", upload, &[(1, MD5_A), (2, MD5_C)]).expect(200);
    assert_eq!(element(&done, "ETag"), "\"af18ea1fd0383c19c628e219a4c5c10b-2\"");
    service.wait_until_loaded(2);
    assert_eq!(service.patients(), ["a", "b", "cc"]);
}

/// The checksums are those of the standards, by other programs.
#[test]
fn checksums_are_checked() {
    let service = S3Service::start();
    let right = [
        ("Content-MD5", "waZWAbOkoKidpdQcQReMMA=="),
        ("x-amz-checksum-crc32", "n+DS8Q=="),
        ("x-amz-checksum-crc32c", "4ISwzA=="),
        ("x-amz-checksum-crc64nvme", "XSDgR6T+pQ4="),
        ("x-amz-checksum-sha1", "OFb1nN3UHvvqd/xAoOY826NkuXE="),
        ("x-amz-checksum-sha256", "wpdce0pYvR7tr+ttuD9a3a8gCRL1NVFpepU8nIkTFiI="),
    ];
    let upload = service.begin("p.ndjson");
    let part = format!("/st-marys/p.ndjson?partNumber=1&uploadId={upload}");
    for (name, value) in right {
        let header = format!("{name}: {value}");
        for path in ["/st-marys/a.ndjson", &part] {
            let answer = service.put(path, A, &["--header", &header]).expect(200);
            let told = answer.header(&name.to_ascii_lowercase());
            assert!(name == "Content-MD5" || told.as_deref() == Some(value), "{}", answer.headers);
            let refused = service.put(path, B, &["--header", &header]).expect(400);
            assert_eq!(element(&refused, "Code"), "BadDigest", "{name}");
        }
        let malformed =
            service.put("/st-marys/a.ndjson", A, &["--header", &format!("{name}: AAA")]).expect(400);
        assert!(
            ["InvalidDigest", "InvalidRequest"].contains(&element(&malformed, "Code").as_str()),
            "{name}"
        );
    }
    // The SHA-256 of the empty body is not that of this one.
    let empty = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let refused = service.put("/st-marys/a.ndjson", A, &["--header", empty]).expect(400);
    assert_eq!(element(&refused, "Code"), "XAmzContentSHA256Mismatch");
    // Nothing of what was refused stays.
    wait_until("the spool has the upload in parts only", || {
        service.http.spool().iter().all(|name| name.starts_with(&upload))
    });
    let files = service.http.environment.value("select count(*) from etl.upload where status = 'completed'");
    assert_eq!(files, "6");
}

#[test]
fn chunked_bodies_with_trailers_are_checked() {
    let service = S3Service::start();
    let put = |trailer: &str| {
        let half = A.len() / 2;
        let mut body = format!("{half:x}\r\n").into_bytes();
        body.extend([&A[..half], b"\r\n"].concat());
        body.extend(format!("{:x}\r\n", A.len() - half).into_bytes());
        body.extend([&A[half..], b"\r\n0\r\n", trailer.as_bytes(), b"\r\n\r\n"].concat());
        let headers = [
            "--header",
            "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "--header",
            "x-amz-trailer: x-amz-checksum-crc32",
            "--header",
            "x-amz-decoded-content-length: 36",
            "--header",
            "Content-Encoding: aws-chunked",
        ];
        service.put("/st-marys/t.ndjson", &body, &headers)
    };
    let refused = put("x-amz-checksum-crc32:jVV9Hw==").expect(400);
    assert_eq!(element(&refused, "Code"), "BadDigest");
    put("x-amz-other:1").expect(400);
    let answer = put("x-amz-checksum-crc32:n+DS8Q==").expect(200);
    assert_eq!(etag(&answer), format!("\"{MD5_A}\""));
    service.wait_until_loaded(1);
    assert_eq!(service.patients(), ["a"]);
}
