//! `fhirmill run`: the service.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::cli::ExitCode;
use crate::config::Settings;
use crate::database::migrations::{self, MIGRATIONS};
use crate::database::{Database, Wait};
use crate::pipeline;
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
    let is_first = AtomicBool::new(true);
    let ending = trigger::serve(settings, cancel, move |cancel| {
        look(&of_look, &database, cancel, is_first.swap(false, Ordering::Relaxed))
    })?;
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
/// still there.
fn look(settings: &Settings, database: &Database, cancel: &CancellationToken, is_first: bool) -> Look {
    let meter = ProgressMeter::hidden();
    let mut loaded = pipeline::load_inbox(settings, database, cancel, "run", &meter);
    if is_first
        && let Ok(summary) = &mut loaded
        && summary.run_id.is_none()
    {
        // The process before may have been killed before it built them. Later
        // looks that find no file do not ask the database anything.
        match database.connect() {
            Ok(mut connection) => {
                pipeline::complete_indexes(settings, database, &mut connection, cancel, &meter, summary);
            }
            Err(error) => warn!("the indexes are not looked at: {error}"),
        }
    }
    match loaded {
        Ok(summary) if summary.settling > 0 => Look { again_in: Some(settings.settle.max(SHORTEST_WAIT)) },
        Ok(_) => Look::default(),
        Err(failure) => {
            error!(
                "the inbox could not be loaded, and is looked at again: {:#}",
                anyhow::Error::from(failure)
            );
            Look { again_in: Some(AFTER_FAILURE) }
        }
    }
}
