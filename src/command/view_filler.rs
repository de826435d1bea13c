//! The *view filler* of a service: a thread that fills the tables of views which somebody
//! has applied, while files are loaded. It also applies definitions that come as files or
//! resources. While there is nothing to do, it has no session.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fhirmill_postgres::database::Database;
use fhirmill_postgres::lock::lock;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::background_threads::BackgroundThreads;
use crate::config::Settings;
use crate::pipeline::{self, FillEnd, Job, PipelineError};
use crate::report::{Activity, RunProgress, in_one_line};

/// How often it looks for views to fill although nobody has told it of any: another process may
/// have died while it filled one.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often it looks for definitions, if it is to follow some.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);
/// How long after a failure it tries again; doubled by every further one, up to the longest.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
const LONGEST_AFTER_FAILURE: Duration = Duration::from_secs(300);
/// How long the end of a service waits for a batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running view filler. Dropping it waits for the batch that it writes.
pub(super) struct ViewFiller {
    cancel: CancellationToken,
    wake: SyncSender<()>,
    threads: BackgroundThreads,
}

impl ViewFiller {
    /// Begins to fill, until the token is cancelled. A message to `wake` makes it look at once.
    pub fn start(
        settings: &Settings,
        database: &Arc<Mutex<Database>>,
        (cancel, activity): (&CancellationToken, &Activity),
        (wake, woken): (SyncSender<()>, Receiver<()>),
    ) -> Self {
        let filler = Filler {
            settings: settings.clone(),
            database: Arc::clone(database),
            cancel: cancel.child_token(),
            progress: RunProgress::beside(activity),
            woken,
        };
        let cancel = filler.cancel.clone();
        let mut threads = BackgroundThreads::default();
        threads.start("views".to_owned(), move || filler.run());
        ViewFiller { cancel, wake, threads }
    }
}

impl Drop for ViewFiller {
    fn drop(&mut self) {
        self.cancel.cancel();
        // It may be about to look already.
        let _ = self.wake.try_send(());
        self.threads.wait(PATIENCE);
    }
}

/// The thread's part.
struct Filler {
    settings: Settings,
    database: Arc<Mutex<Database>>,
    cancel: CancellationToken,
    progress: RunProgress,
    woken: Receiver<()>,
}

impl Filler {
    fn run(self) {
        let mut failed = 0;
        while !self.cancel.is_cancelled() {
            let pause = match self.fill() {
                Ok(is_complete) if is_complete => {
                    failed = 0;
                    self.look_every()
                }
                other => {
                    if let Err(failure) = other {
                        let failure = in_one_line(&failure);
                        match failed {
                            // The scan says so more loudly.
                            0 => debug!("views cannot be filled: {failure}"),
                            _ => warn!("views cannot be filled: {failure}"),
                        }
                    }
                    failed += 1;
                    (AFTER_FAILURE * 2_u32.pow(failed.min(10) - 1)).min(LONGEST_AFTER_FAILURE)
                }
            };
            // Without a sender there is no service any more.
            let _ = self.woken.recv_timeout(pause);
        }
    }

    fn look_every(&self) -> Duration {
        let follows = self.settings.views_dir.is_some() || self.settings.view_sources().next().is_some();
        if follows { FOLLOW_EVERY } else { LOOK_EVERY }
    }

    /// False if a view is incomplete.
    fn fill(&self) -> Result<bool, PipelineError> {
        let database = lock(&self.database).clone();
        let mut connection = database.connect()?;
        let (settings, cancel, progress) = (&self.settings, &self.cancel, &self.progress);
        let job = Job { settings, database: &database, cancel, progress };
        pipeline::follow_definitions(&job, &mut connection)?;
        let ends = pipeline::fill_pending(&job, &mut connection)?;
        if !ends.is_empty() {
            database.close_spare();
        }
        Ok(ends.iter().all(|(_, end)| !matches!(end, FillEnd::Incomplete { .. })))
    }
}
