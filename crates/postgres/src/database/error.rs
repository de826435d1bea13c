//! What can go wrong between fhirmill and its database, each with what to do.
//!
//! libpq tells why a connection failed only in a sentence. [`refusal`] reads
//! that sentence once, so that nobody else has to. A server that speaks
//! another language than English still gives a true message, only a less
//! particular one.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::database::DatabaseUrl;

/// The oldest major version of PostgreSQL that is supported.
pub const OLDEST_SUPPORTED_VERSION: u32 = 15;

/// A database that cannot be had, or does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("the database server {server} cannot be reached: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("the database server {server} is starting, stopping or recovering")]
    NotReady { server: String },
    #[error("the database server {server} has no connection left")]
    TooManyConnections { server: String },
    #[error("the database server {server} refuses user {user}: wrong password or unknown user")]
    WrongPassword { server: String, user: String },
    #[error(
        "the database server {server} allows no connection of user {user} from here to database {database}"
    )]
    NotAllowed { server: String, user: String, database: String },
    #[error("the database server {server} does not prove by its certificate who it is: {reason}")]
    NotTrusted { server: String, reason: String },
    #[error("the database server {server} has no database {database}")]
    NoDatabase { server: String, database: String },
    #[error("user {user} has no right to {right} in database {database}")]
    NoRights { user: String, database: String, right: &'static str },
    #[error(
        "the database server {server} is PostgreSQL {version}; fhirmill needs {OLDEST_SUPPORTED_VERSION} or later"
    )]
    TooOld { server: String, version: u32 },
    #[error("a query failed: {action}")]
    Query { action: &'static str, source: diesel::result::Error },
    #[error("a migration failed: {reason}")]
    Migration { reason: String },
    #[error("another process has been migrating this database for {minutes} minutes")]
    MigrationLocked { minutes: u64 },
    #[error("the private server needs the binaries of PostgreSQL{}, which were not found in {}", of_version(.version), list(.looked_in))]
    NoBinaries { version: Option<u32>, looked_in: Vec<PathBuf> },
    #[error("the private server cannot be run by root, and there is no user postgres or nobody to run it as")]
    NoAccount,
    #[error("the private server has no cluster yet under {home}")]
    NoCluster { home: PathBuf },
    #[error("{program} failed: {output}")]
    Program { program: &'static str, output: String, log: PathBuf },
    #[error("cannot {action} {path}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl DatabaseError {
    /// Whether waiting may help: the server is away, starting or full.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NotReady { .. } | Self::TooManyConnections { .. })
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreachable { .. } => {
                "check that the server runs and that host and port in DATABASE_URL are right; without \
                 DATABASE_URL fhirmill runs a private server"
            }
            Self::NotReady { .. } => "try again in a moment",
            Self::TooManyConnections { .. } => "lower WORKERS, or raise max_connections of the server",
            Self::WrongPassword { .. } => {
                "check user and password in DATABASE_URL; @ : / ? # and % in a password are written as %40 %3A \
                 %2F %3F %23 and %25"
            }
            Self::NotAllowed { .. } => {
                "the server's pg_hba.conf decides who may connect from where; it may also ask for TLS: add \
                 ?sslmode=require to DATABASE_URL"
            }
            Self::NotTrusted { .. } => {
                "DATABASE_URL must name the server as its certificate does, and by sslrootcert the file of the \
                 certificate that signed it"
            }
            Self::NoDatabase { .. } => "create it with `createdb`, or correct the name in DATABASE_URL",
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
            Self::TooOld { .. } => "upgrade the server, or leave DATABASE_URL out to use a private server",
            Self::MigrationLocked { .. } => "see pg_stat_activity for a session that holds an advisory lock",
            Self::NoBinaries { version: Some(version), .. } => {
                return Some(format!(
                    "the cluster was made by PostgreSQL {version}: install that version again, or name the \
                     folder of its binaries by PG_BIN_DIR, or start anew with `fhirmill database reset --yes`"
                ));
            }
            Self::NoBinaries { version: None, .. } => {
                "install them (Debian, Ubuntu: `apt-get install postgresql`; Fedora: `dnf install \
                 postgresql-server`; macOS: `brew install postgresql`), or name their folder by PG_BIN_DIR, or \
                 use a server of yours by DATABASE_URL"
            }
            Self::NoAccount => "make one with `useradd --system postgres`, or run fhirmill as another user",
            Self::NoCluster { .. } => "`fhirmill database start` makes one",
            Self::Program { log, .. } => {
                return Some(format!("more may be in {}", log.display()));
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "the private server belongs to the user who made it: run fhirmill as that user or as root, or \
                 choose another DATA_DIR"
            }
            Self::Query { .. } | Self::Migration { .. } | Self::Io { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// What a failed query says about the database, where its fault is none of the
/// query's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The server went away, or ended the session.
    Lost,
    /// Somebody else holds a lock for too long.
    LockHeld,
    NoRights,
    DiskFull,
}

impl Trouble {
    /// Looks through an error and its causes.
    pub fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(DatabaseError::Migration { reason }) = error.downcast_ref() {
            return Self::in_sentence(reason);
        }
        error.downcast_ref().and_then(Self::of).or_else(|| Self::behind(error.source()?))
    }

    fn of(error: &diesel::result::Error) -> Option<Self> {
        use diesel::result::{DatabaseErrorKind, Error};
        match error {
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
            | Error::BrokenTransactionManager => Some(Self::Lost),
            Error::DatabaseError(_, information) => Self::in_sentence(information.message()),
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error),
            _ => None,
        }
    }

    /// Reads the server's sentence, as [`refusal`] does.
    fn in_sentence(sentence: &str) -> Option<Self> {
        let signs = [
            ("server closed the connection", Self::Lost),
            ("no connection to the server", Self::Lost),
            ("terminating connection", Self::Lost),
            ("SSL connection", Self::Lost),
            ("SSL error", Self::Lost),
            ("the database system is", Self::Lost),
            ("due to lock timeout", Self::LockHeld),
            ("permission denied", Self::NoRights),
            ("must be owner", Self::NoRights),
            ("No space left on device", Self::DiskFull),
        ];
        signs.iter().find(|(sign, _)| sentence.contains(sign)).map(|(_, trouble)| *trouble)
    }

    /// What the operator can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Lost => {
                "the database ended the session; what was committed stays, the files in hand are still in the \
                 inbox: run the command again when the database is back"
            }
            Self::LockHeld => {
                "another session holds a lock on one of the tables; the files in hand are still in the inbox: \
                 run the command again when that session has ended"
            }
            Self::NoRights => {
                "the tables belong to another user: connect as that one, or, as that one: grant its role to the \
                 user of DATABASE_URL"
            }
            Self::DiskFull => {
                "the database's disk is full; what was committed stays, the files in hand are still in the \
                 inbox: make room, and run the command again"
            }
        }
    }
}

