//! `fhirmill views`: tables that users declare.

pub(super) mod apply;
mod check;
mod run;

use std::fs;
use std::path::Path;

use anyhow::Result;
use tokio::runtime::Handle;

use super::Refusal;
use crate::cli::{ExitCode, ViewsCommand};
use crate::config::Settings;

/// Definitions are small; a larger file is something else.
const MAX_DEFINITION_BYTES: u64 = 4 << 20;

/// Runs the command.
pub fn run(settings: &Settings, command: &ViewsCommand, runtime: &Handle) -> Result<ExitCode> {
    match command {
        ViewsCommand::Check(arguments) => check::run(arguments),
        ViewsCommand::Run(arguments) => run::run(settings, arguments),
        ViewsCommand::Apply(arguments) => apply::run(settings, arguments, runtime),
        ViewsCommand::List(arguments) => apply::list(settings, arguments),
        ViewsCommand::Drop(arguments) => apply::drop(settings, arguments),
    }
}

/// The text of the file with a definition.
fn read_definition(path: &Path) -> Result<String, Refusal> {
    let refused = |why: String| Refusal::new(format!("cannot read {}: {why}", path.display()));
    let metadata = fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    if !metadata.is_file() {
        return Err(refused("it is no file".to_owned()));
    }
    if metadata.len() > MAX_DEFINITION_BYTES {
        return Err(refused("it is too large for a ViewDefinition".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| refused(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8".to_owned()))
}
