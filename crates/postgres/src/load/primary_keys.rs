//! *Postponed keys*: a large onboarding copies into tables without primary keys, since the
//! registry sees to it that no row comes twice. The keys are made when the onboarding ends,
//! or as soon as rows have to be looked up by them. The registry's index on files, which
//! nothing is looked up by while new files are loaded, is postponed together with them.

use std::cell::Cell;
use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::result::Error;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel::{Connection, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::model::{PrimaryKey, tables};
use tracing::info;

use crate::LoadError;
use crate::database::Failure;
use crate::failpoint::{self, KeyStep};

/// The advisory lock of the session that makes keys which its batch needs.
const KEYS_LOCK: i64 = 7_303_030;

/// Nothing is waited for: the onboarding is as well off with keys. Nobody can load a first
/// resource between the question whether there are any and the end of the transaction.
const HOLD_OFF: &str = "\
set local lock_timeout = '1s';
lock table etl.resource_version in share mode";

/// The registry's index on files.
pub const FILE_INDEX: &str = "etl.resource_version_file";
/// Creates it where it is missing.
pub const CREATE_FILE_INDEX: &str =
    "create index if not exists resource_version_file on etl.resource_version (file_id)";
const DROP_FILE_INDEX: &str = "drop index if exists etl.resource_version_file";

/// The keys, of those with these names, that nothing in the database depends on: neither
/// foreign keys, which servers from PostgreSQL 18 on have, nor views, nor replication.
const FREE: &str = "\
select k.conname::text as name
from pg_constraint k
where k.contype = 'p' and k.connamespace = 'public'::regnamespace and k.conname = any($1)
  and not exists (select from etl.resource_version)
  and not exists (select from pg_publication)
  and not exists (select from pg_depend d
                  where d.deptype = 'n'
                    and (d.refclassid = 'pg_constraint'::regclass and d.refobjid = k.oid
                         or d.refclassid = 'pg_class'::regclass and d.refobjid = k.conindid))";

/// The tables, of these, whose key has no index.
const WITHOUT: &str = "\
select t as name from unnest($1::text[]) t
where to_regclass('public.' || quote_ident(t || '_pkey')) is null";

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// All keys that an onboarding can do without.
fn postponable() -> Vec<PrimaryKey> {
    tables().iter().filter(|table| PrimaryKey::is_postponable(table)).map(PrimaryKey::of).collect()
}

/// Drops the keys of the clinical tables before an onboarding, as long as no resource was
/// ever loaded; returns how many. Gives up if others use the tables.
pub fn postpone(connection: &mut PgConnection) -> QueryResult<usize> {
    let dropped = connection.transaction(|connection| {
        connection.batch_execute(HOLD_OFF)?;
        let keys = postponable();
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        let free: Vec<Name> = sql_query(FREE).bind::<Array<Text>, _>(names).load(connection)?;
        let free: BTreeSet<String> = free.into_iter().map(|key| key.name).collect();
        let drops = keys.iter().filter(|key| free.contains(&key.name)).map(PrimaryKey::drop);
        let is_first_load = !free.is_empty();
        let drops = drops.chain(is_first_load.then(|| DROP_FILE_INDEX.to_owned()));
        connection.batch_execute(&drops.collect::<Vec<_>>().join(";\n"))?;
        Ok::<_, Error>(free.len())
    })?;
    failpoint::passed(KeyStep::Postponed);
    Ok(dropped)
}

/// What a loader knows of the keys that it looks rows up by.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// None is missing, which stays so once a resource was loaded.
    are_complete: Cell<bool>,
}

impl Keys {
    /// Makes sure that rows of these tables can be looked up by their keys.
    ///
    /// # Errors
    ///
    /// [`LoadError::KeysMissing`] if the transaction has to be rolled back to make keys first.
    pub fn require<'t>(
        &self,
        connection: &mut PgConnection,
        tables: impl Iterator<Item = &'t str>,
    ) -> Result<(), LoadError> {
        let mut tables = tables.peekable();
        if self.are_complete.get() || tables.peek().is_none() {
            return Ok(());
        }
        let all: Vec<String> = postponable().into_iter().map(|key| key.table).collect();
        let without: Vec<Name> = sql_query(WITHOUT).bind::<Array<Text>, _>(all).load(connection)?;
        let without: BTreeSet<String> = without.into_iter().map(|table| table.name).collect();
        self.are_complete.set(without.is_empty());
        let missing: BTreeSet<&str> = tables.filter(|table| without.contains(*table)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(LoadError::KeysMissing(missing.into_iter().map(str::to_owned).collect()))
    }
}

/// Makes the indexes of the keys of these tables, where they are missing. It is left to
/// the end of the run to declare them as keys, which readers would have to make way for.
pub(super) fn make(connection: &mut PgConnection, tables: &[String]) -> Result<(), LoadError> {
    info!(tables = tables.len(), "making the primary keys of tables in which rows are replaced");
    sql_query("select pg_advisory_lock($1)").bind::<BigInt, _>(KEYS_LOCK).execute(connection)?;
    let made = postponable()
        .iter()
        .filter(|key| tables.contains(&key.table))
        .try_for_each(|key| create_index(connection, key));
    let unlocked =
        sql_query("select pg_advisory_unlock($1)").bind::<BigInt, _>(KEYS_LOCK).execute(connection);
    made?;
    unlocked?;
    Ok(())
}

#[derive(QueryableByName)]
struct IsThere {
    #[diesel(sql_type = Bool)]
    is_there: bool,
}

/// Makes the index of a key. Another session may be making it at the same time.
///
/// # Errors
///
/// [`LoadError::KeyViolated`] if two rows have the same key.
pub fn create_index(connection: &mut PgConnection, key: &PrimaryKey) -> Result<(), LoadError> {
    // Within a transaction, such as that of an undo, a failure must not end it.
    let created = connection.transaction(|connection| connection.batch_execute(&key.create_index()));
    match created {
        Err(error) if Failure::of(&error) == Some(Failure::UniqueViolation) => {
            let IsThere { is_there } = sql_query("select to_regclass($1) is not null as is_there")
                .bind::<Text, _>(format!("public.{}", key.name))
                .get_result(connection)?;
            if !is_there {
                return Err(LoadError::KeyViolated { table: key.table.clone() });
            }
        }
        other => other?,
    }
    failpoint::passed(KeyStep::Indexed);
    Ok(())
}

/// Declares an index as the key of its table. Gives up within two seconds if somebody reads
/// the table: whoever comes later would have to wait, too.
pub fn declare(connection: &mut PgConnection, key: &PrimaryKey) -> QueryResult<()> {
    connection.transaction(|connection| {
        connection.batch_execute(&format!("set local lock_timeout = '2s';\n{}", key.use_index()))
    })?;
    failpoint::passed(KeyStep::Declared);
    Ok(())
}
