//! The *calls* that write.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;

use super::MOST_BYTES;
use super::answer;
use super::bundle::{self, Requested};
use super::json::Members;
use super::request::{self, IF_NONE_EXIST, Method, Origin, Request, require_json, versions};
use super::store::{Queueing, Stored, store};
use crate::pipeline::updates::Problem;
use crate::server::auth::{Caller, Scope};
use crate::server::body::BodyReader;
use crate::server::error::ApiError;
use crate::server::rest::uploads;
use crate::server::state::Shared;
use crate::update::{Answer, Update};

/// Bodies from this size on are checked on a thread that may block.
const LARGE_BODY: usize = 64 * 1024;

/// What a sender prefers (RFC 7240).
#[derive(Clone, Copy, Debug, Default)]
struct Preference {
    wants_outcome: bool,
    is_asynchronous: bool,
}

impl Preference {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
        let mut preference = Preference::default();
        for word in values.flat_map(|value| value.split([',', ';'])) {
            match word.trim() {
                "return=OperationOutcome" => preference.wants_outcome = true,
                "respond-async" => preference.is_asynchronous = true,
                _ => {}
            }
        }
        preference
    }
}

fn origin(caller: &Caller) -> Origin {
    Origin { source: caller.bearer.source.clone(), request_id: caller.call.request_id.clone() }
}

/// A body, and the memory that it has until the call is answered.
struct Received {
    text: String,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Received {
    fn none() -> Self {
        Received { text: String::new(), _memory: None }
    }
}

async fn read_body(
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
async fn checked<T: Send + 'static>(
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
    let queueing = if preference.is_asynchronous { Queueing::Wanted } else { Queueing::Allowed };
    match store(state, caller, vec![update], queueing).await? {
        Stored::Queued(upload) => Ok(uploads::accepted(&upload)),
        Stored::Answers(mut answers) => {
            let answer = answers.pop().unwrap_or(Ok(Vec::new()));
            answer::of_one(state, answer, preference.wants_outcome)
        }
    }
}

/// Writes or deletes the resource that the URL names.
async fn write(
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

/// Takes a Bundle: a transaction is stored whole or not at all, each entry of a batch for
/// itself, and of other Bundles the resources that can be stored.
#[utoipa::path(
    post, path = "/fhir", tag = "updates",
    request_body(content_type = "application/fhir+json"),
    responses(
        (status = 200, description = "a Bundle with a response for each entry", content_type = "application/fhir+json"),
        (status = 202, description = "too many updates wait: it is queued"),
        (status = 400, description = "it is no Bundle, or an entry of a transaction makes no sense"),
        (status = 409, description = "a transaction has an earlier version of a resource than the tables"),
        (status = 412, description = "a condition of a transaction does not hold"),
        (status = 413, description = "it is too large: send it as a file"),
        (status = 422, description = "a value of a transaction cannot be stored; expression is its path")),
)]
pub async fn post_bundle(
    State(state): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Update)?;
    let body = read_body(&state, &caller, &headers, body).await?;
    take_bundle(&state, &caller, &headers, body).await
}

/// Takes one resource, as `PUT /fhir/{type}/{id}` does, or a Bundle, as `POST /fhir` does.
#[utoipa::path(
    post, path = "/api/update", tag = "updates",
    request_body(content_type = "application/fhir+json"),
    responses(
        (status = 200, description = "the resource is updated; or a Bundle with a response for each entry"),
        (status = 201, description = "the resource is created"),
        (status = 202, description = "too many updates wait: it is queued"),
        (status = 400, description = "the body is no resource with an id, and no Bundle"),
        (status = 409, description = "the tables have a later version"),
        (status = 412, description = "a condition does not hold"),
        (status = 422, description = "a value cannot be stored; expression is its path")),
)]
pub async fn post_update(
    State(state): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Update)?;
    let body = read_body(&state, &caller, &headers, body).await?;
    let members: Members<'_> = serde_json::from_str(&body.text)
        .map_err(|_| ApiError::bad_request("the body is not a JSON object with different names"))?;
    let Some(name) = members.text("resourceType") else {
        return Err(ApiError::bad_request("the resource has no resourceType"));
    };
    if name == "Bundle" {
        drop(members);
        return take_bundle(&state, &caller, &headers, body).await;
    }
    let Some(id) = members.text("id") else {
        return Err(ApiError::bad_request("the resource has no id").at(&format!("{name}.id")));
    };
    drop(members);
    write(&state, &caller, (Method::Put, format!("{name}/{id}")), &headers, body).await
}

