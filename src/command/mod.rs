//! The commands: one file each, with one `run` that takes the settings and the
//! arguments, and returns the exit code. A command prints the answer; the work and
//! the queries are in the other modules.

pub mod archive;
pub mod backup;
pub mod check;
#[cfg(feature = "lake")]
pub mod convert;
pub mod database;
pub mod deidentify;
mod disk_lines;
pub mod erase;
#[cfg(feature = "feeds")]
pub mod export;
mod feed_lines;
#[cfg(feature = "feeds")]
pub mod feeds;
pub mod files;
#[cfg(feature = "feeds")]
pub mod forward;
pub mod generate;
mod heartbeat;
mod indexes;
pub mod inspect;
#[cfg(feature = "kafka")]
mod kafka;
mod known;
#[cfg(feature = "manual")]
pub mod manual;
pub mod migrate;
pub mod once;
pub mod prune;
mod reading;
mod refusal;
pub mod rejects;
pub mod remap;
pub mod retry;
pub mod run;
pub mod runs;
#[cfg(feature = "server")]
pub mod senders;
pub mod show;
#[cfg(feature = "lake")]
pub mod snapshot;
mod snapshot_lines;
pub mod sources;
pub mod status;
pub mod undo;
#[cfg(feature = "server")]
pub mod users;
mod view_filler;
pub mod views;

pub use refusal::Refusal;

use std::io;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::{Command, ExitCode};
use crate::config::Settings;

/// Runs a command to its end. `runtime` is for signals and for the service:
/// commands themselves block the thread that calls this.
pub fn dispatch(command: &Command, settings: &Settings, runtime: &Handle) -> Result<ExitCode> {
    match command {
        Command::Migrate(command) => migrate::run(settings, command),
        Command::Database(command) => database::run(settings, *command),
        Command::Run => run::run(settings, runtime),
        Command::Once(arguments) => once::run(settings, arguments, runtime),
        Command::Inspect(arguments) => inspect::run(settings, arguments),
        #[cfg(feature = "lake")]
        Command::Convert(arguments) => convert::run(settings, arguments, runtime),
        Command::Indexes(command) => indexes::run(settings, command, runtime),
        Command::Status(arguments) => status::run(settings, arguments),
        Command::Runs(arguments) => runs::run(settings, arguments),
        Command::Files(arguments) => files::run(settings, arguments),
        Command::Rejects(arguments) => rejects::run(settings, arguments),
        Command::Retry(arguments) => retry::run(settings, arguments, runtime),
        Command::Undo(arguments) => undo::run(settings, arguments, runtime),
        Command::Erase(arguments) => erase::run(settings, arguments, runtime),
        Command::Deidentify(arguments) => deidentify::run(settings, arguments),
        Command::Show(arguments) => show::run(settings, arguments),
        Command::Sources(command) => sources::run(settings, command),
        #[cfg(feature = "server")]
        Command::Senders(command) => senders::run(settings, command),
        #[cfg(feature = "server")]
        Command::Users(command) => users::run(settings, command),
        #[cfg(feature = "feeds")]
        Command::Feeds(command) => feeds::run(settings, command, runtime),
        #[cfg(feature = "feeds")]
        Command::Forward(command) => forward::run(settings, command, runtime),
        #[cfg(feature = "feeds")]
        Command::Export(arguments) => export::run(settings, arguments, runtime),
        #[cfg(feature = "lake")]
        Command::Snapshot(arguments) => snapshot::run(settings, arguments, runtime),
        Command::Backup(arguments) => backup::run(settings, arguments, runtime),
        Command::Restore(arguments) => backup::restore(settings, arguments, runtime),
        Command::Remap(arguments) => remap::run(settings, arguments),
        Command::Prune(arguments) => prune::run(settings, arguments, runtime),
        Command::Archive(command) => archive::run(settings, command, runtime),
        Command::Check(arguments) => check::run(settings, arguments),
        #[cfg(feature = "manual")]
        Command::Completions(arguments) => manual::print_completions(arguments),
        #[cfg(feature = "manual")]
        Command::Man(arguments) => manual::write_man(arguments),
        Command::Generate(arguments) => generate::run(arguments),
        Command::Views(command) => views::run(settings, command, runtime),
    }
}

/// Cancels the token on SIGTERM or SIGINT.
pub(crate) fn cancel_on_signal(runtime: &Handle, cancel: &CancellationToken) -> io::Result<()> {
    let _context = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let cancel = cancel.clone();
    runtime.spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancel.cancel();
    });
    Ok(())
}
