//! *Authorization* at a FHIR server: a token of the operator, or one that SMART Backend
//! Services gives for an assertion that is signed with the operator's private key
//! (<https://hl7.org/fhir/smart-app-launch/backend-services.html>).

use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::Utc;
use fhirmill_postgres::lock::lock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::outcome::said;
use crate::config::{ExportAuthorization, SmartSettings};
use crate::feeds::http::{Call, Failure, HttpClient};
use crate::feeds::secret;

/// How long an assertion is valid; servers accept five minutes at most.
const ASSERTION_SECONDS: i64 = 240;
/// A token is replaced so long before it ends.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a token is used whose end the server does not tell.
const UNKNOWN_LIFE: Duration = Duration::from_secs(300);
/// The most bytes of an answer.
const MOST_BYTES: usize = 256 << 10;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Gives the Authorization header of calls.
#[derive(Debug)]
pub struct Authorizer {
    settings: ExportAuthorization,
    /// The base of the FHIR server.
    base: Url,
    /// The types that are exported; empty for all.
    types: Vec<String>,
    /// The permissions that are asked for, as SMART 2 and as SMART 1 name them.
    permissions: (&'static str, &'static str),
    token: Mutex<Option<Token>>,
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    ends: Instant,
}

/// What `.well-known/smart-configuration` says.
#[derive(Debug, Deserialize)]
struct SmartConfiguration {
    token_endpoint: String,
    #[serde(default)]
    capabilities: Vec<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<f64>,
}

#[derive(Serialize)]
struct Claims<'c> {
    iss: &'c str,
    sub: &'c str,
    aud: &'c str,
    exp: i64,
    iat: i64,
    jti: String,
}

impl Authorizer {
    /// Without a token yet.
    pub fn new(settings: &ExportAuthorization, base: Url, types: &[String]) -> Self {
        let permissions = ("rs", "read");
        Authorizer {
            settings: settings.clone(),
            base,
            types: types.to_vec(),
            permissions,
            token: Mutex::default(),
        }
    }

    /// For creating, updating and deleting resources of these types.
    pub fn for_writing(settings: &ExportAuthorization, base: Url, types: &[String]) -> Self {
        Authorizer { permissions: ("cud", "write"), ..Self::new(settings, base, types) }
    }

    /// The Authorization for a call of that URL; none where there is nothing to prove. A
    /// token that was given over TLS is not sent without it.
    pub fn header(&self, http: &HttpClient, url: &Url) -> Result<Option<String>, Failure> {
        if self.base.scheme() == "https" && url.scheme() != "https" {
            return Ok(None);
        }
        let token = match &self.settings {
            ExportAuthorization::None => return Ok(None),
            ExportAuthorization::Token(secret) => secret::read(secret)?,
            ExportAuthorization::Smart(smart) => self.smart_token(http, smart)?,
        };
        Ok(Some(format!("Bearer {token}")))
    }

    /// Forgets the token, because the server does not accept it. False if there is no
    /// other to be had.
    pub fn renew(&self) -> bool {
        *lock(&self.token) = None;
        matches!(self.settings, ExportAuthorization::Smart(_))
    }

