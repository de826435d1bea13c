//! `fhirmill indexes`: builds, drops and counts the secondary indexes.

use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::cli::{ExitCode, IndexesCommand};
use crate::config::Settings;
use crate::pipeline::Job;
use crate::pipeline::indexes::{self, Building};
use crate::report::ProgressMeter;
use fhirmill_core::model;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};

#[derive(Serialize)]
struct Status {
    built: usize,
    missing: Vec<String>,
}

/// Builds, drops or counts the secondary indexes.
pub fn run(settings: &Settings, command: &IndexesCommand, runtime: &Handle) -> Result<ExitCode> {
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    match command {
        IndexesCommand::Build => {
            migrations::up(&database, MIGRATIONS)?;
            let cancel = CancellationToken::new();
            super::cancel_on_signal(runtime, &cancel)?;
            let progress = Arc::default();
            let meter = ProgressMeter::watch(&progress);
            let building =
                indexes::build(&Job { settings, database: &database, cancel: &cancel, progress: &progress })?;
            drop(meter);
            match building {
                Building::Done(built) => println!("{built} indexes built"),
                Building::Elsewhere => {
                    println!("another process is building the indexes");
                    return Ok(ExitCode::Success);
                }
            }
            let is_complete = indexes::missing(&mut database.connect()?)?.is_empty();
            return Ok(match (is_complete, cancel.is_cancelled()) {
                (true, _) => ExitCode::Success,
                (false, true) => ExitCode::Interrupted,
                (false, false) => ExitCode::Unexpected,
            });
        }
        IndexesCommand::Drop => println!("{} indexes dropped", indexes::drop(&database)?),
        IndexesCommand::Status(arguments) => {
            let mut connection = database.connect()?;
            migrations::require_all(&database, &mut connection, MIGRATIONS)?;
            let missing = indexes::missing(&mut connection)?;
            let built =
                model::indexes().len() - missing.iter().filter(|missing| missing.is_secondary()).count();
            if arguments.json {
                let missing = missing.iter().map(|missing| missing.name().to_owned()).collect();
                println!("{}", serde_json::to_string_pretty(&Status { built, missing })?);
            } else {
                println!("{built} indexes exist, {} are missing", missing.len());
            }
        }
    }
    Ok(ExitCode::Success)
}
