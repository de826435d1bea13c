//! `fhirmill forward`: sends resources to the FHIR servers of the settings, and tells how far
//! that is.

use anyhow::{Result, anyhow};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::forward::{Sink, SinkStatus, retry_refused};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Refusal, reading};
use crate::cli::{ExitCode, ForwardCommand};
use crate::config::{Settings, SinkSettings, nearest_name};
use crate::feeds::http::{Failure, HttpClient};
use crate::forward::{Leader, Until, register_all};
use crate::report::in_one_line;

/// Runs the command.
pub fn run(settings: &Settings, command: &ForwardCommand, runtime: &Handle) -> Result<ExitCode> {
    match command {
        ForwardCommand::Status(arguments) => status(settings, arguments.json),
        ForwardCommand::Retry(arguments) => retry(settings, arguments.name.as_deref()),
        ForwardCommand::Run(arguments) => send(settings, arguments.name.as_deref(), runtime, Until::Stopped),
        ForwardCommand::Once(arguments) => send(settings, arguments.name.as_deref(), runtime, Until::Drained),
        ForwardCommand::Forget(arguments) => forget(settings, &arguments.name),
    }
}

/// A sink of the ledger.
#[derive(Serialize)]
struct Listed {
    /// Whether the settings file has it.
    is_declared: bool,
    #[serde(flatten)]
    status: SinkStatus,
}

fn status(settings: &Settings, json: bool) -> Result<ExitCode> {
    let known = match reading::open_if_any(settings)? {
        Some((_, mut connection)) => SinkStatus::list(&mut connection)?,
        None => Vec::new(),
    };
    let is_declared = |status: &SinkStatus| settings.sinks.iter().any(|sink| sink.name == status.name);
    let listed: Vec<Listed> =
        known.into_iter().map(|status| Listed { is_declared: is_declared(&status), status }).collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&listed)?);
        return Ok(ExitCode::Success);
    }
    for Listed { is_declared, status } in &listed {
        print(*is_declared, status);
    }
    for declared in &settings.sinks {
        if !listed.iter().any(|known| known.status.name == declared.name) {
            println!("{}: new; `fhirmill run` or `fhirmill forward once` begins to send", declared.name);
        }
    }
    if listed.is_empty() && settings.sinks.is_empty() {
        println!("there are no sinks: declare them in fhirmill.toml, as [[sink]]");
    }
    Ok(ExitCode::Success)
}

fn print(is_declared: bool, status: &SinkStatus) {
    let undeclared = if is_declared { "" } else { ", which the settings no longer have" };
    println!("{}: {} to {}, {}{undeclared}", status.name, status.source, status.url, status.state);
    println!(
        "  outstanding: {} batches with at most {} resources, {} deletions; the oldest waits for {:.0} s",
        status.outstanding_batches,
        status.outstanding_resources,
        status.outstanding_deletes,
        status.lag_seconds
    );
    println!(
        "  accepted {}, deleted {}, in {} Bundles",
        status.accepted_total, status.deleted_total, status.requests_total
    );
    if status.refused + status.awaiting_references > 0 {
        println!(
            "  refused: {}, and {} that await others; see etl.sink_refusal, and `fhirmill forward retry`",
            status.refused, status.awaiting_references
        );
    }
    if let (Some(since), Some(error)) = (&status.failing_since, &status.last_error) {
        println!("  failing since {}: {error}", since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    }
}

/// The sinks of the settings that are meant.
fn declared<'s>(settings: &'s Settings, name: Option<&str>) -> Result<Vec<&'s SinkSettings>> {
    let found: Vec<&SinkSettings> =
        settings.sinks.iter().filter(|sink| name.is_none_or(|name| sink.name == name)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let names = settings.sinks.iter().map(|sink| sink.name.as_str());
    let (refusal, nearest) = match name {
        Some(name) => (format!("there is no sink {name}"), nearest_name(name, names)),
        None => ("there are no sinks".to_owned(), None),
    };
    let hint = match nearest {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => "declare it in fhirmill.toml, as [[sink]]".to_owned(),
    };
    Err(Refusal::new(refusal).with_hint(hint).into())
}

fn open(settings: &Settings) -> Result<Database> {
    let database = Database::open(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    Ok(database)
}

fn retry(settings: &Settings, name: Option<&str>) -> Result<ExitCode> {
    let declared = declared(settings, name)?;
    let mut connection = open(settings)?.connect()?;
    for sink in declared {
        let count = match Sink::named(&mut connection, &sink.name)? {
            Some(sink) => retry_refused(&mut connection, &sink)?,
            None => 0,
        };
        println!("{}: {count} refused resources are sent again", sink.name);
    }
    Ok(ExitCode::Success)
}

fn forget(settings: &Settings, name: &str) -> Result<ExitCode> {
    let mut connection = open(settings)?.connect()?;
    let Some(sink) = Sink::named(&mut connection, name)? else {
        return Err(Refusal::new(format!("the ledger has no sink {name}")).into());
    };
    if !sink.forget(&mut connection)? {
        let hint = "take it out of fhirmill.toml and stop the processes that send to it";
        return Err(Refusal::new(format!("a process sends to sink {name}"))
            .with_hint(hint.to_owned())
            .into());
    }
    println!("{name} is forgotten; the server keeps what it has");
    Ok(ExitCode::Success)
}

fn send(settings: &Settings, name: Option<&str>, runtime: &Handle, until: Until) -> Result<ExitCode> {
    let declared = declared(settings, name)?;
    let database = open(settings)?;
    register_all(&mut database.connect()?, settings)?;
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let ended: Vec<Result<ExitCode>> = std::thread::scope(|scope| {
        let start = |sink: &'_ SinkSettings| {
            let sink = sink.clone();
            let (database, cancel) = (&database, &cancel);
            scope.spawn(move || send_to(settings, &sink, (database, runtime, cancel), until))
        };
        let threads: Vec<_> = declared.into_iter().map(start).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut code = ExitCode::Success;
    for ended in ended {
        match ended? {
            ExitCode::Success => {}
            other => code = other,
        }
    }
    Ok(code)
}

fn send_to(
    settings: &Settings,
    declared: &SinkSettings,
    (database, runtime, cancel): (&Database, &Handle, &CancellationToken),
    until: Until,
) -> Result<ExitCode> {
    let http = HttpClient::new(None, runtime, cancel)?;
    let sent = Leader::new(settings, declared, http, until)?.run(database);
    let name = &declared.name;
    match sent {
        Ok(sent) => {
            println!(
                "{name}: {} accepted, {} deleted, {} refused",
                sent.accepted, sent.deleted, sent.refused
            );
            let open = SinkStatus::list(&mut database.connect()?)?;
            let open = open.iter().find(|status| status.name == *name);
            let has_refused = open.is_some_and(|status| status.refused + status.awaiting_references > 0);
            Ok(if has_refused { ExitCode::Rejected } else { ExitCode::Success })
        }
        Err(Failure::Cancelled) if until == Until::Stopped => Ok(ExitCode::Success),
        Err(Failure::Cancelled) => Ok(ExitCode::Interrupted),
        Err(failure) => Err(anyhow!("sink {name}: {}", in_one_line(&failure))),
    }
}
