//! `fhirmill erase`: erases a person.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;

use anyhow::Result;
use diesel::PgConnection;
use nix::unistd::{Uid, User};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::known;
use super::refusal::Refusal;
use crate::cli::{EraseArguments, ExitCode};
use crate::config::Settings;
use crate::pipeline::Job;
use crate::pipeline::erase::{self, EraseError, Erased, FileAction};
use crate::report::{ProgressMeter, RunProgress};
use fhirmill_core::fhir::{Address, ResourceType};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::erase::{Erasure, Shared, Subject};
use fhirmill_postgres::ledger::Source;

/// How many names of resources are printed.
const MOST_NAMES: usize = 20;

/// Erases the person that the arguments name, or does what else they say.
pub fn run(settings: &Settings, arguments: &EraseArguments, runtime: &Handle) -> Result<ExitCode> {
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut connection = database.connect()?;
    if arguments.list {
        return list(&Erasure::list(&mut connection)?, arguments.json);
    }
    let subject = match &arguments.patient {
        Some(patient) => Some(subject(&mut connection, patient, arguments)?),
        None => None,
    };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress: Arc<RunProgress> = Arc::default();
    let job = Job { settings, database: &database, cancel: &cancel, progress: &progress };
    let meter = ProgressMeter::watch(&progress);
    let done = carry_out(&job, subject.as_ref(), arguments, &mut connection, meter);
    match done {
        Err(EraseOrRefusal::Erase(EraseError::Interrupted)) => {
            eprintln!("{}", EraseError::Interrupted);
            Ok(ExitCode::Interrupted)
        }
        Err(EraseOrRefusal::Erase(error @ EraseError::SharedResources(_))) => {
            let hint = "--dry-run lists them; --shared erase or --shared keep says what becomes of them";
            Err(Refusal::new(format!("nothing was erased: {error}")).with_hint(hint).into())
        }
        Err(EraseOrRefusal::Erase(error @ EraseError::Busy)) => {
            Err(Refusal::new(format!("nothing was erased: {error}"))
                .with_hint("try again when it has ended")
                .into())
        }
        Err(EraseOrRefusal::Erase(error)) => Err(error.into()),
        Err(EraseOrRefusal::Refusal(error)) => Err(error),
        Ok(code) => {
            if !arguments.dry_run {
                super::deidentify::refresh(settings, &database);
            }
            Ok(code)
        }
    }
}

/// Why nothing was done.
enum EraseOrRefusal {
    Erase(EraseError),
    Refusal(anyhow::Error),
}

impl From<EraseError> for EraseOrRefusal {
    fn from(error: EraseError) -> Self {
        EraseOrRefusal::Erase(error)
    }
}

impl From<diesel::result::Error> for EraseOrRefusal {
    fn from(error: diesel::result::Error) -> Self {
        EraseOrRefusal::Erase(error.into())
    }
}

/// Finishes what was begun before; then tells, asks and erases.
fn carry_out(
    job: &Job<'_>,
    subject: Option<&Subject>,
    arguments: &EraseArguments,
    connection: &mut PgConnection,
    meter: ProgressMeter,
) -> Result<ExitCode, EraseOrRefusal> {
    if !arguments.dry_run {
        if !Erasure::lock(connection)? {
            return Err(EraseError::Busy.into());
        }
        let finished = erase::finish_pending(job)?;
        if finished > 0 || subject.is_none() {
            eprintln!("{finished} erasures that were begun before are finished");
        }
    }
    let Some(subject) = subject else { return Ok(ExitCode::Success) };
    if !arguments.yes {
        let found = erase::search(job, subject)?;
        drop(meter);
        if arguments.dry_run || found.is_nothing() {
            return tell(&found, arguments, true);
        }
        if !found.shared.is_empty() && subject.shared.is_none() {
            return Err(EraseError::SharedResources(found.shared.len()).into());
        }
        print(&found, true);
        if !is_confirmed(&subject.fhir_id).map_err(EraseOrRefusal::Refusal)? {
            println!("nothing was erased");
            return Ok(ExitCode::Success);
        }
    }
    let erased = erase::erase(job, subject, &user())?;
    tell(&erased, arguments, false)
}

/// Whom to erase, and how.
fn subject(connection: &mut PgConnection, patient: &str, arguments: &EraseArguments) -> Result<Subject> {
    let source = arguments.source.as_deref().unwrap_or_default();
    known::source(connection, source)?;
    let source_id = Source::id_of(connection, source)?;
    let refused = || {
        Refusal::new("only patients are erased")
            .with_hint("name one as Patient/ID, as in the source's own records")
    };
    let fhir_id = match Address::parse(patient) {
        Address::Rest { base: None, resource_type, id, version: None }
            if ResourceType::named("Patient") == Some(resource_type) =>
        {
            id.into_owned()
        }
        _ => return Err(refused().into()),
    };
    Ok(Subject {
        source_id,
        fhir_id,
        shared: arguments.shared.as_deref().and_then(Shared::of_word),
        with_links: !arguments.without_links,
    })
}

