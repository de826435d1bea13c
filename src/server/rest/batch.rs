//! `POST /api/batch`: one file as the body.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use fhirmill_postgres::ledger::Upload;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{digest, uploads};
use crate::server::auth::{Caller, Scope};
use crate::server::body::BodyReader;
use crate::server::error::ApiError;
use crate::server::receive;
use crate::server::state::Shared;
use crate::server::unfinished::Unfinished;
use crate::upload::{Announced, Repeated, UploadError};

/// The media types that are taken, and the extension of a file of each.
const MEDIA_TYPES: [(&str, &str); 12] = [
    ("application/fhir+json", "json"),
    ("application/json", "json"),
    ("application/fhir+ndjson", "ndjson"),
    ("application/ndjson", "ndjson"),
    ("application/x-ndjson", "ndjson"),
    ("application/jsonl", "ndjson"),
    ("application/gzip", "gz"),
    ("application/x-gzip", "gz"),
    ("application/zip", "zip"),
    ("application/x-zip-compressed", "zip"),
    ("application/octet-stream", "bin"),
    ("text/plain", "ndjson"),
];
const LONGEST_KEY: usize = 255;

/// What may be said of the file.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub struct BatchQuery {
    /// Its name.
    filename: Option<String>,
}

/// Takes one file: a Bundle or NDJSON, plain or as gzip or zip.
#[utoipa::path(
    post, path = "/api/batch", tag = "uploads",
    params(BatchQuery, ("Idempotency-Key" = Option<String>, Header,
        description = "the same key again is the same call: the file is taken once")),
    request_body(content_type = "application/fhir+ndjson"),
    responses(
        (status = 202, description = "the file is queued; Content-Location is the job's URL"),
        (status = 409, description = "a call with this Idempotency-Key is in progress"),
        (status = 413, description = "the file is too large: upload it in parts"),
        (status = 415, description = "the media type is not taken"),
        (status = 429, description = "too much is queued"),
        (status = 507, description = "the disk is full")),
)]
pub async fn post(
    State(state): State<Shared>,
    caller: Caller,
    Query(query): Query<BatchQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Push)?;
    let extension = extension(&headers)?;
    let most = state.settings.server.max_post_bytes;
    let body = BodyReader::new(body, &headers, &caller.call, most)?;
    let expected = digest::expected(&headers)?;
    let key = idempotency_key(&caller, &headers)?;
    if let Some(key) = &key
        && let Some(upload) = earlier(&state, &caller, key).await?
    {
        discard(body).await?;
        caller.call.set_target(upload.id);
        return Ok(uploads::accepted(&upload));
    }
    let filename = query.filename.unwrap_or_else(|| format!("batch-{}.{extension}", Uuid::new_v4().simple()));
    if filename.contains('/') {
        return Err(ApiError::bad_request("filename must be one name and not a path"));
    }
    let announced = Announced {
        filename,
        part_count: Some(1),
        size: expected.size,
        idempotency_key: key,
        ..Announced::default()
    };
    let (core, uploader) = (state.uploads.clone(), caller.uploader());
    let begin = move |connection: &mut _| core.begin(connection, &uploader, "batch", &announced);
    let upload = state.pool.run(begin).await?;
    caller.call.set_target(upload.id);
    // Also if the sender goes away in the middle, which ends this future.
    let unfinished = Unfinished::new(&state, &caller, upload.id);
    let (core, uploader, id) = (state.uploads.clone(), caller.uploader(), upload.id);
    let begin_part = move |connection: &mut _| {
        core.begin_part(connection, &uploader, (id, 1), expected, Repeated::Compare)
    };
    let writer = state.pool.run(begin_part).await?;
    receive::receive(&state.pool, body, writer).await?;
    let upload = uploads::complete_upload(&state, &caller, upload.id).await?;
    unfinished.is_finished();
    Ok(uploads::accepted(&upload))
}

/// The upload that an earlier call with this key completed. One that a process that died left
/// unfinished is removed, and the call can be made anew.
async fn earlier(state: &Shared, caller: &Caller, key: &str) -> Result<Option<Upload>, ApiError> {
    let (core, uploader, key) = (state.uploads.clone(), caller.uploader(), key.to_owned());
    let find = move |connection: &mut _| {
        let Some(upload) = Upload::find_by_key(connection, uploader.sender_id, &key)? else {
            return Ok(None);
        };
        match upload.status.as_str() {
            "completed" => Ok(Some(upload)),
            "completing" => core.complete(connection, &uploader, upload.id, None).map(Some),
            _ if core.is_in_use(&upload)? => {
                Err(UploadError::Conflict("a call with this Idempotency-Key is in progress".to_owned()))
            }
            _ => core.abort(connection, &uploader, upload.id).map(|()| None),
        }
    };
    Ok(state.pool.run(find).await?)
}

async fn discard(mut body: BodyReader) -> Result<(), ApiError> {
    while body.next().await?.is_some() {}
    Ok(())
}

fn extension(headers: &HeaderMap) -> Result<&'static str, ApiError> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let found = MEDIA_TYPES.iter().find(|(media_type, _)| *media_type == kind);
    found.map(|(_, extension)| *extension).ok_or_else(|| {
        let sentence = "Content-Type must be application/fhir+json, application/fhir+ndjson, application/gzip, \
                        application/zip or application/octet-stream";
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence)
    })
}

/// The key as the ledger keeps it: its hash, because senders choose it freely.
fn idempotency_key(caller: &Caller, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    if value.is_empty() || value.len() > LONGEST_KEY {
        return Err(ApiError::bad_request("Idempotency-Key must have from 1 to 255 bytes"));
    }
    let mut digest = Sha256::new();
    digest.update(caller.bearer.name.as_bytes());
    digest.update(b"\0");
    digest.update(value.as_bytes());
    Ok(Some(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}
