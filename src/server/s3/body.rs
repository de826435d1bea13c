//! *Bodies*, within limits of time and memory: what is too slow is cut off, and chunks are
//! never kept whole if they are large (see [`Framing`]).

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use futures_util::stream;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode};

use super::error;
use super::framing::Framing;
use super::session::Session;
use crate::server::body::BodyReader;
use crate::server::error::ApiError;
use crate::server::receive::Pieces;
use crate::upload::UploadError;

struct Guard {
    session: Arc<Session>,
    reader: BodyReader,
    framing: Framing,
    waiting: VecDeque<Bytes>,
}

/// The body of a call, guarded.
pub fn guarded(session: &Arc<Session>, headers: &HeaderMap, body: Body) -> Body {
    // A Content-Encoding is kept with the object and changes nothing in how it is read; the
    // size is checked where the bytes are written.
    let reader = match BodyReader::new(body, &HeaderMap::new(), &session.call, u64::MAX) {
        Ok(reader) => reader,
        Err(failure) => {
            session.break_off(failure);
            return Body::empty();
        }
    };
    let framing = Framing::of(headers);
    let guard = Guard { session: Arc::clone(session), reader, framing, waiting: VecDeque::new() };
    Body::from_stream(stream::try_unfold(guard, |mut guard| async move {
        loop {
            if let Some(bytes) = guard.waiting.pop_front() {
                return Ok::<_, io::Error>(Some((bytes, guard)));
            }
            match guard.reader.next().await {
                Ok(None) => return Ok(None),
                Ok(Some(bytes)) => {
                    if guard.framing.pass(bytes, &mut guard.waiting) {
                        continue;
                    }
                    let sentence = "a chunk of the body is malformed or too large";
                    guard.session.break_off(ApiError::bad_request(sentence));
                    return Err(io::ErrorKind::InvalidData.into());
                }
                Err(failure) => {
                    guard.session.break_off(failure);
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
        }
    }))
}

/// The decoded body as pieces.
pub struct Decoded<'s> {
    session: &'s Session,
    blob: Option<StreamingBlob>,
}

impl<'s> Decoded<'s> {
    /// The body that s3s decoded; none if it is empty.
    pub fn new(session: &'s Session, blob: Option<StreamingBlob>) -> Self {
        Decoded { session, blob }
    }
}

/// Why a file or a part was not taken.
#[derive(Debug)]
pub struct Refused(pub S3Error);

impl From<UploadError> for Refused {
    fn from(failure: UploadError) -> Self {
        Refused(error::of(failure))
    }
}

impl Pieces for Decoded<'_> {
    type Error = Refused;

    async fn next(&mut self) -> Result<Option<Bytes>, Refused> {
        let Some(blob) = &mut self.blob else { return Ok(None) };
        let next = std::future::poll_fn(|context| {
            stream::Stream::poll_next(std::pin::Pin::new(&mut *blob), context)
        });
        match next.await {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(failure)) => Err(Refused(self.refused(&failure.to_string()))),
        }
    }
}

impl Decoded<'_> {
    /// s3s keeps the types of these errors to itself.
    fn refused(&self, failure: &str) -> S3Error {
        if let Some(broken) = self.session.broken_off() {
            let code = match broken.status {
                StatusCode::REQUEST_TIMEOUT => S3ErrorCode::RequestTimeout,
                _ => S3ErrorCode::IncompleteBody,
            };
            return S3Error::with_message(code, broken.diagnostics.clone());
        }
        if failure.contains("Sha256Mismatch") {
            let sentence = "x-amz-content-sha256 is not the SHA-256 of the body".to_owned();
            return error::custom("XAmzContentSHA256Mismatch", StatusCode::BAD_REQUEST, sentence);
        }
        if failure.contains("SignatureMismatch") {
            let sentence = "the signature of a chunk is wrong";
            return S3Error::with_message(S3ErrorCode::SignatureDoesNotMatch, sentence);
        }
        let sentence = "the body ended early or is malformed";
        S3Error::with_message(S3ErrorCode::IncompleteBody, sentence)
    }
}
