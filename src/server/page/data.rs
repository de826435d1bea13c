//! *Data*: the tables and views that people read, and their dictionary, as the catalog has
//! it.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fhirmill_postgres::ledger::page::{ColumnEntry, TableEntry, ViewLine};

use super::ask;
use super::error::PageError;
use super::format::{bytes, number, since};
use super::frame::Frame;
use super::session::Visitor;
use crate::server::state::Shared;

#[derive(Template)]
#[template(path = "data.html", config = "src/server/page/askama.toml")]
struct Data {
    frame: Frame,
    filled: Vec<TableEntry>,
    empty: Vec<TableEntry>,
    /// Each answers a question.
    views: Vec<TableEntry>,
    /// Each shows a table with its source.
    table_views: Vec<TableEntry>,
    /// Tables that users declare.
    declared: Vec<TableEntry>,
}

#[derive(Template)]
#[template(path = "table.html", config = "src/server/page/askama.toml")]
struct Table {
    frame: Frame,
    table: TableEntry,
    columns: Vec<ColumnEntry>,
}

/// Lists tables and views.
pub async fn list(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let all = ask(&state, TableEntry::list).await?;
    let (declared, all): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|table| table.schema == ViewLine::SCHEMA);
    let (views, tables): (Vec<_>, Vec<_>) = all.into_iter().partition(|table| table.is_view);
    let is_empty =
        |table: &TableEntry| table.rows == Some(0) || (table.rows.is_none() && table.newest_at.is_none());
    let names: BTreeSet<String> = tables.iter().map(|table| table.name.clone()).collect();
    let (table_views, views): (Vec<_>, Vec<_>) =
        views.into_iter().partition(|view| names.contains(&view.name));
    let (empty, filled): (Vec<_>, Vec<_>) = tables.into_iter().partition(is_empty);
    let frame = visitor.frame("Data", "/page/data");
    Ok(super::html(&Data { frame, filled, empty, views, table_views, declared }))
}

/// Shows a table or view with its columns.
pub async fn show(
    State(state): State<Shared>,
    visitor: Visitor,
    Path((schema, name)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let title = if schema == "public" { name.clone() } else { format!("{schema}.{name}") };
    let missing = format!("There is no table or view {title}.");
    let found = ask(&state, move |connection| {
        let Some(table) = TableEntry::find(connection, &schema, &name)? else { return Ok(None) };
        let columns = table.columns(connection)?;
        Ok(Some((table, columns)))
    });
    let (table, columns) = found.await?.ok_or(PageError::NotFound(missing))?;
    Ok(super::html(&Table { frame: visitor.frame(title, "/page/data"), table, columns }))
}
