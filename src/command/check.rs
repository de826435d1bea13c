//! `fhirmill check`: verifies that tables, keys and ledger agree.

use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::reading;
use crate::cli::{CheckArguments, ExitCode};
use crate::config::Settings;
use crate::pipeline::{self, ArchiveCheck, ArchiveFinding, Job};
use crate::report::{ProgressMeter, RunProgress, Unit};
use fhirmill_core::model;
use fhirmill_postgres::ledger::{AppliedView, FilledTables, Rule};

/// A rule, and how many rows break it.
#[derive(Serialize)]
struct Finding {
    rule: String,
    broken: i64,
}

/// Checks every rule and prints those that are broken.
pub fn run(settings: &Settings, arguments: &CheckArguments) -> Result<ExitCode> {
    let (database, mut connection) = reading::open(settings)?;
    let mut findings = Vec::new();
    let views = AppliedView::list(&mut connection)?;
    let mut rules = Rule::all(&model::tables());
    rules.extend(views.iter().map(Rule::of_view));
    let progress: Arc<RunProgress> = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    progress.begin("checking", (rules.len() + views.len()) as u64, Unit::Items("rules"));
    let filled = FilledTables::find(&mut connection)?;
    for rule in rules {
        let broken = rule.count_broken(&mut connection, &filled)?;
        findings.push(Finding { rule: rule.sentence, broken });
        progress.set(findings.len() as u64);
    }
    let cancel = CancellationToken::new();
    let job = Job { settings, database: &database, cancel: &cancel, progress: &progress };
    for view in views.iter().filter(|view| view.is_ready()) {
        let rule = format!("the rows of views.{} are what its definition gives", view.table_name);
        let broken = pipeline::verify_view(&job, view)?;
        findings.push(Finding { rule, broken: i64::try_from(broken).unwrap_or(i64::MAX) });
    }
    let rules = findings.len();
    let archive = if arguments.archive { Some(pipeline::check_archive(&job)?) } else { None };
    for ArchiveFinding { problem, resources } in archive.iter().flat_map(|archive| &archive.findings) {
        findings.push(Finding { rule: problem.clone(), broken: *resources });
    }
    drop(meter);
    let broken: Vec<&Finding> = findings.iter().filter(|finding| finding.broken > 0).collect();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&broken)?);
    } else {
        for finding in &broken {
            println!("BROKEN  {:>10} rows: {}", finding.broken, finding.rule);
        }
        let broken_files = archive.as_ref().map_or(0, |archive| archive.findings.len());
        println!("{rules} rules checked, {} broken", broken.len() - broken_files);
        if let Some(ArchiveCheck { files, positions, .. }) = archive {
            println!("{files} archived files with {positions} resources read, {broken_files} files broken");
        }
    }
    Ok(if broken.is_empty() { ExitCode::Success } else { ExitCode::CheckFailed })
}
