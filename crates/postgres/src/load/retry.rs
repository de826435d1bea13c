//! Retries: another session can get in the way of a batch, through a deadlock
//! or a serialization failure, and the same batch then succeeds soon after.

use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use tracing::debug;

use crate::LoadError;

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
        let unread = match error.is_data_error() && error.is_told_in_words_only() {
            true => Some(SessionMessages::of(connection)?).filter(|messages| !messages.are_english()),
            false => None,
        };
        if unread.as_ref().is_some_and(|messages| messages.may_report_a_lock_timeout(elapsed)) {
            return Err(LoadError::HeldUp(Box::new(error)));
        }
        let max_attempts = match error.is_worth_another_try() {
            true => MAX_ATTEMPTS,
            false if unread.is_some() => MAX_ATTEMPTS_UNREAD,
            false => 1,
        };
        if attempts >= max_attempts {
            return Err(error);
        }
        debug!(attempts, "another session got in the way of a batch; retrying");
        std::thread::sleep(Duration::from_millis(20 << attempts.min(6)));
    }
}

/// What can be said about a failure without reading its message.
#[derive(QueryableByName)]
struct SessionMessages {
    #[diesel(sql_type = Text)]
    language: String,
    /// In milliseconds; 0 for none.
    #[diesel(sql_type = BigInt)]
    lock_timeout: i64,
}

impl SessionMessages {
    fn of(connection: &mut PgConnection) -> Result<Self, LoadError> {
        let query = "select current_setting('lc_messages') as language, setting::bigint as lock_timeout \
                     from pg_settings where name = 'lock_timeout'";
        Ok(sql_query(query).get_result(connection)?)
    }

    fn are_english(&self) -> bool {
        ["", "C", "POSIX"].contains(&self.language.as_str())
            || ["C.", "en_"].iter().any(|prefix| self.language.starts_with(prefix))
    }

    /// Whether a failure after that time may be a lock timeout.
    fn may_report_a_lock_timeout(&self, elapsed: Duration) -> bool {
        self.lock_timeout > 0 && elapsed.as_millis() as i64 >= self.lock_timeout
    }
}
