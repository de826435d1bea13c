//! `$bulk-submit` of FHIR Bulk Data (STU 4, ballot): a sender submits manifests, and
//! fhirmill fetches their files from the hosts that the operator allows
//! (<https://hl7.org/fhir/uv/bulkdata/4.0.0-202609-ballot/en/submit.html>).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use diesel::Connection;
use fhirmill_postgres::ledger::{NewManifest, Submission, SubmissionKey, SubmittedManifest};
use reqwest::Url;
use serde_json::{Value, json};

use crate::feeds::http::location;
use crate::server::auth::{Caller, Scope};
use crate::server::body::BodyReader;
use crate::server::error::{ApiError, FHIR_JSON};
use crate::server::state::Shared;

/// The largest request.
const MOST_BYTES: u64 = 256 << 10;
/// The most manifests of a sender that are being fetched or wait for it.
const MOST_OPEN: i64 = 100;
/// The longest identifier; three of them fit into an entry of an index.
const MOST_LENGTH: usize = 512;
/// The longest URL or header.
const MOST_URL_LENGTH: usize = 8 << 10;
/// The most headers of a manifest.
const MOST_HEADERS: usize = 20;
/// Headers that are fhirmill's own.
const OWN_HEADERS: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "range",
    "if-range",
    "accept-encoding",
    "te",
];

/// What a request says.
struct Request {
    key: SubmissionKey,
    /// `in-progress`, `completed` or `stopped`.
    status: &'static str,
    manifest: Option<NewManifest>,
    replaces: Option<String>,
}

/// Takes the manifest of a submission, or its end.
#[utoipa::path(
    post, path = "/fhir/$bulk-submit", tag = "bulk",
    responses(
        (status = 200, description = "it is taken", content_type = "application/fhir+json"),
        (status = 400, description = "a parameter is missing or malformed"),
        (status = 409, description = "the submission was completed or stopped before"),
        (status = 422, description = "the host is not allowed, or a parameter is not supported"),
        (status = 429, description = "too many manifests wait")),
)]
pub async fn submit(
    State(state): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.require(Scope::Push)?;
    let body = BodyReader::new(body, &headers, &caller.call, MOST_BYTES)?.read().await?;
    let parameters = Parameters::parse(&body)?;
    let request = request(&state, &caller, &parameters)?;
    let taken =
        state.pool.run(move |connection| connection.transaction(|connection| take(connection, &request)));
    let said = taken.await?;
    state.submissions.notify_one();
    let outcome = json!({"resourceType": "OperationOutcome",
        "issue": [{"severity": "information", "code": "informational", "diagnostics": said}]});
    Ok(([(header::CONTENT_TYPE, FHIR_JSON)], outcome.to_string()).into_response())
}

/// Enters what a request says into the ledger. Saying it again changes nothing.
fn take(connection: &mut diesel::PgConnection, request: &Request) -> Result<&'static str, ApiError> {
    let submission = Submission::begin(connection, &request.key)?;
    let known = SubmittedManifest::list(connection, submission.id)?;
    let is_known = |url: &str| known.iter().any(|manifest| manifest.manifest_url == url);
    let new = request.manifest.as_ref().filter(|manifest| !is_known(&manifest.manifest_url));
    if submission.status != "in-progress" {
        if new.is_none() && request.status == submission.status {
            return Ok("this was said before");
        }
        let sentence = format!("the submission is {} already", submission.status);
        return Err(ApiError::new(StatusCode::CONFLICT, sentence));
    }
    if let Some(replaced) = &request.replaces {
        replace(connection, &known, replaced)?;
    }
    if let Some(new) = new {
        if Submission::open_manifests(connection, request.key.sender_id)? >= MOST_OPEN {
            let sentence = format!("{MOST_OPEN} manifests wait to be fetched");
            return Err(
                ApiError::new(StatusCode::TOO_MANY_REQUESTS, sentence).with(header::RETRY_AFTER, "60")
            );
        }
        SubmittedManifest::add(connection, submission.id, new)?;
    }
    if request.status != "in-progress" {
        Submission::end(connection, submission.id, request.status)?;
    }
    Ok(match request.status {
        "completed" => "the submission is complete",
        "stopped" => "the submission is stopped; what was loaded of it before stays",
        _ => "the manifest will be fetched",
    })
}

/// A manifest is replaced as long as nothing of it was loaded.
fn replace(
    connection: &mut diesel::PgConnection,
    known: &[SubmittedManifest],
    url: &str,
) -> Result<(), ApiError> {
    let Some(replaced) = known.iter().find(|manifest| manifest.manifest_url == url) else {
        return Err(wrong("replacesManifestUrl", "is not the URL of a manifest of this submission"));
    };
    if replaced.has_ended() || replaced.files_loaded > 0 {
        if replaced.status == "failed" || replaced.status == "abandoned" {
            return Ok(());
        }
        return Err(unsupported(
            "replacesManifestUrl: data of that manifest are loaded, and cannot be taken back",
        ));
    }
    let reason = "another manifest replaces it";
    Ok(fhirmill_postgres::ledger::ExportJob::end(connection, replaced.job_id, "abandoned", reason)?)
}

