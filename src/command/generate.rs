//! `fhirmill generate`: files of invented patients.

use anyhow::{Context, Result};

use crate::cli::{ExitCode, GenerateArguments, GenerateFormat};
use crate::report::{ProgressMeter, Unit};
use fhirmill_synthetic::{Format, Options, Written, generate};

/// Writes the files.
pub fn run(arguments: &GenerateArguments) -> Result<ExitCode> {
    let options = Options {
        patients: arguments.patients,
        seed: arguments.seed,
        out: arguments.out.clone(),
        format: match arguments.format {
            GenerateFormat::Bundles => Format::Bundles,
            GenerateFormat::Ndjson => Format::Ndjson,
            GenerateFormat::Bundle => Format::Bundle,
        },
    };
    let meter = ProgressMeter::new();
    meter.begin("writing", arguments.patients, Unit::Items("patients"));
    let written = generate(&options, &mut |patients| meter.set(patients))
        .with_context(|| format!("{} cannot be written", options.out.display()))?;
    meter.end();
    let Written { files, resources, bytes } = written;
    println!(
        "{files} files, {resources} resources, {:.1} MB in {}",
        bytes as f64 / 1e6,
        options.out.display()
    );
    Ok(ExitCode::Success)
}
