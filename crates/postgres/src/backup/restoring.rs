//! A database that is *being restored*: empty before, and marked until it is whole, so that
//! nothing half restored is taken for a database.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, Bool, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use super::RESTORE_APPLICATION;
use crate::database::DatabaseError;

/// The schema that marks it.
const MARK: &str = "fhirmill_restore";

/// The key of the lock that a restore holds: "restore!" as eight ASCII letters.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"restore!");

/// Why a database is not restored into.
#[derive(Debug, thiserror::Error)]
pub enum RestoringError {
    /// The database does not answer, or refuses.
    #[error("cannot {action}")]
    Query { action: &'static str, source: diesel::result::Error },
    /// Another process restores.
    #[error("another process is restoring this database")]
    Busy,
    /// Something is in it.
    #[error("the database {database} is not empty: it has {}", .found.join(", "))]
    NotEmpty { database: String, found: Vec<String> },
    /// Somebody uses it.
    #[error("others are connected to the database {database}: {}", .sessions.join(", "))]
    InUse { database: String, sessions: Vec<String> },
}

impl RestoringError {
    fn query(action: &'static str) -> impl FnOnce(diesel::result::Error) -> Self {
        move |source| RestoringError::Query { action, source }
    }
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct Texts {
    #[diesel(sql_type = Array<Text>)]
    texts: Vec<String>,
}

/// What is in the database, besides what every new one has.
const FOUND: &str = "\
select array(
  select format('schema %s', n.nspname) from pg_namespace n
   where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public', 'fhirmill_restore')
  union all
  select format('%s %s', case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end, c.oid::regclass)
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
     and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
   order by 1 limit 5) as texts";

/// Sessions of others; those that a restore left are ended.
const SESSIONS: &str = "\
select array(select format('session %s of user %s (%s)', pid, usename, application_name) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    and usename is not null order by pid limit 5) as texts";

const END_LEFTOVERS: &str = "\
select count(pg_terminate_backend(pid, 10000)) >= 0 as yes from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid() and application_name = $1";

/// Schemas that are not fhirmill's are the operator's, but `--overwrite` has asked for it. What is in
/// `public` is dropped one by one, because the schema may belong to somebody else.
const CLEAR: &str = "\
do $clear$
declare found record;
begin
  for found in select nspname from pg_namespace
   where nspname !~ '^pg_' and nspname not in ('information_schema', 'public', 'fhirmill_restore') loop
    execute format('drop schema %I cascade', found.nspname);
  end loop;
  for found in select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
      when 'f' then 'foreign table' else 'table' end as kind, relname from pg_class
   where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f', 'S') loop
    execute format('drop %s if exists public.%I cascade', found.kind, found.relname);
  end loop;
  for found in select oid::regprocedure as name from pg_proc p where pronamespace = 'public'::regnamespace
     and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e') loop
    execute format('drop routine if exists %s cascade', found.name);
  end loop;
  for found in select typname from pg_type t where typnamespace = 'public'::regnamespace
     and (typtype in ('e', 'd', 'r') or typtype = 'c' and exists (
       select from pg_class c where c.oid = t.typrelid and c.relkind = 'c')) loop
    execute format('drop type if exists public.%I cascade', found.typname);
  end loop;
end $clear$";

/// Whether the database is marked as being restored.
fn is_being_restored(connection: &mut PgConnection) -> QueryResult<bool> {
    ask(connection, &format!("to_regnamespace('{MARK}') is not null"))
}

fn ask(connection: &mut PgConnection, question: &str) -> QueryResult<bool> {
    let answer: Answer = sql_query(format!("select {question} as yes")).get_result(connection)?;
    Ok(answer.yes)
}

/// A database that this process restores. Its session holds a lock.
pub struct Restoring {
    connection: PgConnection,
}

impl Restoring {
    /// Takes the database, which must be empty, or left by a restore that was broken off, or,
    /// with `may_overwrite`, anything. It is empty and marked afterwards.
    pub fn begin(
        mut connection: PgConnection,
        database: &str,
        may_overwrite: bool,
    ) -> Result<Self, RestoringError> {
        let session = &mut connection;
        let failed = || RestoringError::query("take the database for the restore");
        if !ask(session, &format!("pg_try_advisory_lock({LOCK_KEY})")).map_err(failed())? {
            return Err(RestoringError::Busy);
        }
        let is_left = is_being_restored(session).map_err(failed())?;
        if is_left {
            let ended: Answer = sql_query(END_LEFTOVERS)
                .bind::<Text, _>(RESTORE_APPLICATION)
                .get_result(session)
                .map_err(failed())?;
            debug_assert!(ended.yes);
        }
        let Texts { texts: found } = sql_query(FOUND).get_result(session).map_err(failed())?;
        if !found.is_empty() {
            if !is_left && !may_overwrite {
                return Err(RestoringError::NotEmpty { database: database.to_owned(), found });
            }
            let Texts { texts: sessions } = sql_query(SESSIONS).get_result(session).map_err(failed())?;
            if !sessions.is_empty() {
                return Err(RestoringError::InUse { database: database.to_owned(), sessions });
            }
        }
        session
            .batch_execute(&format!("create schema if not exists {MARK}"))
            .map_err(RestoringError::query("mark the database as being restored"))?;
        if !found.is_empty() {
            session.batch_execute(CLEAR).map_err(RestoringError::query("empty the database"))?;
        }
        Ok(Restoring { connection })
    }

    /// The session that holds the lock.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives the restore up: the database is as empty as it was.
    pub fn abandon(mut self) {
        // If that fails, the next restore begins anew all the same.
        let _ = self.connection.batch_execute(&format!("drop schema if exists {MARK}"));
    }

    /// Ends the restore: the database is whole.
    pub fn finish(mut self) -> Result<(), RestoringError> {
        // Statistics are not in a dump, and without them every query is slow.
        let ended = self.connection.batch_execute(&format!("analyze; drop schema {MARK}"));
        ended.map_err(RestoringError::query("end the restore"))
    }
}

impl std::fmt::Debug for Restoring {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Restoring")
    }
}

/// An error if the database is marked as being restored.
pub(crate) fn refuse_unfinished(connection: &mut PgConnection, database: &str) -> Result<(), DatabaseError> {
    let action = "look whether the database is being restored";
    match is_being_restored(connection).map_err(|source| DatabaseError::Query { action, source })? {
        true => Err(DatabaseError::BeingRestored { database: database.to_owned() }),
        false => Ok(()),
    }
}
