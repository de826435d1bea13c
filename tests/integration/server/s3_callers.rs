//! S3: who may call and what for, and what is refused.

use pretty_assertions::assert_eq;

use super::HttpService;
use super::s3::{A, S3Service, element, user};

#[test]
fn callers_that_are_not_the_sender_are_refused() {
    let service = S3Service::start();
    let code = |user: &str, arguments: &[&str]| {
        let answer = service.call_as(user, arguments, b"");
        (answer.status, element(&answer, "Code"))
    };
    let refused = |status: u16, code: &str| (status, code.to_owned());
    let (key, secret) = service.user.split_once(':').unwrap();
    assert_eq!(code(&format!("{key}:wrong"), &["/st-marys"]), refused(403, "SignatureDoesNotMatch"));
    assert_eq!(code(&format!("OTHER:{secret}"), &["/st-marys"]), refused(403, "InvalidAccessKeyId"));
    assert_eq!(code(&service.user, &["/other"]), refused(403, "AccessDenied"));
    let unsigned = HttpService::curl(service.port, &["/st-marys"], b"").expect(403);
    assert_eq!(element(&unsigned, "Code"), "AccessDenied");

    let status = service.http.sender("status-only", &["--scope", "status"]);
    assert_eq!(code(&user(&status), &["/status-only"]), refused(403, "AccessDenied"));
    let other = service.http.sender("other", &[]);
    assert_eq!(code(&user(&other), &["/st-marys"]), refused(403, "AccessDenied"));
    service.call_as(&user(&other), &["/other"], b"").expect(200);
    service.http.environment.run(&["senders", "disable", "other"]).expect_code(0);
    assert_eq!(code(&user(&other), &["/other"]), refused(403, "InvalidAccessKeyId"));
    service.call(&["/st-marys", "--head"], b"").expect(200);
}

#[test]
fn clocks_that_are_off_and_old_signatures_are_refused() {
    let service = S3Service::start();
    let key = service.user.split_once(':').unwrap().0;
    let authorization = format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={key}/20200101/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}",
        "0".repeat(64)
    );
    let payload = "x-amz-content-sha256: UNSIGNED-PAYLOAD";
    let headers =
        ["--header", &authorization, "--header", "x-amz-date: 20200101T000000Z", "--header", payload];
    let answer = HttpService::curl(service.port, &[&["/st-marys"], &headers[..]].concat(), b"").expect(403);
    assert_eq!(element(&answer, "Code"), "RequestTimeTooSkewed");
    let old = format!("Authorization: AWS {key}:AAAA");
    let answer = HttpService::curl(service.port, &["/st-marys", "--header", &old], b"").expect(400);
    assert_eq!(element(&answer, "Code"), "InvalidRequest");
    let form = ["/st-marys", "--form", "key=a", "--form", "file=b"];
    assert_eq!(element(&HttpService::curl(service.port, &form, b"").expect(405), "Code"), "MethodNotAllowed");
}

#[test]
fn what_was_sent_can_be_neither_read_nor_deleted() {
    let service = S3Service::start();
    service.put("/st-marys/a.ndjson", A, &[]).expect(200);
    for arguments in [
        &["/st-marys/a.ndjson"][..],
        &["/st-marys/a.ndjson", "--request", "DELETE"],
        &["/st-marys", "--request", "DELETE"],
        &["/st-marys?versioning="],
        &["/st-marys?delete=", "--request", "POST", "--data", "<Delete/>"],
    ] {
        let answer = service.call(arguments, b"").expect(403);
        assert_eq!(element(&answer, "Code"), "AccessDenied", "{arguments:?}");
    }
    let copy = ["--request", "PUT", "--header", "x-amz-copy-source: /st-marys/a.ndjson"];
    service.call(&[&["/st-marys/b.ndjson"], &copy[..]].concat(), b"").expect(403);
    assert_eq!(element(&service.call(&["/"], b"").expect(200), "Name"), "st-marys");
    service.call(&["/st-marys?location="], b"").expect(200);
    service.call(&["/st-marys", "--request", "PUT"], b"").expect(409);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let service = S3Service::start();
    for name in ["%2e%2e/a", "a/%2e%2e/b", ".hidden", "a//b", "a%00b", "a%0Ab", "a%5Cb", "%FF", "dir%2F"] {
        let answer = service.put(&format!("/st-marys/{name}"), A, &["--path-as-is"]);
        assert!((400..404).contains(&answer.status), "{name}: {} {}", answer.status, answer.text());
    }
    assert_eq!(service.http.environment.value("select count(*) from etl.upload"), "0");
}

#[test]
fn what_a_sender_may_hold_is_bounded() {
    let service = S3Service::start_with(
        &[("MAX_UPLOAD_BYTES", "2KiB")],
        &["--max-open-uploads", "2", "--max-open-bytes", "3000"],
    );
    let upload = service.begin("a.ndjson");
    service.begin("b.ndjson");
    let busy = service.call(&["/st-marys/c.ndjson?uploads=", "--request", "POST"], b"").expect(503);
    assert_eq!(element(&busy, "Code"), "SlowDown");
    assert!(busy.header("retry-after").is_some());
    let large = service.put("/st-marys/d.ndjson", &[b' '; 2049], &[]).expect(400);
    assert_eq!(element(&large, "Code"), "EntityTooLarge");
    for (part, status) in [(1, 200), (2, 503)] {
        assert_eq!(service.put_part("a.ndjson", &upload, part, &[b' '; 2000]).status, status);
    }
}

#[test]
fn a_presigned_url_takes_a_file() {
    let service = S3Service::start();
    let (key, secret) = service.user.split_once(':').unwrap();
    for (expires, status) in [(3600, 200), (-60, 403)] {
        let query = super::sigv4::presigned(
            &format!("127.0.0.1:{}", service.port),
            "/st-marys/u.ndjson",
            key,
            secret,
            expires,
        );
        let path = format!("/st-marys/u.ndjson?{query}");
        let file = service.http.environment.put("u.ndjson", A);
        let upload = ["--upload-file", file.to_str().unwrap()];
        let forged = path.replace("/u.ndjson", "/v.ndjson");
        HttpService::curl(service.port, &[&[path.as_str()], &upload[..]].concat(), b"").expect(status);
        HttpService::curl(service.port, &[&[forged.as_str()], &upload[..]].concat(), b"").expect(403);
    }
    service.wait_until_loaded(1);
    assert_eq!(service.patients(), ["a"]);
}
