//! The *pool*: database work runs on threads that may block, each with a session, and
//! never more at once than there are sessions.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::{PgConnection, RunQueryDsl, sql_query};
use fhirmill_postgres::database::{Database, DatabaseError};
use fhirmill_postgres::lock::lock;
use tokio::sync::Semaphore;

use super::SharedDatabase;

/// How many sessions there are at most.
const SESSIONS: usize = 8;
/// A session that was idle for longer is checked before it is used.
const FRESH: Duration = Duration::from_secs(10);

/// Sessions of the database. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    database: SharedDatabase,
    idle: Mutex<Vec<(PgConnection, Instant)>>,
    permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Pool")
    }
}

impl Pool {
    /// A pool without sessions yet.
    pub fn new(database: SharedDatabase) -> Self {
        Pool {
            inner: Arc::new(Inner {
                database,
                idle: Mutex::default(),
                permits: Arc::new(Semaphore::new(SESSIONS)),
            }),
        }
    }

    /// The database, for work that opens sessions of its own.
    pub fn database(&self) -> Database {
        lock(&self.inner.database).clone()
    }

    /// Does `work` with a session, on a thread that may block. If it fails, the session is
    /// kept only if it still answers.
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        // The semaphore is never closed. Its permit goes with the work, which is done to its
        // end even if the caller goes away.
        let permit = Arc::clone(&inner.permits).acquire_owned().await;
        let blocking = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut connection = inner.take()?;
            let done = work(&mut connection);
            inner.give_back(connection, done.is_ok());
            done
        });
        match blocking.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime ends, and this with it.
            Err(Err(_)) => std::future::pending().await,
        }
    }
}

impl Inner {
    fn take(&self) -> Result<PgConnection, DatabaseError> {
        loop {
            let Some((mut connection, since)) = lock(&self.idle).pop() else {
                let database = lock(&self.database).clone();
                return database.connect();
            };
            if since.elapsed() < FRESH || is_alive(&mut connection) {
                return Ok(connection);
            }
        }
    }

    fn give_back(&self, mut connection: PgConnection, is_well: bool) {
        if is_well || is_alive(&mut connection) {
            lock(&self.idle).push((connection, Instant::now()));
        } else {
            // The others have lost their server as well.
            lock(&self.idle).clear();
        }
    }
}

fn is_alive(connection: &mut PgConnection) -> bool {
    sql_query("select 1").execute(connection).is_ok()
}
