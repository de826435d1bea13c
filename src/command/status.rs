//! `fhirmill status`: the state of database, inbox and ledger.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::cli::{ExitCode, StatusArguments};
use crate::config::Settings;
use crate::inbox;
use crate::pipeline::indexes;
use fhirmill_core::model;
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::{LedgerStatus, SkippedRange, UnknownServer};

#[derive(Serialize)]
struct Status {
    database: String,
    postgres_version: u32,
    waiting_files: usize,
    settling_files: usize,
    indexes_built: usize,
    indexes_missing: usize,
    #[serde(flatten)]
    ledger: LedgerStatus,
    unknown_servers: Vec<UnknownServer>,
    skipped_by_type: BTreeMap<String, i64>,
}

/// Prints the status; with `--health`, answers with the exit code alone.
pub fn run(settings: &Settings, arguments: &StatusArguments) -> Result<ExitCode> {
    let database = Database::open(&settings.database(), Wait::No)?;
    let mut connection = database.connect()?;
    let scan = inbox::scan(&settings.inbox_dir, settings.settle);
    let ledger = LedgerStatus::load(&mut connection)?;
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
        unknown_servers: UnknownServer::list(&mut connection)?,
        skipped_by_type: SkippedRange::by_type(&mut connection)?,
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(ExitCode::Success);
    }
    print(&status);
    Ok(ExitCode::Success)
}

fn print(status: &Status) {
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
    println!("references {} unresolved", ledger.unresolved_references);
    for server in &status.unknown_servers {
        println!("           {}", server.advice());
    }
    println!("rejects    {} records: fhirmill rejects", ledger.records_rejected);
    for (name, count) in &status.skipped_by_type {
        println!("skipped    {count} {name}: fhirmill remap --resource-type {name}");
    }
    println!(
        "elements   {} not written as FHIR R4 defines them, {} that it does not define: \
         see etl.deviating_element, etl.unmapped_element",
        ledger.deviating_elements, ledger.unmapped_elements
    );
}
