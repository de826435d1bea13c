//! `/api/uploads`: files of any size, in parts.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use fhirmill_postgres::ledger::{Upload, UploadPart};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::digest;
use crate::server::auth::{Caller, Scope};
use crate::server::body::BodyReader;
use crate::server::error::ApiError;
use crate::server::receive;
use crate::server::state::Shared;
use crate::upload::{Announced, Repeated, UploadError, Uploads};

/// The largest description of an upload.
const MOST_BYTES: u64 = 64 * 1024;

/// The file that is to be uploaded.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct NewUpload {
    /// Its name, without a path.
    pub filename: String,
    /// The number of its parts, from 1 to 10,000.
    #[serde(rename = "numParts")]
    pub num_parts: i32,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its SHA-256 in hexadecimal.
    pub sha256: Option<String>,
}

/// How far an upload is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UploadAnswer {
    /// Its id.
    pub id: String,
    /// `open`, `completing` or `completed`.
    pub status: String,
    /// The name of the file.
    pub filename: String,
    /// The number of its parts.
    #[serde(rename = "numParts")]
    pub num_parts: Option<i32>,
    /// Its size in bytes, if it is known.
    pub size: Option<i64>,
    /// When it is removed if it is not complete by then.
    pub expires: String,
    /// The parts that were received.
    pub received: Vec<PartAnswer>,
    /// The numbers of the parts that are missing.
    pub missing: Vec<i32>,
}

/// A part that was received.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PartAnswer {
    /// Its number.
    pub part: i32,
    /// Its bytes.
    pub size: i64,
    /// Its MD5, in hexadecimal.
    pub md5: String,
}

/// Begins an upload.
#[utoipa::path(
    post, path = "/api/uploads", tag = "uploads", request_body = NewUpload,
    responses(
        (status = 201, description = "it has begun; Location is its URL", body = UploadAnswer),
        (status = 400, description = "the request is malformed"),
        (status = 413, description = "the file is too large"),
        (status = 429, description = "too much is open or queued"),
        (status = 507, description = "there is no space for it")),
)]
pub async fn begin(
    State(state): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Push)?;
    let body = BodyReader::new(body, &headers, &caller.call, MOST_BYTES)?.read().await?;
    let request: NewUpload = serde_json::from_slice(&body).map_err(|_| {
        ApiError::bad_request(
            "the body must be JSON with filename (text) and numParts (number), and may have size (number) and \
             sha256 (text)",
        )
    })?;
    if request.filename.contains('/') {
        return Err(ApiError::bad_request("filename must be one name and not a path"));
    }
    let sha256 = request.sha256.as_deref().map(sha256).transpose()?;
    let announced = Announced {
        filename: request.filename,
        part_count: Some(request.num_parts),
        size: request.size,
        sha256,
        ..Announced::default()
    };
    let (uploads, uploader) = (state.uploads.clone(), caller.uploader());
    let begin = move |connection: &mut _| uploads.begin(connection, &uploader, "rest", &announced);
    let upload = state.pool.run(begin).await?;
    caller.call.set_target(upload.id);
    let location = format!("/api/uploads/{}", upload.id);
    let answer = answer(upload, &[]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(answer)).into_response())
}

/// Takes a part. The same part again is welcome, another with its number is not.
#[utoipa::path(
    put, path = "/api/uploads/{id}/parts/{number}", tag = "uploads",
    params(("id" = String, Path), ("number" = i32, Path)),
    request_body(content_type = "application/octet-stream"),
    responses(
        (status = 204, description = "the part is on disk"),
        (status = 400, description = "the number, the size or a checksum is wrong; the part is not kept"),
        (status = 409, description = "a different part with this number was received, or the upload is complete"),
        (status = 410, description = "the upload has expired"),
        (status = 507, description = "the disk is full")),
)]
pub async fn put_part(
    State(state): State<Shared>,
    caller: Caller,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Push)?;
    let id = upload_id(&caller, &id)?;
    let number =
        number.parse().map_err(|_| ApiError::bad_request("the number of a part is a whole number"))?;
    let most = state.settings.server.max_upload_bytes;
    let body = BodyReader::new(body, &headers, &caller.call, most)?;
    let expected = digest::expected(&headers)?;
    let (uploads, uploader) = (state.uploads.clone(), caller.uploader());
    let begin = move |connection: &mut _| {
        uploads.begin_part(connection, &uploader, (id, number), expected, Repeated::Compare)
    };
    let writer = state.pool.run(begin).await?;
    let part = receive::receive(&state.pool, body, writer).await?;
    let etag = format!("\"{}\"", hexadecimal(&part.md5));
    Ok((StatusCode::NO_CONTENT, [(header::ETAG, etag)]).into_response())
}

