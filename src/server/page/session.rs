//! *Sessions*: who is signed in, and that a form comes from this page.
//!
//! The cookie is a random word of 256 bits; the ledger has its hash. Forms carry a token that
//! is derived from it, which no other site can know: a call without it changes nothing.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use fhirmill_postgres::ledger::page::{PageSession, SignedIn};
use sha2::{Digest, Sha256};

use super::error::PageError;
use super::frame::Frame;
use crate::config::Settings;
use crate::server::auth::hash;
use crate::server::auth::token::Form;
use crate::server::body::BodyReader;
use crate::server::call::Call;
use crate::server::state::Shared;

/// How long a session may be idle.
pub const IDLE_SECONDS: i32 = 30 * 60;
/// How long a session may last.
pub const LONGEST_SECONDS: i32 = 12 * 60 * 60;
/// The most bytes of a form.
const FORM_BYTES: u64 = 16 * 1024;

/// A cookie of the page.
#[derive(Clone, Copy, Debug)]
pub enum Cookie {
    /// The word of a session.
    Session,
    /// The word that the form for signing in belongs to.
    Login,
}

impl Cookie {
    /// Its name. Browsers take a name with that prefix only if it was set over TLS, for this
    /// host and all paths.
    fn name(self, settings: &Settings) -> String {
        let name = match self {
            Self::Session => "fhirmill_session",
            Self::Login => "fhirmill_login",
        };
        if is_secure(settings) { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// Its value in a request.
    pub fn read(self, settings: &Settings, headers: &HeaderMap) -> Option<String> {
        let name = self.name(settings);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
    }

    /// The header that sets it until the browser closes; without a value, that removes it.
    pub fn set(self, settings: &Settings, value: Option<&str>) -> HeaderValue {
        let mut text =
            format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.name(settings), value.unwrap_or(""));
        if value.is_none() {
            text.push_str("; Max-Age=0");
        }
        if is_secure(settings) {
            text.push_str("; Secure");
        }
        HeaderValue::from_str(&text).expect("names and random words are fit for a header")
    }
}

/// Whether browsers reach the page by TLS, here or at a proxy.
fn is_secure(settings: &Settings) -> bool {
    let server = &settings.server;
    server.tls.is_some() || server.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
}

/// The token of the forms that belong to the word of a cookie.
pub fn csrf_token(word: &str) -> String {
    Sha256::digest(format!("form of {word}")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Somebody who is signed in, and looks.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The user.
    pub user: SignedIn,
    /// The word in the cookie.
    pub word: String,
    /// The call.
    pub call: Arc<Call>,
}

impl Visitor {
    /// Whether the user may read raw records, retry and dismiss.
    pub fn is_operator(&self) -> bool {
        self.user.role == "operator"
    }

    /// What surrounds a view.
    pub fn frame(&self, title: impl Into<String>, view: &'static str) -> Frame {
        Frame::new(self, title.into(), view)
    }

    async fn find(parts: &Parts, state: &Shared) -> Result<Self, PageError> {
        let call = parts.extensions.get::<Arc<Call>>().cloned().unwrap_or_default();
        let path = match parts.method {
            // What was to be done has to be looked at again first.
            Method::GET => parts.uri.path_and_query().map_or("/page", |path| path.as_str()),
            _ => "/page",
        };
        let sign_in = || PageError::SignIn(path.to_owned());
        let word = Cookie::Session.read(&state.settings, &parts.headers).ok_or_else(sign_in)?;
        let token_hash = hash(&word);
        let find = move |connection: &mut _| {
            PageSession::find(connection, &token_hash, IDLE_SECONDS, true).map_err(PageError::from)
        };
        let user = state.pool.run(find).await?.ok_or_else(sign_in)?;
        call.set_user(user.user_id);
        Ok(Visitor { user, word, call })
    }
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, PageError> {
        // Inside `nest`, the path lacks its beginning.
        if let Some(original) = parts.extensions.get::<axum::extract::OriginalUri>() {
            parts.uri = original.0.clone();
        }
        Visitor::find(parts, state).await
    }
}

/// An operator, who reads what viewers may not.
#[derive(Clone, Debug)]
pub struct Operator(pub Visitor);

impl FromRequestParts<Shared> for Operator {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, PageError> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        if visitor.is_operator() {
            return Ok(Operator(visitor));
        }
        Err(PageError::Forbidden("Your role is viewer. Only operators may see or do that."))
    }
}

/// A form that was sent by a user who is signed in, from this page.
pub struct Posted {
    /// The user.
    pub visitor: Visitor,
    form: Form,
}

impl Posted {
    /// A field of the form, without blanks around it; none if it is empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(str::trim).filter(|text| !text.is_empty())
    }
}

impl FromRequest<Shared> for Posted {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let form = read_form(&parts, body, &visitor.call, &visitor.word).await?;
        Ok(Posted { visitor, form })
    }
}

/// A form of an operator.
pub struct OperatorPosted(pub Posted);

impl FromRequest<Shared> for OperatorPosted {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let Operator(visitor) = Operator::from_request_parts(&mut parts, state).await?;
        let form = read_form(&parts, body, &visitor.call, &visitor.word).await?;
        Ok(OperatorPosted(Posted { visitor, form }))
    }
}

/// Reads a form, and refuses one that does not have the token that belongs to the word.
pub(super) async fn read_form(
    parts: &Parts,
    body: axum::body::Body,
    call: &Arc<Call>,
    word: &str,
) -> Result<Form, PageError> {
    const FOREIGN: PageError = PageError::Forbidden(
        "This form does not belong to your session: it is old, or comes from another site. Nothing was done. \
         Reload the page and send the form again.",
    );
    let site = parts.headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if !matches!(site, None | Some("same-origin" | "none")) {
        return Err(FOREIGN);
    }
    let body = BodyReader::new(body, &parts.headers, call, FORM_BYTES)?.read().await?;
    let form = Form::parse(&body).map_err(|_| PageError::Malformed("The form is malformed."))?;
    let expected = csrf_token(word);
    let given = form.get("csrf").unwrap_or_default();
    // Hashes are compared, so that the time tells nothing of the token.
    if hash(given) == hash(&expected) { Ok(form) } else { Err(FOREIGN) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawSettings;

    #[test]
    fn cookies_are_for_this_site_alone_and_secure_under_tls() {
        let mut settings = RawSettings::default().check().unwrap();
        let plain = Cookie::Session.set(&settings, Some("word"));
        assert_eq!(plain, "fhirmill_session=word; Path=/; HttpOnly; SameSite=Strict");
        settings.server.public_url = Some("https://fhir.example.org".to_owned());
        let secure = Cookie::Session.set(&settings, None);
        assert_eq!(secure, "__Host-fhirmill_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure");
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; __Host-fhirmill_session=w1"));
        assert_eq!(Cookie::Session.read(&settings, &headers).as_deref(), Some("w1"));
        assert_eq!(Cookie::Login.read(&settings, &headers), None);
        // Another subdomain can set one without the prefix.
        headers.insert(header::COOKIE, HeaderValue::from_static("fhirmill_session=w2"));
        assert_eq!(Cookie::Session.read(&settings, &headers), None);
    }

    #[test]
    fn a_token_belongs_to_one_word() {
        assert_eq!(csrf_token("a"), csrf_token("a"));
        assert_ne!(csrf_token("a"), csrf_token("b"));
        assert_eq!(csrf_token("a").len(), 64);
    }
}
