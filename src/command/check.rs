//! `fhirmill check`: verifies that tables, keys and ledger agree.

use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;

use super::reading;
use crate::cli::{CheckArguments, ExitCode};
use crate::config::Settings;
use crate::report::{ProgressMeter, RunProgress, Unit};
use fhirmill_core::model;
use fhirmill_postgres::ledger::Rule;

/// A rule, and how many rows break it.
#[derive(Serialize)]
struct Finding {
    rule: String,
    broken: i64,
}

/// Checks every rule and prints those that are broken.
pub fn run(settings: &Settings, arguments: &CheckArguments) -> Result<ExitCode> {
    let (_, mut connection) = reading::open(settings)?;
    let mut findings = Vec::new();
    let rules = Rule::all(&model::tables());
    let progress: Arc<RunProgress> = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    progress.begin("checking", rules.len() as u64, Unit::Items("rules"));
    for rule in rules {
        let broken = rule.count_broken(&mut connection)?;
        findings.push(Finding { rule: rule.sentence, broken });
        progress.set(findings.len() as u64);
    }
    drop(meter);
    let broken: Vec<&Finding> = findings.iter().filter(|finding| finding.broken > 0).collect();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&broken)?);
    } else {
        for finding in &broken {
            println!("BROKEN  {:>10} rows: {}", finding.broken, finding.rule);
        }
        println!("{} rules checked, {} broken", findings.len(), broken.len());
    }
    Ok(if broken.is_empty() { ExitCode::Success } else { ExitCode::CheckFailed })
}
