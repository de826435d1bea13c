//! The *calls* that write.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;

use super::MOST_BYTES;
use super::answer;
use super::request::{self, IF_NONE_EXIST, Method, Origin, Request, require_json, versions};
use super::store::{Queueing, Stored, store};
use crate::server::auth::{Caller, Scope};
use crate::server::body::BodyReader;
use crate::server::error::ApiError;
use crate::server::rest::uploads;
use crate::server::state::Shared;
use crate::update::Update;

/// Bodies from this size on are checked on a thread that may block.
const LARGE_BODY: usize = 64 * 1024;

/// What a sender prefers (RFC 7240).
#[derive(Clone, Copy, Debug)]
pub(super) struct Preference {
    pub wants_outcome: bool,
    pub queueing: Queueing,
}

impl Preference {
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
        let mut preference = Preference { wants_outcome: false, queueing: Queueing::Allowed };
        for word in values.flat_map(|value| value.split([',', ';'])) {
            match word.trim() {
                "return=OperationOutcome" => preference.wants_outcome = true,
                "respond-async" => preference.queueing = Queueing::Wanted,
                _ => {}
            }
        }
        preference
    }
}

pub(super) fn origin(caller: &Caller) -> Origin {
    Origin { source: caller.bearer.source.clone(), request_id: caller.call.request_id.clone() }
}

/// A body, and the memory that it has until the call is answered.
pub(super) struct Received {
    pub text: String,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Received {
    fn none() -> Self {
        Received { text: String::new(), _memory: None }
    }
}

pub(super) async fn read_body(
    state: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, ApiError> {
    require_json(headers)?;
    let mut body = BodyReader::new(body, headers, &caller.call, MOST_BYTES)?;
    let (mut bytes, mut memory): (Vec<u8>, Option<OwnedSemaphorePermit>) = (Vec::new(), None);
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(&piece);
        let held = memory.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = (bytes.len() / 1024 + 1).saturating_sub(held);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let Ok(permit) = Arc::clone(&state.updates.memory).try_acquire_many_owned(more) else {
            let sentence = "too many updates are being sent at once";
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, sentence).with(header::RETRY_AFTER, "2"));
        };
        match &mut memory {
            Some(memory) => memory.merge(permit),
            none => *none = Some(permit),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| ApiError::bad_request("the body is not UTF-8"))?;
    Ok(Received { text, _memory: memory })
}

/// Checks a body, where that does not hold up others.
pub(super) async fn checked<T: Send + 'static>(
    Received { text: body, _memory }: Received,
    check: impl FnOnce(&str) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    if body.len() < LARGE_BODY {
        return check(&body);
    }
    match tokio::task::spawn_blocking(move || check(&body)).await {
        Ok(checked) => checked,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// The one value of a body.
fn resource(body: &str) -> Result<&RawValue, ApiError> {
    serde_json::from_str(body).map_err(|_| ApiError::bad_request("the body is not JSON"))
}

/// Has one update stored, and answers.
async fn answer_one(
    state: &Shared,
    caller: &Caller,
    update: Update,
    preference: Preference,
) -> Result<Response, ApiError> {
    match store(state, caller, vec![update], preference.queueing).await? {
        Stored::Queued(upload) => Ok(uploads::accepted(&upload)),
        Stored::Answers(mut answers) => {
            let answer = answers.pop().unwrap_or(Ok(Vec::new()));
            answer::of_one(state, answer, preference.wants_outcome)
        }
    }
}

/// Writes or deletes the resource that the URL names.
pub(super) async fn write(
    state: &Shared,
    caller: &Caller,
    (method, url): (Method, String),
    headers: &HeaderMap,
    body: Received,
) -> Result<Response, ApiError> {
    caller.call.set_target(url.split(['/', '?']).next().unwrap_or_default());
    let preference = Preference::of(headers);
    let (if_match, if_none_match) =
        (versions(headers, &header::IF_MATCH)?, versions(headers, &header::IF_NONE_MATCH)?);
    let if_none_exist = headers.get(IF_NONE_EXIST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let origin = origin(caller);
    let shared = Shared::clone(state);
    let check = move |body: &str| {
        let resource = if method == Method::Delete { None } else { Some(resource(body)?) };
        let full_url = None;
        let request = Request { method, url, if_match, if_none_match, if_none_exist, full_url, resource };
        request::update(&shared, &origin, &request)
    };
    let update = checked(body, check).await?;
    answer_one(state, caller, update, preference).await
}

/// Updates a resource, or creates it.
#[utoipa::path(
    put, path = "/fhir/{type}/{id}", tag = "updates",
    params(("type" = String, Path), ("id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "the ETag that the resource must have"),
        ("If-None-Match" = Option<String>, Header, description = "* if the resource must not exist")),
    request_body(content_type = "application/fhir+json"),
    responses(
        (status = 200, description = "the resource is updated, or had this content; ETag is its version"),
        (status = 201, description = "the resource is created"),
        (status = 202, description = "too many updates wait: it is queued, and Content-Location is the job's URL"),
        (status = 400, description = "the body is no resource of this type and id"),
        (status = 404, description = "FHIR R4 has no such type"),
        (status = 409, description = "the tables have a later version"),
        (status = 412, description = "the version is not the one that is expected"),
        (status = 422, description = "a value cannot be stored; expression is its path"),
        (status = 429, description = "too many updates wait"),
        (status = 503, description = "the database is unavailable"),
        (status = 507, description = "the disk is full")),
)]
pub async fn put(
    State(state): State<Shared>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Update)?;
    let body = read_body(&state, &caller, &headers, body).await?;
    write(&state, &caller, (Method::Put, format!("{name}/{id}")), &headers, body).await
}

