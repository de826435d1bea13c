//! *Run progress* is how far the work in hand is, as a value that anybody may
//! watch: the progress meter of a terminal, a status page, metrics.
//!
//! Work reports to it without waiting. Whoever watches takes a [`Snapshot`]
//! when it needs one, or waits for the next stage with
//! [`RunProgress::stages`].

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use super::activity::Activity;

/// What a stage counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things with this plural.
    Items(&'static str),
}

/// A piece of work of known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What is being done, such as `loading`.
    pub name: &'static str,
    /// How much there is to do, in `unit`.
    pub total: u64,
    /// What `total` counts.
    pub unit: Unit,
}

/// The progress at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The current run's number in the ledger; none before the first run, or
    /// for work that is not a run.
    pub run_id: Option<i64>,
    /// What is being done; none between stages.
    pub stage: Option<Stage>,
    /// How much of the stage is done, in its unit.
    pub done: u64,
    /// Files that the current run has loaded.
    pub files: u64,
    /// Bytes of the files that the current run has begun to load.
    pub bytes: u64,
}

/// See the module. Shared by reference or in an `Arc`.
#[derive(Debug, Default)]
pub struct RunProgress {
    stage: watch::Sender<Option<Stage>>,
    /// 0 for none: the ledger numbers runs from 1.
    run_id: AtomicU64,
    done: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    activity: Activity,
}

impl RunProgress {
    /// The progress of work beside the runs that are watched; what it does is counted with
    /// theirs.
    pub fn beside(activity: &Activity) -> Self {
        RunProgress { activity: activity.clone(), ..RunProgress::default() }
    }

    /// What this process has done so far, over all runs.
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Begins a run: its number in the ledger, and nothing loaded yet.
    pub fn begin_run(&self, run_id: i64) {
        self.run_id.store(run_id.unsigned_abs(), Ordering::Relaxed);
        self.set_loaded(0, 0);
    }

    /// Begins a stage.
    pub fn begin(&self, name: &'static str, total: u64, unit: Unit) {
        self.done.store(0, Ordering::Relaxed);
        self.stage.send_replace(Some(Stage { name, total, unit }));
    }

    /// Sets how much of the stage is done.
    pub fn set(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    /// Sets how much the run has loaded.
    pub fn set_loaded(&self, files: u64, bytes: u64) {
        self.files.store(files, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Ends the stage.
    pub fn end(&self) {
        self.stage.send_replace(None);
    }

    /// The progress now. Its values may be a moment apart.
    pub fn snapshot(&self) -> Snapshot {
        let count = |value: &AtomicU64| value.load(Ordering::Relaxed);
        Snapshot {
            run_id: i64::try_from(count(&self.run_id)).ok().filter(|run_id| *run_id > 0),
            stage: *self.stage.borrow(),
            done: count(&self.done),
            files: count(&self.files),
            bytes: count(&self.bytes),
        }
    }

    /// Tells when a stage begins or ends.
    pub fn stages(&self) -> watch::Receiver<Option<Stage>> {
        self.stage.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_watcher_sees_stages_and_counts() {
        let progress = Arc::new(RunProgress::default());
        let mut stages = progress.stages();
        assert_eq!(progress.snapshot().run_id, None);
        let work = std::thread::spawn({
            let progress = Arc::clone(&progress);
            move || {
                progress.begin_run(7);
                progress.begin("loading", 100, Unit::Bytes);
                progress.set(60);
                progress.set_loaded(2, 55);
            }
        });
        stages.changed().await.unwrap();
        assert_eq!(stages.borrow_and_update().map(|stage| (stage.name, stage.total)), Some(("loading", 100)));
        work.join().unwrap();
        let stage = Some(Stage { name: "loading", total: 100, unit: Unit::Bytes });
        assert_eq!(progress.snapshot(), Snapshot { run_id: Some(7), stage, done: 60, files: 2, bytes: 55 });

        progress.end();
        stages.changed().await.unwrap();
        assert_eq!(*stages.borrow_and_update(), None);
        // What was loaded stays until the next run.
        assert_eq!(progress.snapshot().files, 2);
        progress.begin_run(8);
        assert_eq!(
            progress.snapshot(),
            Snapshot { run_id: Some(8), stage: None, done: 60, files: 0, bytes: 0 }
        );
    }
}
