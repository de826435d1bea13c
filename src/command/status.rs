//! `fhirmill status`: the state of database, inbox and ledger.

use std::collections::BTreeMap;

use anyhow::Result;
use diesel::{PgConnection, QueryResult};
use serde::Serialize;

use super::{disk_lines, feed_lines, reading, snapshot_lines, views};
use crate::cli::{ExitCode, StatusArguments};
use crate::config::Settings;
use crate::inbox::{Inboxes, Scan, SkippedPath, Unreadable};
use crate::pipeline::{PipelineError, indexes};
use crate::report::disk::DiskUse;
use crate::report::health;
use fhirmill_core::model;
use fhirmill_postgres::database::Readers;
use fhirmill_postgres::ledger::{
    AppliedView, FeedEntry, LedgerStatus, ServiceEntry, SkippedRange, SnapshotEntry, SourceActivity,
    UnknownServer, ViewOrigin,
};

#[derive(Default, Serialize)]
struct Status {
    /// None before the first load.
    database: Option<String>,
    postgres_version: Option<u32>,
    waiting_files: usize,
    settling_files: usize,
    oldest_waiting_file: Option<String>,
    oldest_waiting_seconds: Option<u64>,
    skipped_paths: Vec<SkippedPath>,
    indexes_built: usize,
    indexes_missing: usize,
    #[serde(flatten)]
    ledger: LedgerStatus,
    unknown_servers: Vec<UnknownServer>,
    skipped_by_type: BTreeMap<String, i64>,
    services: Vec<ServiceEntry>,
    sources: Vec<SourceActivity>,
    feeds: Vec<FeedEntry>,
    views: Vec<AppliedView>,
    snapshots: Vec<SnapshotEntry>,
    refused_views: Vec<ViewOrigin>,
    /// None before the first load.
    disk: Option<DiskUse>,
    /// None before the first load.
    readers: Option<Readers>,
}

/// Prints the status; with `--health`, answers with the exit code alone.
pub fn run(settings: &Settings, arguments: &StatusArguments) -> Result<ExitCode> {
    settings.require_inbox()?;
    let Some((database, mut connection)) = reading::open_if_any(settings)? else {
        return nothing_yet(settings, arguments);
    };
    let services = ServiceEntry::list(&mut connection)?;
    if arguments.health {
        return Ok(match health::complaint(settings, &health::host(), &services) {
            None => ExitCode::Success,
            Some(complaint) => {
                eprintln!("unhealthy: {complaint}");
                ExitCode::CheckFailed
            }
        });
    }
    let scan = scan(settings)?;
    let ledger = LedgerStatus::load(&mut connection)?;
    let oldest = scan.oldest.as_ref();
    let missing = indexes::missing(&mut connection)?;
    let indexes_built =
        model::indexes().len() - missing.iter().filter(|missing| missing.is_secondary()).count();
    let status = Status {
        database: Some(database.url().to_string()),
        postgres_version: Some(database.version),
        waiting_files: scan.ready.len(),
        settling_files: scan.settling,
        oldest_waiting_file: oldest.map(|(_, path)| path.clone()),
        oldest_waiting_seconds: oldest.map(|(arrived, _)| arrived.elapsed().map_or(0, |age| age.as_secs())),
        skipped_paths: scan.skipped.named,
        indexes_built,
        indexes_missing: missing.len(),
        ledger,
        unknown_servers: UnknownServer::list(&mut connection)?,
        skipped_by_type: SkippedRange::by_type(&mut connection)?,
        services,
        sources: SourceActivity::list(&mut connection)?,
        feeds: FeedEntry::list(&mut connection)?,
        views: AppliedView::list(&mut connection)?,
        snapshots: SnapshotEntry::last(&mut connection)?,
        refused_views: refused_views(&mut connection)?,
        disk: Some(DiskUse::of(settings, &mut connection)?),
        readers: Some(Readers::of(&mut connection)?),
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(ExitCode::Success);
    }
    print(&status);
    Ok(ExitCode::Success)
}

/// Definitions of views that came as files or resources and are not applied.
fn refused_views(connection: &mut PgConnection) -> QueryResult<Vec<ViewOrigin>> {
    let origins = ViewOrigin::list(connection, None)?;
    Ok(origins.into_iter().filter(|origin| origin.problem.is_some()).collect())
}

/// What there is to say before the first load; not healthy, because nothing runs.
fn nothing_yet(settings: &Settings, arguments: &StatusArguments) -> Result<ExitCode> {
    if arguments.health {
        eprintln!("unhealthy: nothing has been loaded yet");
        return Ok(ExitCode::DatabaseUnavailable);
    }
    let scan = scan(settings)?;
    if arguments.json {
        let status = Status {
            database: None,
            postgres_version: None,
            waiting_files: scan.ready.len(),
            settling_files: scan.settling,
            ..Status::default()
        };
        println!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(ExitCode::Success);
    }
    println!("database   none yet: nothing has been loaded");
    println!("inbox      {} waiting, {} still being written", scan.ready.len(), scan.settling);
    println!("\n{}", reading::first_steps(settings));
    Ok(ExitCode::Success)
}

