//! `fhirmill views apply`, `list` and `drop`: the tables of views.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use fhirmill_core::json::Dictionary;
use fhirmill_core::views::{View, render};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::{self, AppliedView, NewVersion};
use tokio_util::sync::CancellationToken;

use super::super::{Refusal, reading};
use super::read_definition;
use crate::cli::{ExitCode, JsonArguments, ViewsApplyArguments, ViewsDropArguments};
use crate::config::Settings;
use crate::pipeline::{self, Job};
use crate::report::ProgressMeter;

/// A definition that can be applied.
struct Definition {
    name: String,
    text: String,
    view: View,
}

/// Applies the view of each file. Nothing is done if one of them has a mistake.
pub fn run(settings: &Settings, arguments: &ViewsApplyArguments) -> Result<ExitCode> {
    let mut definitions = Vec::new();
    for path in &arguments.files {
        definitions.push(read(path)?);
    }
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut is_incomplete = false;
    for definition in &definitions {
        is_incomplete |= !apply(settings, &database, definition)?;
    }
    Ok(if is_incomplete { ExitCode::Rejected } else { ExitCode::Success })
}

fn read(path: &Path) -> Result<Definition, Refusal> {
    let text = read_definition(path)?;
    let file = path.display().to_string();
    let view = View::compile(&text, &mut Dictionary::new()).map_err(|found| {
        for diagnostic in &found {
            eprintln!("{}", render(diagnostic, &file, &text));
        }
        Refusal::new(format!("{file} cannot be applied"))
    })?;
    let Some(name) = view.name.clone() else {
        return Err(Refusal::new(format!("{file}: the view has no name"))
            .with_hint("add `\"name\": \"…\"`: its table is named after it"));
    };
    Ok(Definition { name, text, view })
}

/// Applies one view. False if its table could not be filled.
fn apply(settings: &Settings, database: &Database, definition: &Definition) -> Result<bool> {
    let Definition { name, text, view } = definition;
    let mut connection = database.connect()?;
    let begun = NewVersion::begin(&mut connection, (name, view), text)?;
    let applied = match begun {
        NewVersion::Unchanged => {
            println!("{name}: unchanged");
            return Ok(true);
        }
        NewVersion::ToFill(applied) => applied,
    };
    let (progress, cancel) = (Arc::default(), CancellationToken::new());
    let job = Job { settings, database, cancel: &cancel, progress: &progress };
    let meter = ProgressMeter::watch(&progress);
    let filled = pipeline::fill_view(&job, &applied, view)?;
    std::mem::drop(meter);
    // Readers may read the new table.
    migrations::up(database, MIGRATIONS)?;
    if filled.missing_files > 0 {
        println!(
            "{name}: {} archived files are missing, so its table is incomplete; apply it again",
            filled.missing_files
        );
        return Ok(false);
    }
    println!("{name}: version {}, {} resources, {} rows", applied.version, filled.resources, filled.rows);
    Ok(true)
}

/// Lists the views that are applied.
pub fn list(settings: &Settings, arguments: &JsonArguments) -> Result<ExitCode> {
    let Some((_, mut connection)) = reading::open_if_any(settings)? else {
        reading::print_nothing_yet(settings, arguments.json);
        return Ok(ExitCode::Success);
    };
    let views = AppliedView::list(&mut connection)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&views)?);
        return Ok(ExitCode::Success);
    }
    if views.is_empty() {
        println!("no view is applied");
    }
    for view in views {
        println!(
            "views.{}  version {} of {}, {}, made of {} resources of type {}",
            view.table_name, view.version, view.name, view.state, view.resources, view.resource_type
        );
    }
    Ok(ExitCode::Success)
}

/// Drops views.
pub fn drop(settings: &Settings, arguments: &ViewsDropArguments) -> Result<ExitCode> {
    let (_, mut connection) = reading::open(settings)?;
    let known = AppliedView::list(&mut connection)?;
    for name in &arguments.names {
        if !known.iter().any(|view| view.name.eq_ignore_ascii_case(name)) {
            return Err(Refusal::new(format!("no view is named {name}"))
                .with_hint("fhirmill views list")
                .into());
        }
    }
    for name in &arguments.names {
        ledger::remove_view(&mut connection, name)?;
        println!("{name}: dropped");
    }
    Ok(ExitCode::Success)
}
