//! A *worker* takes batches from the queue, maps their records and loads them
//! over its own connection: [`batch`] is how it loads one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{Plan, ViewTable};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::ledger::{self, Account};
use fhirmill_postgres::load::{Bodies, Loader};
use fhirmill_postgres::registry::{ByIdentifier, RunRegistry};
use tracing::{error, info_span, warn};

mod batch;
mod replay;
mod updates;

pub(super) use replay::Named;
pub use updates::{Decided, RecordOutcome};

use super::batch_mapper::BatchMapper;
use super::buffer_pool::BufferPool;
use super::job::Job;
use super::open_rejects::OpenRejects;
use super::run_state::{BatchStatistics, RunState};
use super::views;
use crate::config::{EobCoverage, KeepBodies, ResourceTypes};
use crate::report::{Activity, TRACES, in_one_line};

/// What a worker loads batches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The run with that id.
    Run(i64),
    /// Skipped records of archived files, which the run with that id loads now.
    Skipped(i64),
    /// A remap of archived files.
    Remap,
    /// Archived files that are loaded again, after another one was taken back.
    Undo,
}

/// See the module.
pub(super) struct Worker {
    purpose: Purpose,
    registry: Arc<RunRegistry>,
    mapper: BatchMapper,
    loader: Loader,
    eob_coverage: EobCoverage,
    /// What the requests by identifier of its batch mean.
    by_identifier: ByIdentifier,
    /// The types of the skipped records that it loads now.
    skipped_types: Vec<&'static str>,
    /// Rejects that its records may mend.
    open_rejects: Arc<OpenRejects>,
    activity: Activity,
    /// The names of the sources that may declare views.
    view_sources: Vec<String>,
    /// Whether the source with that number may.
    may_declare: Option<(i16, bool)>,
    /// When it was last seen that nobody waits to change the tables of views.
    last_asked: Instant,
}

/// How often a worker asks whether somebody waits to change the tables of views.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The result of a batch.
#[derive(Default)]
pub(super) struct LoadedBatch {
    /// One for each file of the batch.
    pub accounts: Vec<Account>,
    pub statistics: BatchStatistics,
}

impl Worker {
    /// A worker of that run, with a connection of its own. The run makes sure that
    /// what is loaded survives a power failure before files leave the inbox.
    pub fn for_run(
        job: &Job<'_>,
        run_id: i64,
        (registry, open_rejects): (Arc<RunRegistry>, Arc<OpenRejects>),
    ) -> Result<Self, LoadError> {
        let mut worker = Worker::new(job, Purpose::Run(run_id), registry)?;
        worker.open_rejects = open_rejects;
        worker.loader.commit_asynchronously()?;
        Ok(worker)
    }

    /// A worker of that run, for updates. Whoever sent them is told that they are stored, so
    /// commits wait for the disk.
    pub fn for_updates(job: &Job<'_>, run_id: i64) -> Result<Self, LoadError> {
        Worker::new(job, Purpose::Run(run_id), Arc::default())
    }

    /// A worker of that run, for messages. What a power failure takes comes again: offsets
    /// and rows are lost together.
    pub fn for_messages(job: &Job<'_>, run_id: i64) -> Result<Self, LoadError> {
        let mut worker = Worker::for_updates(job, run_id)?;
        worker.loader.commit_asynchronously()?;
        Ok(worker)
    }

    /// A worker of a remap, with a connection of its own. It rewrites resources of
    /// any type, since they are in the tables.
    pub fn for_remap(job: &Job<'_>) -> Result<Self, LoadError> {
        let mut worker = Worker::new(job, Purpose::Remap, Arc::default())?;
        worker.mapper.want(ResourceTypes::All);
        Ok(worker)
    }

    /// A worker of a remap that writes the rows of views only.
    pub fn for_views(job: &Job<'_>, views: &[ViewTable]) -> Result<Self, LoadError> {
        let mut connection = job.database.connect()?;
        ledger::lock_views(&mut connection)?;
        let plan = Arc::new(Plan::of_views(views).map_err(|error| LoadError::View(error.to_string()))?);
        let mut worker = Worker::with_plan(job, Purpose::Remap, Arc::default(), (connection, plan))?;
        worker.mapper.want(ResourceTypes::All);
        // How far it has come is lost together with what it has written.
        worker.loader.commit_asynchronously()?;
        Ok(worker)
    }

    /// A worker of that run for records that were skipped when they were delivered.
    pub fn for_skipped(job: &Job<'_>, run_id: i64) -> Result<Self, LoadError> {
        Worker::new(job, Purpose::Skipped(run_id), Arc::default())
    }

    /// From the next batch on, which is a part of one file, it loads the skipped
    /// records of these types.
    pub fn want_skipped(&mut self, resource_types: &[String]) {
        let known = resource_types.iter().filter_map(|name| ResourceType::named(name));
        self.skipped_types = known.map(ResourceType::name).collect();
        let wanted = self.skipped_types.iter().map(|name| (*name).to_owned()).collect();
        self.mapper.want(ResourceTypes::Only(wanted));
    }