fn of_version(version: &Option<u32>) -> String {
    version.map_or_else(|| format!(" {OLDEST_SUPPORTED_VERSION} or later"), |version| format!(" {version}"))
}

fn list(folders: &[PathBuf]) -> String {
    if folders.is_empty() {
        return "any known folder".to_owned();
    }
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Reads libpq's sentence about a connection that did not come about.
pub fn refusal(url: &DatabaseUrl, sentence: &str) -> DatabaseError {
    let DatabaseUrl { server, database, user, .. } = url.clone();
    let says = |words: &str| sentence.contains(words);
    if says("password authentication failed")
        || says("no password supplied")
        || (says("role \"") && says("does not exist"))
    {
        return DatabaseError::WrongPassword { server, user };
    }
    if says("database \"") && says("does not exist") {
        return DatabaseError::NoDatabase { server, database };
    }
    if says("permission denied for database") {
        return DatabaseError::NoRights { user, database, right: "connect" };
    }
    if says("no pg_hba.conf entry") || says("pg_hba.conf rejects") {
        return DatabaseError::NotAllowed { server, user, database };
    }
    if says("certificate verify failed") || says("does not match host name") || says("root certificate file")
    {
        return DatabaseError::NotTrusted { server, reason: one_line(sentence) };
    }
    if says("too many clients") || says("too many connections") || says("remaining connection slots") {
        return DatabaseError::TooManyConnections { server };
    }
    if says("is starting up")
        || says("is shutting down")
        || says("not yet accepting")
        || says("in recovery mode")
    {
        return DatabaseError::NotReady { server };
    }
    DatabaseError::Unreachable { server, reason: one_line(sentence) }
}

/// libpq breaks its sentences for a terminal.
fn one_line(sentence: &str) -> String {
    sentence.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
