//! Names and addresses that a patient's new version no longer has move to
//! history, with the time they were valid. A list that is only put in another
//! order writes none.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use rustc_hash::FxHashSet;

use super::Load;
use crate::LoadError;
use crate::registry::decide::Outcomes;
use fhirmill_core::map::{HistoryTable, Plan};
use fhirmill_core::model::sql;

/// For one transaction, where they are needed. Tables that stayed would be
/// emptied at the end of every one, which takes longer than many a statement.
fn temporary_tables(plan: &Plan) -> String {
    let mut sql =
        "create temporary table superseded_version (id bigint, valid_from timestamptz) on commit drop;\n"
            .to_owned();
    for HistoryTable { current, .. } in history_tables(plan) {
        sql += &format!("create temporary table superseded_{current} (like {current}) on commit drop;\n");
    }
    sql
}

/// Of all types.
fn history_tables(plan: &Plan) -> impl Iterator<Item = &HistoryTable> {
    plan.types_with_history().iter().flat_map(|resource_type| plan.history_tables(*resource_type))
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Before the registry decides: keeps the versions that may be superseded,
/// with the time they took effect, and their rows. They are locked, in the
/// registry's order, so that no other session replaces them before this one
/// does. Gives the keys of all patients of the batch that the registry has.
pub(super) fn note_superseded(
    connection: &mut PgConnection,
    plan: &Plan,
    load: &Load<'_>,
    keys: &[i64],
) -> Result<FxHashSet<i64>, LoadError> {
    if load.is_remap {
        return Ok(FxHashSet::default());
    }
    let resources = load.batch.resources().iter().map(|registration| registration.target);
    let deletes = load.deletes.iter().map(|delete| delete.target);
    let ids: Vec<i64> = resources
        .chain(deletes)
        .filter(|target| !plan.history_tables(load.batch.resource_type(*target)).is_empty())
        .map(|target| keys[target as usize])
        .collect();
    let locked: Vec<Locked> =
        sql_query("select id from etl.resource_version where id = any($1) order by id for update")
            .bind::<Array<BigInt>, _>(&ids)
            .load(connection)?;
    if locked.is_empty() {
        return Ok(FxHashSet::default());
    }
    connection.batch_execute(&temporary_tables(plan))?;
    sql_query(
        "insert into superseded_version \
         select id, coalesce(effective_at, loaded_at) from etl.resource_version \
         where id = any($1) and content_hash is not null",
    )
    .bind::<Array<BigInt>, _>(&ids)
    .execute(connection)?;
    let copies = history_tables(plan).map(|HistoryTable { current, key_column, .. }| {
        format!(
            "insert into superseded_{current} \
             select t.* from {current} t join superseded_version v on v.id = t.{key_column};\n"
        )
    });
    connection.batch_execute(&copies.collect::<String>())?;
    Ok(locked.into_iter().map(|Locked { id }| id).collect())
}

/// After the registry has decided: a patient that came between, from another
/// session, was replaced without having been noted. The batch is tried again.
pub(super) fn check_noted(
    plan: &Plan,
    load: &Load<'_>,
    outcomes: &Outcomes,
    noted: &FxHashSet<i64>,
) -> Result<(), LoadError> {
    if load.is_remap {
        return Ok(());
    }
    let mut replaced = plan.types_with_history().iter().flat_map(|of| outcomes.replaced(*of));
    let is_noted = replaced.all(|id| noted.contains(&id));
    if is_noted { Ok(()) } else { Err(LoadError::Overtaken) }
}

/// After the new rows are there: rows that no row of the new version equals.
pub(super) fn keep_vanished(
    connection: &mut PgConnection,
    plan: &Plan,
    outcomes: &Outcomes,
) -> Result<(), LoadError> {
    for resource_type in plan.types_with_history() {
        let replaced = outcomes.replaced(*resource_type);
        if replaced.is_empty() {
            continue;
        }
        for table in plan.history_tables(*resource_type) {
            sql_query(keep_vanished_sql(table)).bind::<Array<BigInt>, _>(&replaced).execute(connection)?;
        }
    }
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
