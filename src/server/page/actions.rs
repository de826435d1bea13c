//! What *operators do*: put rejects back into the inbox, or dismiss them. Each action is in
//! the audit table with what it was about.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use fhirmill_postgres::ledger::Dismissal;
use tracing::{error, info};

use super::error::PageError;
use super::format::query;
use super::session::{OperatorPosted, Posted};
use crate::pipeline::put_back::{self, PutBack, PutBackError, Wanted};
use crate::report::in_one_line;
use crate::server::state::Shared;
use fhirmill_postgres::database::DatabaseError;

/// How many rejects are put back at once: each becomes a file in the inbox.
const MOST: i64 = 5_000;
const LONGEST_NOTE: usize = 500;

/// The rejects that an action is about: of a file, of a reason, or one.
#[derive(Clone, Debug, Default)]
struct Subject {
    file_id: Option<i64>,
    reason: Option<String>,
    ids: Vec<i64>,
}

impl Subject {
    fn one(id: i64) -> Self {
        Subject { ids: vec![id], ..Subject::default() }
    }

    fn of_file(id: i64) -> Self {
        Subject { file_id: Some(id), ..Subject::default() }
    }

    /// The reason that the form names. Without one, all rejects would be meant.
    fn of_reason(posted: &Posted) -> Result<Self, PageError> {
        let reason = posted.field("reason").ok_or(PageError::Malformed("The form names no reason."))?;
        Ok(Subject { reason: Some(reason.to_owned()), ..Subject::default() })
    }

    /// For the audit table.
    fn target(&self) -> String {
        match (self.file_id, &self.reason) {
            (Some(id), _) => format!("file {id}"),
            // The form could say anything.
            (_, Some(reason)) => format!("reason {}", reason.chars().take(40).collect::<String>()),
            _ => format!("reject {}", self.ids.first().copied().unwrap_or_default()),
        }
    }
}

/// Puts one reject back.
pub async fn retry_one(
    State(state): State<Shared>,
    Path(id): Path<i64>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    retry(&state, &posted, Subject::one(id), &format!("/page/rejects/{id}")).await
}

/// Puts the rejects of a file back.
pub async fn retry_file(
    State(state): State<Shared>,
    Path(id): Path<i64>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    retry(&state, &posted, Subject::of_file(id), &format!("/page/files/{id}")).await
}

/// Puts the rejects of a reason back.
pub async fn retry_reason(
    State(state): State<Shared>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    retry(&state, &posted, Subject::of_reason(&posted)?, "/page/rejects").await
}

/// Dismisses one reject.
pub async fn dismiss_one(
    State(state): State<Shared>,
    Path(id): Path<i64>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    dismiss(&state, &posted, Subject::one(id), &format!("/page/rejects/{id}")).await
}

/// Dismisses the rejects of a file.
pub async fn dismiss_file(
    State(state): State<Shared>,
    Path(id): Path<i64>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    dismiss(&state, &posted, Subject::of_file(id), &format!("/page/files/{id}")).await
}

/// Dismisses the rejects of a reason.
pub async fn dismiss_reason(
    State(state): State<Shared>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    let subject = Subject::of_reason(&posted)?;
    let back = format!("/page/rejects?reason={}", query(posted.field("reason").unwrap_or_default()));
    dismiss(&state, &posted, subject, &back).await
}

/// Why rejects could not be put back.
#[derive(Debug, thiserror::Error)]
enum RetryError {
    #[error("the database is unavailable")]
    Connect(#[from] DatabaseError),
    #[error(transparent)]
    PutBack(#[from] PutBackError),
}

async fn retry(state: &Shared, posted: &Posted, subject: Subject, back: &str) -> Result<Response, PageError> {
    let target = subject.target();
    posted.visitor.call.set_target(&target);
    // A second click waits, and finds nothing left to do.
    let _one_at_a_time = state.page.putting_back.lock().await;
    let settings = state.settings.clone();
    let done = state.pool.run(move |connection| {
        let Subject { file_id, reason, ids } = subject;
        let wanted = Wanted { file_id, ids: &ids, reason: reason.as_deref(), limit: MOST };
        Ok::<PutBack, RetryError>(put_back::put_back(&settings, connection, wanted)?)
    });
    let done = done.await.map_err(|failure| {
        error!("rejects could not be put back: {}", in_one_line(&failure));
        PageError::Failed("The rejects could not be put into the inbox.".to_owned())
    })?;
    info!(user = %posted.visitor.user.name, "{target}: {} rejects were put into the inbox again", done.ids.len());
    Ok(Redirect::to(&with_done(back, "retried", done.ids.len())).into_response())
}

async fn dismiss(
    state: &Shared,
    posted: &Posted,
    subject: Subject,
    back: &str,
) -> Result<Response, PageError> {
    let target = subject.target();
    posted.visitor.call.set_target(&target);
    let note: Option<String> = posted.field("note").map(|note| note.chars().take(LONGEST_NOTE).collect());
    let count = state.pool.run(move |connection| {
        let (ids, file_id) = (&subject.ids[..], subject.file_id);
        let dismissal = Dismissal { ids, file_id, reason: subject.reason.as_deref(), note: note.as_deref() };
        dismissal.carry_out(connection).map_err(PageError::from)
    });
    let count = count.await?;
    info!(user = %posted.visitor.user.name, "{target}: {count} rejects were dismissed");
    Ok(Redirect::to(&with_done(back, "dismissed", count)).into_response())
}

/// The address to go back to, with what was done.
fn with_done(back: &str, word: &str, count: usize) -> String {
    let joint = if back.contains('?') { '&' } else { '?' };
    format!("{back}{joint}done={word}-{count}")
}
