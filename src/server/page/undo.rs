//! *Taking files back*, and bringing them back, on the page.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use fhirmill_postgres::undo::UndoFile;
use tracing::{error, info};

use super::error::PageError;
use super::session::{OperatorPosted, Posted};
use crate::pipeline::Job;
use crate::pipeline::undo::{self, Action, UndoError};
use crate::report::in_one_line;
use crate::server::state::Shared;

/// Takes a file back.
pub async fn undo_file(
    State(state): State<Shared>,
    Path(id): Path<i64>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    carry_out(&state, &posted, id, false).await
}

/// Brings a file back.
pub async fn redo_file(
    State(state): State<Shared>,
    Path(id): Path<i64>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    carry_out(&state, &posted, id, true).await
}

/// Does so, even if the caller goes away. A file that is as it is to be stays so.
async fn carry_out(state: &Shared, posted: &Posted, id: i64, is_redo: bool) -> Result<Response, PageError> {
    posted.visitor.call.set_target(format!("file {id}"));
    let shared = Arc::clone(state);
    let done = tokio::task::spawn_blocking(move || {
        let _one_at_a_time = shared.page.undoing.blocking_lock();
        work(&shared, id, is_redo)
    });
    let done = done
        .await
        .map_err(|_| PageError::Failed("fhirmill has a defect, and its log says where.".to_owned()))?;
    let count = done.map_err(|failure| {
        error!(file.id = id, "a file could not be undone: {}", in_one_line(&failure));
        PageError::Failed(format!("{failure}."))
    })?;
    let word = if is_redo { "redone" } else { "undone" };
    info!(user = %posted.visitor.user.name, file.id = id, "file {id}: {word}");
    Ok(Redirect::to(&format!("/page/files/{id}?done={word}-{count}")).into_response())
}

/// Returns how many files were undone: one or none.
fn work(state: &Shared, id: i64, is_redo: bool) -> Result<usize, UndoError> {
    let database = state.pool.database();
    let mut files = UndoFile::list(&mut database.connect()?, &[id])?;
    files.retain(|file| match is_redo {
        true => file.status_now == "undone" && file.stored.status != "duplicate",
        false => ["loaded", "rejected", "duplicate"].contains(&file.status_now.as_str()),
    });
    if files.is_empty() {
        return Ok(0);
    }
    let progress = Arc::default();
    let job =
        Job { settings: &state.settings, database: &database, cancel: &state.cancel, progress: &progress };
    let changes = undo::undo(&job, &files, Action { is_redo, is_dry_run: false })?;
    Ok(changes.files.len())
}
