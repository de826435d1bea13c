//! `fhirmill views check`: says what is wrong with definitions.

use std::path::Path;

use anyhow::Result;
use fhirmill_core::json::Dictionary;
use fhirmill_core::views::{Diagnostic, Severity, View, render};
use serde::Serialize;

use super::read_definition;
use crate::cli::{ExitCode, ViewsCheckArguments};

/// One finding, as JSON.
#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    severity: &'static str,
    message: String,
    /// The path of the faulty value in the definition.
    path: String,
    line: usize,
    column: usize,
    help: Option<String>,
}

/// Checks each file and prints what is wrong with it.
pub fn run(arguments: &ViewsCheckArguments) -> Result<ExitCode> {
    let mut findings = Vec::new();
    let mut errors = 0;
    for path in &arguments.files {
        let text = read_definition(path)?;
        let name = path.display().to_string();
        let (found, columns) = match View::compile(&text, &mut Dictionary::new()) {
            Ok(view) => (view.warnings, Some(view.columns.len())),
            Err(found) => (found, None),
        };
        errors += usize::from(columns.is_none());
        if arguments.json {
            findings.extend(found.iter().map(|diagnostic| finding(diagnostic, path, &text)));
            continue;
        }
        for diagnostic in &found {
            println!("{}", render(diagnostic, &name, &text));
        }
        if let Some(columns) = columns {
            println!("{name}: {columns} {}", if columns == 1 { "column" } else { "columns" });
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    }
    Ok(if errors > 0 { ExitCode::CheckFailed } else { ExitCode::Success })
}

fn finding(diagnostic: &Diagnostic, path: &Path, text: &str) -> Finding {
    let (line, column) = diagnostic.position(text);
    Finding {
        file: path.display().to_string(),
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: diagnostic.message.clone(),
        path: diagnostic.path.clone(),
        line,
        column,
        help: diagnostic.help.clone(),
    }
}
