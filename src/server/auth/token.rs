//! `POST /auth/token`: OAuth 2 client credentials (RFC 6749, section 4.4).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhirmill_postgres::ledger::Sender;
use serde::Serialize;

use super::{Scope, TOKEN_SECONDS, assertion, issue};
use crate::server::body::BodyReader;
use crate::server::call::Call;
use crate::server::error::OAuthError;
use crate::server::state::{ServerState, Shared};

/// The largest body of a request for a token.
const MOST_BYTES: u64 = 64 * 1024;
/// The longest secret that is compared.
const LONGEST_SECRET: usize = 256;

/// An access token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TokenAnswer {
    /// The token.
    pub access_token: String,
    /// Always `bearer`.
    pub token_type: &'static str,
    /// How many seconds it is valid.
    pub expires_in: i32,
    /// What it allows: `push`, `update`, `status`.
    pub scope: String,
}

/// Issues an access token for a client secret or a signed assertion.
#[utoipa::path(
    post, path = "/auth/token", tag = "authentication",
    request_body(content_type = "application/x-www-form-urlencoded",
        description = "grant_type=client_credentials, and either client_id and client_secret (or HTTP Basic), \
            or client_assertion_type and client_assertion (SMART Backend Services); optionally scope"),
    responses(
        (status = 200, description = "the token", body = TokenAnswer),
        (status = 400, description = "the request is malformed"),
        (status = 401, description = "the client did not prove who it is")),
)]
pub async fn issue_token(
    State(state): State<Shared>,
    Extension(call): Extension<Arc<Call>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, OAuthError> {
    let is_form =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded")
        });
    if !is_form {
        return Err(OAuthError::invalid_request("the body must be application/x-www-form-urlencoded"));
    }
    let body = BodyReader::new(body, &headers, &call, MOST_BYTES)?.read().await?;
    let form = Form::parse(&body)?;
    if form.get("grant_type") != Some("client_credentials") {
        let mut error = OAuthError::invalid_request("grant_type must be client_credentials");
        error.error = if form.get("grant_type").is_some() { "unsupported_grant_type" } else { error.error };
        return Err(error);
    }
    let sender = identify(&state, &headers, &form).await?;
    call.set_sender(sender.id);
    let scopes = granted(&sender, form.get("scope"))?;
    let scope = scopes.join(" ");
    let access_token = issue(&state, sender.id, scopes).await?;
    let answer = TokenAnswer { access_token, token_type: "bearer", expires_in: TOKEN_SECONDS, scope };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response())
}

async fn identify(state: &ServerState, headers: &HeaderMap, form: &Form) -> Result<Sender, OAuthError> {
    let basic = headers.get(header::AUTHORIZATION);
    let assertion = form.get("client_assertion");
    match (basic, assertion) {
        (Some(_), Some(_)) => Err(OAuthError::invalid_request("one proof of identity is expected, not two")),
        (None, Some(assertion)) => {
            const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            if form.get("client_assertion_type") != Some(KIND) {
                return Err(OAuthError::invalid_request(format!("client_assertion_type must be {KIND}")));
            }
            assertion::check(state, assertion, form.get("client_id")).await
        }
        (Some(value), None) => {
            let credentials = value.to_str().ok().and_then(basic_credentials);
            let (id, secret) =
                credentials.ok_or_else(|| OAuthError::invalid_client("Authorization must be HTTP Basic"))?;
            by_secret(state, id, secret).await
        }
        (None, None) => match (form.get("client_id"), form.get("client_secret")) {
            (Some(id), Some(secret)) => by_secret(state, id.to_owned(), secret.to_owned()).await,
            _ => Err(OAuthError::invalid_client("a client secret or a client assertion is needed")),
        },
    }
}

async fn by_secret(state: &ServerState, id: String, secret: String) -> Result<Sender, OAuthError> {
    let refused = || OAuthError::invalid_client("the client is unknown, or its secret is another");
    if secret.len() > LONGEST_SECRET || id.len() > LONGEST_SECRET {
        return Err(refused());
    }
    let find = move |connection: &mut _| Sender::by_name(connection, &id).map_err(OAuthError::from);
    let sender = state.pool.run(find).await?;
    let hash = sender.as_ref().map(|sender| sender.client_secret_hash.as_str());
    let is_right = state.authentication.checker.is_right(&secret, hash).await;
    sender.filter(|_| is_right).ok_or_else(refused)
}

