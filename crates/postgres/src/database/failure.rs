//! A *failure* is what went wrong at the server or on the way to it, and what
//! happens next. This is the only place that interprets Postgres' errors.
//!
//! SQLSTATE would say it in any language, but is not to be had for every error:
//!
//! - libpq reports a connection that was not made as a sentence only;
//! - diesel 2.3 turns the SQLSTATE of a failed query into a
//!   [`DatabaseErrorKind`] and keeps the code itself private
//!   (`PgErrorInformation` in its `pg/connection/result.rs`). Deadlocks (40P01),
//!   lock timeouts (55P03), missing rights (42501), a full disk (53100) and a
//!   shutdown (57P01) all become `Unknown`. The server cannot be asked
//!   afterwards: it keeps no last error, and a failed COPY cannot be wrapped in a
//!   PL/pgSQL block that catches it.
//!
//! So the kind decides where there is one, and the server's sentence decides
//! otherwise. Sessions ask for English ones; Postgres allows that to superusers,
//! and to users with `grant set on parameter lc_messages`. Where neither holds,
//! [`SessionMessages`] tells that a sentence was not understood, and whether it
//! came as late as a lock timeout would.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// The kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No server answers at the address.
    Unreachable,
    /// The server is starting, stopping or recovering.
    NotReady,
    /// All connections of the server are in use.
    TooManyConnections,
    /// The server refuses the user or the password.
    WrongPassword,
    /// The server's access rules exclude the user, the database or the address.
    NotAllowed,
    /// The server's certificate is not trusted.
    NotTrusted,
    /// The server has no such database.
    NoDatabase,
    /// The user may not connect to the database.
    ConnectDenied,
    /// The server closed the session.
    ConnectionLost,
    /// Another session held a lock for too long.
    LockTimeout,
    /// The user lacks a right on a table.
    PermissionDenied,
    /// The server's disk is full.
    DiskFull,
    /// The server accepts no writes, as a standby does.
    ReadOnly,
    /// The query could not be sent.
    NotSent,
    /// Another session got in the way: a deadlock or a serialization failure.
    Conflict,
    /// A row with the same key exists.
    UniqueViolation,
    /// Another constraint is violated.
    ConstraintViolation,
    /// Anything else that the server refuses; probably because of a value.
    Refused,
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// The same transaction is likely to succeed at once.
    RetryNow,
    /// It may succeed when the server is available again.
    WaitForServer,
    /// One of its records is the likely cause: find and reject it.
    RejectRecord,
    /// Somebody has to act first: see [`Failure::hint`].
    GiveUp,
}

/// What the sentence of a failed query contains.
const QUERY_SENTENCES: [(&str, Failure); 11] = [
    ("deadlock detected", Failure::Conflict),
    ("server closed the connection", Failure::ConnectionLost),
    ("no connection to the server", Failure::ConnectionLost),
    ("terminating connection", Failure::ConnectionLost),
    ("SSL connection", Failure::ConnectionLost),
    ("SSL error", Failure::ConnectionLost),
    ("the database system is", Failure::ConnectionLost),
    ("due to lock timeout", Failure::LockTimeout),
    ("permission denied", Failure::PermissionDenied),
    ("must be owner", Failure::PermissionDenied),
    ("No space left on device", Failure::DiskFull),
];

/// What the sentence of a failed connection contains.
const CONNECTION_SENTENCES: [(&str, Failure); 15] = [
    ("password authentication failed", Failure::WrongPassword),
    ("no password supplied", Failure::WrongPassword),
    ("permission denied for database", Failure::ConnectDenied),
    ("no pg_hba.conf entry", Failure::NotAllowed),
    ("pg_hba.conf rejects", Failure::NotAllowed),
    ("certificate verify failed", Failure::NotTrusted),
    ("does not match host name", Failure::NotTrusted),
    ("root certificate file", Failure::NotTrusted),
    ("too many clients", Failure::TooManyConnections),
    ("too many connections", Failure::TooManyConnections),
    ("remaining connection slots", Failure::TooManyConnections),
    ("is starting up", Failure::NotReady),
    ("is shutting down", Failure::NotReady),
    ("not yet accepting", Failure::NotReady),
    ("in recovery mode", Failure::NotReady),
];

fn find(sentences: &[(&str, Failure)], sentence: &str) -> Option<Failure> {
    sentences.iter().find(|(part, _)| sentence.contains(part)).map(|(_, failure)| *failure)
}

impl Failure {
    /// Classifies the error of a query; `None` if it is not the server's.
    pub fn of(error: &QueryError) -> Option<Failure> {
        let (kind, information) = match error {
            QueryError::DatabaseError(kind, information) => (kind, information),
            QueryError::BrokenTransactionManager => return Some(Failure::ConnectionLost),
            QueryError::RollbackErrorOnCommit { commit_error, .. } => return Failure::of(commit_error),
            _ => return None,
        };
        Some(match kind {
            DatabaseErrorKind::ClosedConnection => Failure::ConnectionLost,
            DatabaseErrorKind::ReadOnlyTransaction => Failure::ReadOnly,
            // Also what libpq reports of a session that has ended meanwhile.
            DatabaseErrorKind::UnableToSendCommand => {
                find(&QUERY_SENTENCES, information.message()).unwrap_or(Failure::NotSent)
            }
            DatabaseErrorKind::SerializationFailure => Failure::Conflict,
            DatabaseErrorKind::UniqueViolation => Failure::UniqueViolation,
            DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::RestrictViolation
            | DatabaseErrorKind::ExclusionViolation => Failure::ConstraintViolation,
            _ => find(&QUERY_SENTENCES, information.message()).unwrap_or(Failure::Refused),
        })
    }

