//! *Senders*: what they may do, and their last call.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fhirmill_postgres::ledger::page::SenderActivity;

use super::ask;
use super::error::PageError;
use super::format::{Is, Markup, badge, bytes, number, query, since};
use super::frame::Frame;
use super::session::Visitor;
use crate::server::state::Shared;

#[derive(Template)]
#[template(path = "senders.html", config = "src/server/page/askama.toml")]
struct Senders {
    frame: Frame,
    senders: Vec<SenderActivity>,
}

/// Lists the senders.
pub async fn list(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let senders = ask(&state, SenderActivity::list).await?;
    Ok(super::html(&Senders { frame: visitor.frame("Senders", "/page/senders"), senders }))
}

/// The status of an answer.
fn answer(status: impl Is<i64>) -> Markup {
    let status = status.value();
    let class = match status {
        ..400 => "good",
        400..500 => "warn",
        _ => "bad",
    };
    badge(class, &status.to_string())
}
