//! `fhirmill run`: the service.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::heartbeat::Heartbeat;
use super::view_filler::ViewFiller;
use crate::cli::ExitCode;
use crate::config::Settings;
use crate::pipeline::{self, Job, PipelineError, Recovery};
use crate::report::{Pulse, RunProgress, Summary, in_one_line};
use crate::trigger::{self, Ending, ScanOutcome};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::lock::lock;

/// Scans the inbox at start, on schedule and when files arrive, until it is
/// told to stop.
pub fn run(settings: &Settings, runtime: &Handle) -> Result<ExitCode> {
    settings.require_inbox()?;
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let database = Database::open(&settings.database(), Wait::UntilCancelled(&cancel))?;
    migrations::up(&database, MIGRATIONS)?;
    #[cfg(feature = "feeds")]
    crate::forward::register_all(&mut database.connect()?, settings)?;
    super::deidentify::at_start(settings, &database);
    let (pulse, wake) = (Pulse::begin(), Arc::new(Notify::new()));
    let (wake_views, woken) = std::sync::mpsc::sync_channel(1);
    let heartbeat = Heartbeat::start(settings, &database, pulse.clone(), wake_views.clone());
    let database = Arc::new(Mutex::new(database));
    let progress = Arc::new(RunProgress::default());
    #[cfg(any(feature = "server", feature = "feeds"))]
    let wake_feeds = Arc::new(Notify::new());
    let view_filler =
        ViewFiller::start(settings, &database, (&cancel, progress.activity()), (wake_views, woken));
    #[cfg(feature = "server")]
    let server = {
        let (progress, wake, wake_feeds) =
            (Arc::clone(&progress), Arc::clone(&wake), Arc::clone(&wake_feeds));
        let service = crate::server::Service { pulse, progress, wake, wake_feeds, cancel: cancel.clone() };
        crate::server::Server::start(settings, &database, runtime, &service)?
    };
    #[cfg(feature = "feeds")]
    let feeds = {
        let (settings, runtime, cancel) = (settings.clone(), runtime.clone(), cancel.clone());
        let activity = progress.activity().clone();
        let context = crate::feeds::FeedContext { settings, runtime, cancel, activity };
        crate::feeds::Feeds::start(&context, &database, &wake_feeds)
    };
    #[cfg(feature = "feeds")]
    let forwarders = crate::forward::Forwarders::start(settings, &database, (runtime, &cancel));
    #[cfg(feature = "lake")]
    let snapshots = crate::snapshot::Snapshots::start(settings, &database, (runtime, &cancel));
    let pruner = crate::retention::service::Pruner::start(settings, &database, (runtime, &cancel));
    let notifier = crate::notify::Notifier::start(settings, &database, (runtime, &cancel));
    let scans = Scans {
        heartbeat,
        settings: settings.clone(),
        database,
        is_first: AtomicBool::new(true),
        failed: AtomicU32::new(0),
        progress,
    };
    let ending = runtime.block_on(trigger::run(settings, cancel, wake, move |cancel| scans.scan(cancel)))?;
    #[cfg(feature = "feeds")]
    feeds.ended();
    drop(pruner);
    drop(view_filler);
    notifier.ended();
    #[cfg(feature = "feeds")]
    forwarders.ended();
    #[cfg(feature = "lake")]
    snapshots.ended();
    #[cfg(feature = "server")]
    if let Some(server) = server {
        runtime.block_on(server.ended());
    }
    Ok(match ending {
        Ending::Clean => ExitCode::Success,
        Ending::Abandoned => ExitCode::Interrupted,
    })
}

/// How long after a failed scan the next one comes; doubled by every further
/// failure, up to the longest.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
const LONGEST_AFTER_FAILURE: Duration = Duration::from_secs(60);
/// Files that are being written are not checked more often than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// The scans of one service, which never overlap.
struct Scans {
    heartbeat: Heartbeat,
    settings: Settings,
    /// Renewed when the private server was started again, maybe on another port.
    database: Arc<Mutex<Database>>,
    /// Whether the next scan is the first, or the first after a failure.
    is_first: AtomicBool,
    /// How many scans have failed in a row.
    failed: AtomicU32,
    progress: Arc<RunProgress>,
}

impl Scans {
    /// Loads what is in the inbox. A failure is logged and the scan repeated:
    /// the files are still there.
    fn scan(&self, cancel: &CancellationToken) -> ScanOutcome {
        let scan = self.heartbeat.scan_begins();
        match self.load(cancel) {
            Ok(summary) => {
                scan.succeeded(summary.unreadable_files);
                self.failed.store(0, Ordering::Relaxed);
                let is_unfinished = summary.settling > 0 || summary.changed_files > 0;
                let pause = if summary.has_more { Duration::ZERO } else { self.settings.settle };
                let is_again = is_unfinished || summary.has_more;
                ScanOutcome { again_in: is_again.then(|| pause.max(SHORTEST_WAIT)) }
            }
            Err(failure) => {
                let pause = AFTER_FAILURE * 2_u32.pow(self.failed.fetch_add(1, Ordering::Relaxed).min(6));
                let pause = pause.min(LONGEST_AFTER_FAILURE);
                let failure = in_one_line(&failure);
                error!(
                    pause.seconds = pause.as_secs(),
                    "the inbox could not be loaded, and will be scanned again: {failure}"
                );
                scan.failed(failure);
                ScanOutcome { again_in: Some(pause) }
            }
        }
    }

    fn load(&self, cancel: &CancellationToken) -> Result<Summary, PipelineError> {
        let mut database = lock(&self.database).clone();
        if database.is_private && self.failed.load(Ordering::Relaxed) > 0 {
            // Nobody else would start it again.
            database = Database::open(&self.settings.database(), Wait::No)?;
            *lock(&self.database) = database.clone();
            self.heartbeat.tell_to(&database);
        }
        // What the process before left undone is done once, and once more
        // after every failure.
        let is_first = self.is_first.swap(false, Ordering::Relaxed);
        let recovery = if is_first { Recovery::Always } else { Recovery::WithFiles };
        let job = Job { settings: &self.settings, database: &database, cancel, progress: &self.progress };
        let loaded = pipeline::load_at_hand(&job, "run", recovery);
        if let Ok(summary) = &loaded {
            super::deidentify::after_run(&self.settings, &database, summary);
        }
        // A service that waits for files needs no sessions.
        database.close_spare();
        if loaded.is_err() {
            self.is_first.store(true, Ordering::Relaxed);
        }
        loaded
    }
}
