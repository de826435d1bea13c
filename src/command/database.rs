//! `fhirmill database`: manages the private server, or prints the URL of the
//! database.

use anyhow::Result;

use super::Refusal;
use crate::cli::{DatabaseCommand, ExitCode};
use crate::config::Settings;
use fhirmill_postgres::database::private::PrivateServer;

/// Starts, stops or resets the private server, or prints its URL. With
/// DATABASE_URL set, starting, stopping and resetting is an error, so that nobody
/// believes that a shared server was stopped or emptied.
pub fn run(settings: &Settings, command: DatabaseCommand) -> Result<ExitCode> {
    if let Some(url) = &settings.database_url {
        if let DatabaseCommand::Url = command {
            println!("{}", url.expose());
            return Ok(ExitCode::Success);
        }
        let message = format!(
            "DATABASE_URL names {url}, which fhirmill does not manage: it starts, stops and resets the private \
             server only"
        );
        return Err(Refusal::new(message).into());
    }
    let server = PrivateServer::of(&settings.database())?;
    match command {
        DatabaseCommand::Start => {
            let (url, _) = server.start()?;
            println!("running at {url}; `fhirmill database url` prints the URL with its password");
        }
        DatabaseCommand::Stop => {
            let was_running = server.stop()?;
            println!("{}", if was_running { "stopped" } else { "was not running" });
        }
        DatabaseCommand::Url => println!("{}", server.url()?.expose()),
        DatabaseCommand::Reset { yes: false } => {
            let refusal = Refusal::new("this deletes all data of the private server");
            return Err(refusal.with_hint("add --yes to confirm").into());
        }
        DatabaseCommand::Reset { yes: true } => {
            let was_there = server.reset()?;
            println!("{}", if was_there { "deleted" } else { "there was no private server" });
        }
    }
    Ok(ExitCode::Success)
}