    /// Between two batches, of which the next one has that number: lets somebody who waits
    /// change the tables of views, and maps by what they are then. Says whether that was so.
    pub fn give_way(&mut self, batch_number: u64) -> Result<bool, LoadError> {
        if self.last_asked.elapsed() < ASK_EVERY {
            return Ok(false);
        }
        let connection = self.loader.connection();
        let is_waiting = ledger::is_view_change_waiting(connection)?;
        if is_waiting {
            let registry = Arc::clone(&self.registry);
            ledger::give_way_to_view_change(connection, &|| registry.is_awaited(batch_number))?;
            self.follow_views()?;
        }
        self.last_asked = Instant::now();
        Ok(is_waiting)
    }

    /// Lets others change the tables of views until [`Worker::retake_views`].
    pub fn release_views(&mut self) -> Result<(), LoadError> {
        Ok(ledger::unlock_views(self.loader.connection())?)
    }

    /// Uses the tables of views again, as they are now.
    pub fn retake_views(&mut self) -> Result<(), LoadError> {
        ledger::lock_views(self.loader.connection())?;
        self.follow_views()
    }

    fn follow_views(&mut self) -> Result<(), LoadError> {
        if self.mapper.plan().is_of_views_only() {
            return Ok(());
        }
        let plan = views::plan_of_locked(self.loader.connection())?;
        self.mapper.follow(Arc::clone(&plan));
        self.loader.follow_plan(plan);
        Ok(())
    }

    /// Whether ViewDefinitions of the source are mapped. A remap maps what was loaded.
    fn may_declare_views(&mut self, source_id: i16) -> Result<bool, LoadError> {
        if self.purpose == Purpose::Remap || self.view_sources.is_empty() {
            return Ok(self.purpose == Purpose::Remap);
        }
        if let Some((known, may_declare)) = self.may_declare
            && known == source_id
        {
            return Ok(may_declare);
        }
        let may_declare = ledger::is_source_among(self.loader.connection(), source_id, &self.view_sources)?;
        self.may_declare = Some((source_id, may_declare));
        Ok(may_declare)
    }

    /// Its connection, between two batches.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.loader.connection()
    }

    /// Where its work is counted.
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// The batch is loaded or given up.
    pub fn finish(&self, batch_number: u64) {
        self.registry.finish(batch_number);
    }

    fn new(job: &Job<'_>, purpose: Purpose, registry: Arc<RunRegistry>) -> Result<Self, LoadError> {
        let mut connection = job.database.connect()?;
        let plan = views::plan(&mut connection)?;
        Worker::with_plan(job, purpose, registry, (connection, plan))
    }

    fn with_plan(
        job: &Job<'_>,
        purpose: Purpose,
        registry: Arc<RunRegistry>,
        (connection, plan): (PgConnection, Arc<Plan>),
    ) -> Result<Self, LoadError> {
        let bodies = match job.settings.keep_bodies {
            KeepBodies::Database => Bodies::Store,
            KeepBodies::Archive => Bodies::Omit,
        };
        Ok(Worker {
            purpose,
            mapper: BatchMapper::new(job.settings, Arc::clone(&plan)),
            loader: Loader::new(connection, plan, bodies, Arc::clone(&registry))?,
            registry,
            eob_coverage: job.settings.eob_coverage,
            by_identifier: ByIdentifier::default(),
            skipped_types: Vec::new(),
            open_rejects: Arc::default(),
            activity: job.progress.activity().clone(),
            view_sources: job.settings.view_sources().map(str::to_owned).collect(),
            may_declare: None,
            last_asked: Instant::now(),
        })
    }

    /// Loads batches until the queue is closed. `connect` makes the worker when
    /// there is work for it. After a failure of the database the rest of the queue
    /// is not loaded: its files are continued later. Returns the connection if it is
    /// well.
    pub fn run(
        state: &RunState,
        pool: &BufferPool,
        registry: &RunRegistry,
        connect: impl Fn() -> Result<Worker, LoadError>,
    ) -> Option<PgConnection> {
        let mut worker: Option<Worker> = None;
        while let Some(mut batch) = state.receive() {
            if state.is_aborted() {
                registry.finish(batch.number);
                continue;
            }
            let span = info_span!(
                target: TRACES, "batch", batch.number = batch.number, batch.records = batch.record_count(),
                batch.bytes = batch.byte_count()
            );
            let _in_span = span.enter();
            // A worker that died would leave the reader waiting.
            let attempt = catch_unwind(AssertUnwindSafe(|| {
                let worker = match &mut worker {
                    Some(worker) => worker,
                    none => none.insert(connect()?),
                };
                worker.load(&mut batch)
            }));
            match attempt.unwrap_or(Err(LoadError::Panicked)) {
                Ok(loaded) => state.add(loaded.statistics),
                Err(LoadError::ClaimLost) => warn!("another process has taken over a file of a batch"),
                Err(failure) => {
                    error!("a batch could not be loaded: {}", in_one_line(&failure));
                    state.abort(failure);
                }
            }
            registry.finish(batch.number);
            pool.give_back(batch.into_bytes());
        }
        let mut connection =
            worker.filter(|_| !state.is_aborted()).map(|worker| worker.loader.into_connection())?;
        // It waits for its next use.
        ledger::unlock_views(&mut connection).is_ok().then_some(connection)
    }
}
