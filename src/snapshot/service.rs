//! The snapshots of a *service*: each has a thread of its own, which waits until it is due and
//! takes it. One that failed is tried again after a pause, and by its schedule.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fhirmill_postgres::database::Database;
use fhirmill_postgres::ledger::SnapshotRecord;
use fhirmill_postgres::lock::lock;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::error::SnapshotError;
use super::take::{SnapshotJob, Taken, take, time};
use crate::background_threads::BackgroundThreads;
use crate::config::{Settings, SnapshotSettings};
use crate::report::{RunProgress, in_one_line};

/// The longest time between looks, since another process may take the snapshot.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long a snapshot rests after a failure; doubled by every further one, up to the longest.
const AFTER_FAILURE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_AFTER_FAILURE: TimeDelta = TimeDelta::hours(1);
/// How long the end of the service waits for what is in progress.
const PATIENCE: Duration = Duration::from_secs(2);

/// The snapshots of a service that have a schedule.
#[derive(Debug)]
pub struct Snapshots {
    threads: BackgroundThreads,
}

impl Snapshots {
    /// Starts a thread for each. They end when the token is cancelled.
    pub fn start(
        settings: &Settings,
        database: &Arc<Mutex<Database>>,
        (runtime, cancel): (&Handle, &CancellationToken),
    ) -> Self {
        let mut threads = BackgroundThreads::default();
        for declared in settings.snapshots.iter().filter(|declared| declared.schedule.is_some()) {
            let thread = SnapshotThread {
                settings: settings.clone(),
                declared: declared.clone(),
                database: Arc::clone(database),
                runtime: runtime.clone(),
                cancel: cancel.clone(),
                since: Utc::now(),
            };
            threads.start(format!("snapshot {}", declared.name), move || thread.run());
        }
        Snapshots { threads }
    }

    /// Waits until they have ended, or a moment at most.
    pub fn ended(self) {
        self.threads.wait(PATIENCE);
    }
}

/// What the thread of a snapshot knows.
struct SnapshotThread {
    settings: Settings,
    declared: SnapshotSettings,
    database: Arc<Mutex<Database>>,
    runtime: Handle,
    cancel: CancellationToken,
    /// When it began: one that was never taken is due at the first time after.
    since: DateTime<Utc>,
}

impl SnapshotThread {
    fn run(self) {
        let mut pause = Duration::ZERO;
        while self.sleep(pause) {
            // A defect ends a turn and not the thread.
            let turn = std::panic::catch_unwind(AssertUnwindSafe(|| self.turn()));
            pause = turn.unwrap_or(LOOK_EVERY);
        }
    }

    /// False if the service ends.
    fn sleep(&self, duration: Duration) -> bool {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => false,
                () = tokio::time::sleep(duration) => true,
            }
        })
    }

    /// Takes the snapshot if it is due; returns how long to wait before the next look.
    fn turn(&self) -> Duration {
        let database = lock(&self.database).clone();
        let record = database.connect().map_err(SnapshotError::from).and_then(|mut connection| {
            SnapshotRecord::of(&mut connection, &self.declared.name)
                .map_err(SnapshotError::query("look for the snapshot before"))
        });
        let record = match record {
            Ok(record) => record,
            Err(failure) => {
                warn!("snapshot {}: {}", self.declared.name, in_one_line(&failure));
                return LOOK_EVERY;
            }
        };
        match self.rest(&record) {
            Some(rest) => rest,
            None => self.take(&database),
        }
    }

    fn take(&self, database: &Database) -> Duration {
        let name = &self.declared.name;
        info!(snapshot = %name, "snapshot {name} begins");
        let progress = RunProgress::default();
        let job = SnapshotJob {
            settings: &self.settings,
            database,
            name: Some(name),
            plan: &self.declared.plan,
            cancel: &self.cancel,
            progress: &progress,
        };
        match take(&job) {
            Ok(Taken { manifest, .. }) => {
                let (tables, reused) = (manifest.tables.len(), manifest.tables.iter());
                let reused = reused.filter(|table| table.is_reused).count();
                info!(
                    snapshot = %name,
                    "snapshot {name} of {} is complete: {tables} tables, {reused} of them unchanged, {} rows, {} bytes",
                    time(manifest.taken_at),
                    manifest.rows,
                    manifest.bytes
                );
                Duration::ZERO
            }
            Err(SnapshotError::Cancelled) => LOOK_EVERY,
            Err(failure) => {
                let hint = failure.hint().map_or_else(String::new, |hint| format!("; {hint}"));
                warn!(snapshot = %name, "snapshot {name} has failed: {}{hint}", in_one_line(&failure));
                LOOK_EVERY
            }
        }
    }

    /// How long there is nothing to do; none if the snapshot is due.
    fn rest(&self, record: &SnapshotRecord) -> Option<Duration> {
        if record.is_running {
            return Some(LOOK_EVERY);
        }
        let schedule = self.declared.schedule.as_ref()?;
        let after = record.last_started_at.unwrap_or(self.since);
        let by_schedule = schedule.next_after(self.settings.assume_timezone, after);
        let due = [by_schedule, record.last_failed_at.map(|at| at + pause_after(record.failed))];
        let rest = due.into_iter().flatten().min().map(|due| (due - Utc::now()).to_std().unwrap_or_default());
        match rest {
            Some(Duration::ZERO) => None,
            Some(rest) => Some(rest.min(LOOK_EVERY)),
            None => Some(LOOK_EVERY),
        }
    }
}

/// The pause after so many failures in a row.
fn pause_after(failed: i64) -> TimeDelta {
    let doubled = u32::try_from(failed - 1).unwrap_or_default().min(6);
    (AFTER_FAILURE * 2_i32.pow(doubled)).min(LONGEST_AFTER_FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let minutes = |failed| pause_after(failed).num_minutes();
        assert_eq!([0, 1, 2, 3, 6, 7, 8, 1000].map(minutes), [1, 1, 2, 4, 32, 60, 60, 60]);
    }
}
