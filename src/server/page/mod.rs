//! The operator's *page*: what an operator asks in the morning, in a browser.
//!
//! Views are rendered on the server, need no script, and load nothing from elsewhere. They
//! ask the ledger only what it can answer in a moment ([`fhirmill_postgres::ledger::page`]).
//!
//! - `session`: who is signed in, and that a form comes from this page
//! - `login`: signing in and out
//! - `frame`, `format`, `chart`, `assets`: what views are made of
//! - `error`: answers that are errors
//! - `live`: what is running now, as it goes on
//! - `actions`: what operators do with rejects: retry, dismiss
//! - `disk`: how much room there is, and what waits in the inbox
//! - the views: `overview`, `runs`, `files`, `rejects`, `uploads`, `feeds`, `sinks`, `senders`,
//!   `references`, `elements`, `data`, `applied_views`, `system`

mod actions;
mod applied_views;
mod assets;
mod chart;
mod data;
mod disk;
mod elements;
mod error;
mod feeds;
mod files;
mod format;
mod frame;
mod live;
mod login;
mod overview;
mod references;
mod rejects;
mod runs;
mod senders;
mod session;
mod sinks;
mod system;
mod undo;
mod uploads;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use diesel::connection::SimpleConnection;
use diesel::{PgConnection, QueryResult};
use tower_http::catch_panic::CatchPanicLayer;

use super::auth::secrets::SecretChecker;
use super::state::Shared;
use crate::report::RunProgress;
use error::PageError;

/// What the page keeps in memory.
#[derive(Debug)]
pub struct PageState {
    /// How far this process is.
    progress: Arc<RunProgress>,
    /// Compares passwords; apart from the senders' secrets, so that nobody who guesses
    /// passwords delays these.
    passwords: SecretChecker,
    live: live::Live,
    inbox: disk::InboxWatch,
    closed_days: overview::ClosedDays,
    /// Held while rejects are put back.
    putting_back: tokio::sync::Mutex<()>,
    /// Held while a file is taken back or brought back.
    undoing: tokio::sync::Mutex<()>,
    started: Instant,
}

impl PageState {
    /// Of a service that reports this progress.
    pub fn new(progress: Arc<RunProgress>) -> Self {
        PageState {
            progress,
            passwords: SecretChecker::default(),
            live: live::Live::default(),
            inbox: disk::InboxWatch::default(),
            closed_days: overview::ClosedDays::default(),
            putting_back: tokio::sync::Mutex::default(),
            undoing: tokio::sync::Mutex::default(),
            started: Instant::now(),
        }
    }
}

/// All paths of the page.
pub fn router(state: &Shared) -> Router<Shared> {
    let views = Router::new()
        .route("/", get(overview::show))
        .route("/events", get(live::events))
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(runs::show))
        .route("/files", get(files::list))
        .route("/files/{id}", get(files::show))
        .route("/files/{id}/retry", post(actions::retry_file))
        .route("/files/{id}/dismiss", post(actions::dismiss_file))
        .route("/files/{id}/undo", post(undo::undo_file))
        .route("/files/{id}/redo", post(undo::redo_file))
        .route("/rejects", get(rejects::reasons))
        .route("/rejects/list", get(rejects::list))
        .route("/rejects/retry", post(actions::retry_reason))
        .route("/rejects/dismiss", post(actions::dismiss_reason))
        .route("/rejects/{id}", get(rejects::show))
        .route("/rejects/{id}/raw", get(rejects::raw))
        .route("/rejects/{id}/retry", post(actions::retry_one))
        .route("/rejects/{id}/dismiss", post(actions::dismiss_one))
        .route("/uploads", get(uploads::list))
        .route("/feeds", get(feeds::list))
        .route("/feeds/{name}", get(feeds::show))
        .route("/feeds/{name}/run", post(feeds::run))
        .route("/feeds/{name}/pause", post(feeds::pause))
        .route("/feeds/{name}/resume", post(feeds::resume))
        .route("/senders", get(senders::list))
        .route("/sinks", get(sinks::list))
        .route("/references", get(references::list))
        .route("/elements", get(elements::list))
        .route("/views", get(applied_views::list))
        .route("/views/{name}", get(applied_views::show))
        .route("/data", get(data::list))
        .route("/data/{schema}/{name}", get(data::show))
        .route("/system", get(system::show))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .fallback(|| async { PageError::NotFound("There is no such view.".to_owned()) })
        .method_not_allowed_fallback(|| async {
            let sentence = "This address does not take such a call.".to_owned();
            PageError::Refused(StatusCode::METHOD_NOT_ALLOWED, sentence)
        })
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(middleware::from_fn(protect))
        .with_state(Arc::clone(state));
    let assets = Router::new().route("/{name}", get(assets::show)).layer(middleware::from_fn(protect));
    Router::new()
        .route("/", get(|| async { Redirect::to("/page") }))
        .nest("/page/assets", assets)
        .nest("/page", views)
}

/// The panic itself is in the log.
fn after_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    PageError::Failed("fhirmill has a defect, and its log says where.".to_owned()).into_response()
}

/// What browsers may do with the page: show it, with its own style sheet and script, and not
/// within another site.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds the headers that protect the page. Views are not to be kept by anybody.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A template, filled in.
fn html(template: &impl askama::Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(failure) => {
            tracing::error!("a view of the page could not be rendered: {failure}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Asks the database, within limits: a view is not worth more than ten seconds of it.
async fn ask<T: Send + 'static>(
    state: &Shared,
    question: impl FnOnce(&mut PgConnection) -> QueryResult<T> + Send + 'static,
) -> Result<T, PageError> {
    let asked = move |connection: &mut PgConnection| {
        let answer = connection.build_transaction().read_only().run(|connection| {
            // Compiling a query would take longer than answering it.
            connection.batch_execute("set local statement_timeout = '10s'; set local jit = off")?;
            question(connection)
        });
        answer.map_err(PageError::from)
    };
    state.pool.run(asked).await
}
