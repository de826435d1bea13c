//! *Bodies*, within limits of time and size. A sender that is too slow is cut off: it
//! would hold a connection for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use std::pin::Pin;

use super::call::Call;
use super::error::ApiError;

/// How long the next bytes may take.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The rate is measured over periods of this length, and must be at least this many bytes
/// in each.
const PERIOD: Duration = Duration::from_secs(30);
const LEAST_BYTES: u64 = 30 * 1024;

/// Reads a body piece by piece.
#[derive(Debug)]
pub struct BodyReader {
    body: Body,
    call: Arc<Call>,
    most: u64,
    received: u64,
    period_since: Instant,
    period_bytes: u64,
}

impl BodyReader {
    /// A reader of a body of at most `most` bytes.
    pub fn new(body: Body, headers: &HeaderMap, call: &Arc<Call>, most: u64) -> Result<Self, ApiError> {
        refuse_encoding(headers)?;
        if content_length(headers)?.is_some_and(|length| length > most) {
            return Err(ApiError::too_large(most));
        }
        let call = Arc::clone(call);
        Ok(BodyReader { body, call, most, received: 0, period_since: Instant::now(), period_bytes: 0 })
    }

    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let body = &mut self.body;
            let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
            let Ok(frame) = tokio::time::timeout(LONGEST_PAUSE, frame).await else {
                return Err(too_slow());
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|_| ApiError::bad_request("the body ended early or is malformed"))?;
            // Trailers are of no interest.
            let Ok(bytes) = frame.into_data() else { continue };
            self.count(bytes.len() as u64)?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    fn count(&mut self, bytes: u64) -> Result<(), ApiError> {
        self.call.add_bytes(bytes);
        self.received += bytes;
        if self.received > self.most {
            return Err(ApiError::too_large(self.most));
        }
        self.period_bytes += bytes;
        if self.period_since.elapsed() >= PERIOD {
            if self.period_bytes < LEAST_BYTES {
                return Err(too_slow());
            }
            (self.period_since, self.period_bytes) = (Instant::now(), 0);
        }
        Ok(())
    }

    /// The whole body.
    pub async fn read(mut self) -> Result<Vec<u8>, ApiError> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }
}

fn too_slow() -> ApiError {
    let sentence =
        format!("the body comes too slowly: at least {LEAST_BYTES} bytes in 30 seconds are expected");
    ApiError::new(StatusCode::REQUEST_TIMEOUT, sentence).with(header::CONNECTION, "close")
}

/// The announced length of a body.
pub fn content_length(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| ApiError::bad_request("Content-Length is not a number"))
}

/// Bodies are taken as they are: a compressed file is sent as such, and what would have to
/// be unpacked on the way could be of any size.
fn refuse_encoding(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_encoded = |value: &axum::http::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(header::CONTENT_ENCODING).iter().any(is_encoded) {
        let sentence = "Content-Encoding is not supported: send a compressed file as the body itself";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence)
            .with(header::ACCEPT_ENCODING, "identity"));
    }
    Ok(())
}
