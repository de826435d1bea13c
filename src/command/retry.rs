//! `fhirmill retry`: loads rejected records again, after a fix of the program, the
//! settings or the database.

use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::known;
use super::once::{self, Retried, exit_code};
use crate::cli::{ExitCode, RetryArguments};
use crate::config::Settings;
use crate::pipeline::put_back::{self, PutBack, Wanted};
use crate::pipeline::{self, Job, Recovery};
use crate::report::{ProgressMeter, Summary};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};

/// Puts the rejected records into the inbox as files of their source, named
/// by their numbers, and loads the inbox. What is rejected again appears as a
/// new reject; the old one counts as retried.
pub fn run(settings: &Settings, arguments: &RetryArguments, runtime: &Handle) -> Result<ExitCode> {
    settings.require_inbox()?;
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut connection = database.connect()?;
    if let Some(file) = arguments.file {
        known::file(&mut connection, file)?;
    }
    let wanted = Wanted { file_id: arguments.file, ids: &[], reason: None, limit: i64::MAX };
    let PutBack { ids, incomplete, missing } = put_back::put_back(settings, &mut connection, wanted)?;
    let retried =
        Retried { retried_records: ids.len(), incomplete_records: incomplete, missing_files: missing.len() };
    if !arguments.json {
        print_incomplete(retried.incomplete_records);
    }
    if ids.is_empty() {
        if let Some(error) = missing.into_iter().next() {
            return Err(error.into());
        }
        if arguments.json {
            once::print(&database, &Summary::default(), Some(retried), true)?;
        } else {
            println!("no rejected record can be retried");
        }
        return Ok(ExitCode::Success);
    }
    let settings = Settings { settle: std::time::Duration::ZERO, ..settings.clone() };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let job = Job { settings: &settings, database: &database, cancel: &cancel, progress: &progress };
    let summary = pipeline::load_inbox(&job, "retry", Recovery::Always)?;
    drop(meter);
    once::print(&database, &summary, Some(retried), arguments.json)?;
    Ok(match exit_code(&summary) {
        ExitCode::Success if !missing.is_empty() => ExitCode::Rejected,
        code => code,
    })
}

fn print_incomplete(rejects: i64) {
    if rejects > 0 {
        let subject = if rejects == 1 { "reject is" } else { "rejects are" };
        println!(
            "{rejects} {subject} incomplete: raise the limit that the message names, or request the file again"
        );
    }
}
