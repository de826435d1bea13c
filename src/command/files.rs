//! `fhirmill files`: the files that were taken, newest first.

use anyhow::Result;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

use crate::archive::{Location, Storage};
use crate::cli::{ExitCode, FilesArguments};
use crate::config::Settings;
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::Counts;

#[derive(QueryableByName, Serialize)]
struct File {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    started_at: String,
    #[diesel(sql_type = Nullable<Text>)]
    form: Option<String>,
    #[diesel(sql_type = BigInt)]
    size_bytes: i64,
    #[diesel(sql_type = BigInt)]
    seen: i64,
    #[diesel(embed)]
    #[serde(flatten)]
    counts: Counts,
    #[diesel(sql_type = Nullable<Text>)]
    archive_path: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
}

/// Lists the ledger's files.
pub fn run(settings: &Settings, arguments: &FilesArguments) -> Result<ExitCode> {
    let mut connection = Database::open(&settings.database(), Wait::No)?.connect()?;
    let mut files: Vec<File> = sql_query(
        "select f.id, s.code as source, f.path, f.status, \
         to_char(f.started_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as started_at, f.form, f.size_bytes, f.seen, \
         f.inserted, f.updated, f.unchanged, f.stale, f.deleted, f.rejected, f.skipped, f.archive_path, f.error \
         from etl.load_file f join etl.source s on s.id = f.source_id \
         where $1 is null or s.code = $1 order by f.id desc limit $2",
    )
    .bind::<Nullable<Text>, _>(arguments.source.as_deref())
    .bind::<Integer, _>(i32::try_from(arguments.limit).unwrap_or(i32::MAX))
    .load(&mut connection)?;
    let storage = Storage::of(settings);
    for file in &mut files {
        // A path that can be opened, not the ledger's, which is relative to the archive.
        let address = |stored: &str| storage.of_status(&file.status).address(&Location::stored(stored));
        file.archive_path = file.archive_path.as_deref().map(|stored| address(stored).display().to_string());
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&files)?);
        return Ok(ExitCode::Success);
    }
    for file in &files {
        println!("{:>6}  {}  {:<10} {}", file.id, file.started_at, file.status, file.path);
        println!(
            "        seen {} = inserted {} + updated {} + unchanged {} + stale {} + deleted {} + rejected {} + skipped {}",
            file.seen,
            file.counts.inserted,
            file.counts.updated,
            file.counts.unchanged,
            file.counts.stale,
            file.counts.deleted,
            file.counts.rejected,
            file.counts.skipped
        );
        if let Some(error) = &file.error {
            println!("        {error}");
        }
    }
    if files.is_empty() {
        println!("no file was taken yet");
    }
    Ok(ExitCode::Success)
}
