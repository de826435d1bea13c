//! Loading archived records *again*, many batches in one transaction, with the times at
//! which they were delivered.

use std::sync::Arc;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Timestamptz};
use diesel::{PgConnection, RunQueryDsl, sql_query};
use fhirmill_core::map::Plan;
use fhirmill_core::sink::{Outcome, Outcomes};

use super::Loader;
use crate::LoadError;
use crate::registry::RunRegistry;

/// What a version has of the time at which it was loaded. A deletion without a time is
/// of that time, but not older than what it deletes.
const DATE: &str = "\
update etl.resource_version v set
  loaded_at = $2,
  deleted_at = case when v.deleted_at is not null and v.effective_at is null
                    then greatest($2, v.inherited_at) else v.deleted_at end
where v.id = any($1)";

impl Loader {
    /// The plan that it stores by.
    pub fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.tables.plan)
    }

    /// Begins a transaction that lasts over many batches.
    pub fn begin(&mut self) -> Result<(), LoadError> {
        Ok(AnsiTransactionManager::begin_transaction(&mut self.connection)?)
    }

    /// Commits what was loaded since [`Loader::begin`].
    pub fn commit(&mut self) -> Result<(), LoadError> {
        self.registry.forget_keys();
        Ok(AnsiTransactionManager::commit_transaction(&mut self.connection)?)
    }

    /// Takes back what was loaded since [`Loader::begin`].
    pub fn roll_back(&mut self) -> Result<(), LoadError> {
        self.registry.forget_keys();
        Ok(AnsiTransactionManager::rollback_transaction(&mut self.connection)?)
    }

    /// From now on, what comes without a time counts from that one.
    pub fn deliver_at(&mut self, time: PgTimestamp) -> Result<(), LoadError> {
        sql_query("select set_config('fhirmill.delivered_at', ($1)::text, true)")
            .bind::<Timestamptz, _>(time)
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// Empties the session's temporary tables, as the end of a transaction does.
    pub fn end_batch(&mut self) -> Result<(), LoadError> {
        self.connection.batch_execute(RunRegistry::EMPTY_TEMPORARY_TABLES)?;
        let plan = &self.tables.plan;
        let types = plan.types_with_history().iter();
        let mut statement = "drop table if exists pg_temp.lifeline, pg_temp.content".to_owned();
        for history in types.flat_map(|resource_type| plan.history_tables(*resource_type)) {
            let current = &history.current;
            statement += &format!(", pg_temp.superseded_{current}, pg_temp.arriving_{current}");
        }
        // What is not there is told with a notice.
        self.connection.batch_execute(&format!(
            "set local client_min_messages = warning; {statement}; set local client_min_messages to default"
        ))?;
        Ok(())
    }
}

/// Gives the versions that a batch has written the time at which it was delivered, within
/// its transaction.
pub fn date(connection: &mut PgConnection, outcomes: &Outcomes, time: PgTimestamp) -> Result<(), LoadError> {
    let key = |outcome: &Outcome| match outcome {
        Outcome::Inserted { key } | Outcome::Updated { key, .. } | Outcome::Deleted { key, .. } => Some(*key),
        Outcome::Unchanged | Outcome::Stale => None,
    };
    let keys: Vec<i64> = outcomes.of_resources.iter().chain(&outcomes.of_deletes).filter_map(key).collect();
    if !keys.is_empty() {
        sql_query(DATE).bind::<Array<BigInt>, _>(keys).bind::<Timestamptz, _>(time).execute(connection)?;
    }
    Ok(())
}