/// Deletes a resource.
#[utoipa::path(
    delete, path = "/fhir/{type}/{id}", tag = "updates",
    params(("type" = String, Path), ("id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "the ETag that the resource must have")),
    responses(
        (status = 204, description = "the resource is deleted, or does not exist"),
        (status = 202, description = "too many updates wait: it is queued"),
        (status = 409, description = "the tables have a later version"),
        (status = 412, description = "the version is not the one that is expected")),
)]
pub async fn delete(
    State(state): State<Shared>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require(Scope::Update)?;
    write(&state, &caller, (Method::Delete, format!("{name}/{id}")), &headers, Received::none()).await
}

fn with_query(name: &str, query: Option<String>) -> String {
    query.map_or(name.to_owned(), |query| format!("{name}?{query}"))
}

/// Updates the resource that has an identifier, or creates it.
#[utoipa::path(
    put, path = "/fhir/{type}", tag = "updates",
    params(("type" = String, Path), ("identifier" = String, Query, description = "system|value")),
    request_body(content_type = "application/fhir+json"),
    responses(
        (status = 200, description = "the resource is updated, or had this content"),
        (status = 201, description = "no resource had the identifier: it is created"),
        (status = 412, description = "several resources have the identifier")),
)]
pub async fn put_by_identifier(
    State(state): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Update)?;
    let body = read_body(&state, &caller, &headers, body).await?;
    write(&state, &caller, (Method::Put, with_query(&name, query)), &headers, body).await
}

/// Deletes the resource that has an identifier.
#[utoipa::path(
    delete, path = "/fhir/{type}", tag = "updates",
    params(("type" = String, Path), ("identifier" = String, Query, description = "system|value")),
    responses(
        (status = 204, description = "the resource is deleted, or there is none"),
        (status = 412, description = "several resources have the identifier")),
)]
pub async fn delete_by_identifier(
    State(state): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require(Scope::Update)?;
    write(&state, &caller, (Method::Delete, with_query(&name, query)), &headers, Received::none()).await
}

/// Creates a resource. Its id is its own, or generated from its content.
#[utoipa::path(
    post, path = "/fhir/{type}", tag = "updates",
    params(("type" = String, Path),
        ("If-None-Exist" = Option<String>, Header, description = "identifier=system|value: only if no resource has it")),
    request_body(content_type = "application/fhir+json"),
    responses(
        (status = 200, description = "it existed"),
        (status = 201, description = "it is created; Location names it"),
        (status = 412, description = "several resources have the identifier")),
)]
pub async fn create(
    State(state): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Update)?;
    let body = read_body(&state, &caller, &headers, body).await?;
    write(&state, &caller, (Method::Post, name), &headers, body).await
}
