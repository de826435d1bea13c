//! `fhirmill remap`: fills the tables again from the archived files.

use std::sync::Arc;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::cli::{ExitCode, RemapArguments};
use crate::config::Settings;
use crate::pipeline::{self, Job, indexes};
use crate::report::ProgressMeter;
use fhirmill_core::fhir::ResourceType;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};

/// Writes the rows of all current resources again.
pub fn run(settings: &Settings, arguments: &RemapArguments) -> Result<ExitCode> {
    if let Some(unknown) = arguments.resource_type.iter().find(|name| ResourceType::named(name).is_none()) {
        eprintln!(
            "error: FHIR R4 has no resource type {unknown}\n\nhint: write types as in FHIR, such as Patient"
        );
        return Ok(ExitCode::Usage);
    }
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let progress = Arc::default();
    let cancel = CancellationToken::new();
    let job = Job { settings, database: &database, cancel: &cancel, progress: &progress };
    let meter = ProgressMeter::watch(&progress);
    let remapped = pipeline::remap(&job, &arguments.resource_type)?;
    drop(meter);
    println!("{} resources rewritten, {} rows", remapped.resources, remapped.rows);
    let meter = ProgressMeter::watch(&progress);
    let built = indexes::complete(&job, &mut database.connect()?);
    drop(meter);
    if built > 0 {
        println!("{built} indexes built");
    }
    Ok(if remapped.missing_files > 0 { ExitCode::Rejected } else { ExitCode::Success })
}
