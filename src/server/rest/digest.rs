//! What headers say of the bytes of a body: `Content-Length`, `Content-MD5` (RFC 1864)
//! and `Content-Digest` (RFC 9530).

use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::server::body::content_length;
use crate::server::error::ApiError;
use crate::upload::{Algorithm, Expected, Sum};

/// What the sender says of the body.
pub fn expected(headers: &HeaderMap) -> Result<Expected, ApiError> {
    let mut expected = Expected { size: content_length(headers)?, ..Expected::default() };
    if let Some(value) = headers.get("content-md5") {
        let md5 = text(value).and_then(decoded);
        expected.md5 = Some(
            md5.ok_or_else(|| ApiError::bad_request("Content-MD5 must be the MD5 of the body in Base64"))?,
        );
    }
    for value in headers.get_all("content-digest") {
        digests(value, &mut expected)?;
    }
    Ok(expected)
}

/// A dictionary such as `sha-256=:BASE64:, md5=:BASE64:`. Other algorithms are left out, as
/// the RFC says.
fn digests(value: &HeaderValue, expected: &mut Expected) -> Result<(), ApiError> {
    let malformed = || ApiError::bad_request("Content-Digest must be such as sha-256=:BASE64: (RFC 9530)");
    for member in text(value).ok_or_else(malformed)?.split(',') {
        let (algorithm, digest) = member.trim().split_once('=').ok_or_else(malformed)?;
        let digest =
            digest.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(malformed)?;
        match algorithm {
            "sha-256" => expected.sums.push(sum(Algorithm::Sha256, digest).ok_or_else(malformed)?),
            "sha-512" => expected.sums.push(sum(Algorithm::Sha512, digest).ok_or_else(malformed)?),
            "md5" => expected.md5 = Some(decoded(digest).ok_or_else(malformed)?),
            _ => {}
        }
    }
    Ok(())
}

fn sum(algorithm: Algorithm, digest: &str) -> Option<Sum> {
    let value = STANDARD.decode(digest).ok()?;
    (value.len() == algorithm.length()).then_some(Sum { algorithm, value })
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

fn decoded<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_and_malformed_ones_refused() {
        let mut headers = HeaderMap::new();
        headers.insert("content-md5", HeaderValue::from_static("1B2M2Y8AsgTpgAmY7PhCfg=="));
        headers.insert(
            "content-digest",
            HeaderValue::from_static("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:, crc32=:AAAA:"),
        );
        let found = expected(&headers).expect("well formed");
        assert_eq!(found.md5.map(|md5| md5[0]), Some(0xd4));
        assert_eq!(found.sums.iter().map(|sum| sum.value[0]).collect::<Vec<_>>(), [0xe3]);
        for wrong in ["sha-256=47DE", "sha-256=:AAAA:", "x"] {
            headers.insert("content-digest", HeaderValue::from_static(wrong));
            assert!(expected(&headers).is_err(), "{wrong}");
        }
    }
}
