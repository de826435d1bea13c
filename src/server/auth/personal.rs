//! `POST /api/authenticate`: a signature with the sender's personal key. The key itself
//! is never sent.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use fhirmill_postgres::ledger::{Sender, use_proof};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{TOKEN_SECONDS, issue};
use crate::server::body::BodyReader;
use crate::server::call::Call;
use crate::server::error::ApiError;
use crate::server::state::Shared;

const MOST_BYTES: u64 = 16 * 1024;
/// How much the sender's clock may differ from ours.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Who calls, when, and the proof.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct PersonalRequest {
    /// The sender's name, which is also its client_id.
    #[serde(rename = "userID")]
    pub user_id: String,
    /// The time of the call, as in `2026-03-01T12:00:00Z`.
    #[serde(rename = "timeStamp")]
    pub time_stamp: String,
    /// HMAC-SHA256 of userID, a line feed and timeStamp under the personal key, in
    /// hexadecimal.
    pub signature: String,
}

/// An access token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PersonalAnswer {
    /// The token, for `Authorization: Bearer`.
    pub access_token: String,
    /// Always `bearer`.
    pub token_type: &'static str,
    /// How many seconds it is valid.
    pub expires_in: i32,
}

/// Issues an access token for a signature with the personal key.
#[utoipa::path(
    post, path = "/api/authenticate", tag = "authentication", request_body = PersonalRequest,
    responses(
        (status = 200, description = "the token", body = PersonalAnswer),
        (status = 400, description = "the request is malformed"),
        (status = 401, description = "the signature, the time or the sender is not accepted")),
)]
pub async fn authenticate(
    State(state): State<Shared>,
    Extension(call): Extension<Arc<Call>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body = BodyReader::new(body, &headers, &call, MOST_BYTES)?.read().await?;
    let request: PersonalRequest = serde_json::from_slice(&body).map_err(|_| {
        ApiError::bad_request("the body must be JSON with the texts userID, timeStamp and signature")
    })?;
    let refused = || ApiError::unauthorized("the signature is not accepted");
    let name = request.user_id.clone();
    let find = move |connection: &mut _| Sender::by_name(connection, &name).map_err(ApiError::from);
    let sender = state.pool.run(find).await?.ok_or_else(refused)?;
    let Some(key) = state.authentication.key.decrypt(&sender.personal_key) else {
        tracing::error!(
            "the personal key of sender {} was encrypted with another SECRETS_KEY_FILE; rotate its secrets",
            sender.name
        );
        return Err(refused());
    };
    let tag = hexadecimal(&request.signature).ok_or_else(refused)?;
    let signed = format!("{}\n{}", request.user_id, request.time_stamp);
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes(), &tag).map_err(|_| refused())?;
    let time = DateTime::parse_from_rfc3339(&request.time_stamp)
        .map_err(|_| ApiError::bad_request("timeStamp must be a time such as 2026-03-01T12:00:00Z"))?
        .to_utc();
    if (Utc::now() - time).abs() > TOLERANCE {
        return Err(ApiError::unauthorized("timeStamp is more than five minutes from the time here"));
    }
    let hash: [u8; 32] = Sha256::digest([b"signature ", &tag[..]].concat()).into();
    let (sender_id, valid_until) = (sender.id, time + TOLERANCE * 2);
    let is_new = state
        .pool
        .run(move |connection| use_proof(connection, sender_id, &hash, valid_until).map_err(ApiError::from))
        .await?;
    if !is_new {
        return Err(ApiError::unauthorized("the signature was used before: sign another timeStamp"));
    }
    call.set_sender(sender.id);
    let access_token = issue(&state, sender.id, sender.scopes).await?;
    let answer = PersonalAnswer { access_token, token_type: "bearer", expires_in: TOKEN_SECONDS };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response())
}

/// The bytes of an HMAC-SHA256 in hexadecimal.
fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}
