//! *Pruning*: what was kept for long enough is removed, a batch at a time, and each batch by itself:
//! whoever is killed in between, or stopped, leaves the rest to the next time.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, SystemTime};

use diesel::PgConnection;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::archive::{Archive, Location, Storage};
use crate::config::Settings;
use crate::report::in_one_line;
use fhirmill_postgres::failpoint::{self, ArchiveStep};
use fhirmill_postgres::ledger::{AgedFile, Kept, KeptIn, OldRows};

/// Between two batches of rows, so that others have their turn.
const PAUSE: Duration = Duration::from_millis(50);

/// What was removed, or would be. Its JSON is part of the interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Nothing was removed.
    pub is_dry_run: bool,
    /// Loaded files, in the archive.
    pub archive: PrunedFiles,
    /// Rejected files.
    pub rejects: PrunedFiles,
    /// Reports on rejected records, without those that went with their file.
    pub reports: u64,
    /// Rows of the database, by what they are.
    pub rows: BTreeMap<&'static str, u64>,
    /// Whether it was stopped before its end.
    pub is_interrupted: bool,
}

/// Files that were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PrunedFiles {
    /// How many.
    pub files: u64,
    /// The bytes that they took.
    pub bytes: u64,
    /// Files that were old enough and stay, because they hold the current version of a resource.
    pub current_files: u64,
    /// Files that could not be removed.
    pub failed_files: u64,
}

impl Pruned {
    /// Whether anything was removed.
    pub fn is_anything(&self) -> bool {
        self.archive.files + self.rejects.files + self.reports + self.rows.values().sum::<u64>() > 0
    }
}

/// Why pruning was given up. What was removed is.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    #[error("the database refused a query")]
    Query(#[from] diesel::result::Error),
    #[error("a file cannot be removed")]
    Remove(#[from] io::Error),
}

/// Removes what the settings say has been kept for long enough, or counts it.
pub fn prune(
    settings: &Settings,
    connection: &mut PgConnection,
    is_dry_run: bool,
    cancel: &CancellationToken,
) -> Result<Pruned, PruneError> {
    let mut pruning =
        Pruning { settings, connection, cancel, done: Pruned { is_dry_run, ..Pruned::default() } };
    match pruning.all() {
        Ok(()) => {}
        Err(Stop::Cancelled) => pruning.done.is_interrupted = true,
        Err(Stop::Failed(error)) => return Err(error),
    }
    Ok(pruning.done)
}

struct Pruning<'p> {
    settings: &'p Settings,
    connection: &'p mut PgConnection,
    cancel: &'p CancellationToken,
    done: Pruned,
}

/// Why it goes no further.
enum Stop {
    Cancelled,
    Failed(PruneError),
}

impl<E: Into<PruneError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

impl Pruning<'_> {
    fn all(&mut self) -> Result<(), Stop> {
        let keep = self.settings.keep;
        let storage = Storage::of(self.settings);
        if let Some(kept) = keep.archive {
            self.done.archive = self.files(&storage, kept, KeptIn::Archive)?;
        }
        if let Some(kept) = keep.rejects {
            self.done.rejects = self.files(&storage, kept, KeptIn::Rejects)?;
            let before = SystemTime::now().checked_sub(kept).unwrap_or(SystemTime::UNIX_EPOCH);
            self.done.reports = storage.rejects.remove_reports(before, self.done.is_dry_run)?;
        }
        for rows in OldRows::ALL {
            let kept = if rows == OldRows::RejectTexts { keep.rejects } else { keep.ledger };
            if let Some(kept) = kept {
                self.rows(rows.name(), |connection, is_dry_run| match is_dry_run {
                    true => Ok((rows.count(connection, kept)?, false)),
                    false => rows.prune(connection, kept),
                })?;
            }
        }
        let server = &self.settings.server;
        for (rows, kept) in [
            (Kept::AuditEvents, server.audit_retention),
            (Kept::Uploads, server.upload_retention),
            (Kept::Tokens, Some(Duration::ZERO)),
            (Kept::Proofs, Some(Duration::ZERO)),
        ] {
            if let Some(kept) = kept {
                self.rows(rows.name(), |connection, is_dry_run| match is_dry_run {
                    true => Ok((rows.count(connection, kept)?, false)),
                    false => rows.prune(connection, kept).map(|(count, more)| (count as u64, more)),
                })?;
            }
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// Removes rows, batch by batch.
    fn rows(
        &mut self,
        name: &'static str,
        mut batch: impl FnMut(&mut PgConnection, bool) -> diesel::QueryResult<(u64, bool)>,
    ) -> Result<(), Stop> {
        loop {
            self.go_on()?;
            let (count, has_more) = batch(self.connection, self.done.is_dry_run)?;
            *self.done.rows.entry(name).or_default() += count;
            if !has_more {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Removes files that were kept for long enough.
    fn files(&mut self, storage: &Storage, kept: Duration, kept_in: KeptIn) -> Result<PrunedFiles, Stop> {
        let (mut done, mut after) = (PrunedFiles::default(), 0);
        let keeps_current = self.settings.keep.current;
        loop {
            let files = AgedFile::after(self.connection, after, kept, kept_in)?;
            let Some(last) = files.last() else { return Ok(done) };
            after = last.id;
            for file in &files {
                self.go_on()?;
                if file.is_current && keeps_current {
                    done.current_files += 1;
                    continue;
                }
                let is_removed = self.done.is_dry_run || self.remove(storage, file, kept, kept_in)?;
                if is_removed {
                    done.files += 1;
                    done.bytes += file.bytes.unsigned_abs();
                } else {
                    done.failed_files += 1;
                }
            }
        }
    }

    fn remove(
        &mut self,
        storage: &Storage,
        file: &AgedFile,
        kept: Duration,
        kept_in: KeptIn,
    ) -> Result<bool, Stop> {
        let location = Location::stored(&file.archive_path);
        let archive: &dyn Archive = match kept_in {
            KeptIn::Archive => &*storage.archive,
            KeptIn::Rejects => storage.rejects.as_archive(),
        };
        let removed = file.remove(self.connection, kept, self.settings.keep.current, || {
            archive.remove(&location)?;
            if kept_in == KeptIn::Rejects {
                storage.rejects.remove_report(&location)?;
            }
            failpoint::passed(ArchiveStep::Removed);
            Ok::<_, PruneError>(())
        });
        match removed {
            Ok(is_removed) => Ok(is_removed),
            Err(PruneError::Remove(error)) => {
                let problem = in_one_line(&error);
                warn!(file.id = file.id, "{} cannot be removed: {problem}", archive.address(&location));
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
