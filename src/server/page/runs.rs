//! *Runs*: one for each time that files were loaded.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use fhirmill_postgres::ledger::page::{RunLine, RunPage};
use fhirmill_postgres::ledger::{FileEntry, FileFilter, RunFilter};
use serde::Deserialize;

use super::ask;
use super::error::PageError;
use super::files::file_class;
use super::format::{Markup, badge, count, equation, minute, span, time};
use super::frame::Frame;
use super::session::Visitor;
use crate::server::state::Shared;

/// How many runs, or files of a run, are on one page.
const PAGE: i64 = 50;
/// The statuses that can be chosen.
const STATUSES: [&str; 3] = ["running", "finished", "failed"];

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct RunsQuery {
    status: Option<String>,
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "runs.html", config = "src/server/page/askama.toml")]
struct Runs {
    frame: Frame,
    statuses: [&'static str; 3],
    status: Option<&'static str>,
    is_first: bool,
    runs: Vec<RunLine>,
    older: Option<String>,
}

#[derive(Template)]
#[template(path = "run.html", config = "src/server/page/askama.toml")]
struct Run {
    frame: Frame,
    run: RunLine,
    files: Vec<FileEntry>,
    older: Option<String>,
    is_first: bool,
}

/// Lists runs, newest first.
pub async fn list(
    State(state): State<Shared>,
    visitor: Visitor,
    Query(query): Query<RunsQuery>,
) -> Result<Response, PageError> {
    let status = STATUSES.into_iter().find(|status| query.status.as_deref() == Some(status));
    let before = query.before;
    let runs = ask(&state, move |connection| {
        RunLine::list(connection, RunPage { status, before, limit: PAGE + 1, id: None })
    });
    let mut runs = runs.await?;
    let older = next(&mut runs, |run| run.id).map(|id| match status {
        Some(status) => format!("?status={status}&before={id}"),
        None => format!("?before={id}"),
    });
    let (frame, is_first) = (visitor.frame("Runs", "/page/runs"), before.is_none());
    Ok(super::html(&Runs { frame, statuses: STATUSES, status, is_first, runs, older }))
}

/// Shows a run with its files.
pub async fn show(
    State(state): State<Shared>,
    visitor: Visitor,
    Path(id): Path<i64>,
    Query(query): Query<RunsQuery>,
) -> Result<Response, PageError> {
    let before = query.before;
    let (run, mut files) = ask(&state, move |connection| {
        let run = RunLine::list(connection, RunPage { id: Some(id), limit: 1, ..RunPage::default() })?.pop();
        let of = RunFilter { statuses: &[], since: None, until: None, before, limit: PAGE + 1 };
        let files = FileEntry::list(connection, &FileFilter { source: None, run_id: Some(id), of })?;
        Ok((run, files))
    })
    .await?;
    let run = run.ok_or_else(|| PageError::NotFound(format!("There is no run {id}.")))?;
    let older = next(&mut files, |file| file.id).map(|id| format!("?before={id}"));
    let frame = visitor.frame(format!("Run {id}"), "/page/runs");
    Ok(super::html(&Run { frame, run, files, older, is_first: before.is_none() }))
}

/// Removes the entry beyond the page, if there is one; returns the number of the last one
/// that stays, before which the next page begins.
pub(super) fn next<T>(entries: &mut Vec<T>, id: impl Fn(&T) -> i64) -> Option<i64> {
    if entries.len() as i64 <= PAGE {
        return None;
    }
    entries.truncate(PAGE as usize);
    entries.last().map(id)
}

/// The class and the word of a run's state.
fn run_state(run: &RunLine) -> (&'static str, &'static str) {
    match run.status.as_str() {
        _ if run.is_broken_off => ("warn", "broken off"),
        "finished" => ("good", "finished"),
        "running" => ("busy", "running"),
        _ => ("bad", "failed"),
    }
}

/// How long a run took.
fn duration(run: &RunLine) -> Option<String> {
    run.finished_at.map(|finished| {
        let took = finished - run.started_at;
        match took.num_milliseconds() {
            milliseconds @ ..60_000 => format!("{:.1} s", milliseconds as f64 / 1000.0),
            _ => span(took),
        }
    })
}

/// One of a run's counts; empty if it has none yet.
fn run_count(run: &RunLine, name: &str) -> Markup {
    run.count(name).map(count).unwrap_or_default()
}
