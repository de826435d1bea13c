//! `fhirmill snapshot`: takes and lists snapshots.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::Result;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::SnapshotEntry;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Refusal, reading, snapshot_lines};
use crate::cli::{ExitCode, SnapshotArguments, SnapshotCommand, SnapshotTakeArguments};
use crate::config::{Keep, Settings, SnapshotFormat, SnapshotPlan, SnapshotTarget, nearest_name, values};
use crate::report::ProgressMeter;
use crate::snapshot::{Manifest, SnapshotError, SnapshotJob, Taken, take};

/// Runs the command.
pub fn run(settings: &Settings, arguments: &SnapshotArguments, runtime: &Handle) -> Result<ExitCode> {
    match &arguments.command {
        Some(SnapshotCommand::List(arguments)) => list(settings, arguments.json),
        Some(SnapshotCommand::Run(arguments)) => {
            let names = || settings.snapshots.iter().map(|snapshot| snapshot.name.as_str());
            let Some(declared) = settings.snapshots.iter().find(|known| known.name == arguments.name) else {
                let hint = match nearest_name(&arguments.name, names()) {
                    Some(nearest) => format!("did you mean {nearest}?"),
                    None => "declare it in fhirmill.toml, as [[snapshot]]".to_owned(),
                };
                let refusal = Refusal::new(format!("there is no snapshot {}", arguments.name));
                return Err(refusal.with_hint(hint).into());
            };
            take_now(settings, (Some(&declared.name), &declared.plan), runtime, arguments.json)
        }
        None => take_now(settings, (None, &plan(&arguments.take)?), runtime, arguments.take.json),
    }
}

/// What the arguments stand for.
fn plan(arguments: &SnapshotTakeArguments) -> Result<SnapshotPlan, Refusal> {
    let refused = |name: &str, expectation: String| Refusal::new(format!("{name} must be {expectation}"));
    let to = arguments.to.as_deref().unwrap_or_default();
    let age = arguments.keep_for.as_deref().map(values::long_duration).transpose();
    Ok(SnapshotPlan {
        to: SnapshotTarget::from_str(to).map_err(|expectation| refused("--to", expectation))?,
        format: SnapshotFormat::from_str(&arguments.format)
            .map_err(|expectation| refused("--format", expectation))?,
        schemas: arguments.schemas.clone(),
        tables: arguments.tables.clone(),
        is_whole: arguments.whole,
        keep: Keep {
            number: arguments.keep,
            age: age.map_err(|expectation| refused("--keep-for", expectation))?,
        },
    })
}

fn take_now(
    settings: &Settings,
    (name, plan): (Option<&str>, &SnapshotPlan),
    runtime: &Handle,
    json: bool,
) -> Result<ExitCode> {
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let job = SnapshotJob { settings, database: &database, name, plan, cancel: &cancel, progress: &progress };
    let taken = take(&job);
    drop(meter);
    let taken = match taken {
        Err(SnapshotError::Cancelled) => {
            eprintln!("stopped: nothing of the snapshot is left");
            return Ok(ExitCode::Interrupted);
        }
        taken => taken?,
    };
    print(plan, &taken, json)?;
    Ok(ExitCode::Success)
}

/// What was written, for programs.
#[derive(Serialize)]
struct Report<'t> {
    id: i64,
    target: String,
    folder: &'t str,
    taken_at: String,
    format: &'t str,
    tables: usize,
    tables_reused: usize,
    rows: u64,
    bytes: u64,
    removed: &'t [String],
}

fn print(plan: &SnapshotPlan, taken: &Taken, json: bool) -> Result<()> {
    let Taken { id, manifest, removed } = taken;
    let Manifest { name, taken_at, format, tables, rows, bytes, .. } = manifest;
    let tables_reused = tables.iter().filter(|table| table.is_reused).count();
    let report = Report {
        id: *id,
        target: plan.to.to_string(),
        folder: name,
        taken_at: taken_at.to_rfc3339(),
        format,
        tables: tables.len(),
        tables_reused,
        rows: *rows,
        bytes: *bytes,
        removed,
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    println!("snapshot {id}: {}/{name}", report.target);
    println!(
        "{} tables and views, {tables_reused} of them unchanged; {rows} rows, {:.1} MB",
        report.tables,
        *bytes as f64 / 1e6
    );
    for name in removed {
        println!("removed {name}");
    }
    Ok(())
}

fn list(settings: &Settings, json: bool) -> Result<ExitCode> {
    let Some((_, mut connection)) = reading::open_if_any(settings)? else {
        reading::print_nothing_yet(settings, json);
        return Ok(ExitCode::Success);
    };
    let entries = SnapshotEntry::list(&mut connection)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&entries)?);
        return Ok(ExitCode::Success);
    }
    if entries.is_empty() {
        println!("there are no snapshots: `fhirmill snapshot --to FOLDER` takes one");
    }
    for entry in &entries {
        println!("{}", snapshot_lines::title(entry));
        println!("  {}", snapshot_lines::state(entry));
    }
    Ok(ExitCode::Success)
}