/// Tells which parts were received and which are missing.
#[utoipa::path(
    get, path = "/api/uploads/{id}", tag = "uploads", params(("id" = String, Path)),
    responses(
        (status = 200, description = "how far it is", body = UploadAnswer),
        (status = 404, description = "there is none with this id"),
        (status = 410, description = "it has expired or was aborted")),
)]
pub async fn show(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<UploadAnswer>, ApiError> {
    caller.require(Scope::Push)?;
    let id = upload_id(&caller, &id)?;
    let uploader = caller.uploader();
    let find = move |connection: &mut _| {
        let upload = Uploads::find(connection, &uploader, id)?;
        if matches!(upload.status.as_str(), "expired" | "aborted") {
            Uploads::find_open(connection, &uploader, id)?;
        }
        let parts = UploadPart::list(connection, id)?;
        Ok::<_, UploadError>((upload, parts))
    };
    let (upload, parts) = state.pool.run(find).await?;
    Ok(axum::Json(answer(upload, &parts)))
}

/// Completes an upload: the file is queued to be loaded.
#[utoipa::path(
    post, path = "/api/uploads/{id}/complete", tag = "uploads", params(("id" = String, Path)),
    responses(
        (status = 202, description = "the file is queued; Content-Location is the job's URL"),
        (status = 409, description = "parts are missing"),
        (status = 410, description = "the upload has expired"),
        (status = 422, description = "the size or the SHA-256 of the whole file is another than was announced")),
)]
pub async fn complete(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    caller.require(Scope::Push)?;
    let id = upload_id(&caller, &id)?;
    let upload = complete_upload(&state, &caller, id).await?;
    Ok(accepted(&upload))
}

/// Aborts an upload and removes its parts.
#[utoipa::path(
    delete, path = "/api/uploads/{id}", tag = "uploads", params(("id" = String, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = 409, description = "it is complete"),
        (status = 404, description = "there is none with this id")),
)]
pub async fn abort(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require(Scope::Push)?;
    let id = upload_id(&caller, &id)?;
    let (uploads, uploader) = (state.uploads.clone(), caller.uploader());
    state.pool.run(move |connection| uploads.abort(connection, &uploader, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Completes an upload, a few at once.
pub(super) async fn complete_upload(state: &Shared, caller: &Caller, id: Uuid) -> Result<Upload, ApiError> {
    // The semaphore is never closed.
    let _permit = state.completions.acquire().await;
    let (uploads, uploader) = (state.uploads.clone(), caller.uploader());
    let complete = move |connection: &mut _| uploads.complete(connection, &uploader, id, None);
    Ok(state.pool.run(complete).await?)
}

/// The answer that a file is queued, with the URL of its job.
pub fn accepted(upload: &Upload) -> Response {
    let url = format!("/api/jobs/{}", upload.id);
    let body = serde_json::json!({"job": url});
    (
        StatusCode::ACCEPTED,
        [(header::CONTENT_LOCATION, url.clone()), (header::LOCATION, url)],
        axum::Json(body),
    )
        .into_response()
}

/// The id of an upload as it stands in a path.
pub(super) fn upload_id(caller: &Caller, text: &str) -> Result<Uuid, ApiError> {
    let id = Uuid::try_parse(text).map_err(|_| ApiError::from(UploadError::NotFound))?;
    caller.call.set_target(id);
    Ok(id)
}

fn answer(upload: Upload, parts: &[UploadPart]) -> UploadAnswer {
    let is_finished = upload.status == "completed";
    let missing = if is_finished { Vec::new() } else { Uploads::missing(&upload, parts) };
    UploadAnswer {
        id: upload.id.to_string(),
        status: upload.status,
        filename: upload.filename,
        num_parts: upload.part_count,
        size: upload.size_bytes,
        expires: upload.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        received: parts
            .iter()
            .map(|part| PartAnswer {
                part: part.part_number,
                size: part.size_bytes,
                md5: hexadecimal(&part.md5),
            })
            .collect(),
        missing,
    }
}

fn sha256(text: &str) -> Result<[u8; 32], ApiError> {
    let malformed = || ApiError::bad_request("sha256 must be 64 hexadecimal digits");
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(malformed());
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| malformed())?;
    }
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
