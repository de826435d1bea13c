//! Has updates *stored*; where too many wait, queues them as a file.

use axum::http::{StatusCode, header};
use fhirmill_postgres::ledger::{Delivery, Upload};
use uuid::Uuid;

use crate::server::auth::Caller;
use crate::server::error::ApiError;
use crate::server::state::Shared;
use crate::server::unfinished::Unfinished;
use crate::update::{Answer, Full, Refusal, Update};
use crate::upload::{Announced, Expected, Repeated, UploadError};

/// What became of updates.
#[derive(Debug)]
pub enum Stored {
    /// The answer to each.
    Answers(Vec<Answer>),
    /// They are queued as this file.
    Queued(Box<Upload>),
}

/// Whether updates may be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queueing {
    /// The sender does not want to wait.
    Wanted,
    /// If too many wait.
    Allowed,
    /// Then they are refused.
    Impossible,
}

/// Has updates stored, in this order.
pub async fn store(
    state: &Shared,
    caller: &Caller,
    updates: Vec<Update>,
    queueing: Queueing,
) -> Result<Stored, ApiError> {
    if updates.is_empty() {
        return Ok(Stored::Answers(Vec::new()));
    }
    if queueing == Queueing::Wanted || is_queue_ahead(state, caller).await? {
        return queue(state, caller, &updates, queueing).await;
    }
    let receivers = match state.updates.updates.submit(updates) {
        Ok(receivers) => receivers,
        Err(Full(updates)) => return queue(state, caller, &updates, queueing).await,
    };
    let mut answers = Vec::with_capacity(receivers.len());
    for receiver in receivers {
        // The writer is gone only after a defect, or at the end of the service.
        answers.push(receiver.await.unwrap_or(Err((0, Refusal::Unavailable))));
    }
    Ok(Stored::Answers(answers))
}

/// Whether an earlier update of the source waits in a file: what comes later waits behind
/// it.
async fn is_queue_ahead(state: &Shared, caller: &Caller) -> Result<bool, ApiError> {
    let source = &caller.bearer.source;
    let Some(upload) = state.updates.queued(source) else { return Ok(false) };
    let find = move |connection: &mut _| Delivery::of_upload(connection, upload).map_err(ApiError::from);
    let delivery = state.pool.run(find).await?;
    let is_loaded = delivery.is_some_and(|delivery| delivery.status != "loading");
    if is_loaded {
        state.updates.note_loaded(source, upload);
    }
    Ok(!is_loaded)
}

/// Queues updates as one file.
async fn queue(
    state: &Shared,
    caller: &Caller,
    updates: &[Update],
    queueing: Queueing,
) -> Result<Stored, ApiError> {
    let depends = updates.iter().any(|update| !update.preconditions.is_empty());
    if depends || queueing == Queueing::Impossible {
        let sentence = "too many updates wait, and one that depends on a version, or a batch with entries that \
                        are refused, cannot be queued";
        return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, sentence).with(header::RETRY_AFTER, "10"));
    }
    let lines: Vec<u8> = updates.iter().flat_map(|update| update.line.iter().copied()).collect();
    // Files are loaded in the order of their names.
    let now = chrono::Utc::now().format("%Y%m%dT%H%M%S%6f");
    let announced = Announced {
        filename: format!("update-{now}-{}.ndjson", Uuid::new_v4().simple()),
        part_count: Some(1),
        size: Some(lines.len() as u64),
        ..Announced::default()
    };
    let (core, uploader) = (state.uploads.clone(), caller.uploader());
    let begin = move |connection: &mut _| core.begin(connection, &uploader, "batch", &announced);
    let upload = state.pool.run(begin).await?;
    let unfinished = Unfinished::new(state, caller, upload.id);
    let (core, uploader, id) = (state.uploads.clone(), caller.uploader(), upload.id);
    let write = move |connection: &mut _| {
        let expected = Expected { size: Some(lines.len() as u64), ..Expected::default() };
        let mut writer = core.begin_part(connection, &uploader, (id, 1), expected, Repeated::Compare)?;
        writer.write(&lines)?;
        writer.finish(connection)?;
        core.complete(connection, &uploader, id, None)
    };
    state.updates.note_queued(&caller.bearer.source, id);
    let written: Result<Upload, UploadError> = state.pool.run(write).await;
    let upload = written.inspect_err(|_| state.updates.note_loaded(&caller.bearer.source, id))?;
    unfinished.is_finished();
    Ok(Stored::Queued(Box::new(upload)))
}
