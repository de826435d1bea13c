//! The trigger decides when the inbox is scanned.
//!
//! A scan is due at start, at every time of the schedule, soon after a file
//! arrives, and when the last scan asked for another. All of these only wake
//! the trigger; the scan alone finds out what there is to do. One wake-up too
//! many costs nothing, and one too few only time.
//!
//! Scans never overlap. Whatever becomes due during a scan is remembered as
//! one more scan after it.

mod cron;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::Settings;
use cron::Cron;

/// How long a scan may take to finish or abandon its batch after the program
/// is told to stop. Container engines kill it after ten seconds.
const GRACE: Duration = Duration::from_secs(8);

/// How long to wait for more files: they tend to arrive in bursts.
const BURST: Duration = Duration::from_millis(100);

/// What a scan tells the trigger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanOutcome {
    /// When to scan again without being woken, because files have not settled
    /// yet or the database was unavailable. None to wait for a wake-up.
    pub again_in: Option<Duration>,
}

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// No scan was running, or it ended in time.
    Clean,
    /// A scan did not end in time and was abandoned. Its transaction ends with
    /// the process.
    Abandoned,
}

/// Why the trigger cannot work at all.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    #[error("the inbox {path} cannot be created")]
    Inbox { path: PathBuf, source: std::io::Error },
    #[error("the schedule cannot be run")]
    Scheduler(#[from] tokio_cron_scheduler::JobSchedulerError),
}

/// Runs scans until the token is cancelled, and returns at most ten seconds
/// later.
///
/// Whoever puts a file into the inbox may notify `wake`, so that it need not be watched for.
/// `scan` does the work. It is called on a thread of its own, may block, and
/// should end soon after the token that it is given is cancelled.
pub async fn run<Work>(
    settings: &Settings,
    cancel: CancellationToken,
    wake: Arc<Notify>,
    scan: Work,
) -> Result<Ending, TriggerError>
where
    Work: Fn(&CancellationToken) -> ScanOutcome + Send + Sync + 'static,
{
    std::fs::create_dir_all(&settings.inbox_dir)
        .map_err(|source| TriggerError::Inbox { path: settings.inbox_dir.clone(), source })?;
    let mut cron = Cron::start(&settings.schedule, settings.assume_timezone, &wake).await?;
    // Held to the end: dropping it ends the watch.
    let _watch = watch::start(settings.watch, &settings.inbox_dir, &wake);
    info!(
        schedule = %settings.schedule,
        "watching {}, and scanning it on schedule {} ({})",
        settings.inbox_dir.display(),
        settings.schedule,
        settings.assume_timezone
    );
    let ending = run_scans(&cancel, &wake, &mut cron, Arc::new(scan), GRACE).await?;
    cron.stop().await;
    Ok(ending)
}

async fn run_scans<Work>(
    cancel: &CancellationToken,
    wake: &Notify,
    cron: &mut Cron,
    scan: Arc<Work>,
    grace: Duration,
) -> Result<Ending, TriggerError>
where
    Work: Fn(&CancellationToken) -> ScanOutcome + Send + Sync + 'static,
{
    // The first scan finds what arrived while nobody was watching.
    let mut again_in = Some(Duration::ZERO);
    while wait(cancel, wake, again_in).await {
        cron.follow_offset().await?;
        let token = cancel.clone();
        let scan = Arc::clone(&scan);
        let mut work = tokio::task::spawn_blocking(move || scan(&token));
        let ended = tokio::select! {
            ended = &mut work => ended,
            () = cancel.cancelled() => match timeout(grace, &mut work).await {
                Ok(ended) => ended,
                Err(_) => {
                    warn!("the scan did not end within {} seconds and is abandoned", grace.as_secs());
                    return Ok(Ending::Abandoned);
                }
            },
        };
        again_in = match ended {
            Ok(scan) => scan.again_in,
            Err(_) => {
                error!(
                    "a scan of the inbox failed because of a bug in fhirmill; the next one comes as scheduled"
                );
                None
            }
        };
    }
    Ok(Ending::Clean)
}

