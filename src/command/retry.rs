//! `fhirmill retry`: rejected records once more, after a fix of the program,
//! the settings or the database.

use anyhow::Result;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use tokio_util::sync::CancellationToken;

use super::once::exit_code;
use crate::cli::{ExitCode, RetryArguments};
use crate::config::Settings;
use crate::database::migrations::{self, MIGRATIONS};
use crate::database::{Database, Wait};
use crate::failpoint::{self, Step};
use crate::inbox::{self, DEFAULT_SOURCE};
use crate::pipeline;
use crate::report::ProgressMeter;

#[derive(QueryableByName)]
struct Rejected {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    source: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rejects: i64,
}

/// Reasons for which only the beginning of a record is kept, if anything.
const NOT_WHOLE: &str = "('too_large', 'truncated', 'damaged')";

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = Binary)]
    raw: Vec<u8>,
}

/// Puts the rejected records into the inbox as files of their source, named
/// by their numbers, and loads the inbox. What is rejected again appears as a
/// new reject; the old one counts as retried.
pub fn run(settings: &Settings, arguments: &RetryArguments) -> Result<ExitCode> {
    let database = Database::open(settings, Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut connection = database.connect()?;
    let waits = "r.retried_at is null and ($1 is null or r.file_id = $1)";
    let Count { rejects: not_whole } = sql_query(format!(
        "select count(*) as rejects from etl.rejected_record r where {waits} and r.reason in {NOT_WHOLE}"
    ))
    .bind::<Nullable<BigInt>, _>(arguments.file)
    .get_result(&mut connection)?;
    if not_whole > 0 {
        let which = if not_whole == 1 { "reject is" } else { "rejects are" };
        println!(
            "{not_whole} {which} not whole: ask for the file again, or pack it anew and put it into the inbox"
        );
    }
    let rejects: Vec<Rejected> = sql_query(format!(
        "select r.id, s.code as source from etl.rejected_record r \
         join etl.load_file f on f.id = r.file_id join etl.source s on s.id = f.source_id \
         where {waits} and r.raw <> '' and r.reason not in {NOT_WHOLE} order by r.id"
    ))
    .bind::<Nullable<BigInt>, _>(arguments.file)
    .load(&mut connection)?;
    if rejects.is_empty() {
        println!("nothing is rejected that could be tried again");
        return Ok(ExitCode::Success);
    }
    let mut ids = Vec::with_capacity(rejects.len());
    for Rejected { id, source } in rejects {
        // One after the other: together they may be more than memory holds.
        let Raw { raw: mut content } = sql_query("select raw from etl.rejected_record where id = $1")
            .bind::<BigInt, _>(id)
            .get_result(&mut connection)?;
        let folder = match source.as_str() {
            DEFAULT_SOURCE => settings.inbox_dir.clone(),
            source => settings.inbox_dir.join(inbox::folder_of(source)),
        };
        std::fs::create_dir_all(&folder)?;
        // A blank more makes it a delivery of its own for the ledger.
        content.extend_from_slice(format!("\n{}\n", " ".repeat((id % 64) as usize)).as_bytes());
        let partial = folder.join(format!("retry-{id}.json.part"));
        std::fs::write(&partial, content)?;
        std::fs::rename(&partial, folder.join(format!("retry-{id}.json")))?;
        ids.push(id);
    }
    failpoint::passed(Step::Dropped);
    sql_query("update etl.rejected_record set retried_at = now() where id = any($1)")
        .bind::<Array<BigInt>, _>(&ids)
        .execute(&mut connection)?;
    failpoint::passed(Step::Retried);
    let settings = Settings { settle: std::time::Duration::ZERO, ..settings.clone() };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(&cancel)?;
    let summary = pipeline::load_inbox(&settings, &database, &cancel, "retry", &ProgressMeter::new(), true)?;
    print!("{summary}");
    Ok(exit_code(&summary))
}
