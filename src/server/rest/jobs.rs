//! `/api/jobs`: what became of a file.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhirmill_postgres::ledger::{Account, Delivery, Outcome, Upload};
use serde::Serialize;
use serde_json::{Value, json};

use super::uploads::upload_id;
use crate::pipeline::updates::element_path;
use crate::server::auth::{Caller, Scope};
use crate::server::error::ApiError;
use crate::server::state::Shared;
use crate::upload::{UploadError, Uploads};

/// How many rejects are read at once.
const PAGE: i64 = 500;

/// What became of a file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct JobAnswer {
    /// The job's id.
    pub id: String,
    /// `queued`, `loading`, `loaded`, `rejected`, `duplicate`, `failed` or `abandoned`.
    pub status: String,
    /// The name of the file.
    pub filename: String,
    /// Why the file could not be read to its end.
    pub error: Option<String>,
    /// How many records were counted in it: the sum of those below.
    pub seen: i64,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    /// What became of them: inserted, updated, unchanged, stale, deleted, rejected, skipped.
    pub account: Account,
    /// The URL of the outcomes: one OperationOutcome for each rejected record, as NDJSON.
    pub outcomes: String,
}

/// Tells what became of a file that was uploaded.
#[utoipa::path(
    get, path = "/api/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses(
        (status = 202, description = "it waits or is being loaded; X-Progress says how far it is"),
        (status = 200, description = "its account", body = JobAnswer),
        (status = 404, description = "there is none with this id")),
)]
pub async fn show(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let (upload, delivery) = find(&state, &caller, &id).await?;
    let status = status_of(&upload, delivery.as_ref());
    let is_done = !matches!(status, "queued" | "loading");
    let account = delivery.as_ref().map(|delivery| delivery.account).unwrap_or_default();
    let answer = JobAnswer {
        id: upload.id.to_string(),
        status: status.to_owned(),
        filename: upload.filename,
        error: delivery.as_ref().and_then(|delivery| delivery.error.clone()),
        seen: delivery.as_ref().map_or(0, |delivery| delivery.seen),
        outcomes: format!("/api/jobs/{}/outcomes", upload.id),
        account,
    };
    if is_done {
        return Ok(axum::Json(answer).into_response());
    }
    let progress = match status {
        "queued" => "waiting to be loaded".to_owned(),
        _ => format!("loading, {} records so far", account.total()),
    };
    let headers = [("x-progress", progress), (header::RETRY_AFTER.as_str(), "2".to_owned())];
    Ok((StatusCode::ACCEPTED, headers, axum::Json(answer)).into_response())
}

/// Gives an OperationOutcome for each rejected record of a file, as NDJSON.
#[utoipa::path(
    get, path = "/api/jobs/{id}/outcomes", tag = "jobs", params(("id" = String, Path)),
    responses(
        (status = 200, description = "the outcomes", content_type = "application/fhir+ndjson"),
        (status = 404, description = "there is no job with this id")),
)]
pub async fn outcomes(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let (upload, delivery) = find(&state, &caller, &id).await?;
    let whole = delivery.as_ref().and_then(|delivery| delivery.error.as_deref());
    let whole = whole.map(|error| line(&file_outcome(&upload.filename, error))).unwrap_or_default();
    let file_id = delivery.as_ref().map(|delivery| delivery.file_id);
    let pages = Pages { state, filename: upload.filename, file_id, after: 0, first: Some(whole) };
    let stream = futures_util::stream::try_unfold(pages, |mut pages| async move {
        let next = pages.next().await.map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok::<_, std::io::Error>(next.map(|bytes| (bytes, pages)))
    });
    let body = Body::from_stream(stream);
    Ok(([(header::CONTENT_TYPE, "application/fhir+ndjson")], body).into_response())
}

async fn find(state: &Shared, caller: &Caller, id: &str) -> Result<(Upload, Option<Delivery>), ApiError> {
    caller.require(Scope::Status)?;
    let id = upload_id(caller, id)?;
    let uploader = caller.uploader();
    let find = move |connection: &mut _| {
        let upload = Uploads::find(connection, &uploader, id)?;
        if !matches!(upload.status.as_str(), "completing" | "completed") {
            return Err(UploadError::NotFound);
        }
        let delivery = Delivery::of_upload(connection, id)?;
        Ok((upload, delivery))
    };
    state.pool.run(find).await.map_err(|failure| match failure {
        UploadError::NotFound => ApiError::new(StatusCode::NOT_FOUND, "there is no job with this id"),
        failure => failure.into(),
    })
}

fn status_of<'d>(upload: &Upload, delivery: Option<&'d Delivery>) -> &'d str {
    match delivery {
        None => {
            debug_assert!(upload.completing_at.is_some());
            "queued"
        }
        Some(delivery) => &delivery.status,
    }
}

/// The rejects of a file, page by page.
struct Pages {
    state: Shared,
    filename: String,
    file_id: Option<i64>,
    after: i64,
    first: Option<String>,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Ok(Some(first.into()));
        }
        let Some(file_id) = self.file_id else { return Ok(None) };
        let after = self.after;
        let next =
            move |connection: &mut _| Outcome::next(connection, file_id, after, PAGE).map_err(ApiError::from);
        let page = self.state.pool.run(next).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.id;
        let text: String =
            page.iter().map(|outcome| line(&record_outcome(&self.filename, outcome))).collect();
        Ok(Some(text.into()))
    }
}

fn line(outcome: &Value) -> String {
    format!("{outcome}\n")
}

/// The outcome of a file that could not be read to its end.
fn file_outcome(filename: &str, error: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "extension": [extension("file", filename)],
        "issue": [{"severity": "fatal", "code": "structure", "diagnostics": error}],
    })
}

/// The outcome of a rejected record: where it is, what it is, and why.
pub fn record_outcome(filename: &str, outcome: &Outcome) -> Value {
    let mut extensions = vec![extension("file", filename), extension("location", &outcome.location)];
    extensions.extend(outcome.resource_type.as_deref().map(|name| extension("type", name)));
    extensions.extend(outcome.fhir_id.as_deref().map(|id| extension("id", id)));
    extensions.push(extension("reason", &outcome.reason));
    let mut issue = json!({
        "severity": "error",
        "code": "invalid",
        "details": {"coding": [{"code": outcome.reason}]},
        "diagnostics": format!("{}: {}", outcome.location, outcome.message),
    });
    let path = element_path(outcome.resource_type.as_deref(), &outcome.reason, &outcome.message);
    if let Some(path) = path {
        issue["expression"] = json!([path]);
    }
    json!({"resourceType": "OperationOutcome", "extension": extensions, "issue": [issue]})
}

fn extension(name: &str, value: &str) -> Value {
    json!({"url": format!("https://fhirmill.dev/outcome/{name}"), "valueString": value})
}
