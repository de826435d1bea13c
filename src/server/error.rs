//! *Errors* as answers: an OperationOutcome in FHIR JSON, or OAuth's form where OAuth
//! says so. They say what is wrong with the call and never repeat what was sent.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhirmill_postgres::database::DatabaseError;
use serde_json::{Value, json};
use tracing::error;

use crate::report::in_one_line;
use crate::upload::UploadError;

/// The media type of FHIR in JSON.
pub const FHIR_JSON: &str = "application/fhir+json";

/// An error, answered as an OperationOutcome.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{status}: {diagnostics}")]
pub struct ApiError {
    /// The status of the answer.
    pub status: StatusCode,
    /// FHIR's code of the kind of problem.
    pub code: &'static str,
    /// What is wrong, for people.
    pub diagnostics: String,
    /// Where in the resource it is, as a FHIRPath.
    pub expression: Option<String>,
    /// What else is wrong.
    pub further: Vec<Issue>,
    /// Headers of the answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// A further problem of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// What is wrong, for people.
    pub diagnostics: String,
    /// Where it is, as a FHIRPath.
    pub expression: Option<String>,
}

impl Issue {
    /// How many further problems are told at most.
    pub const MOST: usize = 99;
}

impl ApiError {
    /// An error with this status and sentence.
    pub fn new(status: StatusCode, diagnostics: impl Into<String>) -> Self {
        let (diagnostics, expression) = (diagnostics.into(), None);
        let (further, headers) = (Vec::new(), Vec::new());
        ApiError { status, code: issue_code(status), diagnostics, expression, further, headers }
    }

    /// Says where in what was sent it is.
    pub fn at(mut self, expression: &str) -> Self {
        self.expression = Some(expression.to_owned());
        self
    }

    /// It as an OperationOutcome.
    pub fn outcome(&self) -> Value {
        let issue = |diagnostics: &str, expression: Option<&str>| {
            let mut issue = json!({"severity": "error", "code": self.code, "diagnostics": diagnostics});
            if let Some(expression) = expression {
                issue["expression"] = json!([expression]);
            }
            issue
        };
        let mut issues = vec![issue(&self.diagnostics, self.expression.as_deref())];
        issues.extend(self.further.iter().map(|of| issue(&of.diagnostics, of.expression.as_deref())));
        json!({"resourceType": "OperationOutcome", "issue": issues})
    }

    /// 400: the call makes no sense.
    pub fn bad_request(diagnostics: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, diagnostics)
    }

    /// With a header.
    pub fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// 401: who calls is not known.
    pub fn unauthorized(diagnostics: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, diagnostics)
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"fhirmill\"")
    }

    /// 413: more than is taken.
    pub fn too_large(most: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("no more than {most} bytes are taken"))
    }
}

/// The code of <http://hl7.org/fhir/issue-type> for a status.
fn issue_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "login",
        403 => "forbidden",
        404 | 410 => "not-found",
        405 | 415 => "not-supported",
        408 => "timeout",
        409 | 412 => "conflict",
        413 => "too-long",
        422 => "processing",
        429 => "throttled",
        503 => "transient",
        507 => "no-store",
        400..=499 => "invalid",
        _ => "exception",
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let outcome = self.outcome().to_string();
        let mut response = (self.status, [(header::CONTENT_TYPE, FHIR_JSON)], outcome).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<DatabaseError> for ApiError {
    fn from(failure: DatabaseError) -> Self {
        error!("a call could not be answered: {}", in_one_line(&failure));
        unavailable()
    }
}

impl From<diesel::result::Error> for ApiError {
    fn from(failure: diesel::result::Error) -> Self {
        // The server's message may quote values.
        let class = fhirmill_postgres::database::Failure::of(&failure);
        error!("a call could not be answered: the database refused a query ({class:?})");
        unavailable()
    }
}

fn unavailable() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the database is unavailable; try again later")
        .with(header::RETRY_AFTER, "10")
}

impl From<UploadError> for ApiError {
    fn from(failure: UploadError) -> Self {
        let sentence = failure.to_string();
        let status = match failure {
            UploadError::NotFound => StatusCode::NOT_FOUND,
            UploadError::Gone(_) => StatusCode::GONE,
            UploadError::Conflict(_) | UploadError::Missing(_) => StatusCode::CONFLICT,
            UploadError::WrongSize(_) | UploadError::WrongSum(_) | UploadError::Invalid(_) => {
                StatusCode::BAD_REQUEST
            }
            UploadError::WrongWhole(_) => StatusCode::UNPROCESSABLE_ENTITY,
            UploadError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            UploadError::Busy(_) => {
                return ApiError::new(StatusCode::TOO_MANY_REQUESTS, sentence)
                    .with(header::RETRY_AFTER, "30");
            }
            UploadError::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            UploadError::Io(failure) => {
                error!("an upload could not be written: {failure}");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            UploadError::Connect(failure) => return failure.into(),
            UploadError::Database(failure) => return failure.into(),
        };
        ApiError::new(status, sentence)
    }
}

/// An error of OAuth 2 (RFC 6749, section 5.2).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}: {description}")]
pub struct OAuthError {
    /// The status of the answer.
    pub status: StatusCode,
    /// OAuth's code.
    pub error: &'static str,
    /// What is wrong, for people.
    pub description: String,
}

impl OAuthError {
    /// 400: the request makes no sense.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        let (status, description) = (StatusCode::BAD_REQUEST, description.into());
        OAuthError { status, error: "invalid_request", description }
    }

    /// 401: the client did not prove who it is. `description` says what is wrong with the
    /// proof only where that helps nobody else.
    pub fn invalid_client(description: impl Into<String>) -> Self {
        let (status, description) = (StatusCode::UNAUTHORIZED, description.into());
        OAuthError { status, error: "invalid_client", description }
    }
}

impl From<ApiError> for OAuthError {
    fn from(error: ApiError) -> Self {
        let code = match error.status {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_client_error() => "invalid_request",
            _ => "server_error",
        };
        OAuthError { status: error.status, error: code, description: error.diagnostics }
    }
}

impl From<DatabaseError> for OAuthError {
    fn from(error: DatabaseError) -> Self {
        ApiError::from(error).into()
    }
}

impl From<diesel::result::Error> for OAuthError {
    fn from(error: diesel::result::Error) -> Self {
        ApiError::from(error).into()
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")],
            body.to_string(),
        )
            .into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"fhirmill\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
