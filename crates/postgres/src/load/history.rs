//! *History*: rows that a resource's new version no longer has, such as a
//! patient's former addresses, move to history tables with the time in which they
//! were valid. A list that is merely reordered adds none.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use rustc_hash::FxHashSet;

use crate::LoadError;
use fhirmill_core::map::{HistoryTable, Plan};
use fhirmill_core::model::sql;
use fhirmill_core::sink::{KeyedBatch, Outcomes};

/// Created in the transactions that need them. Tables of the session would be
/// emptied at the end of every transaction, which takes longer.
fn temporary_tables(plan: &Plan) -> String {
    let mut sql =
        "create temporary table superseded_version (id bigint, valid_from timestamptz) on commit drop;\n"
            .to_owned();
    for HistoryTable { current, .. } in history_tables(plan) {
        sql += &format!("create temporary table superseded_{current} (like {current}) on commit drop;\n");
    }
    sql
}

/// Those of all resource types.
fn history_tables(plan: &Plan) -> impl Iterator<Item = &HistoryTable> {
    plan.types_with_history().iter().flat_map(|resource_type| plan.history_tables(*resource_type))
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The versions that a batch may supersede: their rows lie in temporary tables
/// until it is known which of them have vanished.
pub(super) struct Superseded {
    /// The keys of all resources of the batch that are in the registry and have
    /// history.
    keys: FxHashSet<i64>,
}

impl Superseded {
    /// Copies the rows of the versions that may be superseded, with the time they
    /// took effect. To be called before the registry decides. Locks the versions,
    /// in the registry's order, so that no other session replaces them first.
    pub fn note(
        connection: &mut PgConnection,
        plan: &Plan,
        batch: &KeyedBatch<'_>,
    ) -> Result<Self, LoadError> {
        let resources = batch.rows.resources().iter().map(|registration| registration.target);
        let deletes = batch.deletes.iter().map(|delete| delete.target);
        let ids: Vec<i64> = resources
            .chain(deletes)
            .filter(|target| !plan.history_tables(batch.rows.resource_type(*target)).is_empty())
            .map(|target| batch.keys[target as usize])
            .collect();
        let locked: Vec<Locked> =
            sql_query("select id from etl.resource_version where id = any($1) order by id for update")
                .bind::<Array<BigInt>, _>(&ids)
                .load(connection)?;
        let keys: FxHashSet<i64> = locked.into_iter().map(|Locked { id }| id).collect();
        if !keys.is_empty() {
            copy_rows(connection, plan, &ids)?;
        }
        Ok(Superseded { keys })
    }

    /// Makes sure that no replaced version was missed: a resource that another
    /// session inserted after [`Superseded::note`] was replaced without its rows
    /// having been copied. The batch must then be tried again.
    pub fn check(&self, plan: &Plan, outcomes: &Outcomes) -> Result<(), LoadError> {
        let mut replaced = plan.types_with_history().iter().flat_map(|of| outcomes.replaced_of(*of));
        let is_complete = replaced.all(|key| self.keys.contains(&key));
        if is_complete { Ok(()) } else { Err(LoadError::Overtaken) }
    }

    /// Moves the rows to history that equal no row of the new version. To be
    /// called when the new rows are stored.
    pub fn keep(
        &self,
        connection: &mut PgConnection,
        plan: &Plan,
        outcomes: &Outcomes,
    ) -> Result<(), LoadError> {
        if self.keys.is_empty() {
            return Ok(());
        }
        for resource_type in plan.types_with_history() {
            let replaced = outcomes.replaced_of(*resource_type);
            if replaced.is_empty() {
                continue;
            }
            for table in plan.history_tables(*resource_type) {
                sql_query(keep_vanished_sql(table))
                    .bind::<Array<BigInt>, _>(&replaced)
                    .execute(connection)?;
            }
        }
        Ok(())
    }
}

/// Copies the rows of the current versions of these resources.
fn copy_rows(connection: &mut PgConnection, plan: &Plan, ids: &[i64]) -> Result<(), LoadError> {
    connection.batch_execute(&temporary_tables(plan))?;
    sql_query(
        "insert into superseded_version \
         select id, coalesce(effective_at, loaded_at) from etl.resource_version \
         where id = any($1) and content_hash is not null",
    )
    .bind::<Array<BigInt>, _>(ids)
    .execute(connection)?;
    let copies = history_tables(plan).map(|HistoryTable { current, key_column, .. }| {
        format!(
            "insert into superseded_{current} \
             select t.* from {current} t join superseded_version v on v.id = t.{key_column};\n"
        )
    });
    connection.batch_execute(&copies.collect::<String>())?;
    Ok(())
}

fn keep_vanished_sql(table: &HistoryTable) -> String {
    let HistoryTable { current, history, key_column, columns, position_column } = table;
    let columns: Vec<String> = columns.iter().map(|column| sql::quoted(column)).collect();
    let columns = columns.join(", ");
    format!(
        "insert into {history} ({columns}, content_hash, valid_from, valid_to) \
         select {columns}, sha256(convert_to((to_jsonb(o) - '{position_column}')::text, 'UTF8')), v.valid_from, \
                coalesce(r.effective_at, r.deleted_at, r.loaded_at) \
           from superseded_{current} o \
           join superseded_version v on v.id = o.{key_column} \
           join etl.resource_version r on r.id = o.{key_column} \
          where o.{key_column} = any($1) \
            and not exists (select from {current} n where n.{key_column} = o.{key_column} \
                               and to_jsonb(n) - '{position_column}' = to_jsonb(o) - '{position_column}') \
         on conflict do nothing"
    )
}
