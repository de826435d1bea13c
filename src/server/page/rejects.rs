//! *Rejects*: by reason, as a list with place and path, and one with its bytes. What could
//! identify a patient is for operators only.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use fhirmill_postgres::ledger::page::{BOUND, OpenReason, RawRecord};
use fhirmill_postgres::ledger::{Reject, RejectFilter};
use serde::Deserialize;

use super::ask;
use super::error::PageError;
use super::format::{badge, bounded, bytes, query, since, time};
use super::frame::Frame;
use super::runs::next;
use super::session::{Operator, Visitor};
use crate::pipeline::updates::element_path;
use crate::server::state::Shared;

const PAGE: u32 = 50;
/// How many bytes of a record are shown.
const SHOWN_BYTES: i32 = 64 * 1024;

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RejectsQuery {
    reason: Option<String>,
    state: Option<String>,
    before: Option<i64>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "reasons.html", config = "src/server/page/askama.toml")]
struct Reasons {
    frame: Frame,
    reasons: Vec<OpenReason>,
}

#[derive(Template)]
#[template(path = "rejects.html", config = "src/server/page/askama.toml")]
struct Rejects {
    frame: Frame,
    reason: Option<String>,
    rejects: Vec<Reject>,
    older: Option<String>,
}

#[derive(Template)]
#[template(path = "reject.html", config = "src/server/page/askama.toml")]
struct OneReject {
    frame: Frame,
    reject: Reject,
}

#[derive(Template)]
#[template(path = "raw.html", config = "src/server/page/askama.toml")]
struct Raw {
    frame: Frame,
    reject: Reject,
    text: String,
    kept: i64,
    is_cut: bool,
}

/// Shows the reasons for which records are rejected and open.
pub async fn reasons(
    State(state): State<Shared>,
    visitor: Visitor,
    Query(query): Query<RejectsQuery>,
) -> Result<Response, PageError> {
    let reasons = ask(&state, OpenReason::list).await?;
    let frame = visitor.frame("Rejects", "/page/rejects").with_notice(query.done.as_deref());
    Ok(super::html(&Reasons { frame, reasons }))
}

/// Lists rejects, newest first: those of a reason that are open, or all.
pub async fn list(
    State(state): State<Shared>,
    visitor: Visitor,
    Query(query): Query<RejectsQuery>,
) -> Result<Response, PageError> {
    let reason = query.reason.clone().filter(|reason| !reason.is_empty());
    let is_open = reason.is_some() || query.state.as_deref() != Some("all");
    let (wanted, before) = (reason.clone(), query.before);
    let mut rejects = ask(&state, move |connection| {
        let reason = wanted.as_deref();
        Reject::list(connection, RejectFilter { file_id: None, reason, is_open, before, limit: PAGE + 1 })
    })
    .await?;
    let older = next(&mut rejects, |reject| reject.id).map(|id| match (&reason, is_open) {
        (Some(reason), _) => format!("?reason={}&before={id}", crate::server::page::format::query(reason)),
        (None, true) => format!("?before={id}"),
        (None, false) => format!("?state=all&before={id}"),
    });
    let title = match &reason {
        Some(reason) => format!("Rejects: {reason}"),
        None if is_open => "Open rejects".to_owned(),
        None => "All rejects".to_owned(),
    };
    let frame = visitor.frame(title, "/page/rejects").with_notice(query.done.as_deref());
    Ok(super::html(&Rejects { frame, reason, rejects, older }))
}

async fn find(state: &Shared, id: i64) -> Result<Reject, PageError> {
    let found = ask(state, move |connection| Reject::find(connection, id)).await?;
    found.ok_or_else(|| PageError::NotFound(format!("There is no reject {id}.")))
}

/// Shows a reject, without its bytes.
pub async fn show(
    State(state): State<Shared>,
    visitor: Visitor,
    Path(id): Path<i64>,
    Query(query): Query<RejectsQuery>,
) -> Result<Response, PageError> {
    let reject = find(&state, id).await?;
    let frame = visitor.frame(format!("Reject {id}"), "/page/rejects").with_notice(query.done.as_deref());
    Ok(super::html(&OneReject { frame, reject }))
}

/// Shows the bytes of a reject, which are a patient's. The audit table has who looked.
pub async fn raw(
    State(state): State<Shared>,
    Operator(visitor): Operator,
    Path(id): Path<i64>,
) -> Result<Response, PageError> {
    visitor.call.set_target(format!("reject {id}"));
    let reject = find(&state, id).await?;
    let found = ask(&state, move |connection| RawRecord::find(connection, id, SHOWN_BYTES)).await?;
    let found = found.ok_or_else(|| PageError::NotFound(format!("There is no reject {id}.")))?;
    let text = String::from_utf8_lossy(&found.beginning.unwrap_or_default()).into_owned();
    let frame = visitor.frame(format!("Record of reject {id}"), "/page/rejects");
    Ok(super::html(&Raw {
        frame,
        reject,
        text,
        kept: found.kept,
        is_cut: found.kept > i64::from(SHOWN_BYTES),
    }))
}

/// The path of the element that is wrong, if it is known, and what is wrong with it.
pub(super) fn path_and_message(reject: &Reject) -> (Option<String>, &str) {
    let path = element_path(reject.resource_type.as_deref(), &reject.reason, &reject.message);
    match reject.message.split_once(": ") {
        Some((_, rest)) if path.is_some() => (path, rest),
        _ => (None, &reject.message),
    }
}

/// The class of a reject's state.
pub(super) fn reject_class(state: &str) -> &'static str {
    match state {
        "open" => "bad",
        "resolved" => "good",
        "retried" => "busy",
        _ => "quiet",
    }
}

/// What a reason means.
fn meaning(reason: &str) -> &'static str {
    match reason {
        "not_json" => "The line or entry is not JSON.",
        "not_an_object" => "It is JSON, but not an object.",
        "no_resource_type" => "It does not say which type of resource it is.",
        "view_not_allowed" => "This source may not declare views; the settings file allows it.",
        "faulty_view" => "The definition of the view has the mistake that is shown.",
        "unknown_resource_type" => "FHIR R4 has no such type.",
        "no_resource" => "The file has no resource where one is expected.",
        "invalid_value" => "A value does not fit its element.",
        "unbalanced" => "A bracket or comma is missing, or one too many is there.",
        "truncated" => "The file ends in the middle of it: ask for the file again.",
        "damaged" => "The file is damaged there: ask for the file again.",
        "too_large" => "It is larger than the limit that the message names.",
        "too_deep" => "It is nested more deeply than anything that makes sense.",
        "xml" => "It is XML, and only JSON is read.",
        "encrypted" => "The archive is encrypted: ask for one that is not.",
        "unsupported_compression" => "The file is compressed in a way that is not read.",
        _ => "",
    }
}