/// Id and secret of HTTP Basic, which OAuth wants form-encoded within it.
fn basic_credentials(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

/// The scopes of a token: what is asked for, as far as the sender may have it, or all of its
/// scopes. `system/…` of SMART stands for what it needs here.
fn granted(sender: &Sender, asked: Option<&str>) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else {
        return Ok(sender.scopes.clone());
    };
    let mut wanted: Vec<Scope> = Vec::new();
    for word in asked.split_ascii_whitespace() {
        match Scope::ALL.iter().find(|scope| scope.name() == word) {
            Some(scope) => wanted.push(*scope),
            None => wanted.extend(of_smart(word)),
        }
    }
    let has =
        |scope: &&Scope| wanted.contains(scope) && sender.scopes.iter().any(|name| name == scope.name());
    let granted: Vec<String> = Scope::ALL.iter().filter(has).map(|scope| scope.name().to_owned()).collect();
    if granted.is_empty() {
        let (status, error) = (StatusCode::BAD_REQUEST, "invalid_scope");
        let description = "none of these scopes can be granted: push, update and status exist".to_owned();
        return Err(OAuthError { status, error, description });
    }
    Ok(granted)
}

/// What a scope of SMART stands for, such as `system/*.cruds` or `system/Patient.write`.
fn of_smart(word: &str) -> Vec<Scope> {
    let Some((_, letters)) = word.strip_prefix("system/").and_then(|rest| rest.split_once('.')) else {
        return Vec::new();
    };
    match letters.split('?').next().unwrap_or_default() {
        "read" => vec![Scope::Status],
        "write" => vec![Scope::Push, Scope::Update],
        "*" => Scope::ALL.to_vec(),
        letters if !letters.chars().all(|letter| "cruds".contains(letter)) => Vec::new(),
        letters => {
            let mut scopes = Vec::new();
            if letters.contains(['c', 'u', 'd']) {
                scopes.extend([Scope::Push, Scope::Update]);
            }
            if letters.contains(['r', 's']) {
                scopes.push(Scope::Status);
            }
            scopes
        }
    }
}

/// A form, in which a name must not come twice.
pub(in crate::server) struct Form(Vec<(String, String)>);

impl Form {
    pub(in crate::server) fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        let malformed = || OAuthError::invalid_request("the form is malformed");
        let text = str::from_utf8(body).map_err(|_| malformed())?;
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in text.trim().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decoded(name).ok_or_else(malformed)?;
            if fields.iter().any(|(earlier, _)| *earlier == name) {
                return Err(OAuthError::invalid_request("a parameter comes twice"));
            }
            fields.push((name, form_decoded(value).ok_or_else(malformed)?));
        }
        Ok(Form(fields))
    }

    pub(in crate::server) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A text without `+` for blanks and `%hh` for bytes.
fn form_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = str::from_utf8(behind.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &behind[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded_and_have_each_name_once() {
        let form = Form::parse(b"a=1+2&b=%2B%c3%a9&c").unwrap_or(Form(Vec::new()));
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1 2"), Some("+é"), Some("")));
        for wrong in [&b"a=1&a=2"[..], b"a=%2", b"a=%zz", b"a=%ff", b"\xff"] {
            assert!(Form::parse(wrong).is_err());
        }
    }

    #[test]
    fn scopes_of_smart_stand_for_ours() {
        assert_eq!(of_smart("system/*.rs"), [Scope::Status]);
        assert_eq!(of_smart("system/*.cruds"), [Scope::Push, Scope::Update, Scope::Status]);
        assert_eq!(of_smart("system/Patient.write"), [Scope::Push, Scope::Update]);
        assert_eq!(of_smart("patient/*.rs"), []);
        assert_eq!(of_smart("system/*.x"), []);
    }
}
