//! `fhirmill status`: how the service is doing.

use anyhow::Result;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

use crate::cli::{ExitCode, StatusArguments};
use crate::config::Settings;
use crate::inbox;
use crate::pipeline::indexes;
use fhirmill_core::model;
use fhirmill_postgres::database::{Database, Wait};

#[derive(QueryableByName, Serialize)]
struct Ledger {
    #[diesel(sql_type = Nullable<Text>)]
    last_run: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_run_status: Option<String>,
    #[diesel(sql_type = BigInt)]
    files_loaded: i64,
    #[diesel(sql_type = BigInt)]
    files_loading: i64,
    #[diesel(sql_type = BigInt)]
    files_rejected: i64,
    #[diesel(sql_type = BigInt)]
    files_failed: i64,
    #[diesel(sql_type = BigInt)]
    records_rejected: i64,
    #[diesel(sql_type = BigInt)]
    resources: i64,
    #[diesel(sql_type = BigInt)]
    database_bytes: i64,
}

#[derive(Serialize)]
struct Status {
    database: String,
    postgres_version: u32,
    waiting_files: usize,
    settling_files: usize,
    indexes_built: usize,
    indexes_missing: usize,
    #[serde(flatten)]
    ledger: Ledger,
}

/// Prints the status, or tells by the exit code alone whether all is well.
pub fn run(settings: &Settings, arguments: &StatusArguments) -> Result<ExitCode> {
    let database = Database::open(&settings.database(), Wait::No)?;
    let mut connection = database.connect()?;
    let scan = inbox::scan(&settings.inbox_dir, settings.settle);
    let ledger: Ledger = sql_query(
        "select (select to_char(max(started_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from etl.load_run) as last_run, \
         (select status from etl.load_run order by id desc limit 1) as last_run_status, \
         count(*) filter (where status = 'loaded') as files_loaded, \
         count(*) filter (where status = 'loading') as files_loading, \
         count(*) filter (where status = 'rejected') as files_rejected, \
         count(*) filter (where status = 'failed') as files_failed, \
         (select count(*) from etl.rejected_record where retried_at is null) as records_rejected, \
         coalesce(sum(inserted), 0)::bigint as resources, \
         pg_database_size(current_database()) as database_bytes from etl.load_file",
    )
    .get_result(&mut connection)?;
    let scan = scan?;
    if arguments.health {
        return Ok(ExitCode::Success);
    }
    let indexes_missing = indexes::missing(&mut connection)?.len();
    let status = Status {
        database: database.url().to_string(),
        postgres_version: database.version,
        waiting_files: scan.ready.len(),
        settling_files: scan.settling,
        indexes_built: model::indexes().len() - indexes_missing,
        indexes_missing,
        ledger,
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(ExitCode::Success);
    }
    let ledger = &status.ledger;
    println!("database   {} (PostgreSQL {})", status.database, status.postgres_version);
    println!(
        "           {:.1} MB, {} resources inserted so far",
        ledger.database_bytes as f64 / 1e6,
        ledger.resources
    );
    println!("indexes    {} built, {} missing", status.indexes_built, status.indexes_missing);
    println!("inbox      {} waiting, {} still being written", status.waiting_files, status.settling_files);
    match (&ledger.last_run, &ledger.last_run_status) {
        (Some(at), Some(outcome)) => println!("last run   {at}, {outcome}"),
        _ => println!("last run   none yet"),
    }
    println!(
        "files      {} loaded, {} loading, {} rejected, {} failed",
        ledger.files_loaded, ledger.files_loading, ledger.files_rejected, ledger.files_failed
    );
    println!("rejects    {} records: fhirmill rejects", ledger.records_rejected);
    Ok(ExitCode::Success)
}