fn request(state: &Shared, caller: &Caller, parameters: &Parameters) -> Result<Request, ApiError> {
    let key = parameters.key(caller)?;
    let status = match parameters.code("submissionStatus")?.as_deref() {
        None | Some("in-progress") => "in-progress",
        // As drafts of the standard had it.
        Some("completed" | "complete") => "completed",
        Some("stopped" | "aborted") => "stopped",
        Some(_) => return Err(wrong("submissionStatus", "must be in-progress, completed or stopped")),
    };
    for name in ["fileEncryptionKey", "oauthMetadataUrl"] {
        if parameters.find(name).is_some() {
            return Err(unsupported(&format!(
                "{name}: files are fetched as they are, with fileRequestHeader at most"
            )));
        }
    }
    let format = parameters.text("outputFormat", &["valueString", "valueCode"])?;
    if format.is_some_and(|format| !format.contains("ndjson")) {
        return Err(unsupported("outputFormat: only application/fhir+ndjson is taken"));
    }
    let urls = ["valueUrl", "valueUri", "valueString"];
    let manifest = match parameters.text("manifestUrl", &urls)? {
        None if parameters.find("submissionStatus").is_none() => {
            return Err(ApiError::bad_request("manifestUrl or submissionStatus is needed"));
        }
        None => None,
        Some(url) => Some(manifest(state, caller, parameters, &url)?),
    };
    let replaces = parameters.text("replacesManifestUrl", &urls)?;
    Ok(Request { key, status, manifest, replaces })
}

fn manifest(
    state: &Shared,
    caller: &Caller,
    parameters: &Parameters,
    url: &str,
) -> Result<NewManifest, ApiError> {
    let parsed = Url::parse(url).map_err(|_| wrong("manifestUrl", "is not a URL"))?;
    state.bulk_guard.check(&parsed).map_err(|failure| unsupported(&failure.to_string()))?;
    let Some(fhir_base_url) = parameters.text("fhirBaseUrl", &["valueUrl", "valueUri", "valueString"])?
    else {
        return Err(ApiError::bad_request("fhirBaseUrl is needed where there is a manifestUrl"));
    };
    let headers = parameters.headers()?;
    let headers = match headers.is_empty() {
        true => None,
        false => Some(state.authentication.key.encrypt(json!(headers).to_string().as_bytes())),
    };
    let source = caller.bearer.source.clone();
    Ok(NewManifest {
        manifest_url: url.to_owned(),
        location: location(&parsed),
        fhir_base_url,
        headers,
        source,
    })
}

/// The parameters of a call.
pub(super) struct Parameters(Vec<Value>);

impl Parameters {
    /// The Parameters resource of a body.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|_| ApiError::bad_request("the body must be a Parameters resource"))?;
        match (value["resourceType"].as_str(), value["parameter"].as_array()) {
            (Some("Parameters"), Some(list)) => Ok(Parameters(list.clone())),
            _ => Err(ApiError::bad_request("the body must be a Parameters resource with parameters")),
        }
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|parameter| parameter["name"] == name)
    }

    /// A text, in any of these elements.
    pub fn text(&self, name: &str, elements: &[&str]) -> Result<Option<String>, ApiError> {
        let Some(parameter) = self.find(name) else { return Ok(None) };
        let text = elements.iter().find_map(|element| parameter[*element].as_str());
        match text {
            Some(text) if !text.is_empty() && text.len() <= MOST_URL_LENGTH && is_clean(text) => {
                Ok(Some(text.to_owned()))
            }
            _ => Err(wrong(name, &format!("must have a {}", elements[0]))),
        }
    }

    fn code(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(parameter) = self.find(name) else { return Ok(None) };
        match parameter["valueCoding"]["code"].as_str() {
            Some(code) => Ok(Some(code.to_owned())),
            None => self.text(name, &["valueCode", "valueString"]),
        }
    }

    /// Who submits what.
    pub fn key(&self, caller: &Caller) -> Result<SubmissionKey, ApiError> {
        let submitter = self.find("submitter").map(|submitter| &submitter["valueIdentifier"]);
        let part = |name: &str| submitter.and_then(|submitter| submitter[name].as_str()).unwrap_or_default();
        let (system, value) = (part("system").to_owned(), part("value").to_owned());
        let is_good = |text: &str| text.len() <= MOST_LENGTH && is_clean(text);
        if value.is_empty() || !is_good(&value) || !is_good(&system) {
            return Err(wrong("submitter", "must have a valueIdentifier with a value"));
        }
        let id = self.text("submissionId", &["valueString", "valueId"])?;
        let Some(submission_id) = id.filter(|id| id.len() <= MOST_LENGTH) else {
            return Err(wrong("submissionId", "must have a valueString"));
        };
        let sender_id = caller.bearer.sender_id;
        Ok(SubmissionKey { sender_id, submitter_system: system, submitter_value: value, submission_id })
    }

    /// Names and values of `fileRequestHeader`.
    fn headers(&self) -> Result<Vec<(String, String)>, ApiError> {
        let mut headers = Vec::new();
        for parameter in self.0.iter().filter(|parameter| parameter["name"] == "fileRequestHeader") {
            let parts = parameter["part"].as_array().cloned().unwrap_or_default();
            let part = |name: &str| {
                let found = parts.iter().find(|part| part["name"] == name);
                found.and_then(|part| part["valueString"].as_str()).unwrap_or_default().to_owned()
            };
            let (name, value) = (part("headerName"), part("headerValue"));
            let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
            let is_value = HeaderValue::from_str(&value).is_ok() && value.len() <= MOST_URL_LENGTH;
            if !is_name || !is_value || OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(wrong(
                    "fileRequestHeader",
                    "has a headerName or headerValue that cannot be sent",
                ));
            }
            headers.push((name, value));
        }
        if headers.len() > MOST_HEADERS {
            return Err(wrong("fileRequestHeader", &format!("may be given {MOST_HEADERS} times")));
        }
        Ok(headers)
    }
}

/// Whether it has no control characters: Postgres cannot store a NUL.
fn is_clean(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn wrong(name: &str, problem: &str) -> ApiError {
    let mut error = ApiError::bad_request(format!("{name} {problem}"));
    error.expression = Some(format!("Parameters.parameter.where(name = '{name}')"));
    error
}

fn unsupported(sentence: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, sentence)
}
