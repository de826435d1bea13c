//! `fhirmill once`: loads what is in the inbox, then ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::cli::{ExitCode, OnceArguments};
use crate::config::Settings;
use crate::pipeline::{self, Job, Recovery};
use crate::report::{ProgressMeter, Summary};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::RunEntry;

/// Migrates, loads the inbox and prints the summary.
pub fn run(settings: &Settings, arguments: &OnceArguments, runtime: &Handle) -> Result<ExitCode> {
    settings.require_inbox()?;
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    super::deidentify::at_start(settings, &database);
    // Files that were there before the command was entered count as complete.
    let settings = Settings { settle: std::time::Duration::ZERO, ..settings.clone() };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let job = Job { settings: &settings, database: &database, cancel: &cancel, progress: &progress };
    let summary = pipeline::load_all(&job, "once", Recovery::Always)?;
    // Views that came with the files, and those whose filling was interrupted.
    let connection = &mut database.connect()?;
    pipeline::follow_definitions(&job, connection)?;
    pipeline::fill_pending(&job, connection)?;
    drop(meter);
    super::deidentify::after_run(&settings, &database, &summary);
    print(&database, &summary, None, arguments.json)?;
    Ok(exit_code(&summary))
}

/// A summary with what the ledger has of the run.
#[derive(Serialize)]
struct Report<'s> {
    #[serde(flatten)]
    summary: &'s Summary,
    started_at: Option<String>,
    finished_at: Option<String>,
    sources: Vec<String>,
    rejected_by_reason: BTreeMap<String, i64>,
    #[serde(flatten)]
    retried: Option<Retried>,
}

/// What a retry adds.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Retried {
    /// Rejected records that were read again.
    pub retried_records: usize,
    /// Those that cannot be, because not all of their bytes are kept.
    pub incomplete_records: i64,
    /// Archived files that are missing.
    pub missing_files: usize,
}

/// Prints the summary of a run.
pub(super) fn print(
    database: &Database,
    summary: &Summary,
    retried: Option<Retried>,
    json: bool,
) -> Result<()> {
    if !json {
        print!("{summary}");
        return Ok(());
    }
    let run = match summary.run_id {
        Some(id) => Some(RunEntry::of(&mut database.connect()?, id)?),
        None => None,
    };
    let report = Report {
        summary,
        started_at: run.as_ref().map(|run| run.started_at.clone()),
        finished_at: run.as_ref().and_then(|run| run.finished_at.clone()),
        sources: run.as_ref().map(|run| run.sources.clone()).unwrap_or_default(),
        rejected_by_reason: run.map(|run| run.rejected_by_reason).unwrap_or_default(),
        retried,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
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
