//! What headers and trailers say of the bytes of a body: `Content-MD5` and
//! `x-amz-checksum-*`.

use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::{S3Error, S3Result, TrailingHeaders, s3_error};

use crate::upload::{Algorithm, Expected, Sum};

const PREFIX: &str = "x-amz-checksum-";
/// What the headers say of a body of this size.
pub fn expected(headers: &HeaderMap, size: Option<i64>) -> S3Result<Expected> {
    let size = match size {
        Some(size) => u64::try_from(size).map_err(|_| s3_error!(InvalidArgument, "the size is negative"))?,
        None => return Err(s3_error!(MissingContentLength, "Content-Length is missing")),
    };
    let mut expected = Expected { size: Some(size), ..Expected::default() };
    if let Some(value) = headers.get("content-md5") {
        let md5 = decoded(value).and_then(|md5| md5.try_into().ok());
        let malformed = || s3_error!(InvalidDigest, "Content-MD5 must be an MD5 in Base64");
        expected.md5 = Some(md5.ok_or_else(malformed)?);
    }
    for (name, value) in headers {
        let Some(kind) = name.as_str().strip_prefix(PREFIX) else { continue };
        if !matches!(kind, "algorithm" | "mode" | "type") {
            expected.sums.push(sum(kind, value)?);
        }
    }
    for value in headers.get_all("x-amz-trailer") {
        for name in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            if let Some(kind) = name.strip_prefix(PREFIX) {
                expected.later = Some(algorithm(kind)?);
            }
        }
    }
    Ok(expected)
}

/// The checksum in the trailers of a body that was read, where one was announced.
pub fn trailing(trailers: Option<TrailingHeaders>, announced: Option<Algorithm>) -> S3Result<Option<Sum>> {
    let Some(announced) = announced else { return Ok(None) };
    let trailers = trailers.and_then(|trailers| trailers.take()).unwrap_or_default();
    let mut found = None;
    for (name, value) in &trailers {
        if let Some(kind) = name.as_str().strip_prefix(PREFIX) {
            found = Some(sum(kind, value)?);
        }
    }
    match found {
        Some(sum) if sum.algorithm == announced => Ok(Some(sum)),
        _ => Err(s3_error!(InvalidRequest, "the trailer that x-amz-trailer announces is missing")),
    }
}

/// The header that tells a checksum of a part or a file.
pub fn value_of(sums: &[Sum], algorithm: Algorithm) -> Option<String> {
    let found = sums.iter().find(|sum| sum.algorithm == algorithm)?;
    Some(STANDARD.encode(&found.value))
}

fn sum(kind: &str, value: &HeaderValue) -> S3Result<Sum> {
    let algorithm = algorithm(kind)?;
    let value = decoded(value).filter(|value| value.len() == algorithm.length());
    let value = value.ok_or_else(|| malformed(algorithm))?;
    Ok(Sum { algorithm, value })
}

fn malformed(algorithm: Algorithm) -> S3Error {
    s3_error!(InvalidRequest, "the checksum must be a {} in Base64", algorithm.name())
}

fn algorithm(kind: &str) -> S3Result<Algorithm> {
    Algorithm::of_code(kind).ok_or_else(|| {
        s3_error!(InvalidRequest, "checksums are crc32, crc32c, crc64nvme, sha1, sha256 or sha512")
    })
}

fn decoded(value: &HeaderValue) -> Option<Vec<u8>> {
    STANDARD.decode(value.to_str().ok()?.trim()).ok()
}
