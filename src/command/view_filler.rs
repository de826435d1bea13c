//! The *view filler* of a service: a thread that fills the tables of views which somebody
//! has applied, while files are loaded. It also applies definitions that come as files or
//! resources.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::lock::lock;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::config::Settings;
use crate::pipeline::{self, FillEnd, Job, PipelineError};
use crate::report::{Activity, RunProgress, in_one_line};

/// How often it looks for views to fill.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long after a failure it tries again; doubled by every further one, up to the longest.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
const LONGEST_AFTER_FAILURE: Duration = Duration::from_secs(300);
/// How long the end of a service waits for a batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running view filler. Dropping it waits for the batch that it writes.
pub(super) struct ViewFiller {
    cancel: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl ViewFiller {
    /// Begins to fill, until the token is cancelled.
    pub fn start(
        settings: &Settings,
        database: &Arc<Mutex<Database>>,
        (cancel, activity): (&CancellationToken, &Activity),
    ) -> Self {
        let filler = Filler {
            settings: settings.clone(),
            database: Arc::clone(database),
            cancel: cancel.child_token(),
            progress: RunProgress::beside(activity),
            connection: None,
        };
        let cancel = filler.cancel.clone();
        let thread = std::thread::Builder::new().name("views".to_owned()).spawn(move || filler.run());
        let thread = thread.inspect_err(|error| warn!("views are not filled: {error}")).ok();
        ViewFiller { cancel, thread }
    }
}

impl Drop for ViewFiller {
    fn drop(&mut self) {
        self.cancel.cancel();
        let since = Instant::now();
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The thread's part.
struct Filler {
    settings: Settings,
    database: Arc<Mutex<Database>>,
    cancel: CancellationToken,
    progress: RunProgress,
    /// By which it looks for views to fill.
    connection: Option<PgConnection>,
}

impl Filler {
    fn run(mut self) {
        let mut failed = 0;
        while !self.cancel.is_cancelled() {
            let pause = match self.fill() {
                Ok(is_complete) if is_complete => {
                    failed = 0;
                    LOOK_EVERY
                }
                other => {
                    if let Err(failure) = other {
                        self.connection = None;
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
            self.pause(pause);
        }
    }

    /// False if a view is incomplete.
    fn fill(&mut self) -> Result<bool, PipelineError> {
        let database = lock(&self.database).clone();
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(database.connect()?),
        };
        let (settings, cancel, progress) = (&self.settings, &self.cancel, &self.progress);
        let job = Job { settings, database: &database, cancel, progress };
        pipeline::follow_definitions(&job, connection)?;
        let ends = pipeline::fill_pending(&job, connection)?;
        Ok(ends.iter().all(|(_, end)| !matches!(end, FillEnd::Incomplete { .. })))
    }

    fn pause(&self, pause: Duration) {
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
