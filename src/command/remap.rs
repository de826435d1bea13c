//! `fhirmill remap`: fills the tables again from the archived files.

use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::known;
use crate::cli::{ExitCode, RemapArguments};
use crate::config::Settings;
use crate::pipeline::{self, Job, Remapped, indexes};
use crate::report::{ProgressMeter, in_one_line};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::Account;

/// Writes the rows of all current resources again.
pub fn run(settings: &Settings, arguments: &RemapArguments) -> Result<ExitCode> {
    for name in &arguments.resource_type {
        known::resource_type(name)?;
    }
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let started_at = Utc::now();
    let progress = Arc::default();
    let cancel = CancellationToken::new();
    let job = Job { settings, database: &database, cancel: &cancel, progress: &progress };
    let meter = ProgressMeter::watch(&progress);
    let remapped = pipeline::remap(&job, &arguments.resource_type)?;
    drop(meter);
    if !arguments.json {
        println!("{} resources rewritten, {} rows", remapped.resources, remapped.rows);
        print_loaded(&remapped, settings);
    }
    let meter = ProgressMeter::watch(&progress);
    let built = indexes::complete(&job, &mut database.connect()?);
    drop(meter);
    if arguments.json {
        print_json(arguments, &remapped, started_at, built)?;
    } else {
        print_rest(&remapped, built);
    }
    let has_rejects = remapped.loaded.rejected > 0;
    Ok(if remapped.is_incomplete() || has_rejects { ExitCode::Rejected } else { ExitCode::Success })
}

/// What a remap did. Its JSON is part of the interface.
#[derive(Serialize)]
struct Report<'r> {
    started_at: String,
    finished_at: String,
    /// All types if there is none.
    resource_types: &'r [String],
    resources: u64,
    rows: u64,
    /// Records that were skipped before.
    loaded: &'r Account,
    loaded_rows: u64,
    missing_files: u64,
    incomplete_files: u64,
    /// Why the first of the missing files is missing.
    reason: Option<String>,
    indexes_built: u64,
}

fn print_json(
    arguments: &RemapArguments,
    remapped: &Remapped,
    started_at: DateTime<Utc>,
    indexes_built: u64,
) -> Result<()> {
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let report = Report {
        started_at: text(started_at),
        finished_at: text(Utc::now()),
        resource_types: &arguments.resource_type,
        resources: remapped.resources,
        rows: remapped.rows,
        loaded: &remapped.loaded,
        loaded_rows: remapped.loaded_rows,
        missing_files: remapped.missing_files,
        incomplete_files: remapped.incomplete_files,
        reason: remapped.first_missing.as_ref().map(|error| in_one_line(error)),
        indexes_built,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Prints which indexes were built, and what was left as it was.
fn print_rest(remapped: &Remapped, built: u64) {
    if built > 0 {
        println!("{built} indexes built");
    }
    if remapped.is_incomplete() {
        println!(
            "{} archived files are missing or changed, and in {} not everything was found: fhirmill check --archive",
            remapped.missing_files, remapped.incomplete_files
        );
    }
}

/// Prints what became of records that had been skipped.
fn print_loaded(remapped: &Remapped, settings: &Settings) {
    let Account { inserted, updated, unchanged, stale, deleted, rejected, .. } = remapped.loaded;
    if remapped.loaded.total() == 0 {
        return;
    }
    println!(
        "{} skipped records loaded = inserted {inserted} + updated {updated} + unchanged {unchanged} + stale {stale} \
         + deleted {deleted} + rejected {rejected}, {} rows",
        remapped.loaded.total(),
        remapped.loaded_rows
    );
    if settings.resource_types.names().is_some() {
        println!("files that arrive are still loaded as RESOURCE_TYPES says");
    }
}