/// The user of the operating system who erases.
fn user() -> String {
    let uid = Uid::current();
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => format!("user {uid}"),
    }
}

/// Asks at the terminal.
fn is_confirmed(fhir_id: &str) -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(Refusal::new("nothing was erased: nobody can be asked")
            .with_hint("--yes erases without a question; --dry-run tells what it would erase")
            .into());
    }
    eprint!("Erase Patient/{fhir_id} for good? This cannot be undone. [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The answer. Its JSON is part of the interface.
#[derive(Serialize)]
struct Report<'r> {
    is_dry_run: bool,
    #[serde(flatten)]
    erased: &'r Erased,
}

fn tell(erased: &Erased, arguments: &EraseArguments, is_dry_run: bool) -> Result<ExitCode, EraseOrRefusal> {
    if arguments.json {
        let report = Report { is_dry_run: arguments.dry_run, erased };
        let json =
            serde_json::to_string_pretty(&report).map_err(|error| EraseOrRefusal::Refusal(error.into()))?;
        println!("{json}");
    } else {
        print(erased, is_dry_run);
    }
    Ok(ExitCode::Success)
}

fn print(erased: &Erased, is_dry_run: bool) {
    if erased.is_nothing() {
        println!("nothing to erase: neither the tables nor the archive have this patient");
        print_limits(erased);
        return;
    }
    println!("{}", if is_dry_run { "would be erased:" } else { "erased:" });
    if erased.patients.len() > 1 {
        println!("  the patients {} are the same person", listed(&erased.patients));
    }
    for (resource_type, count) in &erased.resources {
        println!("  {resource_type}: {count} resources");
    }
    for (table, rows) in &erased.tables {
        println!("  {table}: {rows} rows");
    }
    for file in &erased.files {
        let ids: Vec<String> = file.ids.iter().map(i64::to_string).collect();
        let action = match file.action {
            FileAction::Rewritten => "written again",
            FileAction::Removed => "removed",
        };
        println!("  file {}: {} records, {action}", ids.join(", "), file.records);
    }
    println!(
        "  rejected records: {}; references in resources that stay: {}",
        erased.counts.rejects, erased.counts.removed_references
    );
    if !erased.shared.is_empty() {
        println!("resources that mention other patients, too: {}", listed(&erased.shared));
    }
    print_limits(erased);
}

/// What was not erased.
fn print_limits(erased: &Erased) {
    let numbers = |ids: &[i64]| listed(&ids.iter().map(i64::to_string).collect::<Vec<_>>());
    if !erased.missing_files.is_empty() {
        println!(
            "not searched, because the archive does not have them: files {}",
            numbers(&erased.missing_files)
        );
    }
    if !erased.files_in_inbox.is_empty() {
        println!(
            "not searched, because they are still in the inbox: files {}",
            numbers(&erased.files_in_inbox)
        );
    }
    if !erased.snapshots.is_empty() {
        println!(
            "snapshots that may hold the person: {}; delete them, and take a new one",
            numbers(&erased.snapshots)
        );
    }
    if !erased.sinks.is_empty() {
        println!(
            "sinks that delete the person's resources as soon as they are reached: {}",
            listed(&erased.sinks)
        );
    }
    if erased.remembered_keys > 0 {
        println!(
            "{} ids stay in the registry, because a service that is running may remember them; restart it, or stop \
             it and run `fhirmill erase --finish`",
            erased.remembered_keys
        );
    }
}

fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES {
        text.push_str(&format!(" and {} others", names.len() - MOST_NAMES));
    }
    text
}

fn list(erasures: &[Erasure], is_json: bool) -> Result<ExitCode> {
    if is_json {
        println!("{}", serde_json::to_string_pretty(erasures)?);
        return Ok(ExitCode::Success);
    }
    for erasure in erasures {
        println!(
            "{}  {}  {}  by {}: {} resources, {} rows, {} files written again, {} removed",
            erasure.id,
            erasure.requested_at.format("%Y-%m-%d %H:%M"),
            erasure.state,
            erasure.requested_by,
            erasure.resources,
            erasure.rows,
            erasure.files_rewritten,
            erasure.files_removed
        );
    }
    Ok(ExitCode::Success)
}
