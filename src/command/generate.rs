//! `fhirmill generate`: files of invented patients.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{ExitCode, GenerateArguments, GenerateFormat};
use crate::generate::{Format, Plan, Written, generate};

/// Writes the files; shows a bar on a terminal.
pub fn run(arguments: &GenerateArguments) -> Result<ExitCode> {
    let plan = Plan {
        patients: arguments.patients,
        seed: arguments.seed,
        out: arguments.out.clone(),
        format: match arguments.format {
            GenerateFormat::Bundles => Format::Bundles,
            GenerateFormat::Ndjson => Format::Ndjson,
            GenerateFormat::Bundle => Format::Bundle,
        },
    };
    let bar = if std::io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} patients, {eta} left")?;
        ProgressBar::new(arguments.patients).with_style(style)
    } else {
        ProgressBar::hidden()
    };
    let written = generate(&plan, &mut |patients| bar.set_position(patients))
        .with_context(|| format!("{} cannot be written", plan.out.display()))?;
    bar.finish_and_clear();
    let Written { files, resources, bytes } = written;
    println!("{files} files, {resources} resources, {:.1} MB in {}", bytes as f64 / 1e6, plan.out.display());
    Ok(ExitCode::Success)
}
