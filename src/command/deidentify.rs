//! `fhirmill deidentify`: makes or refreshes the de-identified copy; and what other commands
//! do for it.

use anyhow::Result;
use serde::Serialize;
use tracing::{error, warn};

use crate::cli::{DeidentifyArguments, ExitCode};
use crate::config::Settings;
use crate::report::Summary;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, DatabaseError, Wait};
use fhirmill_postgres::deidentified::{self, Form, Published, Researchers};

/// What was made, for programs.
#[derive(Serialize)]
struct Report<'r> {
    form: &'r str,
    role: Option<&'r str>,
    made: &'r [String],
    unchanged: usize,
}

/// Makes the copy, or removes it if the settings want none.
pub fn run(settings: &Settings, arguments: &DeidentifyArguments) -> Result<ExitCode> {
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let mut connection = database.connect()?;
    let Some(copy) = &settings.deidentified.copy else {
        let is_removed = deidentified::withdraw(&mut connection)?;
        if arguments.json {
            print_json(&Report { form: "off", role: None, made: &[], unchanged: 0 })?;
        } else if is_removed {
            println!("DEIDENTIFIED is off: the copy was removed");
        } else {
            println!("DEIDENTIFIED is off, and there is no copy: set it to views or tables");
        }
        return Ok(ExitCode::Success);
    };
    let published = deidentified::publish(&mut connection, copy)?;
    let role = Researchers::of(&mut connection)?.role;
    let Published { made, unchanged } = &published;
    if arguments.json {
        let report = Report { form: copy.form.name(), role: Some(&role), made, unchanged: *unchanged };
        print_json(&report)?;
    } else {
        let form = copy.form.name();
        println!(
            "schema deidentified: {} {form} made, {unchanged} unchanged; role {role} reads it",
            made.len()
        );
    }
    Ok(ExitCode::Success)
}

fn print_json(report: &Report<'_>) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(report)?);
    Ok(())
}

/// Has the copy be what the settings want, as far as that takes no time: views are made,
/// what is not wanted is removed. Data are loaded even if it fails.
pub(super) fn at_start(settings: &Settings, database: &Database) {
    let prepared = database.connect().and_then(|mut connection| {
        let prepared = match &settings.deidentified.copy {
            None => deidentified::withdraw(&mut connection).map(drop),
            Some(copy) if copy.form == Form::Views => deidentified::publish(&mut connection, copy).map(drop),
            Some(_) => deidentified::ensure_researchers(&mut connection),
        };
        database.give_back(connection);
        prepared.map_err(failed)
    });
    if let Err(failure) = prepared {
        error!("the schema deidentified is not as DEIDENTIFIED says: {}", in_full(&failure));
    }
}

/// Refreshes the tables of the copy after a run, if the settings want that.
pub(super) fn after_run(settings: &Settings, database: &Database, summary: &Summary) {
    if settings.deidentified.follows_runs && summary.loaded_files > 0 {
        refresh(settings, database);
    }
}

/// Refreshes the tables of the copy, if it has tables. A failure is logged.
pub(super) fn refresh(settings: &Settings, database: &Database) {
    let Some(copy) = settings.deidentified.copy.as_ref().filter(|copy| copy.form == Form::Tables) else {
        return;
    };
    let refreshed = database.connect().and_then(|mut connection| {
        let refreshed = deidentified::publish(&mut connection, copy).map(drop).map_err(failed);
        database.give_back(connection);
        refreshed
    });
    if let Err(failure) = refreshed {
        warn!("the tables of schema deidentified were not refreshed: {}", in_full(&failure));
    }
}

fn failed(source: diesel::result::Error) -> DatabaseError {
    DatabaseError::Query { action: "make the schema deidentified", source }
}

fn in_full(failure: &DatabaseError) -> String {
    crate::report::in_one_line(failure)
}
