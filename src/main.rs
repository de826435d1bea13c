//! The binary: arguments, settings, logs, the async runtime, the command, and
//! its exit code.

mod failure;

use std::path::Path;

use tokio::runtime;

use fhirmill::cli::{Cli, Command, ExitCode};
use fhirmill::command;
use fhirmill::config::load_env_file;
use fhirmill::logging;

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
    let cli = Cli::read();
    if !matches!(cli.command, Command::Run) {
        // `fhirmill files | head` ends quietly, as other commands do; the
        // service goes on even if nobody reads its output any more.
        sigpipe::reset();
    }
    let settings = cli.settings.check()?;
    // Held to the end: dropping it writes out the last log lines.
    let _log_writer = logging::start(&settings.log, cli.command.audience());
    // Connections are read by these; everything else of the program uses one.
    let takes_data = settings.server.http_address.or(settings.server.s3_address).is_some();
    let serves = matches!(cli.command, Command::Run) && takes_data;
    let threads = if serves { settings.workers.get().clamp(2, 4) } else { 1 };
    let runtime = runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let result = command::dispatch(&cli.command, &settings, runtime.handle());
    // An abandoned scan may still be on its thread; do not wait for it.
    runtime.shutdown_background();
    result
}