    /// Whether the server is this one.
    pub fn is_of_server(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    /// One thread asks for a token, and the others wait for it.
    fn smart_token(&self, http: &HttpClient, smart: &SmartSettings) -> Result<String, Failure> {
        let mut token = lock(&self.token);
        if let Some(token) = token.as_ref().filter(|token| Instant::now() < token.ends) {
            return Ok(token.text.clone());
        }
        let found = self.ask(http, smart)?;
        let text = found.text.clone();
        *token = Some(found);
        Ok(text)
    }

    fn ask(&self, http: &HttpClient, smart: &SmartSettings) -> Result<Token, Failure> {
        let (token_url, is_second) = match &smart.token_url {
            Some(url) => (parse(url)?, None),
            None => {
                let found = self.discover(http)?;
                let url = self
                    .base
                    .join(&found.token_endpoint)
                    .map_err(|_| Failure::Permanent("the server's token_endpoint is not a URL".to_owned()))?;
                (url, Some(found.capabilities.iter().any(|capability| capability == "permission-v2")))
            }
        };
        let scopes = match &smart.scope {
            Some(scope) => vec![scope.clone()],
            // Version 2 of SMART has other permissions; a server that does not say has one
            // or the other.
            None => match is_second {
                Some(false) => vec![self.scope(self.permissions.1), self.scope(self.permissions.0)],
                _ => vec![self.scope(self.permissions.0), self.scope(self.permissions.1)],
            },
        };
        let mut refusal = None;
        for scope in &scopes {
            match exchange(http, smart, &token_url, scope) {
                Err(Failure::Settings(reason)) if reason.contains("invalid_scope") => {
                    refusal = Some(Failure::Settings(reason));
                }
                asked => return asked,
            }
        }
        Err(refusal.unwrap_or(Failure::Unauthorized))
    }

    fn discover(&self, http: &HttpClient) -> Result<SmartConfiguration, Failure> {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_path(&format!("{}/.well-known/smart-configuration", self.base.path().trim_end_matches('/')));
        let mut answer = http.send(&Call::get(url).accept("application/json"))?;
        if !answer.status.is_success() {
            let what = "the question for the token endpoint (.well-known/smart-configuration)";
            return Err(match Failure::of_answer(what, answer.status, &answer.headers, None) {
                Failure::Gone(status) => {
                    Failure::Settings(format!("{what} was answered with status {status}: set token_url"))
                }
                other => other,
            });
        }
        let body = http.body(&mut answer, MOST_BYTES)?;
        serde_json::from_slice(&body).map_err(|_| {
            Failure::Permanent(
                "the server's smart-configuration has no token_endpoint: set token_url".to_owned(),
            )
        })
    }

    fn scope(&self, permission: &str) -> String {
        if self.types.is_empty() {
            return format!("system/*.{permission}");
        }
        let scopes: Vec<String> =
            self.types.iter().map(|name| format!("system/{name}.{permission}")).collect();
        scopes.join(" ")
    }
}

/// Exchanges an assertion for a token.
fn exchange(http: &HttpClient, smart: &SmartSettings, url: &Url, scope: &str) -> Result<Token, Failure> {
    let assertion = assertion(smart, url)?;
    let body = form(&[
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ]);
    let call = Call::new(Method::POST, url.clone())
        .accept("application/json")
        .body("application/x-www-form-urlencoded", body.into_bytes());
    let mut answer = http.send(&call)?;
    if !answer.status.is_success() {
        let said = said(&http.error_body(&mut answer));
        return Err(
            match Failure::of_answer("the token endpoint", answer.status, &answer.headers, said.clone()) {
                Failure::Unauthorized | Failure::Gone(_) | Failure::Permanent(_) => {
                    Failure::Settings(format!(
                        "the token endpoint gives no token (status {}{})",
                        answer.status.as_u16(),
                        said.map_or_else(String::new, |said| format!(", {said}"))
                    ))
                }
                other => other,
            },
        );
    }
    let body = http.body(&mut answer, MOST_BYTES)?;
    let token: TokenAnswer = serde_json::from_slice(&body)
        .map_err(|_| Failure::Permanent("the token endpoint's answer has no access_token".to_owned()))?;
    let life = token.expires_in.filter(|seconds| (0.0..1e9).contains(seconds));
    let life = life.map_or(UNKNOWN_LIFE, Duration::from_secs_f64);
    Ok(Token { text: token.access_token, ends: Instant::now() + life.saturating_sub(MARGIN.min(life / 2)) })
}

/// The signed proof that fhirmill is that client.
fn assertion(smart: &SmartSettings, url: &Url) -> Result<String, Failure> {
    let pem = secret::read(&smart.private_key)?;
    let (algorithm, key) = signing_key(pem.as_bytes())?;
    let mut header = Header::new(algorithm);
    header.kid.clone_from(&smart.key_id);
    let now = Utc::now().timestamp();
    let claims = Claims {
        iss: &smart.client_id,
        sub: &smart.client_id,
        aud: url.as_str(),
        exp: now + ASSERTION_SECONDS,
        iat: now,
        jti: Uuid::new_v4().to_string(),
    };
    // The error could show parts of the key.
    jsonwebtoken::encode(&header, &claims, &key).map_err(|_| {
        Failure::Settings("the private key cannot sign: it must be RSA, or EC on P-384".to_owned())
    })
}

fn signing_key(pem: &[u8]) -> Result<(Algorithm, EncodingKey), Failure> {
    if let Ok(key) = EncodingKey::from_rsa_pem(pem) {
        return Ok((Algorithm::RS384, key));
    }
    if let Ok(key) = EncodingKey::from_ec_pem(pem) {
        return Ok((Algorithm::ES384, key));
    }
    Err(Failure::Settings(
        "the private key is not a PEM of an RSA key, or of an EC key in PKCS#8: `openssl pkcs8 -topk8 -nocrypt` converts it"
            .to_owned(),
    ))
}

pub(super) fn parse(url: &str) -> Result<Url, Failure> {
    Url::parse(url).map_err(|_| Failure::Permanent("a URL cannot be understood".to_owned()))
}

/// Fields as a form sends them.
fn form(fields: &[(&str, &str)]) -> String {
    // A URL's query is written in the same way.
    let Ok(mut url) = Url::parse("form:") else { return String::new() };
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn forms_are_escaped() {
        assert_eq!(form(&[("scope", "system/*.rs a&b"), ("x", "=")]), "scope=system%2F*.rs+a%26b&x=%3D");
    }

    #[test]
    fn scopes_follow_the_types() {
        let base: Url = "https://ehr.example/r4".parse().unwrap();
        let all = Authorizer::new(&ExportAuthorization::None, base.clone(), &[]);
        assert_eq!(all.scope("rs"), "system/*.rs");
        let some =
            Authorizer::new(&ExportAuthorization::None, base, &["Patient".to_owned(), "Claim".to_owned()]);
        assert_eq!(some.scope("read"), "system/Patient.read system/Claim.read");
    }
}
