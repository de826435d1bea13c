//! `fhirmill sources`: what is known of the senders of files.

use std::sync::Arc;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::cli::{ExitCode, SourcesCommand, SourcesSetArguments};
use crate::config::Settings;
use crate::pipeline::{self, Job};
use crate::report::ProgressMeter;
use fhirmill_core::fhir::requested_base;
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::{Source, SourceChange};

/// Lists, shows or changes sources.
pub fn run(settings: &Settings, command: &SourcesCommand) -> Result<ExitCode> {
    let database = Database::open(&settings.database(), Wait::No)?;
    match command {
        SourcesCommand::List(arguments) => {
            let sources = Source::list(&mut database.connect()?, None)?;
            print(&sources, arguments.json)?;
        }
        SourcesCommand::Show(arguments) => {
            let sources = Source::list(&mut database.connect()?, Some(&arguments.source))?;
            if sources.is_empty() {
                return Ok(unknown(&arguments.source));
            }
            print(&sources, arguments.json)?;
        }
        SourcesCommand::Set(arguments) => return set(settings, &database, arguments),
    }
    Ok(ExitCode::Success)
}

fn unknown(source: &str) -> ExitCode {
    eprintln!("error: there is no source {source}\n\nhint: fhirmill sources list");
    ExitCode::Usage
}

/// Changes a source, and resolves the references that this makes clear.
fn set(settings: &Settings, database: &Database, arguments: &SourcesSetArguments) -> Result<ExitCode> {
    let mut base_urls = Vec::new();
    for written in &arguments.base_url {
        let url = written.trim();
        if !url.contains("://") || url.contains(['?', '#']) || url.contains(char::is_whitespace) {
            eprintln!("error: {url} is no base URL\n\nhint: such as https://ehr.example.com/R4/");
            return Ok(ExitCode::Usage);
        }
        base_urls.push(requested_base(url).unwrap_or_else(|| format!("{}/", url.trim_end_matches('/'))));
    }
    let change = SourceChange {
        name: arguments.name.as_deref(),
        description: arguments.description.as_deref(),
        base_urls: (!base_urls.is_empty()).then_some(base_urls.as_slice()),
    };
    let mut connection = database.connect()?;
    Source::set(&mut connection, &arguments.source, change)?;
    print(&Source::list(&mut connection, Some(&arguments.source))?, false)?;
    if !base_urls.is_empty() {
        let progress = Arc::default();
        let cancel = CancellationToken::new();
        let meter = ProgressMeter::watch(&progress);
        let job = Job { settings, database, cancel: &cancel, progress: &progress };
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
