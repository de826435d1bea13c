//! The *heartbeat* of a service: a thread that tells the ledger every few seconds
//! that the service is alive, and how its scans go. Its session is the only one that an idle
//! service has, so it also hears when somebody applies views.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::Utc;
use tracing::{debug, warn};

use crate::config::Settings;
use crate::report::{Pulse, health, in_one_line};
use fhirmill_postgres::database::Database;
use fhirmill_postgres::ledger::{NewService, ScanRecord, Service};
use fhirmill_postgres::lock::lock;

/// How often a service that has nothing else to tell says that it is alive.
const BEAT_EVERY: Duration = Duration::from_secs(10);
/// How often it looks whether the server has told it something. This costs the server nothing.
const LISTEN_EVERY: Duration = Duration::from_millis(250);
/// How long the end of a service waits for the last word to the ledger.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running heartbeat. Dropping it tells that the service has ended.
pub(super) struct Heartbeat {
    pulse: Pulse,
    database: Arc<Mutex<Database>>,
    /// A message is a change to tell at once; closing it ends the thread.
    changes: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A scan that the heartbeat knows of. One that is dropped without an ending has
/// failed by a bug.
pub(super) struct NotedScan<'h> {
    heartbeat: &'h Heartbeat,
    is_ended: bool,
}

impl Heartbeat {
    /// Begins to tell. Without a thread to do so, nothing is told. A message to `wake_views` says
    /// that somebody has applied views, or may have.
    pub fn start(settings: &Settings, database: &Database, pulse: Pulse, wake_views: SyncSender<()>) -> Self {
        let new = NewService {
            host: health::host(),
            process_id: std::process::id(),
            inbox: settings.inbox_dir.display().to_string(),
        };
        let database = Arc::new(Mutex::new(database.clone()));
        let (changes, told) = channel();
        let teller =
            Teller { new, pulse: pulse.clone(), database: Arc::clone(&database), service: None, wake_views };
        let thread = std::thread::Builder::new().name("heartbeat".to_owned());
        let thread = match thread.spawn(move || teller.run(&told)) {
            Ok(thread) => Some(thread),
            Err(error) => {
                warn!("there is no heartbeat: {error}");
                None
            }
        };
        Heartbeat { pulse, database, changes: Some(changes), thread }
    }

    /// From now on it tells this database.
    pub fn tell_to(&self, database: &Database) {
        *lock(&self.database) = database.clone();
    }

    /// A scan begins.
    pub fn scan_begins(&self) -> NotedScan<'_> {
        self.change(|scans| scans.started_at = Some(Utc::now()));
        NotedScan { heartbeat: self, is_ended: false }
    }

    fn change(&self, change: impl FnOnce(&mut ScanRecord)) {
        self.pulse.change_scans(change);
        if let Some(changes) = &self.changes {
            // The thread may have failed to start.
            let _ = changes.send(());
        }
    }
}

impl NotedScan<'_> {
    /// The scan has ended well; it skipped that many paths.
    pub fn succeeded(mut self, skipped_paths: u64) {
        self.is_ended = true;
        let ended = Utc::now();
        self.heartbeat.change(|scans| {
            *scans = ScanRecord {
                last_at: Some(ended),
                last_success_at: Some(ended),
                skipped_paths,
                ..ScanRecord::default()
            };
        });
    }

    /// The scan has failed.
    pub fn failed(mut self, error: String) {
        self.note_failure(error);
    }

    fn note_failure(&mut self, error: String) {
        self.is_ended = true;
        self.heartbeat.change(|scans| {
            scans.started_at = None;
            scans.last_at = Some(Utc::now());
            scans.last_error = Some(error);
            scans.failed += 1;
        });
    }
}

impl Drop for NotedScan<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.note_failure("a bug in fhirmill; the log says where".to_owned());
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.changes = None;
        // It may be waiting for a database that is away.
        let since = Instant::now();
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The thread's part.
struct Teller {
    new: NewService,
    pulse: Pulse,
    database: Arc<Mutex<Database>>,
    /// None before the first word, and after the connection was lost.
    service: Option<Service>,
    wake_views: SyncSender<()>,
}

impl Teller {
    fn run(mut self, told: &Receiver<()>) {
        let mut id = None;
        loop {
            if let Err(error) = self.tell(&mut id) {
                // The scan says so more loudly.
                debug!("the heartbeat cannot be told: {error}");
                self.service = None;
            }
            if !self.wait(told) {
                break;
            }
        }
        if let Some(service) = self.service
            && let Err(error) = service.end()
        {
            debug!("the end of the service cannot be told: {error}");
        }
    }

    /// Waits until there is something to tell, and listens meanwhile. False at the end.
    fn wait(&mut self, told: &Receiver<()>) -> bool {
        let since = Instant::now();
        while since.elapsed() < BEAT_EVERY && self.listen() {
            match told.recv_timeout(LISTEN_EVERY) {
                Err(RecvTimeoutError::Disconnected) => return false,
                Ok(()) => {
                    // Several changes are one word.
                    while told.try_recv().is_ok() {}
                    return true;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        true
    }

    /// Passes on that views were applied. False if the connection is lost just now.
    fn listen(&mut self) -> bool {
        match self.service.as_mut().map(Service::heard_of_views) {
            Some(Ok(true)) => self.wake_views(),
            Some(Ok(false)) | None => {}
            Some(Err(error)) => {
                debug!("the heartbeat has lost its connection: {error}");
                self.service = None;
                return false;
            }
        }
        true
    }

    fn wake_views(&self) {
        // One message is enough, and nobody may be there at the end.
        let _ = self.wake_views.try_send(());
    }

    fn tell(&mut self, id: &mut Option<i32>) -> Result<(), String> {
        if self.service.is_none() {
            // What was told before is lost.
            self.wake_views();
        }
        let service = match &mut self.service {
            Some(service) => service,
            none => {
                let database = lock(&self.database).clone();
                let connection = database.connect().map_err(|error| in_one_line(&error))?;
                let begun = match *id {
                    Some(id) => Service::resume(id, connection, &self.new),
                    None => Service::begin(connection, &self.new),
                };
                none.insert(begun.map_err(|error| in_one_line(&error))?)
            }
        };
        *id = Some(service.id());
        let scans = self.pulse.scans();
        #[cfg(feature = "storage")]
        let scans = match crate::storage::trouble() {
            Some(trouble) => ScanRecord { last_error: Some(trouble), ..scans },
            None => scans,
        };
        service.beat(&scans).map_err(|error| in_one_line(&error))?;
        self.pulse.told();
        Ok(())
    }
}
