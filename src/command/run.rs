//! `fhirmill run`: the service.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::cli::ExitCode;
use crate::config::Settings;
use crate::pipeline::{self, PipelineError};
use crate::report::{ProgressMeter, Summary, in_one_line};
use crate::trigger::{self, Ending, Look};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};

/// Looks at the inbox at start, by the schedule and when files arrive, until
/// it is told to end.
pub fn run(settings: &Settings) -> Result<ExitCode> {
    let cancel = CancellationToken::new();
    super::cancel_on_signal(&cancel)?;
    let database = Database::open(&settings.database(), Wait::UntilCancelled(&cancel))?;
    migrations::up(&database, MIGRATIONS)?;
    let looks = Looks {
        settings: settings.clone(),
        database: Mutex::new(database),
        is_first: AtomicBool::new(true),
        failed: AtomicU32::new(0),
    };
    let ending = trigger::serve(settings, cancel, move |cancel| looks.look(cancel))?;
    Ok(match ending {
        Ending::Clean => ExitCode::Success,
        Ending::Abandoned => ExitCode::Interrupted,
    })
}

/// How long after a first failure the inbox is looked at again; every further
/// one doubles it, up to the longest.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
const LONGEST_AFTER_FAILURE: Duration = Duration::from_secs(60);
/// Files that are being written are looked at again no sooner than that.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// The looks of one service; they never overlap.
struct Looks {
    settings: Settings,
    /// Renewed when the private server was started again, maybe on another port.
    database: Mutex<Database>,
    /// Whether the next look is the first, or the first after a failure.
    is_first: AtomicBool,
    /// How many have failed since one did not.
    failed: AtomicU32,
}

impl Looks {
    /// One look at the inbox. A failure is told and tried again: the files are
    /// still there.
    fn look(&self, cancel: &CancellationToken) -> Look {
        match self.load(cancel) {
            Ok(summary) => {
                self.failed.store(0, Ordering::Relaxed);
                let is_unfinished = summary.settling > 0 || summary.changed_files > 0;
                Look { again_in: is_unfinished.then(|| self.settings.settle.max(SHORTEST_WAIT)) }
            }
            Err(failure) => {
                let pause = AFTER_FAILURE * 2_u32.pow(self.failed.fetch_add(1, Ordering::Relaxed).min(6));
                let pause = pause.min(LONGEST_AFTER_FAILURE);
                error!(
                    pause.seconds = pause.as_secs(),
                    "the inbox could not be loaded, and is looked at again: {}",
                    in_one_line(&failure)
                );
                Look { again_in: Some(pause) }
            }
        }
    }

    fn load(&self, cancel: &CancellationToken) -> Result<Summary, PipelineError> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if database.is_private && self.failed.load(Ordering::Relaxed) > 0 {
            // Nobody else would start it again.
            *database = Database::open(&self.settings.database(), Wait::No)?;
        }
        // What the process before left undone is done once, and once more
        // after every failure.
        let is_first = self.is_first.swap(false, Ordering::Relaxed);
        let loaded = pipeline::load_inbox(
            &self.settings,
            &database,
            cancel,
            "run",
            &ProgressMeter::hidden(),
            is_first,
        );
        if loaded.is_err() {
            self.is_first.store(true, Ordering::Relaxed);
        }
        loaded
    }
}