/// The files in the inbox; none in one that the first load will make.
fn scan(settings: &Settings) -> Result<Scan, PipelineError> {
    if !settings.inbox_dir.exists() && settings.storage.inbox.is_none() {
        return Ok(Scan::default());
    }
    match Inboxes::of(settings).scan(settings.settle, false) {
        (scan, None) => Ok(scan),
        (_, Some(Unreadable { address, error })) => {
            Err(PipelineError::Inbox { path: address, source: error })
        }
    }
}

fn print(status: &Status) {
    let ledger = &status.ledger;
    print_database(status);
    println!("indexes    {} built, {} missing", status.indexes_built, status.indexes_missing);
    println!("inbox      {} waiting, {} still being written", status.waiting_files, status.settling_files);
    if let (Some(path), Some(seconds)) = (&status.oldest_waiting_file, status.oldest_waiting_seconds) {
        println!("           {path} has waited longest: {}", age(seconds));
    }
    for SkippedPath { path, reason } in &status.skipped_paths {
        println!("           skipped {path}: {reason}");
    }
    print_services(&status.services);
    for source in &status.sources {
        let success = source.last_success_at.map_or("none yet".to_owned(), |at| at.to_rfc3339());
        println!("source     {}: last file loaded {success}", source.source);
    }
    for feed in &status.feeds {
        println!("feed       {} for {}", feed.name, feed.source);
        for line in feed_lines::lines(feed) {
            println!("           {line}");
        }
    }
    for view in status.views.iter().filter(|view| !view.is_ready()) {
        println!("view       {}, version {}: {}", view.name, view.version, views::apply::state(view));
    }
    for snapshot in &status.snapshots {
        println!("snapshot   {}", snapshot_lines::title(snapshot));
        println!("           {}", snapshot_lines::state(snapshot));
    }
    for ViewOrigin { origin, key, problem, .. } in &status.refused_views {
        let problem = problem.as_deref().unwrap_or_default();
        println!("view       the definition of {origin} {key} is not applied: {problem}");
    }
    match (&ledger.last_run, &ledger.last_run_status) {
        (Some(at), Some(outcome)) => println!("last run   {at}, {outcome}"),
        _ => println!("last run   none yet"),
    }
    println!(
        "files      {} loaded, {} loading, {} rejected, {} failed",
        ledger.files_loaded, ledger.files_loading, ledger.files_rejected, ledger.files_failed
    );
    println!("references {} unresolved", ledger.unresolved_references);
    for server in &status.unknown_servers {
        println!("           {}", server.advice());
    }
    println!(
        "rejects    {} records open, {} retried, {} resolved, {} dismissed: fhirmill rejects",
        ledger.records_rejected, ledger.rejects_retried, ledger.rejects_resolved, ledger.rejects_dismissed
    );
    for (name, count) in &status.skipped_by_type {
        println!("skipped    {count} {name}: fhirmill remap --resource-type {name}");
    }
    println!(
        "elements   {} not written as FHIR R4 defines them or not in the tables in full, {} that it does not define: \
         see etl.deviating_element, etl.unmapped_element",
        ledger.deviating_elements, ledger.unmapped_elements
    );
}

fn print_database(status: &Status) {
    let ledger = &status.ledger;
    if let (Some(database), Some(version)) = (&status.database, status.postgres_version) {
        println!("database   {database} (PostgreSQL {version})");
    }
    println!(
        "           {:.1} MB, {} resources inserted so far",
        ledger.database_bytes as f64 / 1e6,
        ledger.resources
    );
    if let Some(readers) = &status.readers {
        print_readers(readers);
    }
    for (number, line) in status.disk.iter().flat_map(disk_lines::lines).enumerate() {
        println!("{:<10} {line}", if number == 0 { "disk" } else { "" });
    }
}

fn print_readers(readers: &Readers) {
    let Readers { role, exists, other_databases } = readers;
    if *exists {
        println!("readers    members of the role {role}");
    } else {
        println!("readers    none: there is no role {role}; fhirmill migrate up");
    }
    if !other_databases.is_empty() {
        println!("           who also read {}", other_databases.join(", "));
    }
}

fn print_services(services: &[ServiceEntry]) {
    let mut alive = services.iter().filter(|service| service.is_alive).peekable();
    if alive.peek().is_none() {
        println!("service    none is running");
    }
    for service in alive {
        let ServiceEntry { host, process_id, inbox, beat_seconds_ago, .. } = service;
        println!(
            "service    process {process_id} on {host} for {inbox}, heard {} ago",
            age((*beat_seconds_ago).unsigned_abs())
        );
        if let Some(since) = service.scan_started_at {
            println!("           scanning since {}", since.to_rfc3339());
        }
        match (&service.last_error, service.last_success_at) {
            (Some(error), _) => println!("           {} scans failed: {error}", service.failed_scans),
            (None, Some(at)) => println!("           last successful scan {}", at.to_rfc3339()),
            (None, None) => {}
        }
    }
}

/// A time span in words.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