async fn take_bundle(
    state: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    body: Received,
) -> Result<Response, ApiError> {
    let (shared, origin) = (Shared::clone(state), origin(caller));
    let requested = checked(body, move |body| bundle::requested(&shared, &origin, body)).await?;
    let queueing = if Preference::of(headers).is_asynchronous { Queueing::Wanted } else { Queueing::Allowed };
    match requested {
        Requested::Transaction(_, None) => Ok(answer::bundle("transaction-response", Vec::new())),
        Requested::Transaction(count, Some(update)) => {
            let stored = store(state, caller, vec![*update], queueing).await?;
            of_whole(stored, (count, &[]), "transaction-response")
        }
        Requested::Resources(count, update) => {
            let problems = update.problems.clone();
            let stored = store(state, caller, vec![*update], queueing).await?;
            of_whole(stored, (count, &problems), "batch-response")
        }
        Requested::Batch(entries) => take_batch(state, caller, entries, queueing).await,
    }
}

/// The path in a Bundle of an element of the resource of its entry.
fn in_entry(number: usize, path: &str) -> String {
    let below = path.split_once('.').map(|(_, below)| format!(".{below}")).unwrap_or_default();
    format!("Bundle.entry[{number}].resource{below}")
}

/// The answer to a Bundle that is one update, of so many entries. Of these, some were known
/// to have problems.
fn of_whole(
    stored: Stored,
    (count, problems): (usize, &[Problem]),
    bundle_type: &str,
) -> Result<Response, ApiError> {
    let mut answers = match stored {
        Stored::Queued(upload) => return Ok(uploads::accepted(&upload)),
        Stored::Answers(answers) => answers,
    };
    let applied = match answers.pop().unwrap_or(Ok(Vec::new())) {
        Ok(applied) => applied,
        Err((0, refusal)) => return Err(answer::refused(&refusal, &str::to_owned)),
        Err((entry, refusal)) => {
            let number = entry as usize - 1;
            let error = answer::refused(&refusal, &|path| in_entry(number, path));
            return Err(if error.expression.is_some() {
                error
            } else {
                error.at(&format!("Bundle.entry[{number}]"))
            });
        }
    };
    let entry = |number: usize| {
        let place = |path: &str| in_entry(number, path);
        if let Some(problem) = problems.iter().find(|problem| problem.entry as usize == number + 1) {
            return answer::entry_of_error(&request::refused_for(problem, &place));
        }
        let found = applied.iter().find(|applied| applied.entry as usize == number + 1);
        found.map_or_else(answer::entry_of_nothing, |of| answer::entry_of(of, &place))
    };
    Ok(answer::bundle(bundle_type, (0..count).map(entry).collect()))
}

async fn take_batch(
    state: &Shared,
    caller: &Caller,
    entries: Vec<Result<Update, ApiError>>,
    queueing: Queueing,
) -> Result<Response, ApiError> {
    let (mut updates, mut refused) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Ok(update) => {
                updates.push(update);
                refused.push(None);
            }
            Err(error) if error.status == StatusCode::SERVICE_UNAVAILABLE => return Err(error),
            Err(error) => refused.push(Some(error)),
        }
    }
    // The answer that a batch is queued does not tell which entries are refused.
    let queueing = if refused.iter().any(Option::is_some) { Queueing::Impossible } else { queueing };
    let mut answers = match store(state, caller, updates, queueing).await? {
        Stored::Queued(upload) => return Ok(uploads::accepted(&upload)),
        Stored::Answers(answers) => answers.into_iter(),
    };
    let response = |(number, refused): (usize, Option<ApiError>)| match refused {
        Some(error) => answer::entry_of_error(&error),
        None => entry_of_answer(number, answers.next()),
    };
    let responses: Vec<Value> = refused.into_iter().enumerate().map(response).collect();
    Ok(answer::bundle("batch-response", responses))
}

fn entry_of_answer(number: usize, answer: Option<Answer>) -> Value {
    let place = |path: &str| in_entry(number, path);
    match answer {
        Some(Ok(applied)) => {
            applied.first().map_or_else(answer::entry_of_nothing, |applied| answer::entry_of(applied, &place))
        }
        Some(Err((_, refusal))) => answer::entry_of_error(&answer::refused(&refusal, &place)),
        None => answer::entry_of_nothing(),
    }
}
