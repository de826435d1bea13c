//! The binary: parse, configure, start the logs, dispatch, exit code.

mod failure;

use std::path::Path;

use clap::Parser;

use fhirmill::cli::{Cli, Command, ExitCode};
use fhirmill::command;
use fhirmill::config::load_env_file;
use fhirmill::logging::{self, Audience};

fn main() -> std::process::ExitCode {
    let _failpoints = fhirmill_postgres::failpoint::arm();
    let code = match run() {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    };
    code.into()
}

fn run() -> anyhow::Result<ExitCode> {
    load_env_file(Path::new(".env"))?;
    let cli = Cli::parse();
    if !matches!(cli.command, Command::Run) {
        // `fhirmill files | head` ends quietly, as other commands do; the
        // service goes on whoever stops reading its output.
        sigpipe::reset();
    }
    let settings = cli.settings.check()?;
    // Held to the end: dropping it writes out the last log lines.
    let _log_writer = logging::start(&settings.log, Audience::of(&cli.command));
    command::dispatch(&cli.command, &settings)
}
