//! `fhirmill rejects`: lists what could not be loaded, and why.

use anyhow::Result;

use super::{known, reading};
use crate::cli::{DismissArguments, ExitCode, RejectsArguments, RejectsCommand};
use crate::config::Settings;
use fhirmill_postgres::ledger::{Dismissal, Reject, RejectFilter};

/// Lists rejected records that are open, or all; or dismisses some.
pub fn run(settings: &Settings, arguments: &RejectsArguments) -> Result<ExitCode> {
    if let Some(RejectsCommand::Dismiss(dismissed)) = &arguments.command {
        return dismiss(settings, dismissed);
    }
    let Some((_, mut connection)) = reading::open_if_any(settings)? else {
        reading::print_nothing_yet(settings, arguments.json);
        return Ok(ExitCode::Success);
    };
    if let Some(file) = arguments.file {
        known::file(&mut connection, file)?;
    }
    let filter = RejectFilter {
        file_id: arguments.file,
        reason: None,
        is_open: !arguments.all,
        before: None,
        limit: arguments.limit,
    };
    let rejects = Reject::list(&mut connection, filter)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rejects)?);
        return Ok(ExitCode::Success);
    }
    rejects.iter().for_each(print);
    if rejects.is_empty() {
        println!("{}", if arguments.all { "nothing was rejected" } else { "nothing is rejected" });
    }
    Ok(ExitCode::Success)
}

fn print(reject: &Reject) {
    println!("{:>6}  file {}, {}: {}", reject.id, reject.file_id, reject.path, reject.location);
    if let Some(resource_type) = &reject.resource_type {
        println!("        {resource_type}/{}", reject.fhir_id.as_deref().unwrap_or("(no id)"));
    }
    println!("        {}: {}", reject.reason, reject.message);
    if let Some(at) = reject.dismissed_at {
        let note = reject.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        println!("        dismissed {}{note}", day_and_time(at));
    } else if let Some(at) = reject.resolved_at {
        let by = reject.resolved_by.as_deref().unwrap_or("a file that the ledger no longer has");
        println!("        resolved {} by {by}", day_and_time(at));
    } else if let Some(at) = reject.retried_at {
        println!("        retried {}", day_and_time(at));
    }
}

fn day_and_time(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Dismisses the rejects that the arguments name.
fn dismiss(settings: &Settings, arguments: &DismissArguments) -> Result<ExitCode> {
    if arguments.ids.is_empty() && arguments.of_file.is_none() && arguments.reason.is_none() {
        eprintln!(
            "error: say which rejects to dismiss\n\nhint: by number, --file or --reason, such as fhirmill rejects \
             dismiss 17"
        );
        return Ok(ExitCode::Usage);
    }
    let (_, mut connection) = reading::open(settings)?;
    if let Some(file) = arguments.of_file {
        known::file(&mut connection, file)?;
    }
    let dismissal = Dismissal {
        ids: &arguments.ids,
        file_id: arguments.of_file,
        reason: arguments.reason.as_deref(),
        note: arguments.note.as_deref(),
    };
    let count = dismissal.carry_out(&mut connection)?;
    if count == 0 {
        eprintln!(
            "error: no reject that could be dismissed is like that\n\nhint: fhirmill rejects --all lists them"
        );
        return Ok(ExitCode::Usage);
    }
    println!("{count} {} dismissed", if count == 1 { "reject" } else { "rejects" });
    Ok(ExitCode::Success)
}
