//! `fhirmill users`: the people who may sign in to the operator's page.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::page::PageUser;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::reading;
use super::refusal::Refusal;
use crate::cli::{ExitCode, UsersCommand};
use crate::config::Settings;
use crate::server::auth::secrets::hash_secret;

const LONGEST_NAME: usize = 64;
const SHORTEST_PASSWORD: usize = 12;
const LONGEST_PASSWORD: usize = 1024;

/// Adds, lists or disables users, or gives them passwords.
pub fn run(settings: &Settings, command: &UsersCommand) -> Result<ExitCode> {
    if let UsersCommand::List(arguments) = command {
        let Some((_, mut connection)) = reading::open_if_any(settings)? else {
            reading::print_nothing_yet(settings, arguments.json);
            return Ok(ExitCode::Success);
        };
        return list(&PageUser::list(&mut connection)?, arguments.json);
    }
    let open = || -> Result<_> {
        let database = Database::open(&settings.database(), Wait::No)?;
        migrations::up(&database, MIGRATIONS)?;
        Ok(database.connect()?)
    };
    match command {
        UsersCommand::Add(arguments) => {
            let name = checked_name(&arguments.name)?;
            let password = password(name, arguments.password_file.as_deref())?;
            if !PageUser::add(&mut open()?, name, &arguments.role, &hash_secret(&password))? {
                return Err(Refusal::new(format!("there is a user {name} already"))
                    .with_hint("fhirmill users passwd gives the user another password")
                    .into());
            }
            println!("user {name} may sign in as {}", arguments.role);
        }
        UsersCommand::Passwd(arguments) => {
            let name = checked_name(&arguments.name)?;
            let password = password(name, arguments.password_file.as_deref())?;
            if !PageUser::set_password(&mut open()?, name, &hash_secret(&password))? {
                return Err(unknown(name).into());
            }
            println!("user {name} has another password; the user's sessions have ended");
        }
        UsersCommand::Disable { name } => {
            if !PageUser::disable(&mut open()?, name)? {
                return Err(unknown(name).into());
            }
            println!("user {name} is disabled");
        }
        UsersCommand::List(_) => {}
    }
    Ok(ExitCode::Success)
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(format!("there is no user {name}")).with_hint("fhirmill users list")
}

fn checked_name(name: &str) -> Result<&str, Refusal> {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '@');
    let begins_plain = name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    if begins_plain && name.len() <= LONGEST_NAME && name.chars().all(is_plain) {
        return Ok(name);
    }
    Err(Refusal::new("the name of a user has at most 64 letters, digits, hyphens, underscores, dots and @")
        .with_hint("such as anna"))
}

/// The password: from a file, asked for at a terminal, or the first line of standard input.
fn password(name: &str, file: Option<&Path>) -> Result<String> {
    let password = match file {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
            first_line(file).with_context(|| format!("{} cannot be read", path.display()))?
        }
        None if io::stdin().is_terminal() => {
            let password = ask("Password: ")?;
            if ask("Again: ")? != password {
                return Err(Refusal::new("the two passwords differ").with_hint("type it twice alike").into());
            }
            password
        }
        None => first_line(io::stdin().lock()).context("standard input cannot be read")?,
    };
    let length = password.chars().count();
    if length < SHORTEST_PASSWORD || password.len() > LONGEST_PASSWORD {
        return Err(Refusal::new(format!("a password has at least {SHORTEST_PASSWORD} characters"))
            .with_hint("several words that do not belong together are easy to remember")
            .into());
    }
    if password.eq_ignore_ascii_case(name) || password.chars().all(|letter| password.starts_with(letter)) {
        return Err(Refusal::new("the password is too easy to guess")
            .with_hint("several words that do not belong together are easy to remember")
            .into());
    }
    Ok(password)
}

/// The first line, without its end.
fn first_line(read: impl Read) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(read.take(LONGEST_PASSWORD as u64 + 2)).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks at the terminal, which does not show what is typed.
fn ask(prompt: &str) -> Result<String> {
    let terminal = io::stdin();
    eprint!("{prompt}");
    io::stderr().flush()?;
    let shown = tcgetattr(&terminal)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    hidden.local_modes.insert(LocalModes::ECHONL);
    tcsetattr(&terminal, OptionalActions::Flush, &hidden)?;
    let line = first_line(terminal.lock());
    tcsetattr(&terminal, OptionalActions::Flush, &shown)?;
    Ok(line?)
}

fn list(users: &[PageUser], as_json: bool) -> Result<ExitCode> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(users)?);
        return Ok(ExitCode::Success);
    }
    for user in users {
        let state = if user.disabled_at.is_some() { "  disabled" } else { "" };
        let login = user.last_login_at.map_or("never signed in".to_owned(), |at| {
            format!("last signed in {}", at.format("%Y-%m-%dT%H:%M:%SZ"))
        });
        println!("{}{state}\n        {}, {login}", user.name, user.role);
    }
    if users.is_empty() {
        println!("no users yet: fhirmill users add NAME --role operator");
    }
    Ok(ExitCode::Success)
}
