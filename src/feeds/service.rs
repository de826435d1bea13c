//! The feeds of a *service*: each has a thread of its own, which waits until the feed is due,
//! runs it, and goes on with what an earlier process has left.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::ledger::{ExportJob, Feed};
use fhirmill_postgres::lock::lock;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use super::FeedContext;
use super::export::Loads;
use super::http::Failure;
use crate::background_threads::BackgroundThreads;
use crate::config::{FeedKind, FeedSettings};
use crate::report::{RunProgress, in_one_line};

/// How often a thread looks for what changed: whether the feed was paused or run by hand.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The same, for feeds that run all the time.
#[cfg(feature = "kafka")]
const LOOK_SOON: Duration = Duration::from_secs(2);
/// How long the end of the service waits for its feeds; what they were at goes on later.
const PATIENCE: Duration = Duration::from_secs(2);

/// The feeds of a service. They end when the token of their context is cancelled.
#[derive(Debug)]
pub struct Feeds {
    threads: BackgroundThreads,
}

impl Feeds {
    /// Starts a thread for each feed of the settings. Who has asked for a run, or changed a
    /// feed in the ledger, notifies `wake`.
    pub fn start(context: &FeedContext, database: &Arc<Mutex<Database>>, wake: &Arc<Notify>) -> Self {
        let mut threads = BackgroundThreads::default();
        for declared in &context.settings.feeds {
            let thread = FeedThread {
                context: context.clone(),
                declared: declared.clone(),
                database: Arc::clone(database),
                wake: Arc::clone(wake),
                since: Utc::now(),
                not_before: Cell::new(None),
            };
            threads.start(format!("feed {}", declared.name), move || thread.run());
        }
        Feeds { threads }
    }

    /// Waits until they have ended, or a moment at most.
    pub fn ended(self) {
        self.threads.wait(PATIENCE);
    }
}

/// What a thread of a feed knows.
struct FeedThread {
    context: FeedContext,
    declared: FeedSettings,
    database: Arc<Mutex<Database>>,
    /// Notified when the ledger may say something new of the feed.
    wake: Arc<Notify>,
    /// When it began: a feed that never ran is due at the first time after.
    since: DateTime<Utc>,
    /// When it goes on after a run that failed, unless somebody asks for it.
    not_before: Cell<Option<DateTime<Utc>>>,
}

impl FeedThread {
    fn run(self) {
        let mut pause = Duration::ZERO;
        while self.sleep(pause) {
            // A defect ends a turn and not the feed.
            let turn = std::panic::catch_unwind(AssertUnwindSafe(|| self.turn()));
            let turn =
                turn.unwrap_or_else(|_| Err(Failure::Permanent("a defect; the log says where".to_owned())));
            pause = match turn {
                Ok(pause) => pause,
                Err(Failure::Cancelled) => return,
                Err(Failure::Paused) => LOOK_EVERY,
                Err(failure) => {
                    error!(feed = %self.declared.name, "feed {}: {}", self.declared.name, in_one_line(&failure));
                    let rest = self.after_failure();
                    self.not_before.set(TimeDelta::from_std(rest).ok().map(|rest| Utc::now() + rest));
                    rest.min(LOOK_EVERY)
                }
            };
        }
    }

    /// False if the service ends.
    fn sleep(&self, duration: Duration) -> bool {
        let cancel = &self.context.cancel;
        self.context.runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => false,
                () = self.wake.notified() => true,
                () = tokio::time::sleep(duration) => true,
            }
        })
    }

    /// How long a feed rests after a run that failed.
    fn after_failure(&self) -> Duration {
        match &self.declared.kind {
            FeedKind::Export(export) => export.retry_wait * 8,
            FeedKind::Kafka(kafka) => kafka.retry_wait,
        }
    }

    /// Runs the feed if it is due; returns how long to wait before the next look.
    fn turn(&self) -> Result<Duration, Failure> {
        let mut connection = match lock(&self.database).clone().connect() {
            Ok(connection) => connection,
            Err(failure) => {
                warn!("feed {}: {}", self.declared.name, in_one_line(&failure));
                return Ok(LOOK_EVERY);
            }
        };
        #[cfg(feature = "kafka")]
        if let FeedKind::Kafka(kafka) = &self.declared.kind {
            return self.read_all_the_time(kafka, connection);
        }
        if let Some(wait) = self.rest(&mut connection)? {
            return Ok(wait);
        }
        if !Feed::lock(&mut connection, &self.declared.name)? {
            return Ok(LOOK_EVERY);
        }
        // Another process may have run it until now.
        if let Some(wait) = self.rest(&mut connection)? {
            return Ok(wait);
        }
        let feed = super::register(&mut connection, &self.declared)?;
        self.not_before.set(None);
        feed.note_next_run(&mut connection, self.next_after(Utc::now()))?;
        info!(feed = %feed.name, "feed {} runs", feed.name);
        let progress = RunProgress::default();
        let exported =
            super::run(&self.context, &self.declared, (feed, connection), Loads::Elsewhere, &progress)?;
        info!(
            feed = %self.declared.name,
            "feed {} has brought {} files of export {}",
            self.declared.name,
            exported.files.len(),
            exported.job.id
        );
        Ok(Duration::ZERO)
    }

    /// Reads topics until the service ends or the feed is paused.
    #[cfg(feature = "kafka")]
    fn read_all_the_time(
        &self,
        kafka: &crate::config::KafkaSettings,
        mut connection: PgConnection,
    ) -> Result<Duration, Failure> {
        let feed = super::register(&mut connection, &self.declared)?;
        // Several services may read, but not while somebody resets or drains the feed.
        if feed.paused_at.is_some() || !Feed::lock_shared(&mut connection, &self.declared.name)? {
            return Ok(LOOK_SOON);
        }
        let database = lock(&self.database).clone();
        let run = super::kafka::KafkaRun { context: &self.context, database: &database, kafka, feed };
        super::kafka::run(&run, connection, super::kafka::Until::Stopped)?;
        Ok(Duration::ZERO)
    }

    /// How long there is nothing to do; none if the feed is due. The ledger is told when
    /// that will be.
    fn rest(&self, connection: &mut PgConnection) -> Result<Option<Duration>, Failure> {
        let feed = super::register(connection, &self.declared)?;
        if feed.paused_at.is_some() {
            feed.note_next_run(connection, None)?;
            return Ok(Some(LOOK_EVERY));
        }
        let is_open = ExportJob::open_of_feed(connection, feed.id)?.is_some();
        let due = if is_open {
            Some(self.not_before.get().unwrap_or_else(Utc::now))
        } else {
            let due = self.next_after(feed.last_started_at.unwrap_or(self.since));
            due.map(|due| self.not_before.get().map_or(due, |not_before| due.max(not_before)))
        };
        if !is_open || self.not_before.get().is_some() {
            feed.note_next_run(connection, due)?;
        }
        if feed.is_requested() {
            return Ok(None);
        }
        let wait = due.map(|due| (due - Utc::now()).to_std().unwrap_or_default());
        Ok(match wait {
            Some(Duration::ZERO) => None,
            Some(wait) => Some(wait.min(LOOK_EVERY)),
            None => Some(LOOK_EVERY),
        })
    }

    /// The next time of the schedule after that time.
    fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let timezone = self.context.settings.assume_timezone;
        self.declared.schedule.as_ref().and_then(|schedule| schedule.next_after(timezone, after))
    }
}
