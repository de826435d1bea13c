//! The commands: one file each, with one `run` that does what was asked and
//! says how it ended. A command builds its collaborators and prints the
//! answer; the work itself is in the modules of the road.

pub mod check;
pub mod database;
pub mod files;
pub mod generate;
mod indexes;
pub mod inspect;
pub mod migrate;
pub mod once;
pub mod rejects;
pub mod remap;
pub mod retry;
pub mod run;
pub mod show;
pub mod status;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::cli::{Command, ExitCode};
use crate::config::Settings;

/// Does what was asked.
pub fn dispatch(command: &Command, settings: &Settings) -> Result<ExitCode> {
    match command {
        Command::Migrate(command) => migrate::run(settings, command),
        Command::Database(command) => database::run(settings, *command),
        Command::Run => run::run(settings),
        Command::Once(arguments) => once::run(settings, arguments),
        Command::Inspect(arguments) => inspect::run(settings, arguments),
        Command::Indexes(command) => indexes::run(settings, command),
        Command::Status(arguments) => status::run(settings, arguments),
        Command::Files(arguments) => files::run(settings, arguments),
        Command::Rejects(arguments) => rejects::run(settings, arguments),
        Command::Retry(arguments) => retry::run(settings, arguments),
        Command::Show(arguments) => show::run(settings, arguments),
        Command::Remap(arguments) => remap::run(settings, arguments),
        Command::Check(arguments) => check::run(settings, arguments),
        Command::Generate(arguments) => generate::run(arguments),
    }
}

/// Cancels the token when the program is told to end.
pub(crate) fn cancel_on_signal(cancel: &CancellationToken) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let cancel = cancel.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
            let Ok(mut terminate) = terminate else { return };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            cancel.cancel();
        });
    })?;
    Ok(())
}
