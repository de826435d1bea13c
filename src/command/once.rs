//! `fhirmill once`: loads what is in the inbox, then ends.

use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::cli::{ExitCode, OnceArguments};
use crate::config::Settings;
use crate::pipeline::{self, Job, Recovery};
use crate::report::{ProgressMeter, Summary};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};

/// Migrates, loads the inbox and prints the summary.
pub fn run(settings: &Settings, arguments: &OnceArguments, runtime: &Handle) -> Result<ExitCode> {
    settings.require_inbox()?;
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    // Files that were there before the command was entered count as complete.
    let settings = Settings { settle: std::time::Duration::ZERO, ..settings.clone() };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let job = Job { settings: &settings, database: &database, cancel: &cancel, progress: &progress };
    let summary = pipeline::load_inbox(&job, "once", Recovery::Always)?;
    drop(meter);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print!("{summary}");
    }
    Ok(exit_code(&summary))
}

/// The exit code that a summary stands for.
pub fn exit_code(summary: &Summary) -> ExitCode {
    if summary.is_interrupted {
        ExitCode::Interrupted
    } else if !summary.adds_up() {
        ExitCode::CheckFailed
    } else if summary.has_rejects() {
        ExitCode::Rejected
    } else {
        ExitCode::Success
    }
}
