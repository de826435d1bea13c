//! `fhirmill retry`: rejected records once more, after a fix of the program,
//! the settings or the database.

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::Result;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::once::exit_code;
use crate::archive::{ArchiveError, Location, Storage};
use crate::cli::{ExitCode, RetryArguments};
use crate::config::Settings;
use crate::inbox::{Landing, source_folder};
use crate::pipeline;
use crate::pipeline::whole::{self, Wanted};
use crate::report::{ProgressMeter, in_one_line};
use fhirmill_core::read::ReadLimits;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::failpoint::{self, Step};

/// A reject that is kept whole.
#[derive(QueryableByName)]
struct Whole {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    source: String,
}

/// A reject of which only the beginning was kept.
#[derive(QueryableByName)]
struct Cut {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Text)]
    location: String,
    #[diesel(sql_type = Binary)]
    beginning: Vec<u8>,
    /// Where the file it came in is now.
    #[diesel(sql_type = Text)]
    archive_path: String,
    /// What became of that file.
    #[diesel(sql_type = Text)]
    status: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rejects: i64,
}

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = Binary)]
    raw: Vec<u8>,
}

/// What waits: rejects of all files or of the one.
const WAITING: &str = "\
from etl.rejected_record r join etl.load_file f on f.id = r.file_id join etl.source s on s.id = f.source_id
where r.retried_at is null and ($1 is null or r.file_id = $1)";

/// So that the file need not be asked for much at a time.
const BEGINNING_BYTES: usize = 1024;

/// Reasons for which the file does not have more of a record than was kept.
const LOST: &str = "r.reason in ('truncated', 'damaged')";

/// Whether no more than the beginning of a record was kept, if anything.
fn is_cut() -> String {
    format!("(r.reason = 'too_large' or octet_length(r.raw) = {})", ReadLimits::default().defect_bytes)
}

/// Puts the rejected records into the inbox as files of their source, named
/// by their numbers, and loads the inbox. What is rejected again appears as a
/// new reject; the old one counts as retried.
pub fn run(settings: &Settings, arguments: &RetryArguments, runtime: &Handle) -> Result<ExitCode> {
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut connection = database.connect()?;
    let mut ids = land_whole(settings, arguments, &mut connection)?;
    let mut missing = Vec::new();
    ids.extend(land_cut(settings, arguments, &mut connection, &mut missing)?);
    failpoint::passed(Step::Dropped);
    sql_query("update etl.rejected_record set retried_at = now() where id = any($1)")
        .bind::<Array<BigInt>, _>(&ids)
        .execute(&mut connection)?;
    failpoint::passed(Step::Retried);
    tell_what_is_left(arguments, &mut connection)?;
    if ids.is_empty() {
        if let Some(error) = missing.into_iter().next() {
            return Err(error.into());
        }
        println!("nothing is rejected that could be tried again");
        return Ok(ExitCode::Success);
    }
    let settings = Settings { settle: std::time::Duration::ZERO, ..settings.clone() };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let summary = pipeline::load_inbox(&settings, &database, &cancel, "retry", &progress, true)?;
    drop(meter);
    print!("{summary}");
    Ok(match exit_code(&summary) {
        ExitCode::Success if !missing.is_empty() => ExitCode::Rejected,
        code => code,
    })
}

/// Lands the rejects that are kept whole in the inbox; returns their numbers.
fn land_whole(
    settings: &Settings,
    arguments: &RetryArguments,
    connection: &mut PgConnection,
) -> Result<Vec<i64>> {
    let is_cut = is_cut();
    let rejects: Vec<Whole> = sql_query(format!(
        "select r.id, s.code as source {WAITING} and r.raw <> '' and not {LOST} and not {is_cut} order by r.id"
    ))
    .bind::<Nullable<BigInt>, _>(arguments.file)
    .load(connection)?;
    let mut ids = Vec::with_capacity(rejects.len());
    for Whole { id, source } in rejects {
        // One after the other: together they may be more than memory holds.
        let Raw { raw } = sql_query("select raw from etl.rejected_record where id = $1")
            .bind::<BigInt, _>(id)
            .get_result(connection)?;
        land(settings, id, &source, &raw)?;
        ids.push(id);
    }
    Ok(ids)
}

/// The same for those that were too large and now are not, from the archived
/// files they came in. Files that are not in the archive are added to
/// `missing`.
fn land_cut(
    settings: &Settings,
    arguments: &RetryArguments,
    connection: &mut PgConnection,
    missing: &mut Vec<ArchiveError>,
) -> Result<Vec<i64>> {
    let is_cut = is_cut();
    let rejects: Vec<Cut> = sql_query(format!(
        "select r.id, s.code as source, r.location, substring(r.raw for {BEGINNING_BYTES}) as beginning, \
         f.archive_path, f.status {WAITING} and f.archive_path is not null and not {LOST} and {is_cut} order by r.file_id, r.id"
    ))
    .bind::<Nullable<BigInt>, _>(arguments.file)
    .load(connection)?;
    let storage = Storage::of(settings);
    let mut ids = Vec::new();
    for of_file in rejects.chunk_by(|one, other| one.archive_path == other.archive_path) {
        let Cut { archive_path, status, source, .. } = &of_file[0];
        let file = match storage.of_status(status).open(&Location::stored(archive_path)) {
            Ok(file) => file,
            Err(error) => {
                warn!("{}; the records rejected in it are not retried", in_one_line(&error));
                missing.push(error);
                continue;
            }
        };
        let by_place = |cut: &Cut| (cut.location.clone(), (cut.id, cut.beginning.clone()));
        let mut wanted: Wanted = of_file.iter().map(by_place).collect();
        let found = whole::find(settings, file, &mut wanted, &mut |id, bytes| {
            ids.push(id);
            land(settings, id, source, bytes)
        });
        if let Err(error) = found {
            warn!("{archive_path} cannot be searched to its end: {error}");
        }
    }
    Ok(ids)
}

fn tell_what_is_left(arguments: &RetryArguments, connection: &mut PgConnection) -> Result<()> {
    let is_cut = is_cut();
    let Count { rejects } =
        sql_query(format!("select count(*) as rejects {WAITING} and ({LOST} or {is_cut})"))
            .bind::<Nullable<BigInt>, _>(arguments.file)
            .get_result(connection)?;
    if rejects > 0 {
        let which = if rejects == 1 { "reject is" } else { "rejects are" };
        println!("{rejects} {which} not whole: raise the limit that it names, or ask for the file again");
    }
    Ok(())
}

/// Lands one record in the inbox as a file of its source.
fn land(settings: &Settings, id: i64, source: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = source_folder(&settings.inbox_dir, source)?;
    let mut landing = Landing::begin(&folder, &format!("retry-{id}.json"))?;
    landing.write_all(bytes)?;
    // A number of blanks that depends on the reject makes it a new delivery
    // for the ledger, whatever was loaded before.
    writeln!(landing, "\n{}", " ".repeat((id % 64) as usize))?;
    landing.finish().map(drop)
}
