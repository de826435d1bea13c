//! S3: senders push files with the clients that they have. The bucket is the sender's
//! source, and nobody can read or delete what is in it.
//!
//! The crate s3s speaks the protocol: signatures, XML, chunked bodies. Here is what the
//! calls do.
//!
//! - [`session`]: one call: who makes it, and whether it may
//! - [`body`]: bodies, within limits of time and size
//! - [`checksums`]: what headers and trailers say of the bytes
//! - [`store`]: files and parts on their way in
//! - [`multipart`]: uploads in parts
//! - [`completion`]: their completion
//! - [`whole`]: the checksums of whole files
//! - [`listing`]: what was delivered
//! - [`door`]: the calls that there are
//! - [`error`]: why one was refused

mod body;
mod checksums;
mod completion;
mod door;
mod error;
mod framing;
mod listing;
mod multipart;
mod session;
mod store;
mod whole;

use std::sync::{Arc, LazyLock};

use axum::body::{Body, HttpBody};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use s3s::config::{S3Config, S3ConfigProvider, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use s3s::validation::NameValidation;
use s3s::{S3Error, S3ErrorCode};
use tower_http::catch_panic::CatchPanicLayer;

use super::call::{self, Call};
use super::state::Shared;
use door::Door;
use session::Session;

/// The header by which S3 identifies a call.
const AMZ_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
/// The largest XML document: 10,000 parts with their checksums fit.
const MOST_XML_BYTES: usize = 4 << 20;

/// All calls.
pub fn router(state: Shared) -> Router {
    Router::new()
        .fallback(answer)
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(middleware::from_fn_with_state(state.clone(), call::note))
        .with_state(state)
}

/// Answers one call.
async fn answer(
    State(state): State<Shared>,
    Extension(call): Extension<Arc<Call>>,
    request: Request,
) -> Response {
    let request_id = call.request_id.clone();
    let session = Arc::new(Session::new(state, call));
    let mut response = match refusal(&request) {
        Some(refusal) => failed(session.failed(refusal)),
        None => served(session, request).await,
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(AMZ_REQUEST_ID, value);
    }
    response
}

async fn served(session: Arc<Session>, request: Request) -> Response {
    let door = Door(Arc::clone(&session));
    let (parts, body) = request.into_parts();
    let body = match body.size_hint().exact() {
        Some(0) => s3s::Body::empty(),
        _ => s3s::Body::http_body_unsync(body::guarded(&session, &parts.headers, body)),
    };
    let mut builder = S3ServiceBuilder::new(door.clone());
    builder.set_auth(door.clone());
    builder.set_access(door);
    builder.set_validation(AnyName);
    builder.set_config(Arc::<StaticConfigProvider>::clone(&CONFIG) as Arc<dyn S3ConfigProvider>);
    match builder.build().call(Request::from_parts(parts, body)).await {
        Ok(response) => response.map(Body::new),
        Err(_) => failed(session.failed(S3Error::new(S3ErrorCode::InternalError))),
    }
}

/// Refuses what s3s would take and we do not: signatures of version 2, which say nothing of
/// the time, and forms, which it would keep in memory.
fn refusal(request: &Request) -> Option<S3Error> {
    let is_version_2 = |value: &HeaderValue| value.as_bytes().starts_with(b"AWS ");
    let query = request.uri().query().unwrap_or_default();
    let has_version_2 = query.split('&').any(|pair| pair.starts_with("Signature="));
    if request.headers().get_all(header::AUTHORIZATION).iter().any(is_version_2) || has_version_2 {
        let sentence = "the signature must be one of AWS Signature Version 4 (AWS4-HMAC-SHA256)";
        return Some(S3Error::with_message(S3ErrorCode::InvalidRequest, sentence));
    }
    let kind = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let form = b"multipart/";
    if request.method() == Method::POST
        && kind.len() >= form.len()
        && kind[..form.len()].eq_ignore_ascii_case(form)
    {
        let sentence = "files are sent by PUT, not by forms";
        return Some(S3Error::with_message(S3ErrorCode::MethodNotAllowed, sentence));
    }
    None
}

fn failed(error: S3Error) -> Response {
    match error.to_http_response() {
        Ok(response) => response.map(Body::new),
        Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The panic itself is in the log.
fn after_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    let sentence = "fhirmill has a defect; its log says where";
    failed(S3Error::with_message(S3ErrorCode::InternalError, sentence))
}

/// The names of sources follow other rules than those of buckets.
struct AnyName;

impl NameValidation for AnyName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty()
    }
}

static CONFIG: LazyLock<Arc<StaticConfigProvider>> = LazyLock::new(|| {
    let mut config = S3Config::default();
    config.xml_max_body_size = MOST_XML_BYTES;
    Arc::new(StaticConfigProvider::new(Arc::new(config)))
});