    /// Classifies libpq's sentence about a connection that was not made.
    pub(super) fn of_connection(sentence: &str) -> Failure {
        // The role's or the database's name stands in between.
        let is_unknown = |what: &str| sentence.contains(what) && sentence.contains("does not exist");
        match () {
            () if is_unknown("role \"") => Failure::WrongPassword,
            () if is_unknown("database \"") => Failure::NoDatabase,
            () => find(&CONNECTION_SENTENCES, sentence).unwrap_or(Failure::Unreachable),
        }
    }

    /// Classifies the message of a failed query alone; `None` if it says nothing
    /// about the server.
    pub(super) fn of_message(message: &str) -> Option<Failure> {
        find(&QUERY_SENTENCES, message)
    }

    /// What happens next.
    pub fn next_step(self) -> NextStep {
        match self {
            Failure::Conflict => NextStep::RetryNow,
            Failure::Unreachable
            | Failure::NotReady
            | Failure::TooManyConnections
            | Failure::ConnectionLost => NextStep::WaitForServer,
            Failure::UniqueViolation | Failure::ConstraintViolation | Failure::Refused => {
                NextStep::RejectRecord
            }
            Failure::WrongPassword
            | Failure::NotAllowed
            | Failure::NotTrusted
            | Failure::NoDatabase
            | Failure::ConnectDenied
            | Failure::LockTimeout
            | Failure::PermissionDenied
            | Failure::DiskFull
            | Failure::ReadOnly
            | Failure::NotSent => NextStep::GiveUp,
        }
    }

    /// What the operator can do about it.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            Failure::Unreachable => {
                "check that the server is running and that host and port in DATABASE_URL are right; without \
                 DATABASE_URL fhirmill runs a private server"
            }
            Failure::NotReady => "try again in a moment",
            Failure::TooManyConnections => "lower WORKERS, or raise max_connections of the server",
            Failure::WrongPassword => {
                "the server has another password for this user than DATABASE_URL or PGPASSWORD; if it was \
                 changed in .env, `make start-bg` gives it to the server in Docker, and `alter role` to any \
                 other; @ : / ? # and % in a URL's password are written as %40 %3A %2F %3F %23 and %25"
            }
            Failure::NotAllowed => {
                "the server's pg_hba.conf decides who may connect from where; it may also require TLS: add \
                 ?sslmode=require to DATABASE_URL"
            }
            Failure::NotTrusted => {
                "DATABASE_URL must name the server as its certificate does, and sslrootcert must name the file \
                 of the certificate that signed it"
            }
            Failure::NoDatabase => "create it with `createdb`, or correct the name in DATABASE_URL",
            Failure::ConnectionLost => {
                "the database ended the session; what was committed stays, and the files being loaded are still \
                 in the inbox: run the command again when the database is back"
            }
            Failure::LockTimeout => {
                "another session holds a lock on one of the tables; the files being loaded are still in the \
                 inbox: run the command again when that session has ended"
            }
            Failure::PermissionDenied => {
                "the tables belong to another user: connect as that user, or have it grant its role to the user \
                 of DATABASE_URL"
            }
            Failure::DiskFull => {
                "the database's disk is full; what was committed stays, and the files being loaded are still in \
                 the inbox: free some space and run the command again"
            }
            Failure::ReadOnly => "the server is read-only, as a standby is: name the primary in DATABASE_URL",
            Failure::ConnectDenied
            | Failure::NotSent
            | Failure::Conflict
            | Failure::UniqueViolation
            | Failure::ConstraintViolation
            | Failure::Refused => return None,
        })
    }
}

/// What can be said about a failure without understanding its sentence.
#[derive(Debug, QueryableByName)]
pub(crate) struct SessionMessages {
    #[diesel(sql_type = Text)]
    language: String,
    /// In milliseconds; 0 for none.
    #[diesel(sql_type = BigInt)]
    lock_timeout: i64,
}

impl SessionMessages {
    /// Asks the server about this session.
    pub(crate) fn of(connection: &mut PgConnection) -> QueryResult<Self> {
        let query = "select current_setting('lc_messages') as language, setting::bigint as lock_timeout \
                     from pg_settings where name = 'lock_timeout'";
        sql_query(query).get_result(connection)
    }

    /// Whether [`Failure::of`] understands them.
    pub(crate) fn are_english(&self) -> bool {
        ["", "C", "POSIX"].contains(&self.language.as_str())
            || ["C.", "en_"].iter().any(|prefix| self.language.starts_with(prefix))
    }

    /// Whether a failure after that time may be a lock timeout.
    pub(crate) fn may_report_a_lock_timeout(&self, elapsed: Duration) -> bool {
        self.lock_timeout > 0 && elapsed.as_millis() as i64 >= self.lock_timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: DatabaseErrorKind, sentence: &str) -> QueryError {
        QueryError::DatabaseError(kind, Box::new(sentence.to_owned()))
    }

    #[test]
    fn the_kind_decides_before_the_sentence() {
        let error = refused(DatabaseErrorKind::CheckViolation, "permission denied");
        assert_eq!(Failure::of(&error), Some(Failure::ConstraintViolation));
        let error = refused(DatabaseErrorKind::Unknown, "permission denied for table patient");
        assert_eq!(Failure::of(&error), Some(Failure::PermissionDenied));
    }

    #[test]
    fn a_sentence_in_another_language_is_taken_for_a_record_s_fault() {
        let error = refused(DatabaseErrorKind::Unknown, "Verklemmung entdeckt");
        assert_eq!(Failure::of(&error).map(Failure::next_step), Some(NextStep::RejectRecord));
        let error = refused(DatabaseErrorKind::Unknown, "deadlock detected");
        assert_eq!(Failure::of(&error).map(Failure::next_step), Some(NextStep::RetryNow));
    }
}
