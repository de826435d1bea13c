//! *Files*, each with its account: what became of every record in it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use fhirmill_postgres::ledger::page::{BOUND, FileLineage, FileReason};
use fhirmill_postgres::ledger::{FileEntry, FileFilter, Reject, RejectFilter, RunFilter, Source};
use serde::Deserialize;

use super::ask;
use super::error::PageError;
use super::format::{badge, bounded, bytes, count, equation, minute, number, query, time};
use super::frame::Frame;
use super::rejects::{path_and_message, reject_class};
use super::runs::next;
use super::session::Visitor;
use crate::archive::Storage;
use crate::server::state::Shared;

const PAGE: i64 = 50;
/// The statuses that can be chosen.
const STATUSES: [&str; 8] =
    ["loaded", "loading", "rejected", "failed", "duplicate", "abandoned", "undone", "erased"];

/// What the address asks for. Forms send empty fields, too.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FilesQuery {
    source: Option<String>,
    status: Option<String>,
    from: Option<String>,
    to: Option<String>,
    before: Option<i64>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "files.html", config = "src/server/page/askama.toml")]
struct Files {
    frame: Frame,
    sources: Vec<String>,
    statuses: [&'static str; 8],
    chosen: FilesQuery,
    complaint: Option<&'static str>,
    files: Vec<FileEntry>,
    older: Option<String>,
}

#[derive(Template)]
#[template(path = "file.html", config = "src/server/page/askama.toml")]
struct File {
    frame: Frame,
    file: FileEntry,
    place: Option<String>,
    lineage: FileLineage,
    reasons: Vec<FileReason>,
    rejects: Vec<Reject>,
    older: Option<String>,
    open: bool,
}

/// Lists files, newest first.
pub async fn list(
    State(state): State<Shared>,
    visitor: Visitor,
    Query(query): Query<FilesQuery>,
) -> Result<Response, PageError> {
    let (from, to) = (day(query.from.as_deref()), day(query.to.as_deref()));
    let is_malformed = from.is_err() || to.is_err();
    let (since, until) =
        (from.unwrap_or_default(), to.unwrap_or_default().map(|day| day + TimeDelta::days(1)));
    let wanted = query.clone();
    let (sources, mut files) = ask(&state, move |connection| {
        let statuses: Vec<String> =
            wanted.status.filter(|status| STATUSES.contains(&status.as_str())).into_iter().collect();
        let source = wanted.source.as_deref().filter(|source| !source.is_empty());
        let of = RunFilter { statuses: &statuses, since, until, before: wanted.before, limit: PAGE + 1 };
        let files = FileEntry::list(connection, &FileFilter { source, run_id: None, of })?;
        Ok((Source::codes(connection)?, files))
    })
    .await?;
    let older = next(&mut files, |file| file.id).map(|id| query.older(id));
    let complaint = is_malformed.then_some("A date is written like 2026-03-31. This filter was left out.");
    let frame = visitor.frame("Files", "/page/files");
    Ok(super::html(&Files { frame, sources, statuses: STATUSES, chosen: query, complaint, files, older }))
}

/// Shows a file.
pub async fn show(
    State(state): State<Shared>,
    visitor: Visitor,
    Path(id): Path<i64>,
    Query(query): Query<FilesQuery>,
) -> Result<Response, PageError> {
    let before = query.before;
    let found = ask(&state, move |connection| {
        let filter =
            RejectFilter { file_id: Some(id), reason: None, is_open: false, before, limit: PAGE as u32 + 1 };
        let (Some(file), Some(lineage)) =
            (FileEntry::find(connection, id)?, FileLineage::find(connection, id)?)
        else {
            return Ok(None);
        };
        let reasons = if file.account.rejected > 0 { FileReason::list(connection, id)? } else { Vec::new() };
        Ok(Some((file, lineage, reasons, Reject::list(connection, filter)?)))
    });
    let Some((file, lineage, reasons, mut rejects)) = found.await? else {
        return Err(PageError::NotFound(format!("There is no file {id}.")));
    };
    let older = next(&mut rejects, |reject| reject.id).map(|id| format!("?before={id}"));
    let storage = Storage::of(&state.settings);
    let place = match (file.archive_path.as_deref(), file.archive_removed_at) {
        (Some(_), Some(at)) => Some(format!("removed by retention on {}", at.format("%Y-%m-%d"))),
        (Some(stored), None) => Some(storage.address(&file.status, stored, file.stored_bytes.is_some())),
        (None, _) => None,
    };
    let open = rejects.iter().any(|reject| reject.state == "open");
    let frame = visitor.frame(format!("File {id}"), "/page/files").with_notice(query.done.as_deref());
    Ok(super::html(&File { frame, file, place, lineage, reasons, rejects, older, open }))
}

/// The beginning of a day, in UTC; none if the text is empty.
fn day(text: Option<&str>) -> Result<Option<DateTime<Utc>>, chrono::ParseError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let day: NaiveDate = text.parse()?;
    Ok(day.and_hms_opt(0, 0, 0).map(|time| time.and_utc()))
}

impl FilesQuery {
    /// The address of the next page with the same filters.
    fn older(&self, id: i64) -> String {
        let mut address = format!("?before={id}");
        for (name, value) in
            [("source", &self.source), ("status", &self.status), ("from", &self.from), ("to", &self.to)]
        {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                address.push_str(&format!("&{name}={}", query(value)));
            }
        }
        address
    }

    /// The address of the first page with the same filters.
    fn newest(&self) -> String {
        self.older(0).replacen("before=0", "", 1)
    }

    fn is_narrowed(&self) -> bool {
        let is_set = |value: &Option<String>| value.as_deref().is_some_and(|value| !value.is_empty());
        is_set(&self.source) || is_set(&self.status) || is_set(&self.from) || is_set(&self.to)
    }

    fn has_source(&self, source: &str) -> bool {
        self.source.as_deref() == Some(source)
    }

    fn has_status(&self, status: &str) -> bool {
        self.status.as_deref() == Some(status)
    }
}

/// The class of a file's status.
pub(super) fn file_class(status: &str) -> &'static str {
    match status {
        "loaded" => "good",
        "loading" => "busy",
        "rejected" | "failed" => "bad",
        "abandoned" => "warn",
        _ => "quiet",
    }
}

/// What became of the records of a file.
fn account(file: &FileEntry) -> String {
    match file.status.as_str() {
        "loading" => "still being loaded; the overview shows how far it is".to_owned(),
        // Its account does not hold.
        "failed" => format!("{} seen, but: {}", number(file.seen), equation(file.account)),
        _ => equation(file.account),
    }
}
