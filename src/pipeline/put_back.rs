//! *Putting back*: rejected records go into the inbox again, as files of their source that
//! are named by their numbers. What is rejected again is a new reject; the old one counts as
//! retried.

use std::io::{self, Write as _};

use diesel::PgConnection;
use fhirmill_core::read::ReadLimits;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{self, PartialReject, PendingRejects};
use tracing::warn;

use super::full_records::{self, Wanted as WantedRecords};
use crate::archive::{ArchiveError, Location, Storage};
use crate::config::Settings;
use crate::inbox::{Landing, flush_folder, source_folder};
use crate::report::in_one_line;

/// Which rejects are put back: those that are open, and that all conditions hold for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// Of this file.
    pub file_id: Option<i64>,
    /// With these numbers; any if empty.
    pub ids: &'w [i64],
    /// With this reason code.
    pub reason: Option<&'w str>,
    /// At most so many that are kept whole, and as many that are not.
    pub limit: i64,
}

/// What was put back.
#[derive(Debug, Default)]
pub struct PutBack {
    /// The numbers of the rejects.
    pub ids: Vec<i64>,
    /// How many of the wanted ones are not whole anywhere.
    pub incomplete: i64,
    /// Files that have wanted ones and are not in the archive.
    pub missing: Vec<ArchiveError>,
}

/// Why rejects cannot be put back. Those that were stay there.
#[derive(Debug, thiserror::Error)]
pub enum PutBackError {
    #[error("the database refused a query")]
    Query(#[from] diesel::result::Error),
    #[error("a record cannot be written to the inbox")]
    Write(#[from] io::Error),
}

/// Puts rejects into the inbox and marks them as retried.
pub fn put_back(
    settings: &Settings,
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
) -> Result<PutBack, PutBackError> {
    let Wanted { file_id, ids, reason, limit } = wanted;
    let kept_bytes = i32::try_from(ReadLimits::default().defect_bytes).unwrap_or(i32::MAX);
    let pending = PendingRejects { file_id, ids, reason, limit, kept_bytes };
    let mut done = PutBack { ids: land_whole(settings, &pending, connection)?, ..PutBack::default() };
    let partial = land_partial(settings, &pending, connection, &mut done.missing)?;
    done.ids.extend(partial);
    if !done.ids.is_empty() {
        // One flush for all of them: each would take longer than loading it.
        flush_folder(&settings.inbox_dir)?;
    }
    failpoint::passed(Step::Dropped);
    ledger::mark_retried(connection, &done.ids)?;
    failpoint::passed(Step::Retried);
    done.incomplete = pending.count_incomplete(connection)?;
    Ok(done)
}

/// Lands the rejects that are kept whole in the inbox; returns their numbers.
fn land_whole(
    settings: &Settings,
    pending: &PendingRejects<'_>,
    connection: &mut PgConnection,
) -> Result<Vec<i64>, PutBackError> {
    let rejects = pending.whole(connection)?;
    for reject in &rejects {
        land(settings, reject.id, &reject.source, &reject.raw(connection)?)?;
    }
    Ok(rejects.into_iter().map(|reject| reject.id).collect())
}

/// Lands the rejects that were too large, and no longer are, from the archived
/// files they came in; returns their numbers. Files that are not in the archive
/// are added to `missing`.
fn land_partial(
    settings: &Settings,
    pending: &PendingRejects<'_>,
    connection: &mut PgConnection,
    missing: &mut Vec<ArchiveError>,
) -> Result<Vec<i64>, PutBackError> {
    let rejects = pending.partial(connection)?;
    let storage = Storage::of(settings);
    let mut ids = Vec::new();
    for of_file in rejects.chunk_by(|one, other| one.archive_path == other.archive_path) {
        let PartialReject { archive_path, status, source, removed_at, .. } = &of_file[0];
        let opened = match removed_at {
            None => storage.of_status(status).open(&Location::stored(archive_path)),
            Some(at) => Err(ArchiveError::removed(archive_path, *at)),
        };
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                warn!("{}; the records rejected in it are not retried", in_one_line(&error));
                missing.push(error);
                continue;
            }
        };
        let by_location = |reject: &PartialReject| {
            (reject.location.clone(), (reject.id, reject.beginning.clone().unwrap_or_default()))
        };
        let mut wanted: WantedRecords = of_file.iter().map(by_location).collect();
        let found = full_records::find(settings, file, &mut wanted, &mut |id, bytes| {
            ids.push(id);
            land(settings, id, source, bytes)
        });
        if let Err(error) = found {
            warn!("{archive_path} cannot be searched to its end: {error}");
        }
    }
    Ok(ids)
}

/// Lands one record in the inbox as a file of its source.
fn land(settings: &Settings, id: i64, source: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = source_folder(&settings.inbox_dir, source)?;
    let mut landing = Landing::begin(&folder, &format!("retry-{id}.json"))?;
    landing.write_all(bytes)?;
    // A number of blanks that depends on the reject makes it a new delivery
    // for the ledger, whatever was loaded before.
    writeln!(landing, "\n{}", " ".repeat((id % 64) as usize))?;
    landing.finish_unflushed().map(drop)
}
