//! The errors of opening, asking and migrating a database, each with what the
//! operator can do about it. None of them shows a password.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use super::failure::{Failure, NextStep};
use super::url::DatabaseUrl;

/// The oldest major version of PostgreSQL that is supported.
pub const OLDEST_SUPPORTED_VERSION: u32 = 15;

/// The database is unavailable, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("the database server {server} cannot be reached: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("the database server {server} is starting, stopping or recovering")]
    NotReady { server: String },
    #[error("the database server {server} has no connection left")]
    TooManyConnections { server: String },
    #[error("the database server {server} rejects user {user}: wrong password or unknown user")]
    WrongPassword { server: String, user: String },
    #[error(
        "the database server {server} does not allow user {user} to connect to database {database} from this host"
    )]
    NotAllowed { server: String, user: String, database: String },
    #[error("the database server {server} has a certificate that cannot be verified: {reason}")]
    NotTrusted { server: String, reason: String },
    #[error("the database server {server} has no database {database}")]
    NoDatabase { server: String, database: String },
    #[error("user {user} may not {right} in database {database}")]
    NoRights { user: String, database: String, right: &'static str },
    #[error(
        "the database server {server} is PostgreSQL {version}; fhirmill needs {OLDEST_SUPPORTED_VERSION} or later"
    )]
    TooOld { server: String, version: u32 },
    #[error("a query failed: {action}")]
    Query { action: &'static str, source: diesel::result::Error },
    #[error("a migration failed: {reason}")]
    Migration { reason: String },
    #[error(
        "a migration failed, and nothing was changed: {reason}; built on fhirmill's tables and views: {}",
        .dependents.join(", ")
    )]
    MigrationBlocked { reason: String, dependents: Vec<String> },
    #[error("nothing has been loaded yet: {place}")]
    NothingYet { place: String },
    #[error(
        "the tables in database {database} are those of an older version: {pending} migrations are pending"
    )]
    MigrationsPending { database: String, pending: usize },
    #[error(
        "the tables in database {database} are those of a newer version of fhirmill{}: {unknown} of its migrations are \
         unknown to this one", named(.newest)
    )]
    NewerSchema { database: String, unknown: usize, newest: Option<String> },
    #[error("another process has been migrating this database for {minutes} minutes")]
    MigrationLocked { minutes: u64 },
    #[error("the private server needs the binaries of PostgreSQL{}, which were not found in {}", of_version(.version), list(.looked_in))]
    NoBinaries { version: Option<u32>, looked_in: Vec<PathBuf> },
    #[error("there is no {name} of PostgreSQL {version} or later{}", searched(.looked_in))]
    NoTool { name: &'static str, version: u32, looked_in: Vec<PathBuf> },
    #[error("database {database} is being restored, or its restore was broken off")]
    BeingRestored { database: String },
    #[error("the private server cannot run as root, and there is no user postgres or nobody to run it as")]
    NoAccount,
    #[error("the private server has no cluster yet under {home}")]
    NoCluster { home: PathBuf },
    #[error("{program} failed: {output}")]
    Program { program: &'static str, output: String, log: PathBuf },
    #[error("cannot {action} {path}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl DatabaseError {
    /// The kind of failure, where a connection could not be made.
    fn failure(&self) -> Option<Failure> {
        Some(match self {
            Self::Unreachable { .. } => Failure::Unreachable,
            Self::NotReady { .. } => Failure::NotReady,
            Self::TooManyConnections { .. } => Failure::TooManyConnections,
            Self::WrongPassword { .. } => Failure::WrongPassword,
            Self::NotAllowed { .. } => Failure::NotAllowed,
            Self::NotTrusted { .. } => Failure::NotTrusted,
            Self::NoDatabase { .. } => Failure::NoDatabase,
            _ => return None,
        })
    }

    /// Whether waiting may help: the server is away, starting or full.
    pub fn is_transient(&self) -> bool {
        self.failure().map(Failure::next_step) == Some(NextStep::WaitForServer)
    }

    /// Whether somebody may mend it at the server, while a service waits: a password, a
    /// database, a right or an access rule.
    pub fn is_mended_at_the_server(&self) -> bool {
        matches!(
            self,
            Self::WrongPassword { .. }
                | Self::NotAllowed { .. }
                | Self::NoDatabase { .. }
                | Self::NoRights { right: "connect", .. }
        )
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        if let Some(failure) = self.failure() {
            return failure.hint().map(str::to_owned);
        }
        let hint = match self {
            Self::NoRights { user, database, right: "connect" } => {
                return Some(format!(
                    "as the database's owner: grant connect on database {database} to {user}"
                ));
            }
            Self::NoRights { user, database, .. } => {
                return Some(format!(
                    "as the database's owner: grant create on database {database} to {user}; grant create on \
                     schema public to {user}"
                ));
            }
            Self::TooOld { .. } => "upgrade the server, or unset DATABASE_URL to use a private server",
            Self::MigrationBlocked { .. } => {
                "if one of these is in the way, save its definition and drop it, run the command again, and create it \
                 again as the new views allow"
            }
            Self::MigrationLocked { .. } => {
                "look in pg_stat_activity for a session that holds an advisory lock"
            }
            Self::NoBinaries { version: Some(version), .. } => {
                return Some(format!(
                    "the cluster was created by PostgreSQL {version}: install that version again, or set PG_BIN_DIR to \
                     the folder of its binaries, or delete the cluster with `fhirmill database reset --yes`"
                ));
            }
            Self::NoBinaries { version: None, .. } => {
                "install them (Debian, Ubuntu: `apt-get install postgresql`; Fedora: `dnf install \
                 postgresql-server`; macOS: `brew install postgresql`), or set PG_BIN_DIR to their folder, or set \
                 DATABASE_URL to use your own server"
            }
            Self::NoTool { version, .. } => {
                return Some(format!(
                    "install it (Debian, Ubuntu: `apt-get install postgresql-client-{version}`, where necessary from \
                     apt.postgresql.org; Fedora: `dnf install postgresql{version}`; macOS: `brew install \
                     postgresql@{version}`), or set PG_BIN_DIR to its folder; the Docker image has it"
                ));
            }
            Self::BeingRestored { .. } => "run the same `fhirmill restore` again: it begins anew",
            Self::NoAccount => "create one with `useradd --system postgres`, or run fhirmill as another user",
            Self::NothingYet { .. } => {
                "put files into the inbox and run `fhirmill once`, which creates the tables and loads the files"
            }
            Self::MigrationsPending { .. } => {
                "`fhirmill migrate up` applies them, as `fhirmill run` and `fhirmill once` do when they start"
            }
            Self::NewerSchema { .. } => {
                "run that version or a later one; to go back to this one, revert the migrations first, by `fhirmill \
                 migrate down NUMBER` of the newer version, which deletes what only their tables hold"
            }
            Self::NoCluster { .. } => "`fhirmill database start` creates it",
            Self::Program { log, .. } => {
                return Some(format!("{} may say more", log.display()));
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "the private server belongs to the user who created it: run fhirmill as that user or as root, or \
                 choose another DATA_DIR"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl Failure {
    /// The failure behind an error, or behind one of its causes; `None` if the
    /// server had no part in it.
    pub fn behind(error: &(dyn Error + 'static)) -> Option<Failure> {
        if let Some(DatabaseError::Migration { reason } | DatabaseError::MigrationBlocked { reason, .. }) =
            error.downcast_ref()
        {
            return Failure::of_message(reason);
        }
        let failure = error.downcast_ref().and_then(Failure::of);
        failure.or_else(|| Failure::behind(error.source()?))
    }
}

fn of_version(version: &Option<u32>) -> String {
    version.map_or_else(|| format!(" {OLDEST_SUPPORTED_VERSION} or later"), |version| format!(" {version}"))
}

fn named(version: &Option<String>) -> String {
    version.as_ref().map(|version| format!(", {version}")).unwrap_or_default()
}

fn searched(folders: &[PathBuf]) -> String {
    if folders.is_empty() {
        return ": neither on PATH nor beside a server".to_owned();
    }
    format!(": {} have none", list(folders))
}

fn list(folders: &[PathBuf]) -> String {
    if folders.is_empty() {
        return "any known folder".to_owned();
    }
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The error for libpq's sentence about a connection that was not made.
pub(super) fn refusal(url: &DatabaseUrl, sentence: &str) -> DatabaseError {
    let DatabaseUrl { server, database, user, .. } = url.clone();
    match Failure::of_connection(sentence) {
        Failure::WrongPassword => DatabaseError::WrongPassword { server, user },
        Failure::NoDatabase => DatabaseError::NoDatabase { server, database },
        Failure::ConnectDenied => DatabaseError::NoRights { user, database, right: "connect" },
        Failure::NotAllowed => DatabaseError::NotAllowed { server, user, database },
        Failure::NotTrusted => DatabaseError::NotTrusted { server, reason: one_line(sentence) },
        Failure::TooManyConnections => DatabaseError::TooManyConnections { server },
        Failure::NotReady => DatabaseError::NotReady { server },
        _ => DatabaseError::Unreachable { server, reason: one_line(sentence) },
    }
}

/// libpq wraps its sentences for a terminal.
fn one_line(sentence: &str) -> String {
    sentence.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::result::{DatabaseErrorKind, Error as QueryError};
    use std::str::FromStr;

    fn read(sentence: &str) -> DatabaseError {
        let url = DatabaseUrl::from_str("postgres://fhir:swordfish@db:5432/mill").unwrap();
        refusal(&url, sentence)
    }

    #[test]
    fn sentences_of_the_server_become_errors_with_a_hint() {
        let prefix = "connection to server at \"db\" (10.0.0.2), port 5432 failed: FATAL:  ";
        let wrong_password = read(&format!("{prefix}password authentication failed for user \"fhir\""));
        assert!(matches!(wrong_password, DatabaseError::WrongPassword { .. }));
        assert!(!wrong_password.is_transient());
        let no_database = read(&format!("{prefix}database \"mill\" does not exist"));
        assert!(matches!(no_database, DatabaseError::NoDatabase { .. }));
        let starting = read(&format!("{prefix}the database system is starting up"));
        assert!(starting.is_transient());
        let full = read(&format!("{prefix}sorry, too many clients already"));
        assert!(matches!(full, DatabaseError::TooManyConnections { .. }));
        for error in [wrong_password, no_database, starting, full] {
            assert!(error.hint().is_some());
            assert!(!error.to_string().contains("swordfish"));
        }
    }

    #[test]
    fn an_unknown_sentence_is_passed_on_in_one_line() {
        let error = read("could not connect\n\tIs the server running?\n");
        assert_eq!(
            error.to_string(),
            "the database server db:5432 cannot be reached: could not connect Is the server running?"
        );
        assert!(error.is_transient());
    }

    #[test]
    fn a_failure_is_found_behind_other_errors() {
        let source = QueryError::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(String::new()));
        let error = DatabaseError::Query { action: "ask", source };
        assert_eq!(Failure::behind(&error), Some(Failure::ConnectionLost));
        let error = DatabaseError::Migration { reason: "must be owner of table patient".to_owned() };
        assert_eq!(Failure::behind(&error), Some(Failure::PermissionDenied));
        assert_eq!(Failure::behind(&QueryError::NotFound), None);
    }
}
