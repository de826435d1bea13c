//! `fhirmill views apply`, `list` and `drop`: the tables of views.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use fhirmill_core::json::Dictionary;
use fhirmill_core::views::{View, render};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::failpoint::{self, ViewStep};
use fhirmill_postgres::ledger::{self, AppliedView, NewVersion, ServiceEntry};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::super::{Refusal, cancel_on_signal, reading};
use super::read_definition;
use crate::cli::{ExitCode, JsonArguments, ViewsApplyArguments, ViewsDropArguments};
use crate::config::Settings;
use crate::pipeline::{self, FillEnd, Job};
use crate::report::{ProgressMeter, Unit};

/// How often a command that waits for another process looks how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A definition that can be applied.
struct Definition {
    name: String,
    text: String,
    view: View,
}

/// Applies the view of each file. Nothing is done if one of them has a mistake. A service
/// that runs fills the tables, otherwise this command does.
pub fn run(settings: &Settings, arguments: &ViewsApplyArguments, runtime: &Handle) -> Result<ExitCode> {
    let mut definitions = Vec::new();
    for path in &arguments.files {
        definitions.push(read(path)?);
    }
    let cancel = CancellationToken::new();
    cancel_on_signal(runtime, &cancel)?;
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let is_served = !arguments.wait && is_service_alive(&database)?;
    let mut to_fill = Vec::new();
    for definition in &definitions {
        to_fill.extend(begin(&database, definition)?);
    }
    // Readers may read the new tables.
    migrations::up(&database, MIGRATIONS)?;
    if is_served {
        for AppliedView { name, version, .. } in to_fill {
            println!(
                "{name}: version {version} is filled by the service; fhirmill views list says how far it is"
            );
        }
        return Ok(ExitCode::Success);
    }
    let progress = Arc::default();
    let job = Job { settings, database: &database, cancel: &cancel, progress: &progress };
    let mut exit_code = ExitCode::Success;
    for view in to_fill {
        let end = {
            let _meter = ProgressMeter::watch(&progress);
            fill(&job, &view)?
        };
        match tell(&view, &end) {
            ExitCode::Success => {}
            ExitCode::Interrupted => return Ok(ExitCode::Interrupted),
            other => exit_code = other,
        }
    }
    Ok(exit_code)
}

/// Whether a service runs that fills tables of views.
fn is_service_alive(database: &Database) -> Result<bool> {
    let services = ServiceEntry::list(&mut database.connect()?)?;
    Ok(services
        .iter()
        .any(|service| service.is_alive && service.program_version == env!("CARGO_PKG_VERSION")))
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

/// Makes the table of a view, if that is not done. `None` if the view is applied already.
fn begin(database: &Database, definition: &Definition) -> Result<Option<AppliedView>> {
    let Definition { name, text, view } = definition;
    let mut connection = database.connect()?;
    let begun = NewVersion::begin(&mut connection, (name, view), text)?;
    database.give_back(connection);
    match begun {
        NewVersion::Unchanged => {
            println!("{name}: unchanged");
            Ok(None)
        }
        NewVersion::ToFill(view) => {
            failpoint::passed(ViewStep::Registered);
            Ok(Some(view))
        }
    }
}

/// Fills the table, or waits for the process that does.
fn fill(job: &Job<'_>, view: &AppliedView) -> Result<FillEnd> {
    let mut is_begun = false;
    loop {
        let end = pipeline::fill_view(job, view)?;
        if end != FillEnd::Taken {
            return Ok(end);
        }
        let mut connection = job.database.connect()?;
        let versions = AppliedView::list(&mut connection)?;
        job.database.give_back(connection);
        let is_it = |of: &&AppliedView| of.name == view.name && of.version == view.version;
        let Some(current) = versions.iter().find(is_it) else { return Ok(FillEnd::Gone) };
        let resources = current.resources.unsigned_abs();
        if current.is_ready() {
            return Ok(FillEnd::Complete { resources });
        }
        if job.cancel.is_cancelled() {
            return Ok(FillEnd::Interrupted);
        }
        if !std::mem::replace(&mut is_begun, true) {
            let total = current.total_resources.unsigned_abs();
            job.progress.begin("filling", total, Unit::Items("resources"));
        }
        job.progress.set(resources);
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Prints how the filling ended.
fn tell(view: &AppliedView, end: &FillEnd) -> ExitCode {
    let AppliedView { name, version, .. } = view;
    match end {
        FillEnd::Complete { resources } => {
            println!("{name}: version {version} is ready, filled from {resources} archived resources");
            ExitCode::Success
        }
        FillEnd::Incomplete { problem } => {
            println!("{name}: incomplete, because {problem}; correct that and apply it again");
            ExitCode::Rejected
        }
        FillEnd::Gone => {
            println!("{name}: changed or dropped by somebody else meanwhile");
            ExitCode::Rejected
        }
        FillEnd::Interrupted | FillEnd::Taken => {
            println!("{name}: interrupted; apply it again, or let the service fill it");
            ExitCode::Interrupted
        }
    }
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
    for view in &views {
        println!("views.{}  version {} of {}: {}", view.table_name, view.version, view.name, state(view));
    }
    Ok(ExitCode::Success)
}

/// How far the table of a view is, in words.
pub(in crate::command) fn state(view: &AppliedView) -> String {
    let AppliedView { resources, total_resources, resource_type, problem, .. } = view;
    match (view.is_ready(), problem) {
        (true, _) => {
            format!(
                "ready; filled from {resources} archived {resource_type} resources, and by every load since"
            )
        }
        (false, Some(problem)) => format!("incomplete, because {problem}"),
        (false, None) => {
            format!("filling, {resources} of {total_resources} archived {resource_type} resources so far")
        }
    }
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
