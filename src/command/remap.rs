//! `fhirmill remap`: fills the tables again from the archived files.

use std::sync::Arc;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::known;
use crate::cli::{ExitCode, RemapArguments};
use crate::config::Settings;
use crate::pipeline::{self, Job, Remapped, indexes};
use crate::report::ProgressMeter;
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
    let progress = Arc::default();
    let cancel = CancellationToken::new();
    let job = Job { settings, database: &database, cancel: &cancel, progress: &progress };
    let meter = ProgressMeter::watch(&progress);
    let remapped = pipeline::remap(&job, &arguments.resource_type)?;
    drop(meter);
    println!("{} resources rewritten, {} rows", remapped.resources, remapped.rows);
    print_loaded(&remapped, settings);
    let meter = ProgressMeter::watch(&progress);
    let built = indexes::complete(&job, &mut database.connect()?);
    drop(meter);
    if built > 0 {
        println!("{built} indexes built");
    }
    if remapped.is_incomplete() {
        println!(
            "{} archived files are missing or changed, and in {} not everything was found: fhirmill check --archive",
            remapped.missing_files, remapped.incomplete_files
        );
    }
    let has_rejects = remapped.loaded.rejected > 0;
    Ok(if remapped.is_incomplete() || has_rejects { ExitCode::Rejected } else { ExitCode::Success })
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
