//! *Shared keys*: the keys that the registries of several runs have looked up, so that none
//! asks for what another one has given.
//!
//! The transactions that give keys do not wait for the disk: a server that dies may forget
//! them, and give the same numbers to other resources. So a run may only use what others
//! know if a session that is older than all of it is alive: the server has not died since.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Integer, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use super::cached_keys::CachedKeys;
use crate::lock::lock;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct SharedKeys(Arc<Mutex<Option<Witnessed>>>);

/// Keys, and a session that is older than they are.
#[derive(Debug)]
struct Witnessed {
    keys: CachedKeys,
    witness: Session,
}

#[derive(Debug, QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Timestamptz)]
    backend_start: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    holds: bool,
}

impl SharedKeys {
    /// The keys that a run may use, which has this connection as long as it lives.
    pub(super) fn of_run(&self, connection: &mut PgConnection) -> QueryResult<CachedKeys> {
        let mut shared = lock(&self.0);
        if let Some(Witnessed { keys, witness }) = &*shared
            && witness.is_alive(connection)?
        {
            return Ok(keys.clone());
        }
        let keys = CachedKeys::default();
        *shared = Session::of(connection)?.map(|witness| Witnessed { keys: keys.clone(), witness });
        Ok(keys)
    }
}

impl Session {
    /// None if the server does not say when it has begun.
    fn of(connection: &mut PgConnection) -> QueryResult<Option<Session>> {
        sql_query(
            "select pid, backend_start from pg_stat_activity where pid = pg_backend_pid() and backend_start is not null",
        )
        .get_result(connection)
        .optional()
    }

    fn is_alive(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        let answer: Answer = sql_query(
            "select exists (select from pg_stat_activity where pid = $1 and backend_start = $2) as holds",
        )
        .bind::<Integer, _>(self.pid)
        .bind::<Timestamptz, _>(self.backend_start)
        .get_result(connection)?;
        Ok(answer.holds)
    }
}
