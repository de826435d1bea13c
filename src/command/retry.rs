//! `fhirmill retry`: rejected records once more, after a fix of the program,
//! the settings or the database.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Result;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::once::exit_code;
use crate::cli::{ExitCode, RetryArguments};
use crate::config::Settings;
use crate::inbox::{self, DEFAULT_SOURCE};
use crate::pipeline;
use crate::pipeline::whole::{self, Wanted};
use crate::report::ProgressMeter;
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
    /// Where the file lies that it came in.
    #[diesel(sql_type = Text)]
    archive_path: String,
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
pub fn run(settings: &Settings, arguments: &RetryArguments) -> Result<ExitCode> {
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut connection = database.connect()?;
    let mut ids = drop_whole(settings, arguments, &mut connection)?;
    ids.extend(drop_cut(settings, arguments, &mut connection)?);
    failpoint::passed(Step::Dropped);
    sql_query("update etl.rejected_record set retried_at = now() where id = any($1)")
        .bind::<Array<BigInt>, _>(&ids)
        .execute(&mut connection)?;
    failpoint::passed(Step::Retried);
    tell_what_is_left(arguments, &mut connection)?;
    if ids.is_empty() {
        println!("nothing is rejected that could be tried again");
        return Ok(ExitCode::Success);
    }
    let settings = Settings { settle: std::time::Duration::ZERO, ..settings.clone() };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(&cancel)?;
    let summary = pipeline::load_inbox(&settings, &database, &cancel, "retry", &ProgressMeter::new(), true)?;
    print!("{summary}");
    Ok(exit_code(&summary))
}

/// Puts the rejects into the inbox that are kept whole; gives their numbers.
fn drop_whole(
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
        put_into_inbox(settings, id, &source, &raw)?;
        ids.push(id);
    }
    Ok(ids)
}

/// The same of those that were too large and now are not, from the files that
/// they came in.
fn drop_cut(
    settings: &Settings,
    arguments: &RetryArguments,
    connection: &mut PgConnection,
) -> Result<Vec<i64>> {
    let is_cut = is_cut();
    let rejects: Vec<Cut> = sql_query(format!(
        "select r.id, s.code as source, r.location, substring(r.raw for {BEGINNING_BYTES}) as beginning, \
         f.archive_path {WAITING} and f.archive_path is not null and not {LOST} and {is_cut} order by r.file_id, r.id"
    ))
    .bind::<Nullable<BigInt>, _>(arguments.file)
    .load(connection)?;
    let mut ids = Vec::new();
    for of_file in rejects.chunk_by(|one, other| one.archive_path == other.archive_path) {
        let (path, source) = (Path::new(&of_file[0].archive_path), &of_file[0].source);
        let by_place = |cut: &Cut| (cut.location.clone(), (cut.id, cut.beginning.clone()));
        let mut wanted: Wanted = of_file.iter().map(by_place).collect();
        let found = whole::find(settings, path, &mut wanted, &mut |id, bytes| {
            ids.push(id);
            put_into_inbox(settings, id, source, bytes)
        });
        if let Err(error) = found {
            warn!("{} cannot be looked through to its end: {error}", path.display());
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

fn put_into_inbox(settings: &Settings, id: i64, source: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = match source {
        DEFAULT_SOURCE => settings.inbox_dir.clone(),
        source => settings.inbox_dir.join(inbox::folder_of(source)),
    };
    fs::create_dir_all(&folder)?;
    let partial = folder.join(format!("retry-{id}.json.part"));
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    // A blank more makes it a delivery of its own for the ledger.
    writeln!(file, "\n{}", " ".repeat((id % 64) as usize))?;
    fs::rename(&partial, folder.join(format!("retry-{id}.json")))
}
