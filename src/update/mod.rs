//! *Updates*: resources that senders write and delete one by one, stored when answered.
//!
//! Updates that arrive together are a group. The writer maps it, decides on it and stores
//! its rows in one transaction; before the commit it appends the group to a file of the
//! source and flushes that to disk ([`segment`]). So the file has what was decided to be
//! stored, and nothing else: an update that is refused is in no file. Each line of the file
//! is a Bundle.
//!
//! The file is in the ledger like any other. While it is written it is in a hidden folder
//! of the inbox, claimed by the run of its writer; a group is a batch of it. When it is
//! complete its account is closed, and it moves to the archive. If the process dies, the
//! file lands in the inbox, and the next scan continues it: groups that were committed are
//! in the ledger, and one that was not is loaded (see [`crate::pipeline::updates`]).
//!
//! The updates of one source are written by one lane, in the order in which they came.
//! When the source sends a file meanwhile, the open file is completed and another begun,
//! because versions without a time count in the order of files.

mod conditionals;
mod evaluate;
mod group;
mod lane;
mod segment;
mod writer;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use fhirmill_core::fhir::ResourceType;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::lock::lock;
use fhirmill_postgres::registry::Wanted;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::pipeline::updates::{CheckedRecord, Problem};
use crate::report::Activity;
use lane::Lane;
use writer::Writer;

/// How many lanes there are at most: each has two database sessions while it works.
const MOST_LANES: usize = 4;
/// How long the end of the service waits for the lanes.
const LONGEST_END: Duration = Duration::from_secs(4);

/// What a resource must be like for an update to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// The entry that it is about, from 1.
    pub entry: u32,
    /// Its version must be one of these.
    pub if_match: Option<Versions>,
    /// Its version must be none of these.
    pub if_none_match: Option<Versions>,
}

/// Versions that a condition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Any, as long as the resource exists.
    Any,
    /// These revisions.
    These(Vec<i32>),
}

/// An entry that names its resource by identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditional {
    /// The entry, from 1.
    pub entry: u32,
    /// The identifier.
    pub wanted: Wanted,
    /// The resource is to be deleted.
    pub is_delete: bool,
    /// The id that the sender gives the resource.
    pub own_id: Option<String>,
}

/// An update that was checked: a resource, a deletion, or a Bundle that is stored whole.
#[derive(Clone, Debug)]
pub struct Update {
    /// The source that it is of.
    pub source: String,
    /// A Bundle, on one line.
    pub line: Vec<u8>,
    /// What it writes and deletes.
    pub records: Vec<CheckedRecord>,
    /// Entries that are known not to be loadable; none if it is stored whole.
    pub problems: Vec<Problem>,
    /// It is stored whole or not at all.
    pub is_atomic: bool,
    /// What it depends on.
    pub preconditions: Vec<Precondition>,
    /// Entries that name their resources by identifier.
    pub conditionals: Vec<Conditional>,
}

/// What an entry did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The resource is new, or is there again.
    Created,
    /// It has another content.
    Updated,
    /// It had this content.
    Unchanged,
    /// It is deleted, or was.
    Deleted,
}

/// What became of an entry.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The entry, from 1.
    pub entry: u32,
    /// The type of the resource.
    pub resource_type: ResourceType,
    /// Its id.
    pub fhir_id: String,
    /// What the entry did, or why it did nothing.
    pub change: Result<Change, Refusal>,
    /// The revision that counts now.
    pub revision: Option<i32>,
    /// When that was stored.
    pub last_modified: DateTime<Utc>,
}

/// Why an update, or an entry of it, is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The version is not the one that the sender expects, or its identifier does not name
    /// one resource.
    #[error("{0}")]
    PreconditionFailed(String),
    /// The tables have a later version.
    #[error("the tables have a later version of this resource")]
    Stale,
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be stored.
    #[error("{message}")]
    Refused {
        /// Why.
        message: String,
        /// The path of the element that is wrong, such as `Patient.birthDate`.
        path: Option<String>,
    },
    /// There is no room for it.
    #[error("the disk is full")]
    DiskFull,
    /// Whether it is stored is not known, or it is not. It can be sent again.
    #[error("the database is unavailable; try again later")]
    Unavailable,
}

/// The answer to an update: what became of its entries, or why nothing of it is stored,
/// with the entry that is to blame.
pub type Answer = Result<Vec<Applied>, (u32, Refusal)>;

/// More updates wait than are taken: these are not.
#[derive(Debug)]
pub struct Full(pub Vec<Update>);

/// The updates of a service.
#[derive(Debug)]
pub struct Updates {
    lanes: Vec<Arc<Lane>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Updates {
    /// Starts the writers, which have no sessions until there is something to write. Their
    /// work is counted in `activity`.
    pub fn start(
        settings: &Settings,
        database: &Arc<Mutex<Database>>,
        (cancel, activity): (&CancellationToken, &Activity),
    ) -> std::io::Result<Self> {
        let count = settings.workers.get().min(MOST_LANES);
        let mut updates = Updates { lanes: Vec::new(), threads: Mutex::default() };
        for number in 0..count {
            let lane = Arc::new(Lane::new(settings.server.max_waiting_updates));
            let mut writer = Writer::new(settings, database, (cancel, activity), Arc::clone(&lane));
            writer.recovers = number == 0;
            let thread = std::thread::Builder::new().name(format!("updates-{number}"));
            let handle = thread.spawn(move || writer.run())?;
            updates.threads.get_mut().map_or_else(|_| {}, |threads| threads.push(handle));
            updates.lanes.push(lane);
        }
        Ok(updates)
    }

    /// Has updates of one source written, in this order.
    pub fn submit(&self, updates: Vec<Update>) -> Result<Vec<oneshot::Receiver<Answer>>, Full> {
        let Some(first) = updates.first() else { return Ok(Vec::new()) };
        self.lane(&first.source).push(updates)
    }

    fn lane(&self, source: &str) -> &Lane {
        let mut hasher = DefaultHasher::new();
        source.hash(&mut hasher);
        let lanes = self.lanes.len() as u64;
        &self.lanes[(hasher.finish() % lanes) as usize]
    }

    /// Ends the writers once they have written what waits, and waits for that a moment at
    /// most. What they do not complete is completed by the next process.
    pub fn end(&self) {
        self.lanes.iter().for_each(|lane| lane.end());
        let until = Instant::now() + LONGEST_END;
        for thread in lock(&self.threads).drain(..) {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
