//! The sinks of a *service*: each has a thread of its own.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fhirmill_postgres::database::Database;
use fhirmill_postgres::lock::lock;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::lead::{Leader, Until};
use crate::background_threads::BackgroundThreads;
use crate::config::{Settings, SinkSettings};
use crate::feeds::http::{Failure, HttpClient};
use crate::report::in_one_line;

/// How long a sink rests after a failure of this machine, such as a database that is away.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How long the end of the service waits for what is in progress.
const PATIENCE: Duration = Duration::from_secs(5);

/// The threads that send to the sinks of the settings.
#[derive(Debug)]
pub struct Forwarders {
    threads: BackgroundThreads,
}

impl Forwarders {
    /// Starts a thread for each sink. They end when the token is cancelled.
    pub fn start(
        settings: &Settings,
        database: &Arc<Mutex<Database>>,
        (runtime, cancel): (&Handle, &CancellationToken),
    ) -> Self {
        let mut threads = BackgroundThreads::default();
        for declared in &settings.sinks {
            let thread = SinkThread {
                settings: settings.clone(),
                declared: declared.clone(),
                database: Arc::clone(database),
                runtime: runtime.clone(),
                cancel: cancel.clone(),
            };
            threads.start(format!("sink {}", declared.name), move || thread.run());
        }
        Forwarders { threads }
    }

    /// Waits until they have ended, or a moment at most.
    pub fn ended(self) {
        self.threads.wait(PATIENCE);
    }
}

struct SinkThread {
    settings: Settings,
    declared: SinkSettings,
    database: Arc<Mutex<Database>>,
    runtime: Handle,
    cancel: CancellationToken,
}

impl SinkThread {
    fn run(self) {
        let name = &self.declared.name;
        loop {
            // A defect ends a turn and not the thread.
            match std::panic::catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(Err(Failure::Cancelled)) => return,
                Ok(Err(failure)) => warn!(sink = %name, "sink {name}: {}", in_one_line(&failure)),
                Ok(Ok(())) | Err(_) => {}
            }
            if self.rest().is_err() {
                return;
            }
        }
    }

    fn turn(&self) -> Result<(), Failure> {
        let database = lock(&self.database).clone();
        let leader = Leader::new(&self.settings, &self.declared, self.http()?, Until::Stopped)?;
        leader.run(&database).map(|_| ())
    }

    fn http(&self) -> Result<HttpClient, Failure> {
        HttpClient::new(None, &self.runtime, &self.cancel)
    }

    fn rest(&self) -> Result<(), Failure> {
        self.http()?.sleep(AFTER_FAILURE)
    }
}
