//! `fhirmill generate`: writes files of invented patients.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::cli::{ExitCode, GenerateArguments, GenerateFormat};
use crate::inbox::Landing;
use crate::report::{ProgressMeter, RunProgress, Unit};
use fhirmill_synthetic::{Format, Options, Output, Written, generate};

/// Writes the files.
pub fn run(arguments: &GenerateArguments) -> Result<ExitCode> {
    let options = Options {
        patients: arguments.patients,
        seed: arguments.seed,
        format: match arguments.format {
            GenerateFormat::Bundles => Format::Bundles,
            GenerateFormat::Ndjson => Format::Ndjson,
            GenerateFormat::Bundle => Format::Bundle,
        },
    };
    let progress: Arc<RunProgress> = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    progress.begin("writing", arguments.patients, Unit::Items("patients"));
    let written =
        generate(&options, &mut Landings { folder: &arguments.out }, &mut |patients| progress.set(patients))
            .with_context(|| format!("{} cannot be written", arguments.out.display()))?;
    drop(meter);
    let Written { files, resources, bytes } = written;
    println!(
        "{files} files, {resources} resources, {:.1} MB in {}",
        bytes as f64 / 1e6,
        arguments.out.display()
    );
    Ok(ExitCode::Success)
}

/// Files that are landed, since the folder may be part of the inbox.
struct Landings<'f> {
    folder: &'f Path,
}

impl Output for Landings<'_> {
    type File = Landing;

    fn create(&mut self, name: &str) -> io::Result<Landing> {
        Landing::begin(self.folder, name)
    }

    fn finish(&mut self, file: Landing) -> io::Result<()> {
        file.replace().map(drop)
    }
}
