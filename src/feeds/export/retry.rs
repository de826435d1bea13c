//! *Attempts*: how often a call is made again, and when: after one, two, four and eight
//! times the wait of the settings, or later if the server says so.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use fhirmill_postgres::ledger::ExportJob;
use fhirmill_postgres::lock::lock;
use tracing::warn;

use super::ExportRun;
use crate::feeds::http::Failure;

/// The longest wait for the host of a submitted manifest: others wait behind it.
const LONGEST_OF_SUBMISSIONS: Duration = Duration::from_secs(60);

/// The attempts of one call.
pub(super) struct Attempts<'a, 'r> {
    run: &'a ExportRun<'r>,
    job_id: i64,
    failures: u32,
    is_renewed: bool,
}

impl<'a, 'r> Attempts<'a, 'r> {
    /// None made yet.
    pub fn new(run: &'a ExportRun<'r>, job_id: i64) -> Self {
        Attempts { run, job_id, failures: 0, is_renewed: false }
    }

    /// It went on: earlier failures do not count any more.
    pub fn reset(&mut self) {
        (self.failures, self.is_renewed) = (0, false);
    }

    /// Waits until the next attempt is due; gives the failure back if there is to be none.
    pub fn failed(&mut self, failure: Failure) -> Result<(), Failure> {
        let (reason, after) = match failure {
            Failure::Unauthorized if !self.is_renewed && self.run.authorizer.renew() => {
                self.is_renewed = true;
                return Ok(());
            }
            Failure::Transient { reason, after, .. } if self.failures < self.run.export.retries => {
                (reason, after)
            }
            other => return Err(other),
        };
        self.failures += 1;
        // A server that names a time of its own is believed.
        let wait = after.unwrap_or_else(|| back_off(self.run.export.retry_wait, self.failures));
        let wait = if self.run.is_submitted { wait.min(LONGEST_OF_SUBMISSIONS) } else { wait };
        let retry_at = TimeDelta::from_std(wait).ok().and_then(|wait| Utc::now().checked_add_signed(wait));
        let seconds = wait.as_secs_f64();
        warn!(export = self.job_id, "export {}: {reason}; again in {seconds:.0} seconds", self.job_id);
        ExportJob::note_failure(
            &mut lock(&self.run.connection),
            self.job_id,
            &reason,
            self.failures,
            retry_at,
        )?;
        self.run.wait(wait)
    }
}

/// How long to wait after so many failures.
fn back_off(wait: Duration, failures: u32) -> Duration {
    wait * 2_u32.pow(failures.saturating_sub(1).min(3))
}

/// How long to wait for the next question how far the server is, if it says nothing: 5
/// seconds at first and 5 minutes at most, where the wait after a failure is a minute.
pub(super) fn poll_wait(wait: Duration, polls: u32) -> Duration {
    (wait / 12 * 2_u32.pow(polls.min(6))).min(wait * 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn waits_grow_to_a_limit() {
        let minute = Duration::from_secs(60);
        let waits: Vec<u64> = (1..=6).map(|failures| back_off(minute, failures).as_secs() / 60).collect();
        assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
        let polls: Vec<u64> = (0..=8).map(|polls| poll_wait(minute, polls).as_secs()).collect();
        assert_eq!(polls, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    }
}
