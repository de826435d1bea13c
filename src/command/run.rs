//! `fhirmill run`: the service.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::cli::ExitCode;
use crate::config::Settings;
use crate::database::migrations::{self, MIGRATIONS};
use crate::database::{Database, Wait};
use crate::pipeline::{self, PipelineError};
use crate::report::ProgressMeter;
use crate::trigger::{self, Ending, Look};

/// Looks at the inbox at start, by the schedule and when files arrive, until
/// it is told to end.
pub fn run(settings: &Settings) -> Result<ExitCode> {
    let cancel = CancellationToken::new();
    super::cancel_on_signal(&cancel)?;
    let database = Database::open(settings, Wait::UntilCancelled(&cancel))?;
    migrations::up(&database, MIGRATIONS)?;
    let of_look = settings.clone();
    let database = Mutex::new(database);
    let is_first = AtomicBool::new(true);
    let ending =
        trigger::serve(settings, cancel, move |cancel| look(&of_look, &database, cancel, &is_first))?;
    Ok(match ending {
        Ending::Clean => ExitCode::Success,
        Ending::Abandoned => ExitCode::Interrupted,
    })
}

/// How long after a failure of the database the inbox is looked at again.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// Files that are being written are looked at again no sooner than that.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// One look at the inbox. A failure is told and tried again: the files are
/// still there, and the next look is a first one again, which opens the
/// database anew: a private server that died has to be started.
fn look(
    settings: &Settings,
    database: &Mutex<Database>,
    cancel: &CancellationToken,
    is_first: &AtomicBool,
) -> Look {
    let meter = ProgressMeter::hidden();
    let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
    let was_first = is_first.swap(false, Ordering::Relaxed);
    let opened = if was_first { Database::open(settings, Wait::No) } else { Ok(database.clone()) };
    let loaded = opened.map_err(PipelineError::from).and_then(|opened| {
        *database = opened;
        pipeline::load_inbox(settings, &database, cancel, "run", &meter, was_first)
    });
    match loaded {
        Ok(summary) if summary.settling > 0 => Look { again_in: Some(settings.settle.max(SHORTEST_WAIT)) },
        Ok(_) => Look::default(),
        Err(failure) => {
            is_first.store(true, Ordering::Relaxed);
            error!(
                "the inbox could not be loaded, and is looked at again: {:#}",
                anyhow::Error::from(failure)
            );
            Look { again_in: Some(AFTER_FAILURE) }
        }
    }
}
