//! *Adoption*: the rows of a resource that was made by a request by identifier
//! follow it when the owner of the identifier takes its place, and references to it
//! lead to the owner.

use std::sync::Arc;

use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use diesel::{Connection, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::datatype::SqlType;
use fhirmill_core::map::{ClearTable, Plan};
use fhirmill_core::model::{Table, TableColumn, TableKind, sql};
use fhirmill_core::sink::Outcomes;

use super::postgres_sink::{PostgresTables, cleared, remove_replaced};
use super::retry::with_retries;
use crate::LoadError;
use crate::registry::{self, Adoption};

/// What the registry and the ledger have of a resource.
const REGISTERED: [(&str, &str); 5] = [
    ("etl.resource_body", "id"),
    ("etl.unresolved_reference", "resource_id"),
    ("etl.contained_resource", "container_id"),
    ("etl.row_since", "resource_id"),
    ("etl.view_backlog", "resource_id"),
];

/// Lets the owners take the places of what was made, within a transaction.
pub(super) fn adopt(
    connection: &mut PgConnection,
    tables: &PostgresTables,
    adoptions: &[Adoption],
) -> Result<(), LoadError> {
    let types = adoptions.iter().map(|adoption| adoption.resource_type);
    tables.keys.require(connection, types.flat_map(|of| cleared(&tables.plan, of)))?;
    for adoption in adoptions {
        match registry::adopt(connection, adoption)? {
            None => {}
            Some(true) => follow(connection, &tables.plan, adoption)?,
            Some(false) => {
                let mut outcomes = Outcomes::all_stale(0, 0);
                outcomes.replaced.push((adoption.resource_type, adoption.made_id));
                remove_replaced(connection, tables, &outcomes)?;
            }
        }
    }
    Ok(())
}

/// Gives the rows of what was made the owner's key.
fn follow(connection: &mut PgConnection, plan: &Plan, adoption: &Adoption) -> QueryResult<()> {
    let Adoption { made_id, owner_id, resource_type } = adoption;
    for ClearTable { table, key_column, has_type_column } in plan.tables_to_clear(*resource_type) {
        let of_type = if *has_type_column { " and resource_type = $3" } else { " and $3 <> ''" };
        let fhir_id = match key_column.as_str() {
            "id" => ", fhir_id = (select k.fhir_id from etl.resource_key k where k.id = $2)",
            _ => "",
        };
        let key = sql::quoted(key_column);
        sql_query(format!("update {table} set {key} = $2{fhir_id} where {key} = $1{of_type}"))
            .bind::<BigInt, _>(made_id)
            .bind::<BigInt, _>(owner_id)
            .bind::<Text, _>(resource_type.name())
            .execute(connection)?;
    }
    let history = plan.history_tables(*resource_type).iter();
    let history = history.map(|table| (table.history.as_str(), table.key_column.as_str()));
    for (table, key) in history.chain(REGISTERED) {
        sql_query(format!("update {table} set {key} = $2 where {key} = $1"))
            .bind::<BigInt, _>(made_id)
            .bind::<BigInt, _>(owner_id)
            .execute(connection)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Adopted {
    #[diesel(sql_type = SmallInt)]
    source_id: i16,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
}

/// Those of these runs, and of any that began later. A worker may have cached the
/// key of a resource whose place was taken after its run began.
const RECENTLY_ADOPTED: &str = "\
select k.source_id, a.id, a.owner_id
from etl.adopted_resource a join etl.resource_key k on k.id = a.id
where a.adopted_at >= (select min(started_at) from etl.load_run where id = any($1)) order by 1, 2";

const RESOLVED_IDENTIFIERS: &str = "\
with led as (delete from etl.resolved_identifier where owner_id = any($1) returning *)
insert into etl.resolved_identifier (source_id, resource_type, system, value, owner_id)
select source_id, resource_type, system, value, ($2::bigint[])[array_position($1::bigint[], owner_id)] from led
on conflict do nothing";

/// Leads references to resources whose place was taken, since the first of these runs
/// began, to those that took it. The plan is only asked for where there are any.
pub fn lead_to_owners(
    connection: &mut PgConnection,
    plan: impl FnOnce() -> Arc<Plan>,
    run_ids: &[i64],
) -> Result<(), LoadError> {
    let adopted: Vec<Adopted> =
        sql_query(RECENTLY_ADOPTED).bind::<Array<BigInt>, _>(run_ids).load(connection)?;
    if adopted.is_empty() {
        return Ok(());
    }
    let plan = plan();
    for of_source in adopted.chunk_by(|one, other| one.source_id == other.source_id) {
        let made: Vec<i64> = of_source.iter().map(|adopted| adopted.id).collect();
        let owners: Vec<i64> = of_source.iter().map(|adopted| adopted.owner_id).collect();
        with_retries(connection, |connection| {
            connection.transaction(|connection| {
                // No batch of the source writes the same rows meanwhile.
                registry::lock_source_until_commit(connection, of_source[0].source_id)?;
                let statements = plan.tables.iter().filter_map(redirect);
                for statement in statements.chain([RESOLVED_IDENTIFIERS.to_owned()]) {
                    sql_query(statement)
                        .bind::<Array<BigInt>, _>(&made)
                        .bind::<Array<BigInt>, _>(&owners)
                        .execute(connection)?;
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// The statement that replaces keys of other resources in a table; `None` if it has
/// none.
fn redirect(table: &Table) -> Option<String> {
    if table.kind == TableKind::History {
        return None;
    }
    let is_key = |column: &TableColumn| {
        column.sql_type == SqlType::BigInt
            && (column.name.ends_with("_id") || column.refers_to.is_some())
            && !table.key.contains(&column.name)
    };
    let keys: Vec<String> = table
        .columns
        .iter()
        .filter(|column| is_key(column))
        .map(|column| sql::quoted(&column.name))
        .collect();
    if keys.is_empty() {
        return None;
    }
    let owner = |key: &String| {
        format!("{key} = coalesce(($2::bigint[])[array_position($1::bigint[], {key})], {key})")
    };
    let is_made = |key: &String| format!("{key} = any($1::bigint[])");
    Some(format!(
        "update {} set {} where {}",
        table.name,
        keys.iter().map(owner).collect::<Vec<_>>().join(", "),
        keys.iter().map(is_made).collect::<Vec<_>>().join(" or ")
    ))
}
