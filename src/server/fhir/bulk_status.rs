//! `$bulk-submit-status`: how far a submission is, and what became of its records.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use fhirmill_postgres::ledger::{ExportFile, Outcome, Submission, SubmittedManifest};
use serde_json::{Value, json};
use uuid::Uuid;

use super::bulk_submit::Parameters;
use crate::server::auth::{Caller, Scope};
use crate::server::body::BodyReader;
use crate::server::error::ApiError;
use crate::server::rest::jobs::record_outcome;
use crate::server::state::Shared;

const MOST_BYTES: u64 = 64 << 10;
/// How many rejects are read at once.
const PAGE: i64 = 500;

/// Tells where the status of a submission is.
#[utoipa::path(
    post, path = "/fhir/$bulk-submit-status", tag = "bulk",
    responses(
        (status = 202, description = "Content-Location is the URL to ask"),
        (status = 404, description = "there is no such submission")),
)]
pub async fn kick_off(
    State(state): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Push)?;
    let body = BodyReader::new(body, &headers, &caller.call, MOST_BYTES)?.read().await?;
    let key = Parameters::parse(&body)?.key(&caller)?;
    let find = move |connection: &mut _| Submission::find(connection, &key).map_err(ApiError::from);
    let submission = state.pool.run(find).await?.ok_or_else(unknown)?;
    let url = format!("{}{}", origin(&state, &headers), path(submission.id));
    Ok((StatusCode::ACCEPTED, [(header::CONTENT_LOCATION, url)]).into_response())
}

/// Tells how far a submission is: 202 with a manifest of what there is so far, then 200.
#[utoipa::path(
    get, path = "/fhir/bulk-submit-status/{id}", tag = "bulk", params(("id" = String, Path)),
    responses(
        (status = 202, description = "more is to come; X-Progress says how far it is"),
        (status = 200, description = "the status manifest"),
        (status = 404, description = "there is no such submission")),
)]
pub async fn show(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (submission, manifests) = find(&state, &caller, &id).await?;
    let base = format!("{}{}", origin(&state, &headers), path(submission.id));
    let outcome = |manifest: &SubmittedManifest| {
        let mut severities = vec![json!({"code": "information", "count": 1})];
        if manifest.rejected > 0 {
            severities.push(json!({"code": "error", "count": manifest.rejected}));
        }
        if manifest.status == "failed" {
            severities.push(json!({"code": "fatal", "count": 1}));
        }
        json!({
            "type": "OperationOutcome",
            "url": format!("{base}/outcomes/{}", manifest.id),
            "manifestUrl": manifest.manifest_url,
            "countSeverity": severities,
        })
    };
    let ended: Vec<&SubmittedManifest> = manifests.iter().filter(|manifest| manifest.has_ended()).collect();
    let answer = json!({
        "submissionId": submission.submission_id,
        "transactionTime": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        "requiresAccessToken": true,
        "outputFormat": "application/fhir+ndjson",
        "output": [],
        "outcome": ended.iter().map(|manifest| outcome(manifest)).collect::<Vec<Value>>(),
    });
    if submission.status != "in-progress" && ended.len() == manifests.len() {
        return Ok(axum::Json(answer).into_response());
    }
    let loaded: i64 = manifests.iter().map(|manifest| manifest.files_loaded).sum();
    let files: i64 = manifests.iter().map(|manifest| manifest.files).sum();
    let progress = format!(
        "{}, {} of {} manifests, {loaded} of {files} files",
        submission.status,
        ended.len(),
        manifests.len()
    );
    let headers = [("x-progress", progress), (header::RETRY_AFTER.as_str(), "5".to_owned())];
    Ok((StatusCode::ACCEPTED, headers, axum::Json(answer)).into_response())
}

