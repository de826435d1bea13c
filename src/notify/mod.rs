//! *Notifications*: a service tells somebody of failed and rejected files, of rejected
//! records and of silent sources, by a webhook and by a command. A thread of its own looks
//! what happened and sends it, so that nothing waits for a receiver. The ledger has what is
//! to be told, so that it is told once by one process, and again until it has arrived.

mod command;
#[cfg(feature = "feeds")]
mod webhook;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_postgres::database::{Database, DatabaseError};
use fhirmill_postgres::ledger::{Notification, may_notify};
use fhirmill_postgres::lock::lock;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::background_threads::BackgroundThreads;
use crate::config::{NotifySettings, Settings};
use crate::report::in_one_line;

/// How often it looks for what happened, and what is to be sent.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it looks for silent sources.
const LOOK_FOR_SILENCE_EVERY: Duration = Duration::from_secs(60);
/// How long a notification that did not arrive rests; doubled by every further attempt, up to
/// the longest.
const AFTER_FAILURE: i32 = 2;
const LONGEST_AFTER_FAILURE: i32 = 3600;
/// How long the end of the service waits for what is in progress.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread that notifies. It ends with the token.
pub struct Notifier {
    threads: BackgroundThreads,
}

/// Why nothing could be looked up.
#[derive(Debug, Error)]
enum NotifyError {
    #[error("the database is unavailable")]
    Database(#[from] DatabaseError),
    #[error("the ledger cannot be read or written")]
    Ledger(#[from] diesel::result::Error),
}

impl Notifier {
    /// Starts it if the settings name somebody to tell.
    pub fn start(
        settings: &Settings,
        database: &Arc<Mutex<Database>>,
        (runtime, cancel): (&Handle, &CancellationToken),
    ) -> Self {
        let mut threads = BackgroundThreads::default();
        if settings.notify.is_off() {
            return Notifier { threads };
        }
        let intervals = settings.sources.iter().filter_map(|source| Some((source, source.interval?)));
        let teller = Teller {
            settings: settings.notify.clone(),
            intervals: intervals.map(|(source, every)| (source.name.clone(), every.as_secs_f64())).collect(),
            database: Arc::clone(database),
            runtime: runtime.clone(),
            cancel: cancel.clone(),
            connection: None,
            looked_for_silence: None,
        };
        threads.start("notify".to_owned(), move || teller.run());
        Notifier { threads }
    }

    /// Waits until it has ended, or a moment at most.
    pub fn ended(self) {
        self.threads.wait(PATIENCE);
    }
}

/// The thread's part.
struct Teller {
    settings: NotifySettings,
    /// How often sources deliver, as far as the settings say, in seconds.
    intervals: Vec<(String, f64)>,
    database: Arc<Mutex<Database>>,
    runtime: Handle,
    cancel: CancellationToken,
    /// Has the lock of who sends.
    connection: Option<PgConnection>,
    looked_for_silence: Option<Instant>,
}

impl Teller {
    fn run(mut self) {
        while !self.cancel.is_cancelled() {
            if let Err(failure) = self.turn() {
                self.connection = None;
                debug!("nobody can be notified: {}", in_one_line(&failure));
            }
            self.pause(LOOK_EVERY);
        }
    }

    fn pause(&self, pause: Duration) {
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Notes what happened, and sends what is due.
    fn turn(&mut self) -> Result<(), NotifyError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => lock(&self.database).clone().connect()?,
        };
        if may_notify(&mut connection)? {
            let channels = self.settings.channels();
            while Notification::note_files(&mut connection, &channels)? > 0 {}
            let is_time =
                self.looked_for_silence.is_none_or(|since| since.elapsed() > LOOK_FOR_SILENCE_EVERY);
            if is_time {
                Notification::note_silent(&mut connection, &channels, &self.intervals)?;
                Notification::forget(&mut connection)?;
                self.looked_for_silence = Some(Instant::now());
            }
            for channel in channels {
                self.send(&mut connection, channel)?;
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Sends what is due by one way. After a failure the rest waits for the next turn.
    fn send(&self, connection: &mut PgConnection, channel: &str) -> Result<(), NotifyError> {
        for notification in Notification::due(connection, channel)? {
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            let body = body(&notification).to_string();
            let told = match channel {
                COMMAND => self.run_command(&notification, &body),
                _ => self.call(&notification, &body),
            };
            match told {
                Ok(()) => notification.sent(connection)?,
                // The process ends.
                Err(_) if self.cancel.is_cancelled() => return Ok(()),
                Err(error) => {
                    let doublings = notification.attempts.clamp(0, 20) as u32;
                    let rest = AFTER_FAILURE.saturating_mul(2_i32.saturating_pow(doublings));
                    notification.failed(connection, &error, rest.min(LONGEST_AFTER_FAILURE))?;
                    warn!(notification.id, "notification {} did not arrive: {error}", notification.id);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn run_command(&self, notification: &Notification, body: &str) -> Result<(), String> {
        let Some(command) = &self.settings.command else { return Ok(()) };
        command::run(command, (notification.event.as_str(), body), &self.cancel)
    }

    #[cfg(feature = "feeds")]
    fn call(&self, notification: &Notification, body: &str) -> Result<(), String> {
        let Some(webhook) = &self.settings.webhook else { return Ok(()) };
        webhook::call(webhook, (notification.id, body), (&self.runtime, &self.cancel))
    }

    #[cfg(not(feature = "feeds"))]
    fn call(&self, _: &Notification, _: &str) -> Result<(), String> {
        // The settings are refused without the feature.
        let _ = &self.runtime;
        Ok(())
    }
}

/// The way of the command.
pub const COMMAND: &str = "command";
/// The way of the webhook.
pub const WEBHOOK: &str = "webhook";

impl NotifySettings {
    /// Whether nobody is told.
    fn is_off(&self) -> bool {
        self.webhook.is_none() && self.command.is_none()
    }

    /// The ways by which notifications go.
    fn channels(&self) -> Vec<&'static str> {
        let webhook = self.webhook.as_ref().map(|_| WEBHOOK);
        webhook.into_iter().chain(self.command.as_ref().map(|_| COMMAND)).collect()
    }
}

/// What the receiver gets. Its JSON is part of the interface.
fn body(notification: &Notification) -> Value {
    json!({
        "id": notification.id,
        "type": notification.event,
        "timestamp": notification.occurred_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "data": notification.data,
    })
}
