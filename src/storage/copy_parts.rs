//! *Copies in parts*, which the store makes itself: objects of more than 5 GB cannot be copied in one
//! call on S3. The client has no call for it, so each part is asked for by a URL that the client has
//! signed.

use std::sync::Arc;
use std::time::Duration;

use fhirmill_postgres::failpoint::{self, StoreStep};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::AmazonS3;
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use object_store::{Error, HeaderMap, HeaderValue, MultipartId, Result};
use tokio::time::{Instant, sleep};

/// The size of a part, unless the object is so large that it would have too many.
const PART_BYTES: u64 = 512 << 20;
/// S3 takes 10,000 parts.
const MOST_PARTS: u64 = 9000;
/// How many parts are copied at the same time.
const PARTS_AT_ONCE: usize = 4;
/// How long a part is tried again.
const RETRY: Duration = Duration::from_secs(180);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a signed URL is good for.
const SIGNED: Duration = Duration::from_secs(900);

/// Copies objects of one bucket of S3 within it.
#[derive(Debug)]
pub(super) struct PartCopier {
    /// The bucket.
    pub bucket: String,
    /// The client, which signs.
    pub store: Arc<AmazonS3>,
    /// What calls by signed URLs are made with.
    pub http: HttpClient,
}

/// What is copied.
struct Source<'s> {
    from: &'s Path,
    etag: Option<&'s str>,
    to: &'s Path,
    upload: &'s MultipartId,
}

impl PartCopier {
    /// Copies that version of an object of this size to another place, where it replaces what is
    /// there.
    pub async fn copy(&self, from: &Path, etag: Option<&str>, size: u64, to: &Path) -> Result<()> {
        let largest = failpoint::limit("store-copied-part", PART_BYTES).max(1);
        let part_bytes = largest.max(size.div_ceil(MOST_PARTS));
        let upload = self.store.create_multipart(to).await?;
        let source = Source { from, etag, to, upload: &upload };
        let begins = (0..size).step_by(usize::try_from(part_bytes).unwrap_or(usize::MAX));
        let copied = stream::iter((0_usize..).zip(begins))
            .map(|(number, begin)| {
                let end = (begin + part_bytes).min(size);
                self.copy_part(&source, number, (begin, end))
            })
            .buffered(PARTS_AT_ONCE)
            .try_collect::<Vec<PartId>>()
            .await;
        let completed = match copied {
            Ok(parts) => self.store.complete_multipart(to, &upload, parts).await.map(drop),
            Err(error) => Err(error),
        };
        if completed.is_err() {
            // Stores keep, and charge, parts that nobody completes.
            let _ = self.store.abort_multipart(to, &upload).await;
        }
        completed
    }

    /// Copies a part, and tries again where the store is busy or away.
    async fn copy_part(&self, source: &Source<'_>, number: usize, range: (u64, u64)) -> Result<PartId> {
        let since = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            match self.try_part(source, number, range).await {
                Err((error, true)) if since.elapsed() > RETRY => return Err(error),
                Err((_, true)) => sleep(pause).await,
                Err((error, false)) => return Err(error),
                Ok(part) => {
                    failpoint::passed(StoreStep::PartCopied);
                    return Ok(part);
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Copies a part; with an error, whether it may be tried again.
    async fn try_part(
        &self,
        source: &Source<'_>,
        number: usize,
        (begin, end): (u64, u64),
    ) -> Result<PartId, (Error, bool)> {
        let headers = self.headers(source, (begin, end)).map_err(|error| (error, false))?;
        let mut options = SignedUrlOptions::default()
            .with_query([("partNumber", (number + 1).to_string()), ("uploadId", source.upload.clone())]);
        options.signed_headers = headers.clone();
        let signed = self.store.signed_url_opts(Method::PUT, source.to, SIGNED, &options).await;
        let url = signed.map_err(|error| (error, false))?;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = Method::PUT;
        *request.uri_mut() = url.as_str().parse().map_err(|_| (failed("a URL that is none"), false))?;
        *request.headers_mut() = headers;
        let answer = self.http.execute(request).await.map_err(|_| (failed("HTTP error"), true))?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(|_| (failed("HTTP error"), true))?;
        let text = String::from_utf8_lossy(&body);
        match status.as_u16() {
            200 => {}
            412 => {
                let path = source.from.to_string();
                return Err((Error::Precondition { path, source: "412".into() }, false));
            }
            404 => {
                let path = source.from.to_string();
                return Err((Error::NotFound { path, source: "404".into() }, false));
            }
            code => {
                let is_busy = status.is_server_error() && code != 501 || code == 429;
                return Err((failed(&format!("status code: {status}: {text}")), is_busy));
            }
        }
        // An answer that has begun well may end in an error.
        match between(&text, "<ETag>", "</ETag>") {
            Some(etag) => Ok(PartId { content_id: etag.replace("&quot;", "\"").replace("&#34;", "\"") }),
            None => Err((failed(&format!("status code: 500: {text}")), true)),
        }
    }

    fn headers(&self, source: &Source<'_>, (begin, end): (u64, u64)) -> Result<HeaderMap> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| failed("a header that is none"));
        let mut headers = HeaderMap::new();
        let key = encoded(source.from.as_ref());
        headers.insert("x-amz-copy-source", value(&format!("{}/{key}", self.bucket))?);
        headers.insert("x-amz-copy-source-range", value(&format!("bytes={begin}-{}", end - 1))?);
        if let Some(etag) = source.etag {
            headers.insert("x-amz-copy-source-if-match", value(etag)?);
        }
        Ok(headers)
    }
}

fn failed(what: &str) -> Error {
    Error::Generic { store: "S3", source: what.to_owned().into() }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// A key as a header has it.
fn encoded(key: &str) -> String {
    let of = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    key.bytes().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn keys_are_encoded_for_a_header() {
        assert_eq!(encoded("in/caf\u{e9} %1+2.json"), "in/caf%C3%A9%20%251%2B2.json");
    }
}
