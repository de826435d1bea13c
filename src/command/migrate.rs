//! `fhirmill migrate`: applies, reverts and lists migrations.

use anyhow::Result;

use crate::cli::{ExitCode, MigrateCommand};
use crate::config::Settings;
use fhirmill_postgres::database::migrations::{self, Down, MIGRATIONS, MigrationStatus};
use fhirmill_postgres::database::{Database, DatabaseError, Wait};

/// Applies, reverts or lists migrations.
pub fn run(settings: &Settings, command: &MigrateCommand) -> Result<ExitCode> {
    let database = match command {
        MigrateCommand::Up => Database::open(&settings.database(), Wait::No)?,
        MigrateCommand::Down(_) => Database::open_existing(&settings.database(), Wait::No)?,
        MigrateCommand::Status(arguments) => return status(settings, arguments.json),
    };
    match command {
        MigrateCommand::Up => {
            let names = migrations::up(&database, MIGRATIONS)?;
            super::deidentify::at_start(settings, &database);
            print_names("applied", &names);
        }
        MigrateCommand::Down(arguments) => {
            let extent = if arguments.all { Down::All } else { Down::Newest(arguments.count) };
            let names = migrations::down(&database, MIGRATIONS, extent)?;
            print_names("reverted", &names);
        }
        MigrateCommand::Status(_) => {}
    }
    Ok(ExitCode::Success)
}

/// Lists migrations; all are pending where there is no database yet.
fn status(settings: &Settings, json: bool) -> Result<ExitCode> {
    let list = match Database::open_existing(&settings.database(), Wait::No) {
        Ok(database) => migrations::status(&database, MIGRATIONS)?,
        Err(DatabaseError::NothingYet { .. }) => migrations::all_pending(MIGRATIONS)?,
        Err(error) => return Err(error.into()),
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&list)?);
    } else {
        print_status(&list);
    }
    Ok(ExitCode::Success)
}

fn print_names(verb: &str, names: &[String]) {
    for name in names {
        println!("{verb} {name}");
    }
    if names.is_empty() {
        println!("nothing to do");
    }
}

fn print_status(list: &[MigrationStatus]) {
    for migration in list {
        let state = match (migration.is_applied, migration.is_known) {
            (true, true) => "applied",
            (true, false) => "applied by a newer version of fhirmill",
            (false, _) => "pending",
        };
        println!("{}  {state}", migration.name);
    }
}
