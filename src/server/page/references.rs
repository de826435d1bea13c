//! *References* whose target is not known, by source and type.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fhirmill_postgres::ledger::page::UnresolvedReferences;

use super::ask;
use super::error::PageError;
use super::format::number;
use super::frame::Frame;
use super::session::Visitor;
use crate::server::state::Shared;

const MOST: i64 = 200;

#[derive(Template)]
#[template(path = "references.html", config = "src/server/page/askama.toml")]
struct References {
    frame: Frame,
    references: UnresolvedReferences,
}

/// Lists what is unresolved.
pub async fn list(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let references = ask(&state, |connection| UnresolvedReferences::count(connection, MOST)).await?;
    Ok(super::html(&References {
        frame: visitor.frame("Unresolved references", "/page/references"),
        references,
    }))
}
