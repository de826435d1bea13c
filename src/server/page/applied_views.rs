//! *Applied views*: tables that users declare, how far those are that are being filled, and
//! their definitions.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fhirmill_postgres::ledger::page::{BOUND, ColumnEntry, TableEntry, ViewLine};

use super::ask;
use super::error::PageError;
use super::format::{badge, bounded, bytes, number, query, since, things, time};
use super::frame::Frame;
use super::session::Visitor;
use crate::server::state::Shared;

const MOST: i64 = 200;
/// The most bytes of a definition that are shown.
const SHOWN_BYTES: usize = 256 * 1024;

#[derive(Template)]
#[template(path = "appliedviews.html", config = "src/server/page/askama.toml")]
struct AppliedViews {
    frame: Frame,
    views: Vec<ViewLine>,
}

/// A version with its columns and the count of its rows.
struct Version {
    view: ViewLine,
    rows: i64,
    columns: Vec<ColumnEntry>,
    definition: String,
}

#[derive(Template)]
#[template(path = "appliedview.html", config = "src/server/page/askama.toml")]
struct AppliedView {
    frame: Frame,
    versions: Vec<Version>,
}

/// Lists the views.
pub async fn list(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let views = ask(&state, |connection| ViewLine::list(connection, MOST)).await?;
    Ok(super::html(&AppliedViews { frame: visitor.frame("Applied views", "/page/views"), views }))
}

/// Shows a view, each of its versions.
pub async fn show(
    State(state): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let wanted = name.clone();
    let versions = ask(&state, move |connection| {
        let mut versions = Vec::new();
        for view in ViewLine::find(connection, &wanted)? {
            let table = TableEntry::find(connection, ViewLine::SCHEMA, &view.table_name)?;
            let (rows, columns) = match table {
                Some(table) => (view.count_rows(connection)?, table.columns(connection)?),
                None => (0, Vec::new()),
            };
            versions.push(Version { definition: pretty(&view.definition), view, rows, columns });
        }
        Ok(versions)
    });
    let versions = versions.await?;
    if versions.is_empty() {
        return Err(PageError::NotFound("There is no such view.".to_owned()));
    }
    Ok(super::html(&AppliedView { frame: visitor.frame(format!("View {name}"), "/page/views"), versions }))
}

/// A definition, as JSON that people read.
fn pretty(definition: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(definition).ok();
    let text = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let mut text = text.unwrap_or_else(|| definition.to_owned());
    if text.len() > SHOWN_BYTES {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES));
        text.push_str("\n…");
    }
    text
}

/// The class and the word of a view's state.
fn view_state(view: &ViewLine) -> (&'static str, &'static str) {
    match (view.state.as_str(), &view.problem) {
        (_, Some(_)) => ("bad", "needs attention"),
        ("ready", _) => ("good", "ready"),
        _ => ("busy", "being filled"),
    }
}

/// How far the filling is: resources done, of all.
fn filling(view: &ViewLine) -> Option<(i64, i64)> {
    let total = view.total_resources.filter(|total| *total > 0 && view.state != "ready")?;
    Some((view.resources.min(total), total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use pretty_assertions::assert_eq;

    #[test]
    fn states_and_progress_are_told() {
        let mut view = ViewLine {
            name: "v".to_owned(),
            version: 2,
            table_name: "v__2".to_owned(),
            resource_type: "Patient".to_owned(),
            definition: "{\"a\":1}".to_owned(),
            state: "filling".to_owned(),
            resources: 3,
            total_resources: None,
            problem: None,
            applied_at: Utc::now(),
            filled_at: None,
            comment: None,
            estimated_rows: None,
            columns: 1,
            bytes: 0,
        };
        assert_eq!((view_state(&view), filling(&view)), (("busy", "being filled"), None));
        view.total_resources = Some(10);
        assert_eq!(filling(&view), Some((3, 10)));
        view.problem = Some("x".to_owned());
        assert_eq!(view_state(&view).0, "bad");
        (view.problem, view.state) = (None, "ready".to_owned());
        assert_eq!((view_state(&view), filling(&view)), (("good", "ready"), None));
        assert_eq!(pretty(&view.definition), "{\n  \"a\": 1\n}");
        assert!(pretty(&"ü".repeat(SHOWN_BYTES)).ends_with("ü\n…"));
    }
}
