//! *Authentication*: who calls, and what they may do.
//!
//! Senders prove who they are once, by an OAuth client secret, a signed assertion (SMART
//! Backend Services) or a signature with their personal key, and get an access token for
//! the calls that follow. The token is a random word; the ledger has its hash.

mod assertion;
mod jwks;
pub mod personal;
pub mod secrets;
pub mod token;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use fhirmill_postgres::ledger::Bearer;
use sha2::{Digest, Sha256};

use super::ServerError;
use super::call::Call;
use super::error::ApiError;
use super::state::{ServerState, Shared};
use crate::config::Settings;
use crate::upload::Uploader;
use jwks::KeySets;
use secrets::{SecretChecker, SecretsKey};

/// What a sender may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Push files.
    Push,
    /// Send updates of single resources.
    Update,
    /// Read what became of what it sent.
    Status,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 3] = [Scope::Push, Scope::Update, Scope::Status];

    /// Its name, as in the ledger and in OAuth.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Push => "push",
            Scope::Update => "update",
            Scope::Status => "status",
        }
    }
}

/// What is needed to check proofs of identity.
#[derive(Debug)]
pub struct Authentication {
    /// The key that encrypts secrets in the ledger.
    pub key: SecretsKey,
    /// Compares client secrets with their hashes.
    checker: SecretChecker,
    /// Public keys that were fetched.
    key_sets: KeySets,
    /// What assertions may be addressed to.
    audiences: Vec<String>,
}

impl Authentication {
    /// Reads the key file of the settings, or creates it.
    pub fn new(settings: &Settings) -> Result<Self, ServerError> {
        Ok(Authentication {
            key: SecretsKey::open(&settings.server.secrets_key_file)?,
            checker: SecretChecker::default(),
            key_sets: KeySets::new().map_err(ServerError::Client)?,
            audiences: audiences(settings),
        })
    }

    /// The URL of the token endpoint.
    pub fn token_url(&self) -> &str {
        self.audiences.first().map_or("", String::as_str)
    }
}

/// The URLs of the token endpoint. Only those that the operator set count: what a call says
/// of its own host could be anything.
fn audiences(settings: &Settings) -> Vec<String> {
    if let Some(url) = &settings.server.public_url {
        return vec![format!("{url}/auth/token")];
    }
    let scheme = if settings.server.tls.is_some() { "https" } else { "http" };
    let Some(address) = settings.server.http_address else { return Vec::new() };
    let mut urls = vec![format!("{scheme}://{address}/auth/token")];
    if address.ip().is_loopback() {
        urls.push(format!("{scheme}://localhost:{}/auth/token", address.port()));
    }
    urls
}

/// A sender that calls, and proved who it is.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The sender, and what it may do.
    pub bearer: Bearer,
    /// The call.
    pub call: Arc<Call>,
}

impl Caller {
    /// Refuses what the caller may not do.
    pub fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.bearer.scopes.iter().any(|granted| granted == scope.name()) {
            return Ok(());
        }
        let sentence = format!("the access token does not have the scope {}", scope.name());
        Err(ApiError::new(StatusCode::FORBIDDEN, sentence))
    }

    /// The caller as one that uploads.
    pub fn uploader(&self) -> Uploader {
        Uploader {
            sender_id: self.bearer.sender_id,
            source: self.bearer.source.clone(),
            max_open_uploads: self.bearer.max_open_uploads,
            max_open_bytes: self.bearer.max_open_bytes,
        }
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let call = parts.extensions.get::<Arc<Call>>().cloned().unwrap_or_default();
        let Some(token) = bearer_token(&parts.headers) else {
            return Err(ApiError::unauthorized("an access token is needed: Authorization: Bearer TOKEN"));
        };
        let hash = hash(token);
        let bearer =
            state.pool.run(move |connection| Bearer::find(connection, &hash).map_err(ApiError::from));
        let Some(bearer) = bearer.await? else {
            return Err(ApiError::unauthorized("the access token is unknown or has expired"));
        };
        call.set_sender(bearer.sender_id);
        Ok(Caller { bearer, call })
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The SHA-256 of a random word, by which the ledger knows it.
pub(in crate::server) fn hash(word: &str) -> [u8; 32] {
    Sha256::digest(word).into()
}

/// How long an access token is valid.
const TOKEN_SECONDS: i32 = 3600;

/// Issues an access token.
async fn issue(state: &ServerState, sender_id: i32, scopes: Vec<String>) -> Result<String, ApiError> {
    let token = secrets::random_word(32);
    let hash = hash(&token);
    state
        .pool
        .run(move |connection| {
            Bearer::issue(connection, sender_id, &hash, &scopes, TOKEN_SECONDS).map_err(ApiError::from)
        })
        .await?;
    Ok(token)
}
