//! Retries: another session can get in the way of a batch, through a deadlock
//! or a serialization failure, and the same batch then succeeds soon after.

use std::time::{Duration, Instant};

use diesel::PgConnection;
use tracing::debug;

use crate::LoadError;
use crate::database::{NextStep, SessionMessages};

/// Attempts at a batch that another session gets in the way of.
const MAX_ATTEMPTS: u32 = 8;
/// Attempts at a batch that failed with a message in a language other than
/// English: a record is the likeliest cause, but it may be a deadlock.
const MAX_ATTEMPTS_UNREAD: u32 = 3;

/// Calls `attempt` until it succeeds, fails for a reason that another attempt
/// would not change, or has failed often enough. Pauses for 40 ms to 1.3 s
/// between attempts.
pub(super) fn with_retries<T>(
    connection: &mut PgConnection,
    mut attempt: impl FnMut(&mut PgConnection) -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let since = Instant::now();
        let error = match attempt(connection) {
            Err(error) => error,
            done => return done,
        };
        let elapsed = since.elapsed();
        let unread = match error.is_unclassified() {
            true => Some(SessionMessages::of(connection)?).filter(|messages| !messages.are_english()),
            false => None,
        };
        if unread.as_ref().is_some_and(|messages| messages.may_report_a_lock_timeout(elapsed)) {
            return Err(LoadError::HeldUp(Box::new(error)));
        }
        let max_attempts = match error.next_step() {
            NextStep::RetryNow => MAX_ATTEMPTS,
            _ if unread.is_some() => MAX_ATTEMPTS_UNREAD,
            _ => 1,
        };
        if attempts >= max_attempts {
            return Err(error);
        }
        debug!(attempts, "another session got in the way of a batch; retrying");
        std::thread::sleep(Duration::from_millis(20 << attempts.min(6)));
    }
}
