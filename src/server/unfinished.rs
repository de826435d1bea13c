//! Uploads that begin and end with one call: if it breaks off, nothing of it stays.

use std::sync::Arc;

use uuid::Uuid;

use super::auth::Caller;
use super::state::Shared;
use crate::upload::UploadError;

/// Aborts an upload when dropped, unless it is finished: also if the sender goes away in
/// the middle, which ends the call.
pub struct Unfinished {
    state: Shared,
    caller: Caller,
    id: Option<Uuid>,
}

impl Unfinished {
    /// For an upload that has begun.
    pub fn new(state: &Shared, caller: &Caller, id: Uuid) -> Self {
        Unfinished { state: Arc::clone(state), caller: caller.clone(), id: Some(id) }
    }

    /// The upload was completed.
    pub fn is_finished(mut self) {
        self.id = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let (state, uploader) = (Arc::clone(&self.state), self.caller.uploader());
        tokio::spawn(async move {
            let core = state.uploads.clone();
            let aborted = state.pool.run(move |connection| core.abort(connection, &uploader, id)).await;
            if let Err(failure) = aborted
                && !matches!(failure, UploadError::Conflict(_))
            {
                tracing::warn!(upload = %id, "an unfinished upload could not be removed: {failure}");
            }
        });
    }
}
