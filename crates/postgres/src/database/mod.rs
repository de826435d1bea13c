//! The database: a Postgres server that fhirmill fills.
//!
//! It is the server of DATABASE_URL, or a private one that fhirmill starts
//! itself ([`private`]); the rest of the program does not tell them apart. This
//! module opens it, hands out connections with the same settings, and migrates
//! the tables ([`migrations`]). It knows nothing of what is in the tables.

mod copy;
mod error;
mod failure;
pub mod migrations;
pub mod private;
mod url;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::lock::lock;
pub use copy::{CopyError, CopyTable};
pub use error::{DatabaseError, OLDEST_SUPPORTED_VERSION};
pub(crate) use failure::SessionMessages;
pub use failure::{Failure, NextStep};
use private::PrivateServer;
pub use url::DatabaseUrl;

/// Parameters of every connection, unless DATABASE_URL overrides them. A server
/// that has vanished is noticed within two minutes instead of two hours.
const CONNECTION_PARAMETERS: &str = "fallback_application_name=fhirmill&connect_timeout=10\
     &keepalives_idle=60&keepalives_interval=10&keepalives_count=6";

/// What every session begins with. Times are read and written in UTC. Waiting
/// five minutes for another session's lock (unless the database or the user has
/// another `lock_timeout`), or being idle in a transaction for ten minutes, is a
/// fault that should end and be reported. Messages are in English where the user
/// may set that, since [`failure`] interprets them. libpq would print notices to
/// standard error.
const SESSION_START: &str = "\
    set timezone = 'UTC';
    select set_config('lock_timeout', '5min', false) where current_setting('lock_timeout') = '0';
    set idle_in_transaction_session_timeout = '10min';
    do $$ begin perform set_config('lc_messages', 'C', false); exception when insufficient_privilege then null; end $$;
    set client_min_messages = 'warning';";

/// How long opening waits for a server that is unavailable.
#[derive(Debug, Clone, Copy)]
pub enum Wait<'a> {
    /// Not at all: the first failure is returned.
    No,
    /// That long.
    AtMost(Duration),
    /// Until the server is available, or the token is cancelled.
    UntilCancelled(&'a CancellationToken),
}

impl Wait<'_> {
    fn is_over(&self, since: Instant) -> bool {
        match self {
            Self::No => true,
            Self::AtMost(duration) => since.elapsed() >= *duration,
            Self::UntilCancelled(token) => token.is_cancelled(),
        }
    }
}

/// Which server to use, and what a private one needs.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The server to fill; `None` for the private one under `data_dir`.
    pub url: Option<DatabaseUrl>,
    /// The folder of the private server's data.
    pub data_dir: PathBuf,
    /// The folder of the private server's binaries; `None` to search for them.
    pub server_binaries_dir: Option<PathBuf>,
    /// The number of sessions that write at the same time.
    pub workers: usize,
}

/// An open database: it answered, and its version is supported. Cheap to clone
/// and to share among threads.
#[derive(Clone)]
pub struct Database {
    url: DatabaseUrl,
    /// An unused connection for the next caller: a short command needs only one,
    /// and opening another takes longer than most queries.
    spare: Arc<Mutex<Option<PgConnection>>>,
    /// The server's major version, 15 or later.
    pub version: u32,
    /// True for the server that fhirmill runs itself.
    pub is_private: bool,
}

impl Database {
    /// Opens the database of the settings. Starts the private server if there is no
    /// DATABASE_URL.
    pub fn open(settings: &DatabaseSettings, wait: Wait<'_>) -> Result<Self, DatabaseError> {
        let is_private = settings.url.is_none();
        let (url, connection) = match &settings.url {
            Some(url) => (url.clone(), None),
            None => PrivateServer::of(settings)?.start()?,
        };
        let mut connection = match connection {
            Some(connection) => connection,
            None => connect_patiently(&url, wait)?,
        };
        let version = server_version(&mut connection)?;
        if version < OLDEST_SUPPORTED_VERSION {
            return Err(DatabaseError::TooOld { server: url.server, version });
        }
        Ok(Self { url, version, is_private, spare: Arc::new(Mutex::new(Some(connection))) })
    }

    /// Its URL, which hides the password unless exposed.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// A connection in its initial state. Every thread that writes has its own.
    pub fn connect(&self) -> Result<PgConnection, DatabaseError> {
        match self.spare().take() {
            Some(connection) => Ok(connection),
            None => connect(&self.url),
        }
    }

    /// Keeps a connection for the next caller. It holds no locks and has no settings
    /// or temporary tables of its own.
    fn give_back(&self, connection: PgConnection) {
        self.spare().replace(connection);
    }

    fn spare(&self) -> MutexGuard<'_, Option<PgConnection>> {
        lock(&self.spare)
    }
}

#[derive(QueryableByName)]
struct Holder {
    #[diesel(sql_type = sql_types::Text)]
    holder: String,
}

/// Other sessions that hold locks on whole tables, described in words.
const HOLDERS: &str = "\
select format('session %s of user %s (%s) holds %s on %s', l.pid, a.usename, a.application_name, l.mode, l.relation::regclass) as holder
from pg_locks l join pg_stat_activity a using (pid) join pg_class c on c.oid = l.relation
where l.granted and l.database = (select oid from pg_database where datname = current_database())
  and c.relnamespace in (select oid from pg_namespace where nspname in ('public', 'etl')) and c.relkind = 'r'
  and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
order by 1";

impl Database {
    /// Logs which sessions hold locks on tables, after a lock timeout.
    pub fn tell_who_holds_tables(&self) {
        let holders =
            self.connect().ok().and_then(|mut connection| sql_query(HOLDERS).load(&mut connection).ok());
        for Holder { holder } in holders.unwrap_or_default() {
            warn!("{holder}");
        }
    }
}

/// Connects to a server, whatever its version.
fn connect(url: &DatabaseUrl) -> Result<PgConnection, DatabaseError> {
    let full_url = url.with_parameters(CONNECTION_PARAMETERS);
    let mut connection = PgConnection::establish(full_url.expose_secret()).map_err(|error| match error {
        ConnectionError::BadConnection(sentence) => error::refusal(url, &sentence),
        other => error::refusal(url, &other.to_string()),
    })?;
    connection
        .batch_execute(SESSION_START)
        .map_err(|source| DatabaseError::Query { action: "begin the session", source })?;
    Ok(connection)
}

fn connect_patiently(url: &DatabaseUrl, wait: Wait<'_>) -> Result<PgConnection, DatabaseError> {
    let since = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        let error = match connect(url) {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        if !error.is_transient() || wait.is_over(since) {
            return Err(error);
        }
        warn!(database = %url, pause.seconds = pause.as_secs_f64(), "{error}; retrying");
        pause_unless_over(pause, wait, since);
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// Sleeps in short intervals, so that a cancelled service ends soon.
fn pause_unless_over(pause: Duration, wait: Wait<'_>, since: Instant) {
    let end = Instant::now() + pause;
    while Instant::now() < end && !wait.is_over(since) {
        thread::sleep(Duration::from_millis(50));
    }
}

#[derive(QueryableByName)]
struct ServerVersion {
    #[diesel(sql_type = sql_types::Integer)]
    number: i32,
}

/// The major version: 15 for 15.18, whose number is 150018.
fn server_version(connection: &mut PgConnection) -> Result<u32, DatabaseError> {
    let version: ServerVersion = sql_query("select current_setting('server_version_num')::integer as number")
        .get_result(connection)
        .map_err(|source| DatabaseError::Query { action: "read the server's version", source })?;
    Ok(u32::try_from(version.number / 10_000).unwrap_or(0))
}
