//! S3: checksums of whole files that came in parts. All values are by other programs.

use pretty_assertions::assert_eq;

use super::Answer;
use super::s3::{A, B, S3Service, element};

const SUMS: [(&str, &str, &str, &str); 6] = [
    ("CRC32", "FULL_OBJECT", "n+DS8Q==", "L7o5oQ=="),
    ("CRC32", "COMPOSITE", "n+DS8Q==", "2F2TGQ==-2"),
    ("CRC32C", "FULL_OBJECT", "4ISwzA==", "bc0eHQ=="),
    ("CRC64NVME", "FULL_OBJECT", "XSDgR6T+pQ4=", "WPXKc+wJNU4="),
    ("SHA1", "COMPOSITE", "OFb1nN3UHvvqd/xAoOY826NkuXE=", "FpzlFptu1hlKp6ajQIn2IjNGIeo=-2"),
    (
        "SHA256",
        "COMPOSITE",
        "wpdce0pYvR7tr+ttuD9a3a8gCRL1NVFpepU8nIkTFiI=",
        "eZd91BsirKoV5eqJfUBMj3di/246RMFiwWG3/hR+R5U=-2",
    ),
];

fn begin(service: &S3Service, key: &str, algorithm: &str, kind: &str) -> Answer {
    let path = format!("/st-marys/{key}?uploads=");
    let algorithm = format!("x-amz-checksum-algorithm: {algorithm}");
    let kind = format!("x-amz-checksum-type: {kind}");
    service.call(&[&path, "--request", "POST", "--header", &algorithm, "--header", &kind], b"")
}

/// Completes an upload of two parts; `of_first` goes into the document with the first.
fn complete(service: &S3Service, path: &str, of_first: &str, headers: &[&str]) -> Answer {
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>{of_first}</Part>\
         <Part><PartNumber>2</PartNumber></Part></CompleteMultipartUpload>"
    );
    let mut arguments = vec![path, "--request", "POST", "--data", &document];
    headers.iter().for_each(|header| arguments.extend(["--header", header]));
    service.call(&arguments, b"")
}

#[test]
fn the_checksum_of_the_whole_file_is_checked_and_told() {
    let service = S3Service::start();
    for (algorithm, kind, of_a, whole) in SUMS {
        let key = format!("{algorithm}{kind}.ndjson");
        let begun = begin(&service, &key, algorithm, kind).expect(200);
        assert_eq!(begun.header("x-amz-checksum-type").as_deref(), Some(kind));
        let upload = element(&begun, "UploadId");
        let header = format!("x-amz-checksum-{}", algorithm.to_ascii_lowercase());
        // The sender tells it of the first part; of the second it is computed all the same.
        let told = format!("{header}: {of_a}");
        let part = |number: u32| format!("/st-marys/{key}?partNumber={number}&uploadId={upload}");
        service.put(&part(1), A, &["--header", &told]).expect(200);
        service.put(&part(2), B, &[]).expect(200);
        let path = format!("/st-marys/{key}?uploadId={upload}");
        let listed = service.call(&[&path], b"").expect(200);
        assert_eq!(element(&listed, &format!("Checksum{algorithm}")), of_a);
        assert_eq!(element(&listed, "ChecksumType"), kind);

        let right = format!("<Checksum{algorithm}>{of_a}</Checksum{algorithm}>");
        let wrong = right.replace(of_a, whole);
        let refused = complete(&service, &path, &wrong, &[]).expect(400);
        assert_eq!(element(&refused, "Code"), "InvalidPart", "{algorithm}");
        let other = format!("{header}: {of_a}");
        let refused = complete(&service, &path, &right, &[&other]).expect(400);
        assert_eq!(element(&refused, "Code"), "BadDigest", "{algorithm} {kind}");
        let refused = complete(&service, &path, &right, &["x-amz-mp-object-size: 71"]).expect(400);
        assert_eq!(element(&refused, "Code"), "InvalidRequest", "{algorithm} {kind}");

        let told = format!("{header}: {whole}");
        let headers = [told.as_str(), "x-amz-mp-object-size: 72"];
        for _ in 0..2 {
            let done = complete(&service, &path, &right, &headers).expect(200);
            assert_eq!(element(&done, &format!("Checksum{algorithm}")), whole);
            assert_eq!(element(&done, "ChecksumType"), kind);
        }
        let asked = ["--head", "--header", "x-amz-checksum-mode: ENABLED"];
        let path = format!("/st-marys/{key}");
        let head = service.call(&[&[path.as_str()], &asked[..]].concat(), b"").expect(200);
        assert_eq!(head.header(&header).as_deref(), Some(whole));
        assert_eq!(head.header("x-amz-checksum-type").as_deref(), Some(kind));
    }
    service.wait_until_loaded(SUMS.len());
    assert_eq!(service.patients(), ["a", "b"]);
}

#[test]
fn checksums_that_cannot_be_checked_are_refused() {
    let service = S3Service::start();
    for (algorithm, kind) in
        [("CRC64NVME", "COMPOSITE"), ("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT"), ("MD4", "COMPOSITE")]
    {
        let refused = begin(&service, "a.ndjson", algorithm, kind).expect(400);
        assert_eq!(element(&refused, "Code"), "InvalidRequest", "{algorithm} {kind}");
    }
    // Nothing was announced, and the parts came without checksums.
    let upload = service.begin("a.ndjson");
    service.put_part("a.ndjson", &upload, 1, A).expect(200);
    service.put_part("a.ndjson", &upload, 2, B).expect(200);
    let path = format!("/st-marys/a.ndjson?uploadId={upload}");
    let refused = complete(&service, &path, "", &["x-amz-checksum-crc32: L7o5oQ=="]).expect(400);
    assert_eq!(element(&refused, "Code"), "InvalidRequest");
    complete(&service, &path, "", &[]).expect(200);
    // The checksum of a file in one call is kept.
    service.put("/st-marys/b.ndjson", B, &["--header", "x-amz-checksum-crc32: jVV9Hw=="]).expect(200);
    let asked = ["/st-marys/b.ndjson", "--head", "--header", "x-amz-checksum-mode: ENABLED"];
    let head = service.call(&asked, b"").expect(200);
    assert_eq!(head.header("x-amz-checksum-crc32").as_deref(), Some("jVV9Hw=="));
    assert_eq!(head.header("x-amz-checksum-type").as_deref(), Some("FULL_OBJECT"));
}
