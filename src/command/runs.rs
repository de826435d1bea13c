//! `fhirmill runs`: lists runs, newest first, or shows one with its files.

use anyhow::Result;
use chrono::Utc;
use diesel::PgConnection;
use serde::Serialize;

use super::files::{self, ListedFile, account_line, reasons_line};
use super::{known, reading};
use crate::cli::{ExitCode, Moment, RunsArguments};
use crate::config::Settings;
use fhirmill_postgres::ledger::{FileFilter, RunEntry, RunFilter};

/// One run with its files.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    run: RunEntry,
    files: Vec<ListedFile>,
}

/// Lists the ledger's runs, or shows one.
pub fn run(settings: &Settings, arguments: &RunsArguments) -> Result<ExitCode> {
    let Some((_, mut connection)) = reading::open_if_any(settings)? else {
        if let Some(id) = arguments.run {
            return Err(super::refusal::Refusal::new(format!(
                "there is no run {id}: nothing has been loaded yet"
            ))
            .with_hint(reading::first_steps(settings))
            .into());
        }
        reading::print_nothing_yet(settings, arguments.json);
        return Ok(ExitCode::Success);
    };
    if let Some(id) = arguments.run {
        return show(settings, &mut connection, id, arguments.json);
    }
    let instant = |moment: Moment| moment.instant(Utc::now(), settings.assume_timezone);
    let filter = RunFilter {
        statuses: &arguments.status,
        since: arguments.since.map(instant),
        until: arguments.until.map(instant),
        before: None,
        limit: i64::from(arguments.limit),
    };
    let runs = RunEntry::list(&mut connection, &filter)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&runs)?);
        return Ok(ExitCode::Success);
    }
    runs.iter().for_each(print);
    if runs.is_empty() {
        let RunsArguments { status, since, until, limit, .. } = arguments;
        let is_narrowed = !status.is_empty() || since.is_some() || until.is_some() || *limit == 0;
        println!("{}", if is_narrowed { "no run matches" } else { "no runs yet" });
    }
    Ok(ExitCode::Success)
}

/// Shows one run.
fn show(settings: &Settings, connection: &mut PgConnection, id: i64, json: bool) -> Result<ExitCode> {
    known::run(connection, id)?;
    let all = RunFilter { statuses: &[], since: None, until: None, before: None, limit: i64::MAX };
    let files = files::list(settings, connection, &FileFilter { source: None, run_id: Some(id), of: all })?;
    let detail = Detail { run: RunEntry::of(connection, id)?, files };
    if json {
        println!("{}", serde_json::to_string_pretty(&detail)?);
        return Ok(ExitCode::Success);
    }
    print(&detail.run);
    println!("        by fhirmill {}", detail.run.program_version);
    if detail.files.is_empty() {
        println!("        no files");
    } else {
        println!();
        files::print(&detail.files);
    }
    Ok(ExitCode::Success)
}

fn print(run: &RunEntry) {
    let ending = match (run.seconds, run.is_broken_off) {
        (Some(seconds), _) => format!("after {seconds:.1} s"),
        (None, true) => "broken off; the next run finishes it".to_owned(),
        (None, false) => "now".to_owned(),
    };
    println!("{:>6}  {}  {:<7} {} {ending}", run.id, run.started_at, run.command, run.status);
    if !run.file_counts.is_empty() {
        println!("        files: {} from {}", reasons_line(&run.file_counts), run.sources.join(", "));
    }
    if let (Some(seen), Some(account)) = (run.count("seen"), run.account()) {
        println!("        {}", account_line(seen, &account));
    }
    if !run.rejected_by_reason.is_empty() {
        println!("        rejected: {}", reasons_line(&run.rejected_by_reason));
    }
}
