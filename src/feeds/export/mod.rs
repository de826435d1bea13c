//! *Exports*: FHIR Bulk Data `$export` from the client's side
//! (<https://hl7.org/fhir/uv/bulkdata/>, STU 1 to 4).
//!
//! An export is asked for, the server works on it, its files are fetched, and it is finished
//! when all of them are loaded. Each step is in the ledger before the next one begins. A
//! process that dies at any point is followed by one that goes on with the same export: none
//! is asked for twice, no file is loaded twice, and `_since` moves only with the last load.
//!
//! - `request`: the call that asks for it
//! - `authorization`: tokens
//! - `manifest`: its files
//! - `download`: each of them on its way into the inbox
//! - `retry`: what is tried again, and when
//! - `steps`: the steps from the request to the load
//! - `ask`: what the server is asked
//! - `files`: its files, from the manifest to the inbox
//! - `loads`: what is waited for after they have landed
//! - `count`: what is counted in them
//! - `outcome`: what servers say
//! - `spool`: bytes of files that are not whole yet

mod ask;
mod authorization;
mod count;
mod download;
mod files;
mod loads;
mod manifest;
mod outcome;
mod request;
mod retry;
mod spool;
mod steps;
mod test;

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_postgres::ledger::{CountDifference, ExportFile, ExportJob, Feed};
use fhirmill_postgres::lock::lock;

pub use request::ExportRequest;
pub use test::test;

use super::http::{Answer, Call, Failure, HttpClient};
use crate::config::{ExportSettings, Settings};
use crate::report::RunProgress;
pub use authorization::Authorizer;
use spool::Spool;

/// How often a wait looks whether the feed was paused.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Who loads the files that have landed.
pub enum Loads<'r> {
    /// The service, or another process.
    Elsewhere,
    /// This one, by calling this.
    Here(&'r (dyn Fn() -> Result<(), String> + Sync)),
}

/// What an export is part of, and who it is for.
pub struct ExportOf<'r> {
    /// All settings.
    pub settings: &'r Settings,
    /// What is exported, and how.
    pub export: &'r ExportSettings,
    /// The source that the files belong to.
    pub source: &'r str,
    /// The feed that asks for it.
    pub feed: Option<Feed>,
}

/// A run of an export, from wherever an earlier one left it.
pub struct ExportRun<'r> {
    settings: &'r Settings,
    export: &'r ExportSettings,
    source: &'r str,
    feed: Option<Feed>,
    request: ExportRequest,
    request_hash: String,
    http: HttpClient,
    authorizer: Authorizer,
    spool: Spool,
    connection: Mutex<PgConnection>,
    loads: Loads<'r>,
    progress: &'r RunProgress,
    /// Headers for the manifest and its files.
    headers: Vec<(String, String)>,
    /// Whether it fails with [`Failure::Waiting`] while the server has not finished.
    is_submitted: bool,
    /// Whether its files are organized by a resource type, and so have headers.
    is_organized: AtomicBool,
    most_file_bytes: u64,
}

/// What an export brought.
#[derive(Debug)]
pub struct Exported {
    /// The export as the ledger has it.
    pub job: ExportJob,
    /// Its files.
    pub files: Vec<ExportFile>,
    /// The files that have another number of resources than the server announced.
    pub differences: Vec<CountDifference>,
}

impl<'r> ExportRun<'r> {
    /// A run over that session of the database, which must hold the lock of the feed or of
    /// the request.
    pub fn new(
        of: ExportOf<'r>,
        http: HttpClient,
        connection: PgConnection,
        loads: Loads<'r>,
        progress: &'r RunProgress,
    ) -> Result<Self, Failure> {
        let ExportOf { settings, export, source, feed } = of;
        let request = ExportRequest::new(export)?;
        let authorizer = Authorizer::new(&export.authorization, request.base.clone(), &export.types);
        Ok(ExportRun {
            settings,
            export,
            source,
            feed,
            request_hash: request.hash(),
            request,
            http,
            authorizer,
            spool: Spool::open(&settings.inbox_dir)?,
            connection: Mutex::new(connection),
            loads,
            progress,
            headers: Vec::new(),
            is_submitted: false,
            is_organized: AtomicBool::new(export.organize_output_by.is_some()),
            most_file_bytes: settings.server.max_upload_bytes,
        })
    }

    /// The same, of a manifest that was submitted: with these headers for it and its files,
    /// and without long waits, so that no sender holds up the others.
    pub fn of_submission(mut self, headers: Vec<(String, String)>) -> Self {
        (self.headers, self.is_submitted) = (headers, true);
        self
    }

    /// Brings an export to its end whose manifest is known.
    pub fn go_on_with(&self, job: ExportJob) -> Result<(), Failure> {
        self.bring_to_end(job).map(|_| ())
    }

    /// Sends a call, with a token where it needs one.
    fn send(&self, mut call: Call, needs_token: bool) -> Result<Answer, Failure> {
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        if needs_token {
            let authorization = self.authorizer.header(&self.http, call.url())?;
            call = call.authorization(authorization);
        }
        self.http.send(&call)
    }

    /// Waits so long; fails if the program ends, or the feed is paused.
    fn wait(&self, duration: Duration) -> Result<(), Failure> {
        let since = Instant::now();
        loop {
            let rest = duration.saturating_sub(since.elapsed());
            self.http.sleep(rest.min(LOOK_EVERY))?;
            if let Some(feed) = &self.feed
                && Feed::is_paused(&mut lock(&self.connection), feed.id)?
            {
                return Err(Failure::Paused);
            }
            if rest <= LOOK_EVERY {
                return Ok(());
            }
        }
    }

    /// The session, after the run.
    pub fn into_connection(self) -> PgConnection {
        self.connection.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
