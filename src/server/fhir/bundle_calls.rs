//! The *calls* that take Bundles.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::answer;
use super::bundle::{self, Requested};
use super::calls::{Preference, Received, checked, origin, read_body, write};
use super::json::Members;
use super::request::{self, Method};
use super::store::{Queueing, Stored, store};
use crate::pipeline::updates::Problem;
use crate::server::auth::{Caller, Scope};
use crate::server::error::ApiError;
use crate::server::rest::uploads;
use crate::server::state::Shared;
use crate::update::{Answer, Update};

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
    let queueing = Preference::of(headers).queueing;
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
            let error = answer::refused(&refusal, &|path| bundle::place(number as u32 + 1, path));
            return Err(if error.expression.is_some() {
                error
            } else {
                error.at(&format!("Bundle.entry[{number}]"))
            });
        }
    };
    let entry = |number: usize| {
        let place = |path: &str| bundle::place(number as u32 + 1, path);
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
    let place = |path: &str| bundle::place(number as u32 + 1, path);
    match answer {
        Some(Ok(applied)) => {
            applied.first().map_or_else(answer::entry_of_nothing, |applied| answer::entry_of(applied, &place))
        }
        Some(Err((_, refusal))) => answer::entry_of_error(&answer::refused(&refusal, &place)),
        None => answer::entry_of_nothing(),
    }
}
