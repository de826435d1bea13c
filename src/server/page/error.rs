//! *Errors* of the page, in plain words: what is wrong, and what to do.

use askama::Template;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use fhirmill_postgres::database::DatabaseError;
use tracing::error;

use super::assets::{ICON, STYLE};
use super::format::query;
use crate::report::in_one_line;
use crate::server::error::ApiError;

/// Why a view cannot be shown, or something cannot be done.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is signed in; afterwards, the browser goes on to that path.
    SignIn(String),
    /// 400: the call makes no sense.
    Malformed(&'static str),
    /// 403: the user may not do that.
    Forbidden(&'static str),
    /// 404: there is no such thing.
    NotFound(String),
    /// 405, 408, 413, …: as the body or the method deserves.
    Refused(StatusCode, String),
    /// 429: too many attempts to sign in.
    Locked,
    /// 503: the database does not answer.
    Unavailable,
    /// 500: something else failed.
    Failed(String),
}

#[derive(Template)]
#[template(path = "error.html", config = "src/server/page/askama.toml")]
struct ErrorPage<'e> {
    style: &'e str,
    icon: &'e str,
    title: &'e str,
    sentence: &'e str,
    advice: &'e str,
}

impl PageError {
    /// The status, what is wrong, and what to do.
    fn told(&self) -> (StatusCode, &'static str, String, &'static str) {
        let back = "Go back, or begin with the overview.";
        match self {
            Self::SignIn(_) => (StatusCode::SEE_OTHER, "Sign in", String::new(), ""),
            Self::Malformed(what) => {
                (StatusCode::BAD_REQUEST, "That cannot be read", (*what).to_owned(), back)
            }
            Self::Forbidden(why) => (StatusCode::FORBIDDEN, "Not allowed", (*why).to_owned(), back),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", what.clone(), back),
            Self::Refused(status, why) => (*status, "Not accepted", why.clone(), back),
            Self::Locked => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
                "There were too many attempts to sign in with a wrong name or password.".to_owned(),
                "Try again in 15 minutes. If you have forgotten the password, ask whoever runs fhirmill for another \
                 one: fhirmill users passwd NAME.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database does not answer",
                "What you asked for is in the database, which is away or too busy.".to_owned(),
                "Reload in a moment. If it stays away, look at the log of fhirmill and of Postgres.",
            ),
            Self::Failed(what) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "That failed",
                what.clone(),
                "The log of fhirmill says more. Then try again.",
            ),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Self::SignIn(next) = &self {
            let target = match next.as_str() {
                "/page" => "/page/login".to_owned(),
                next => format!("/page/login?next={}", query(next)),
            };
            return Redirect::to(&target).into_response();
        }
        let (status, title, sentence, advice) = self.told();
        let page = ErrorPage { style: &STYLE.path, icon: &ICON.path, title, sentence: &sentence, advice };
        let mut response = (status, super::html(&page)).into_response();
        if matches!(self, Self::Locked | Self::Unavailable) {
            let seconds = if matches!(self, Self::Locked) { "900" } else { "10" };
            let name: HeaderName = header::RETRY_AFTER;
            response.headers_mut().insert(name, axum::http::HeaderValue::from_static(seconds));
        }
        response
    }
}

impl From<DatabaseError> for PageError {
    fn from(failure: DatabaseError) -> Self {
        error!("a view of the page could not be shown: {}", in_one_line(&failure));
        Self::Unavailable
    }
}

impl From<diesel::result::Error> for PageError {
    fn from(failure: diesel::result::Error) -> Self {
        // The server's message may quote values.
        let class = fhirmill_postgres::database::Failure::of(&failure);
        error!("a view of the page could not be shown: the database refused a query ({class:?})");
        Self::Unavailable
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error.status, error.diagnostics)
    }
}
