//! `fhirmill rejects`: lists what could not be loaded, and why.

use anyhow::Result;

use super::{known, reading};
use crate::cli::{ExitCode, RejectsArguments};
use crate::config::Settings;
use fhirmill_postgres::ledger::Reject;

/// Lists rejected records that no retry has loaded since.
pub fn run(settings: &Settings, arguments: &RejectsArguments) -> Result<ExitCode> {
    let Some((_, mut connection)) = reading::open_if_any(settings)? else {
        reading::print_nothing_yet(settings, arguments.json);
        return Ok(ExitCode::Success);
    };
    if let Some(file) = arguments.file {
        known::file(&mut connection, file)?;
    }
    let rejects = Reject::list(&mut connection, arguments.file, arguments.limit)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rejects)?);
        return Ok(ExitCode::Success);
    }
    for reject in &rejects {
        println!("{:>6}  file {}, {}: {}", reject.id, reject.file_id, reject.path, reject.location);
        if let Some(resource_type) = &reject.resource_type {
            println!("        {resource_type}/{}", reject.fhir_id.as_deref().unwrap_or("(no id)"));
        }
        println!("        {}: {}", reject.reason, reject.message);
    }
    if rejects.is_empty() {
        println!("nothing is rejected");
    }
    Ok(ExitCode::Success)
}
