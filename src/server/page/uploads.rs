//! *Uploads in progress*: how far they are, what is missing, and when they expire.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fhirmill_postgres::ledger::page::OpenUpload;

use super::ask;
use super::error::PageError;
use super::format::{bytes, number, since};
use super::frame::Frame;
use super::session::Visitor;
use crate::server::state::Shared;

/// How many uploads are shown, and how many missing parts of each.
const MOST: i64 = 100;
const MOST_MISSING: i64 = 8;

#[derive(Template)]
#[template(path = "uploads.html", config = "src/server/page/askama.toml")]
struct Uploads {
    frame: Frame,
    uploads: Vec<OpenUpload>,
    is_cut: bool,
}

/// Lists the uploads in progress, the next ones to expire first.
pub async fn list(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let mut uploads = ask(&state, |connection| OpenUpload::list(connection, MOST + 1, MOST_MISSING)).await?;
    let is_cut = uploads.len() as i64 > MOST;
    uploads.truncate(MOST as usize);
    Ok(super::html(&Uploads {
        frame: visitor.frame("Uploads in progress", "/page/uploads"),
        uploads,
        is_cut,
    }))
}

/// The parts that are missing, as far as that is known.
fn missing(upload: &OpenUpload) -> String {
    let Some(count) = upload.part_count else { return "not announced".to_owned() };
    let missing = (i64::from(count) - upload.parts).max(0);
    if missing == 0 {
        return "none".to_owned();
    }
    let numbers: Vec<String> = upload.missing.iter().map(|part| number(i64::from(*part))).collect();
    let more = missing - numbers.len() as i64;
    let more = if more > 0 { format!(" and {} more", number(more)) } else { String::new() };
    format!("{}{more}", numbers.join(", "))
}

/// How much of it is here: bytes if their number was announced, else parts.
fn progress(upload: &OpenUpload) -> Option<(i64, i64)> {
    match (upload.size_bytes, upload.part_count) {
        (Some(size), _) if size > 0 => Some((upload.bytes.min(size), size)),
        (_, Some(count)) if count > 0 => Some((upload.parts.min(i64::from(count)), i64::from(count))),
        _ => None,
    }
}