/// Forgets nothing: what a sender no longer asks for stays in the ledger.
#[utoipa::path(
    delete, path = "/fhir/bulk-submit-status/{id}", tag = "bulk", params(("id" = String, Path)),
    responses((status = 202, description = "it is noted"), (status = 404, description = "there is no such submission")),
)]
pub async fn delete(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    find(&state, &caller, &id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Gives the OperationOutcomes of a manifest, as NDJSON: one about the whole, one for each
/// file that has another number of records than announced, one for each rejected record.
#[utoipa::path(
    get, path = "/fhir/bulk-submit-status/{id}/outcomes/{manifest}", tag = "bulk",
    params(("id" = String, Path), ("manifest" = i64, Path)),
    responses(
        (status = 200, description = "the outcomes", content_type = "application/fhir+ndjson"),
        (status = 404, description = "there is no such manifest")),
)]
pub async fn outcomes(
    State(state): State<Shared>,
    caller: Caller,
    Path((id, number)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let (_, manifests) = find(&state, &caller, &id).await?;
    let found =
        manifests.into_iter().find(|manifest| manifest.id.to_string() == number).ok_or_else(unknown)?;
    let job_id = found.job_id;
    let ask = move |connection: &mut _| {
        let differences = ExportFile::differences(connection, job_id)?;
        Ok::<_, ApiError>((differences, SubmittedManifest::file_ids(connection, job_id)?))
    };
    let (differences, file_ids) = state.pool.run(ask).await?;
    let mut first = line(&about(&found));
    for difference in differences {
        let name = difference.resource_type.as_deref().unwrap_or("resources");
        let sentence = format!(
            "file {} ({name}) has {} records, and the manifest announced {}",
            difference.number, difference.seen, difference.announced
        );
        first.push_str(&line(&issue("warning", "incomplete", &sentence)));
    }
    let pages = Pages { state, filename: found.manifest_url, file_ids, after: 0, first: Some(first) };
    let stream = futures_util::stream::try_unfold(pages, |mut pages| async move {
        let next = pages.next().await.map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok::<_, std::io::Error>(next.map(|bytes| (bytes, pages)))
    });
    Ok(([(header::CONTENT_TYPE, "application/fhir+ndjson")], Body::from_stream(stream)).into_response())
}

/// The outcome of a whole manifest.
fn about(manifest: &SubmittedManifest) -> Value {
    match (manifest.status.as_str(), &manifest.error) {
        ("finished", _) => {
            let sentence = format!(
                "{} files are loaded: {} records, of which {} were rejected",
                manifest.files_loaded, manifest.records, manifest.rejected
            );
            issue("information", "informational", &sentence)
        }
        ("failed", Some(error)) => issue("fatal", "processing", error),
        (status, error) => issue(
            "information",
            "informational",
            &format!("{status}: {}", error.as_deref().unwrap_or("in work")),
        ),
    }
}

fn issue(severity: &str, code: &str, diagnostics: &str) -> Value {
    json!({"resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": diagnostics}]})
}

fn line(outcome: &Value) -> String {
    format!("{outcome}\n")
}

/// The rejects of several files, page by page.
struct Pages {
    state: Shared,
    filename: String,
    /// Those that are not read to their end.
    file_ids: Vec<i64>,
    after: i64,
    first: Option<String>,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first.into()));
        }
        while let Some(file_id) = self.file_ids.first().copied() {
            let after = self.after;
            let next = move |connection: &mut _| {
                Outcome::next(connection, file_id, after, PAGE).map_err(ApiError::from)
            };
            let page = self.state.pool.run(next).await?;
            if let Some(last) = page.last() {
                self.after = last.id;
                let text: String =
                    page.iter().map(|outcome| line(&record_outcome(&self.filename, outcome))).collect();
                return Ok(Some(text.into()));
            }
            self.file_ids.remove(0);
            self.after = 0;
        }
        Ok(None)
    }
}

async fn find(
    state: &Shared,
    caller: &Caller,
    id: &str,
) -> Result<(Submission, Vec<SubmittedManifest>), ApiError> {
    caller.require(Scope::Push)?;
    let Ok(id) = Uuid::parse_str(id) else { return Err(unknown()) };
    caller.call.set_target(id);
    let sender_id = caller.bearer.sender_id;
    let find = move |connection: &mut _| {
        let Some(submission) = Submission::of_id(connection, id, sender_id)? else { return Err(unknown()) };
        let manifests = SubmittedManifest::list(connection, submission.id)?;
        Ok((submission, manifests))
    };
    state.pool.run(find).await
}

fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "there is no such submission")
}

fn path(id: Uuid) -> String {
    format!("/fhir/bulk-submit-status/{id}")
}

/// Where the caller reaches this server: as the operator says, or as the call was addressed.
fn origin(state: &Shared, headers: &HeaderMap) -> String {
    if let Some(url) = &state.settings.server.public_url {
        return url.clone();
    }
    let scheme = if state.settings.server.tls.is_some() { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}