/// Waits until a scan is due. False if the service is to stop.
async fn wait(cancel: &CancellationToken, wake: &Notify, again_in: Option<Duration>) -> bool {
    let again = async {
        match again_in {
            Some(duration) => sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => return false,
        () = again => return true,
        () = wake.notified() => {}
    }
    tokio::select! {
        () = cancel.cancelled() => false,
        () = sleep(BURST) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Instant;

    use crate::config::{RawSettings, Watch};
    use tempfile::TempDir;

    /// Settings with a schedule that is never due during a test.
    fn settings(folder: &TempDir) -> Settings {
        let mut settings = RawSettings::default().check().unwrap();
        settings.inbox_dir = folder.path().join("inbox");
        settings.schedule = "0 0 1 1 *".parse().unwrap();
        settings.watch = Watch::Off;
        settings
    }

    /// Runs the service until `enough` scans have begun, or five seconds.
    async fn scans_begun(
        settings: &Settings,
        enough: usize,
        scan: impl Fn() -> ScanOutcome + Send + Sync + 'static,
    ) -> usize {
        scans_begun_with(settings, Arc::default(), enough, scan).await
    }

    async fn scans_begun_with(
        settings: &Settings,
        wake: Arc<Notify>,
        enough: usize,
        scan: impl Fn() -> ScanOutcome + Send + Sync + 'static,
    ) -> usize {
        let count = Arc::new(AtomicUsize::new(0));
        let cancel = CancellationToken::new();
        let counter = Arc::clone(&count);
        let token = cancel.clone();
        let service = run(settings, cancel.clone(), wake, move |_| {
            if counter.fetch_add(1, Ordering::SeqCst) + 1 >= enough {
                token.cancel();
            }
            scan()
        });
        let ended = timeout(Duration::from_secs(5), service).await;
        if let Ok(ending) = ended {
            assert_eq!(ending.unwrap(), Ending::Clean);
        }
        count.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn there_is_a_scan_at_start_and_whenever_the_last_one_asked_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let again = ScanOutcome { again_in: Some(Duration::from_millis(10)) };
        assert_eq!(scans_begun(&settings(&folder), 3, move || again).await, 3);
        assert!(folder.path().join("inbox").is_dir());
    }

    #[tokio::test]
    async fn without_a_wake_up_there_is_no_second_scan() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(scans_begun(&settings(&folder), 2, ScanOutcome::default).await, 1);
    }

    #[tokio::test]
    async fn whoever_brings_a_file_can_wake_it() {
        let folder = tempfile::tempdir().unwrap();
        let wake = Arc::new(Notify::new());
        let bringer = Arc::clone(&wake);
        let scan = move || {
            bringer.notify_one();
            ScanOutcome::default()
        };
        assert_eq!(scans_begun_with(&settings(&folder), wake, 3, scan).await, 3);
    }

    #[tokio::test]
    async fn the_schedule_wakes_and_scans_never_overlap() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder);
        settings.schedule = "* * * * * *".parse().unwrap();
        let at_once = Arc::new(Mutex::new(()));
        let overlaps = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&overlaps);
        let begun = scans_begun(&settings, 3, move || {
            let only_one = at_once.try_lock();
            counter.fetch_add(usize::from(only_one.is_err()), Ordering::SeqCst);
            // Longer than the schedule's second.
            thread::sleep(Duration::from_millis(1300));
            ScanOutcome::default()
        })
        .await;
        assert_eq!((begun, overlaps.load(Ordering::SeqCst)), (3, 0));
    }

    #[tokio::test]
    async fn an_arriving_file_wakes_the_trigger() {
        for watch in [Watch::Native, Watch::Poll] {
            let folder = tempfile::tempdir().unwrap();
            let mut settings = settings(&folder);
            settings.watch = watch;
            let inbox = settings.inbox_dir.clone();
            let arrival = thread::spawn(move || {
                thread::sleep(Duration::from_millis(700));
                std::fs::create_dir(inbox.join("st-marys")).unwrap();
                thread::sleep(Duration::from_millis(300));
                std::fs::write(inbox.join("st-marys/a.ndjson"), "{}\n").unwrap();
            });
            assert_eq!(scans_begun(&settings, 2, ScanOutcome::default).await, 2, "{watch:?}");
            arrival.join().unwrap();
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_scan_does_not_end_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder);
        settings.schedule = "* * * * * *".parse().unwrap();
        let begun = scans_begun(&settings, 2, || panic!("a bug in the scan")).await;
        assert_eq!(begun, 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_scan_that_does_not_end_is_abandoned_after_the_grace() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder);
        let wake = Arc::new(Notify::new());
        let mut cron = Cron::start(&settings.schedule, settings.assume_timezone, &wake).await.unwrap();
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        let scan = Arc::new(move |_: &CancellationToken| {
            token.cancel();
            thread::sleep(Duration::from_secs(2));
            ScanOutcome::default()
        });
        let since = Instant::now();
        let ending = run_scans(&cancel, &wake, &mut cron, scan, Duration::from_millis(200)).await.unwrap();
        assert_eq!(ending, Ending::Abandoned);
        assert!(since.elapsed() < Duration::from_secs(1));
    }
}
