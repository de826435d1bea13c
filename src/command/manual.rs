//! `fhirmill completions` and `fhirmill man`.

use std::io::{self, Write};

use anyhow::{Context, Result};

use crate::cli::manual::{completions, write_pages};
use crate::cli::{CompletionsArguments, ExitCode, ManArguments};

/// Prints the completions for a shell.
pub fn print_completions(arguments: &CompletionsArguments) -> Result<ExitCode> {
    io::stdout().write_all(&completions(arguments.shell))?;
    Ok(ExitCode::Success)
}

/// Writes man pages.
pub fn write_man(arguments: &ManArguments) -> Result<ExitCode> {
    let pages = write_pages(&arguments.to)
        .with_context(|| format!("man pages cannot be written to {}", arguments.to.display()))?;
    println!("{pages} pages in {}", arguments.to.display());
    Ok(ExitCode::Success)
}
