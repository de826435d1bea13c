//! What became of updates, as *answers* of FHIR.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::server::error::{ApiError, FHIR_JSON};
use crate::server::state::ServerState;
use crate::update::{Answer, Applied, Change, Refusal};

/// The status of what an entry did.
fn status(change: Change) -> StatusCode {
    match change {
        Change::Created => StatusCode::CREATED,
        Change::Updated | Change::Unchanged => StatusCode::OK,
        Change::Deleted => StatusCode::NO_CONTENT,
    }
}

/// A refusal as an error. `place` says where in what was sent a path of the resource is.
pub fn refused(refusal: &Refusal, place: &dyn Fn(&str) -> String) -> ApiError {
    let sentence = refusal.to_string();
    let status = match refusal {
        Refusal::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
        Refusal::Stale => StatusCode::CONFLICT,
        Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
        Refusal::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Refusal::Unavailable => {
            return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, sentence).with(header::RETRY_AFTER, "10");
        }
    };
    let mut error = ApiError::new(status, sentence);
    if let Refusal::Refused { path: Some(path), .. } = refusal {
        error.expression = Some(place(path));
    }
    error
}

/// The ETag of a revision.
fn etag(revision: i32) -> String {
    format!("W/\"{revision}\"")
}

/// The path of a resource below the base, with its version if that is known.
fn location(applied: &Applied) -> String {
    let path = format!("{}/{}", applied.resource_type.name(), applied.fhir_id);
    applied.revision.map_or(path.clone(), |revision| format!("{path}/_history/{revision}"))
}

/// The answer to a call about one resource.
pub fn of_one(state: &ServerState, answer: Answer, wants_outcome: bool) -> Result<Response, ApiError> {
    let here = |path: &str| path.to_owned();
    let applied = answer.map_err(|(_, refusal)| refused(&refusal, &here))?;
    let Some(applied) = applied.into_iter().next() else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let change = match &applied.change {
        Ok(change) => *change,
        Err(refusal) => return Err(refused(refusal, &here)),
    };
    let mut response = if wants_outcome {
        let status = if change == Change::Deleted { StatusCode::OK } else { status(change) };
        (status, [(header::CONTENT_TYPE, FHIR_JSON)], success(change).to_string()).into_response()
    } else {
        status(change).into_response()
    };
    let headers = response.headers_mut();
    let mut put = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    if let Some(revision) = applied.revision {
        put(header::ETAG, etag(revision));
        put(header::LAST_MODIFIED, applied.last_modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
    if change != Change::Deleted {
        let base = state.settings.server.public_url.as_deref().unwrap_or_default();
        put(header::LOCATION, format!("{base}/fhir/{}", location(&applied)));
    }
    Ok(response)
}

fn success(change: Change) -> Value {
    let sentence = match change {
        Change::Created => "the resource is created",
        Change::Updated => "the resource is updated",
        Change::Unchanged => "the resource has this content already",
        Change::Deleted => "the resource is deleted",
    };
    let issue = json!({"severity": "information", "code": "informational", "diagnostics": sentence});
    json!({"resourceType": "OperationOutcome", "issue": [issue]})
}

/// The entry of a response for an entry that did this.
pub fn entry_of(applied: &Applied, place: &dyn Fn(&str) -> String) -> Value {
    let change = match &applied.change {
        Ok(change) => *change,
        Err(refusal) => return entry_of_error(&refused(refusal, place)),
    };
    let mut response = json!({"status": phrase(status(change))});
    if let Some(revision) = applied.revision {
        response["etag"] = json!(etag(revision));
        response["lastModified"] = json!(applied.last_modified.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
    }
    if change != Change::Deleted {
        response["location"] = json!(location(applied));
    }
    json!({"response": response})
}

/// The entry of a response for an entry that is refused.
pub fn entry_of_error(error: &ApiError) -> Value {
    json!({"response": {"status": phrase(error.status), "outcome": error.outcome()}})
}

/// The entry of a response for an entry that asks for nothing that is stored.
pub fn entry_of_nothing() -> Value {
    json!({"response": {"status": phrase(StatusCode::NO_CONTENT)}})
}

fn phrase(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default())
}

/// A Bundle of responses.
pub fn bundle(bundle_type: &str, entries: Vec<Value>) -> Response {
    let mut bundle = json!({"resourceType": "Bundle", "type": bundle_type});
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    ([(header::CONTENT_TYPE, FHIR_JSON)], bundle.to_string()).into_response()
}
