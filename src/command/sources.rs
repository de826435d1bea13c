//! `fhirmill sources`: what is known of the senders of files.

use std::sync::Arc;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::{Refusal, known, reading};
use crate::cli::{ExitCode, SourcesCommand, SourcesSetArguments};
use crate::config::Settings;
use crate::inbox;
use crate::pipeline::{self, Job};
use crate::report::ProgressMeter;
use fhirmill_core::fhir::requested_base;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::{Source, SourceChange};

/// Lists, shows or changes sources.
pub fn run(settings: &Settings, command: &SourcesCommand) -> Result<ExitCode> {
    match command {
        SourcesCommand::List(arguments) => {
            let Some((_, mut connection)) = reading::open_if_any(settings)? else {
                reading::print_nothing_yet(settings, arguments.json);
                return Ok(ExitCode::Success);
            };
            print(&Source::list(&mut connection, None)?, arguments.json)?;
        }
        SourcesCommand::Show(arguments) => {
            let (_, mut connection) = reading::open(settings)?;
            known::source(&mut connection, &arguments.source)?;
            print(&Source::list(&mut connection, Some(&arguments.source))?, arguments.json)?;
        }
        SourcesCommand::Set(arguments) => return set(settings, arguments),
    }
    Ok(ExitCode::Success)
}

/// Changes a source, which need not have sent anything yet, and resolves the
/// references that this makes clear.
fn set(settings: &Settings, arguments: &SourcesSetArguments) -> Result<ExitCode> {
    if let Err(error) = inbox::source_folder(&settings.inbox_dir, &arguments.source) {
        let hint = "a source is the name of a folder in the inbox, such as st-marys";
        return Err(Refusal::new(error.to_string()).with_hint(hint).into());
    }
    let mut base_urls = Vec::new();
    for written in &arguments.base_url {
        let url = written.trim();
        if !url.contains("://") || url.contains(['?', '#']) || url.contains(char::is_whitespace) {
            let refusal = Refusal::new(format!("{url} is not a base URL"));
            return Err(refusal.with_hint("write it like https://ehr.example.com/R4/").into());
        }
        base_urls.push(requested_base(url).unwrap_or_else(|| format!("{}/", url.trim_end_matches('/'))));
    }
    let change = SourceChange {
        name: arguments.name.as_deref(),
        description: arguments.description.as_deref(),
        base_urls: (!base_urls.is_empty()).then_some(base_urls.as_slice()),
    };
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut connection = database.connect()?;
    Source::set(&mut connection, &arguments.source, change)?;
    print(&Source::list(&mut connection, Some(&arguments.source))?, false)?;
    if !base_urls.is_empty() {
        let progress = Arc::default();
        let cancel = CancellationToken::new();
        let meter = ProgressMeter::watch(&progress);
        let job = Job { settings, database: &database, cancel: &cancel, progress: &progress };
        let resolved = pipeline::resolve(&job, &mut connection)?;
        drop(meter);
        println!("{} resources whose references were resolved", resolved.resources);
    }
    Ok(ExitCode::Success)
}

fn print(sources: &[Source], json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(sources)?);
        return Ok(());
    }
    for source in sources {
        let name = source.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        println!("{}{name}", source.code);
        if let Some(description) = &source.description {
            println!("        {description}");
        }
        for base_url in &source.base_urls {
            println!("        {base_url}");
        }
        println!("        {} files, {} references without a key", source.files, source.unresolved_references);
    }
    Ok(())
}
