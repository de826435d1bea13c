//! `fhirmill retry`: loads rejected records again, after a fix of the program, the
//! settings or the database.

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::Result;
use diesel::PgConnection;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::known;
use super::once::{self, Retried, exit_code};
use crate::archive::{ArchiveError, Location, Storage};
use crate::cli::{ExitCode, RetryArguments};
use crate::config::Settings;
use crate::inbox::{Landing, flush_folder, source_folder};
use crate::pipeline::full_records::{self, Wanted};
use crate::pipeline::{self, Job, Recovery};
use crate::report::{ProgressMeter, Summary, in_one_line};
use fhirmill_core::read::ReadLimits;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{self, PartialReject, PendingRejects};

/// Puts the rejected records into the inbox as files of their source, named
/// by their numbers, and loads the inbox. What is rejected again appears as a
/// new reject; the old one counts as retried.
pub fn run(settings: &Settings, arguments: &RetryArguments, runtime: &Handle) -> Result<ExitCode> {
    settings.require_inbox()?;
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut connection = database.connect()?;
    if let Some(file) = arguments.file {
        known::file(&mut connection, file)?;
    }
    let pending = PendingRejects {
        file_id: arguments.file,
        kept_bytes: i32::try_from(ReadLimits::default().defect_bytes).unwrap_or(i32::MAX),
    };
    let mut ids = land_whole(settings, &pending, &mut connection)?;
    let mut missing = Vec::new();
    ids.extend(land_partial(settings, &pending, &mut connection, &mut missing)?);
    if !ids.is_empty() {
        // One flush for all of them: each would take longer than loading it.
        flush_folder(&settings.inbox_dir)?;
    }
    failpoint::passed(Step::Dropped);
    ledger::mark_retried(&mut connection, &ids)?;
    failpoint::passed(Step::Retried);
    let retried = Retried {
        retried_records: ids.len(),
        incomplete_records: pending.count_incomplete(&mut connection)?,
        missing_files: missing.len(),
    };
    if !arguments.json {
        print_incomplete(retried.incomplete_records);
    }
    if ids.is_empty() {
        if let Some(error) = missing.into_iter().next() {
            return Err(error.into());
        }
        if arguments.json {
            once::print(&database, &Summary::default(), Some(retried), true)?;
        } else {
            println!("no rejected record can be retried");
        }
        return Ok(ExitCode::Success);
    }
    let settings = Settings { settle: std::time::Duration::ZERO, ..settings.clone() };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let job = Job { settings: &settings, database: &database, cancel: &cancel, progress: &progress };
    let summary = pipeline::load_inbox(&job, "retry", Recovery::Always)?;
    drop(meter);
    once::print(&database, &summary, Some(retried), arguments.json)?;
    Ok(match exit_code(&summary) {
        ExitCode::Success if !missing.is_empty() => ExitCode::Rejected,
        code => code,
    })
}

/// Lands the rejects that are kept whole in the inbox; returns their numbers.
fn land_whole(
    settings: &Settings,
    pending: &PendingRejects,
    connection: &mut PgConnection,
) -> Result<Vec<i64>> {
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
    pending: &PendingRejects,
    connection: &mut PgConnection,
    missing: &mut Vec<ArchiveError>,
) -> Result<Vec<i64>> {
    let rejects = pending.partial(connection)?;
    let storage = Storage::of(settings);
    let mut ids = Vec::new();
    for of_file in rejects.chunk_by(|one, other| one.archive_path == other.archive_path) {
        let PartialReject { archive_path, status, source, .. } = &of_file[0];
        let file = match storage.of_status(status).open(&Location::stored(archive_path)) {
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
        let mut wanted: Wanted = of_file.iter().map(by_location).collect();
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

fn print_incomplete(rejects: i64) {
    if rejects > 0 {
        let subject = if rejects == 1 { "reject is" } else { "rejects are" };
        println!(
            "{rejects} {subject} incomplete: raise the limit that the message names, or request the file again"
        );
    }
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
