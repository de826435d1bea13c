//! An open database, which hands out connections.

use std::sync::{Arc, Mutex, MutexGuard};

use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};
use tracing::warn;

use super::connection::{Wait, connect, connect_patiently, renew, server_version};
use super::error::{DatabaseError, OLDEST_SUPPORTED_VERSION};
use super::private::PrivateServer;
use super::settings::DatabaseSettings;
use super::url::DatabaseUrl;
use crate::lock::lock;

/// An open database: it answered, and its version is supported. Cheap to clone
/// and to share among threads.
#[derive(Clone)]
pub struct Database {
    url: DatabaseUrl,
    /// Unused connections for the next callers: opening another takes longer than most
    /// queries.
    spare: Arc<Mutex<Vec<PgConnection>>>,
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
        Ok(Self { url, version, is_private, spare: Arc::new(Mutex::new(vec![connection])) })
    }

    /// Opens the database without creating one: an error if there is no private
    /// server yet.
    pub fn open_existing(settings: &DatabaseSettings, wait: Wait<'_>) -> Result<Self, DatabaseError> {
        if settings.url.is_none() {
            let server = PrivateServer::of(settings)?;
            if !server.exists() {
                let place = format!("there is no private server in {}", server.folder().display());
                return Err(DatabaseError::NothingYet { place });
            }
        }
        Self::open(settings, wait)
    }

    /// Its URL, which hides the password unless exposed.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// A connection in its initial state. Every thread that writes has its own.
    pub fn connect(&self) -> Result<PgConnection, DatabaseError> {
        loop {
            let spare = self.spare().pop();
            let Some(mut connection) = spare else { return connect(&self.url) };
            // It may have been lost while nobody used it.
            if renew(&mut connection).is_ok() {
                return Ok(connection);
            }
        }
    }

    /// Keeps a connection for the next caller, with whatever settings, locks and
    /// temporary tables it has, but not in a transaction.
    pub fn give_back(&self, connection: PgConnection) {
        self.spare().push(connection);
    }

    /// Closes the connections that nobody uses.
    pub fn close_spare(&self) {
        self.spare().clear();
    }

    /// Keeps other processes from taking a backup of this database for as long as the session is
    /// held; none if one does.
    pub fn lock_backups(&self) -> Result<Option<PgConnection>, DatabaseError> {
        let mut connection = self.connect()?;
        let lock = format!("select pg_try_advisory_lock({BACKUP_LOCK}) as yes");
        let locked: Locked = sql_query(lock)
            .get_result(&mut connection)
            .map_err(|source| DatabaseError::Query { action: "take the lock of backups", source })?;
        Ok(locked.yes.then_some(connection))
    }

    fn spare(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        lock(&self.spare)
    }
}

/// The key of the lock that a backup holds: "a backup" as eight ASCII letters.
const BACKUP_LOCK: i64 = i64::from_be_bytes(*b"a backup");

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = sql_types::Bool)]
    yes: bool,
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
