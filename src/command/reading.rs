//! Opening the database for a command that only *reads* it: such a command creates
//! neither a private server nor tables, and says what to run where there are none.

use diesel::PgConnection;

use crate::config::Settings;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, DatabaseError, Wait};

/// The database and a connection to it. An error if nothing has been loaded yet, or
/// if migrations are pending.
pub(super) fn open(settings: &Settings) -> Result<(Database, PgConnection), DatabaseError> {
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    let mut connection = database.connect()?;
    migrations::require_all(&database, &mut connection, MIGRATIONS)?;
    Ok((database, connection))
}

/// The same, but `None` if nothing has been loaded yet: for a command whose answer is
/// then an empty list.
pub(super) fn open_if_any(settings: &Settings) -> Result<Option<(Database, PgConnection)>, DatabaseError> {
    match open(settings) {
        Ok(opened) => Ok(Some(opened)),
        Err(DatabaseError::NothingYet { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Prints the empty list, and for people what to run.
pub(super) fn print_nothing_yet(settings: &Settings, json: bool) {
    if json {
        println!("[]");
    } else {
        println!("nothing has been loaded yet\n\n{}", first_steps(settings));
    }
}

/// What to do where nothing has been loaded yet.
pub(super) fn first_steps(settings: &Settings) -> String {
    format!("put files into {} and run `fhirmill once`", settings.inbox_dir.display())
}
