//! *Elements* that the tables do not hold, or not as they were sent, by source.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use fhirmill_postgres::ledger::Source;
use fhirmill_postgres::ledger::page::NotedElement;
use serde::Deserialize;

use super::ask;
use super::error::PageError;
use super::format::number;
use super::frame::Frame;
use super::session::Visitor;
use crate::server::state::Shared;

const MOST: i64 = 200;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct ElementsQuery {
    source: Option<String>,
}

#[derive(Template)]
#[template(path = "elements.html", config = "src/server/page/askama.toml")]
struct Elements {
    frame: Frame,
    sources: Vec<String>,
    source: Option<String>,
    unmapped: Vec<NotedElement>,
    deviating: Vec<NotedElement>,
}

/// Lists the elements.
pub async fn list(
    State(state): State<Shared>,
    visitor: Visitor,
    Query(query): Query<ElementsQuery>,
) -> Result<Response, PageError> {
    let source = query.source.filter(|source| !source.is_empty());
    let wanted = source.clone();
    let (sources, unmapped, deviating) = ask(&state, move |connection| {
        let source = wanted.as_deref();
        Ok((
            Source::codes(connection)?,
            NotedElement::unmapped(connection, source, MOST)?,
            NotedElement::deviating(connection, source, MOST)?,
        ))
    })
    .await?;
    let frame = visitor.frame("Elements", "/page/elements");
    Ok(super::html(&Elements { frame, sources, source, unmapped, deviating }))
}

impl Elements {
    fn has_source(&self, source: &str) -> bool {
        self.source.as_deref() == Some(source)
    }
}
