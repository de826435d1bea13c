//! *Figures* that have to be looked up: in the database, the inbox and the file systems.
//! Looking is bounded: what took long is not looked at again for some time, however often
//! somebody scrapes.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::ledger::forward::SinkStatus;
use fhirmill_postgres::ledger::{
    AppliedView, DatabaseDisk, FeedEntry, RejectFigures, SnapshotEntry, SourceFigures, StoredFiles,
    UploadFigures,
};
use nix::sys::statvfs::statvfs;
use tracing::warn;

use super::feeds::MOST_FEEDS;
use crate::config::Settings;
use crate::inbox::{Inboxes, Waiting};
use crate::pipeline::indexes;
use crate::report::in_one_line;
use crate::server::pool::Pool;

/// How old figures may be.
const FRESH: Duration = Duration::from_secs(10);
/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;
/// How long a scrape waits for the database. Prometheus waits for ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the database says.
#[derive(Debug)]
pub(super) struct LedgerFigures {
    pub sources: Vec<SourceFigures>,
    pub rejects: Vec<RejectFigures>,
    pub uploads: UploadFigures,
    pub feeds: Vec<FeedEntry>,
    pub snapshots: Vec<SnapshotEntry>,
    pub sinks: Vec<SinkStatus>,
    pub missing_indexes: usize,
    pub views: Vec<AppliedView>,
    pub stored: StoredFiles,
    pub database_disk: DatabaseDisk,
}

/// A file system that something of fhirmill's is on.
#[derive(Debug)]
pub(super) struct Disk {
    pub folder: &'static str,
    pub free: f64,
    pub size: f64,
}

/// The figures of the last time somebody looked.
#[derive(Debug)]
pub(super) struct Figures {
    pool: Pool,
    inboxes: Arc<Inboxes>,
    folders: Vec<(&'static str, PathBuf)>,
    ledger: Looked<LedgerFigures>,
    inbox: Looked<BTreeMap<String, Waiting>>,
    /// Whether the database answered, and how long it took.
    pub database: Option<Duration>,
}

/// What was seen when somebody last looked, and when it may be looked at again.
#[derive(Debug)]
struct Looked<T> {
    seen: Option<T>,
    next: Option<Instant>,
}

impl<T> Default for Looked<T> {
    fn default() -> Self {
        Looked { seen: None, next: None }
    }
}

impl<T> Looked<T> {
    fn is_due(&self) -> bool {
        self.next.is_none_or(|next| next <= Instant::now())
    }

    /// Keeps what was seen; what was seen before stays if nobody could look.
    fn keep(&mut self, seen: Option<T>, took: Duration) {
        self.next = Some(Instant::now() + FRESH.max(took * SHARE));
        if seen.is_some() {
            self.seen = seen;
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum FiguresError {
    #[error("the database is unavailable")]
    Connect(#[from] DatabaseError),
    #[error("the database refused a query")]
    Query(#[from] diesel::result::Error),
}

impl Figures {
    /// None yet. The pool is theirs alone: others must not wait for them, nor they for others.
    pub fn new(settings: &Settings, pool: Pool) -> Self {
        let mut folders = vec![
            ("inbox", settings.inbox_dir.clone()),
            ("archive", settings.archive_dir.clone()),
            ("rejects", settings.rejects_dir.clone()),
            ("logs", settings.log.dir.clone()),
        ];
        if settings.database_url.is_none() {
            folders.push(("data", settings.data_dir.clone()));
        }
        let inboxes = Arc::new(Inboxes::of(settings));
        let (ledger, inbox) = (Looked::default(), Looked::default());
        Figures { pool, inboxes, folders, ledger, inbox, database: None }
    }

    /// Looks at what is due.
    pub async fn refresh(&mut self) {
        let since = Instant::now();
        let asked = within(self.pool.run(|connection| {
            diesel::RunQueryDsl::execute(diesel::sql_query("select 1"), connection)
                .map_err(FiguresError::from)
        }));
        self.database = asked.await.map(|_| since.elapsed());
        if self.database.is_some() && self.ledger.is_due() {
            let since = Instant::now();
            let seen = within(self.pool.run(|connection| {
                Ok::<_, FiguresError>(LedgerFigures {
                    sources: SourceFigures::list(connection)?,
                    rejects: RejectFigures::list(connection)?,
                    uploads: UploadFigures::load(connection)?,
                    feeds: FeedEntry::find(connection, None, MOST_FEEDS)?,
                    snapshots: SnapshotEntry::last(connection)?,
                    sinks: SinkStatus::list(connection)?,
                    missing_indexes: indexes::missing(connection)?.len(),
                    views: AppliedView::list(connection)?,
                    stored: StoredFiles::load(connection)?,
                    database_disk: DatabaseDisk::load(connection)?,
                })
            }));
            let seen = seen.await;
            self.ledger.keep(seen, since.elapsed());
        }
        if self.inbox.is_due() {
            let (since, inboxes) = (Instant::now(), Arc::clone(&self.inboxes));
            let seen = tokio::task::spawn_blocking(move || inboxes.waiting().ok());
            self.inbox.keep(seen.await.ok().flatten(), since.elapsed());
        }
    }

    /// What the database said last.
    pub fn ledger(&self) -> Option<&LedgerFigures> {
        self.ledger.seen.as_ref()
    }

    /// What waits in the inbox, by source.
    pub fn waiting(&self) -> Option<&BTreeMap<String, Waiting>> {
        self.inbox.seen.as_ref()
    }

    /// The file systems of the folders that exist.
    pub fn disks(&self) -> Vec<Disk> {
        self.folders.iter().filter_map(|(folder, path)| disk(folder, path)).collect()
    }
}

/// The answer of the database; none if it takes too long or there is none.
async fn within<T>(asked: impl Future<Output = Result<T, FiguresError>>) -> Option<T> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(failure)) => {
            warn!("metrics lack what the database has: {}", in_one_line(&failure));
            None
        }
        Err(_) => {
            warn!(
                "metrics lack what the database has: it did not answer within {} seconds",
                PATIENCE.as_secs()
            );
            None
        }
    }
}

fn disk(folder: &'static str, path: &Path) -> Option<Disk> {
    // A folder that is made later will be where its parent is.
    let existing = path.ancestors().find(|path| path.exists())?;
    let found = statvfs(existing).ok()?;
    let bytes = |blocks: u64| blocks as f64 * found.fragment_size() as f64;
    Some(Disk { folder, free: bytes(found.blocks_available()), size: bytes(found.blocks()) })
}
