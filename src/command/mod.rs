//! The commands: one file each, with one `run` that does what was asked and
//! says how it ended. A command builds its collaborators and prints the
//! answer; the work itself is in the modules of the road.

pub mod database;
pub mod migrate;
pub mod once;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::cli::{Command, ExitCode};
use crate::config::Settings;

/// Does what was asked.
pub fn dispatch(command: &Command, settings: &Settings) -> Result<ExitCode> {
    match command {
        Command::Migrate(command) => migrate::run(settings, command),
        Command::Database(command) => database::run(settings, *command),
        Command::Once(arguments) => once::run(settings, arguments),
        _ => anyhow::bail!("this build has no such command"),
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
