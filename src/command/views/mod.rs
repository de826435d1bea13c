//! `fhirmill views`: tables that users declare.

pub(super) mod apply;
mod check;
#[cfg(feature = "lake")]
mod columnar;
mod output;
mod run;

use std::path::Path;

use anyhow::Result;
use tokio::runtime::Handle;

use super::Refusal;
use crate::cli::{ExitCode, ViewsCommand};
use crate::config::Settings;
use crate::pipeline;

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
    pipeline::read_definition(path).map_err(refused)
}
