//! `fhirmill undo`: takes back what files brought, or brings it back.

use std::sync::Arc;

use anyhow::Result;
use diesel::PgConnection;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::known;
use super::refusal::Refusal;
use crate::cli::{ExitCode, UndoArguments};
use crate::config::Settings;
use crate::pipeline::Job;
use crate::pipeline::undo::{self, Action, Changes, UndoError};
use crate::report::ProgressMeter;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::undo::{ChangedResources, TableRows, UndoFile};

/// Undoes the files that the arguments name.
pub fn run(settings: &Settings, arguments: &UndoArguments, runtime: &Handle) -> Result<ExitCode> {
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let action = Action { is_redo: arguments.redo, is_dry_run: arguments.dry_run };
    let files = wanted(&mut database.connect()?, arguments)?;
    let changes = if files.is_empty() {
        Changes::default()
    } else {
        let cancel = CancellationToken::new();
        super::cancel_on_signal(runtime, &cancel)?;
        let progress = Arc::default();
        let meter = ProgressMeter::watch(&progress);
        let job = Job { settings, database: &database, cancel: &cancel, progress: &progress };
        let changes = match undo::undo(&job, &files, action) {
            Err(UndoError::Interrupted) => {
                eprintln!("{}", UndoError::Interrupted);
                return Ok(ExitCode::Interrupted);
            }
            changes => changes?,
        };
        drop(meter);
        changes
    };
    if arguments.json {
        let report = Report { is_dry_run: action.is_dry_run, is_redo: action.is_redo, changes: &changes };
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&changes, action);
    }
    Ok(ExitCode::Success)
}

/// The files that are named and not yet as they are to be; refuses those that are neither
/// loaded nor taken back.
fn wanted(connection: &mut PgConnection, arguments: &UndoArguments) -> Result<Vec<UndoFile>> {
    for file in &arguments.file {
        known::file(connection, *file)?;
    }
    let ids = match arguments.run {
        Some(run) => {
            known::run(connection, run)?;
            UndoFile::of_run(connection, run)?
        }
        None => arguments.file.clone(),
    };
    let mut files = UndoFile::list(connection, &ids)?;
    if let Some(file) =
        files.iter().find(|file| ["loading", "failed", "abandoned", "erased"].contains(&&*file.status_now))
    {
        let complaint =
            format!("file {} is {}: there is nothing complete to take back", file.id, file.status_now);
        let hint = "`fhirmill files` shows what became of files";
        return Err(Refusal::new(complaint).with_hint(hint).into());
    }
    files.retain(|file| (file.status_now == "undone") == arguments.redo);
    if arguments.redo {
        for file in files.iter().filter(|file| file.stored.status == "duplicate") {
            if !file.has_loaded_twin(connection)? {
                let complaint = format!("file {} only repeats a file that is taken back", file.id);
                let hint = "bring that one back first: `fhirmill files --status undone`";
                return Err(Refusal::new(complaint).with_hint(hint).into());
            }
        }
    }
    Ok(files)
}

/// What was undone. Its JSON is part of the interface.
#[derive(Serialize)]
struct Report<'r> {
    is_dry_run: bool,
    is_redo: bool,
    #[serde(flatten)]
    changes: &'r Changes,
}

fn print(changes: &Changes, action: Action) {
    let done = match (action.is_redo, action.is_dry_run) {
        (false, false) => "taken back",
        (false, true) => "would be taken back",
        (true, false) => "brought back",
        (true, true) => "would be brought back",
    };
    if changes.files.is_empty() {
        let state = if action.is_redo { "taken back" } else { "there to take back" };
        println!("nothing to do: no file is {state}");
        return;
    }
    for file in &changes.files {
        println!("file {} ({}) {done}", file.id, file.path);
        if let Some(later) = file.counts_instead {
            match action.is_redo {
                false => println!("  file {later} has the same bytes, came later, and counts instead"),
                true => println!("  file {later} has the same bytes, and is a duplicate again"),
            }
        }
    }
    for of_type in changes.resources.iter().filter(|of_type| of_type.count() + of_type.unchanged > 0) {
        println!("  {}", resources_line(of_type));
    }
    for (table, TableRows { removed, written }) in &changes.tables {
        println!("  {table}: {removed} rows removed, {written} written");
    }
    let open = changes.dismissed_rejects;
    let resolved = changes.reopened_rejects;
    let (of_file, by_file) = match action.is_redo {
        false => ("dismissed", "open again"),
        true => ("open again", "resolved"),
    };
    if open + resolved > 0 {
        println!("  rejects: {open} of these files {of_file}, {resolved} that they had resolved {by_file}");
    }
}

/// What became of the resources of a type.
fn resources_line(of_type: &ChangedResources) -> String {
    let ChangedResources { resource_type, removed, replaced, revived, added, deleted, unchanged } = of_type;
    let counts = [
        (removed, "removed"),
        (added, "added"),
        (replaced, "with another version"),
        (revived, "no longer deleted"),
        (deleted, "deleted"),
        (unchanged, "unchanged"),
    ];
    let counts =
        counts.iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!("{count} {what}"));
    format!("{resource_type}: {}", counts.collect::<Vec<_>>().join(", "))
}
