//! *Sinks*: the FHIR servers that resources are sent to, and how far that is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fhirmill_postgres::ledger::forward::SinkStatus;

use super::ask;
use super::error::PageError;
use super::format::{Markup, badge, number, query, since};
use super::frame::Frame;
use super::session::Visitor;
use crate::server::state::Shared;

#[derive(Template)]
#[template(path = "sinks.html", config = "src/server/page/askama.toml")]
struct Sinks {
    frame: Frame,
    sinks: Vec<SinkStatus>,
}

/// Lists the sinks.
pub async fn list(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let sinks = ask(&state, SinkStatus::list).await?;
    Ok(super::html(&Sinks { frame: visitor.frame("Sinks", "/page/sinks"), sinks }))
}

/// How it is.
fn state(state: &str) -> Markup {
    let class = match state {
        "failing" => "bad",
        "stopped" => "warn",
        _ => "good",
    };
    badge(class, state)
}
