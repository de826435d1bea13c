//! The commands: one file each, with one `run` that does what was asked and
//! says how it ended. A command builds its collaborators and prints the
//! answer; the work itself is in the modules of the road.

pub mod database;
pub mod migrate;

use anyhow::Result;

use crate::cli::{Command, ExitCode};
use crate::config::Settings;

/// Does what was asked.
pub fn dispatch(command: &Command, settings: &Settings) -> Result<ExitCode> {
    match command {
        Command::Migrate(command) => migrate::run(settings, command),
        Command::Database(command) => database::run(settings, *command),
        _ => anyhow::bail!("this build has no such command"),
    }
}
