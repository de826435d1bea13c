//! What an erasure *erased*, or why it did not.

use std::collections::BTreeMap;
use std::io;

use fhirmill_core::read::ReadError;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::erase::Counts;
use serde::Serialize;
use thiserror::Error;

use crate::archive::ArchiveError;
use crate::pipeline::error::PipelineError;
use crate::pipeline::undo::UndoError;

/// Why nobody was erased.
#[derive(Debug, Error)]
pub enum EraseError {
    #[error("the database is unavailable")]
    Database(#[from] DatabaseError),
    #[error("the ledger cannot be written")]
    Ledger(#[from] diesel::result::Error),
    #[error("the resources that stay cannot be loaded again")]
    Load(#[from] LoadError),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Undo(#[from] UndoError),
    /// The archive has a file that cannot be read, or that is not what was loaded.
    #[error("nothing was erased: file {file_id} of the archive cannot be searched")]
    Archive { file_id: i64, source: ArchiveError },
    /// A file cannot be read to its end.
    #[error("nothing was erased: file {file_id} of the archive cannot be read")]
    Read { file_id: i64, source: ReadError },
    /// A file cannot be written again.
    #[error("nothing was erased: file {file_id} of the archive cannot be written again")]
    Write { file_id: i64, source: io::Error },
    /// A task that was left cannot be done.
    #[error(
        "the tables no longer have the person, but {0} cannot be removed yet; `fhirmill erase --finish` goes on"
    )]
    Unfinished(String, #[source] io::Error),
    /// Another process erases, or compresses or removes archived files.
    #[error("another process is working on the archive")]
    Busy,
    /// Resources mention other patients, and nobody has said what becomes of them.
    #[error("{0} resources mention other patients, too")]
    SharedResources(usize),
    #[error("interrupted; nothing was erased")]
    Interrupted,
}

/// What became of archived files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileAction {
    /// Written again without the person's records.
    Rewritten,
    /// Removed: it had no other records.
    Removed,
}

/// Archived files that had records of the person; several deliveries of the same bytes share one.
#[derive(Clone, Debug, Serialize)]
pub struct ErasedFile {
    /// Their numbers.
    pub ids: Vec<i64>,
    /// What became of them.
    pub action: FileAction,
    /// How many of their records were erased.
    pub records: u64,
}

/// What was erased, or would be.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Erased {
    /// The number of the erasure; none of a dry run.
    pub erasure_id: Option<i64>,
    /// The ids of the patients that are the person.
    pub patients: Vec<String>,
    /// How many resources, by type.
    pub resources: BTreeMap<&'static str, u64>,
    /// How many rows, by table.
    pub tables: BTreeMap<String, u64>,
    /// The resources that mention other patients, too: `Type/id`.
    pub shared: Vec<String>,
    /// The archived files.
    pub files: Vec<ErasedFile>,
    /// The numbers of the files that the archive does not have.
    pub missing_files: Vec<i64>,
    /// The numbers of the source's files that are still in the inbox, and were not searched.
    pub files_in_inbox: Vec<i64>,
    /// The numbers of the snapshots that may hold the person.
    pub snapshots: Vec<i64>,
    /// The sinks that have yet to delete resources of the person.
    pub sinks: Vec<String>,
    /// How many keys the registry still has, because a process that is running may remember them.
    pub remembered_keys: u64,
    /// The sums.
    pub counts: Counts,
}

impl Erased {
    /// Whether there was nothing to erase.
    pub fn is_nothing(&self) -> bool {
        self.counts == Counts::default() && self.shared.is_empty()
    }
}
