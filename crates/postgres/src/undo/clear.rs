//! *Clearing*: the rows of the affected resources go from all tables, with their versions
//! and their history.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{ClearTable, Plan};
use serde::Serialize;

/// The rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableRows {
    /// Those that were removed.
    pub removed: u64,
    /// Those that were written instead.
    pub written: u64,
}

/// Notes what the affected resources have now.
const NOTE: &str = "\
update undo_resource r set had_version = true, content_hash = v.content_hash
from etl.resource_version v where v.id = r.id";

const CONTAINED: &str = "\
insert into undo_resource (id, resource_type, is_contained)
select c.id, k.resource_type, true
from undo_resource r
join etl.contained_resource c on c.container_id = r.id
join etl.resource_key k on k.id = c.id
on conflict do nothing";

/// What the registry and the ledger have of the resources. `i` is the table's key.
const REGISTERED: [(&str, &str); 10] = [
    ("etl.resource_body", "id"),
    ("etl.row_since", "resource_id"),
    ("etl.unresolved_reference", "resource_id"),
    ("etl.contained_resource", "container_id"),
    ("etl.resolved_identifier", "owner_id"),
    ("etl.conditional_resource", "resource_id"),
    ("etl.adopted_resource", "id"),
    ("etl.adopted_resource", "owner_id"),
    ("etl.view_backlog", "resource_id"),
    ("etl.resource_version", "id"),
];

#[derive(QueryableByName)]
struct TypeName {
    #[diesel(sql_type = Text)]
    resource_type: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Removes all rows of the affected resources, and returns their numbers by table.
pub fn clear(connection: &mut PgConnection, plan: &Plan) -> QueryResult<BTreeMap<String, TableRows>> {
    sql_query(NOTE).execute(connection)?;
    sql_query(CONTAINED).execute(connection)?;
    connection.batch_execute("analyze undo_resource")?;
    connection.batch_execute(super::JOIN_TABLES)?;
    let mut removed: BTreeMap<String, TableRows> = BTreeMap::new();
    for (table, condition) in places(connection, plan)? {
        let delete = format!("delete from {table} t using undo_resource r where {condition}");
        let rows = sql_query(delete).execute(connection)? as u64;
        removed.entry(table).or_default().removed += rows;
    }
    for (table, key) in REGISTERED {
        sql_query(format!("delete from {table} t using undo_resource r where t.{key} = r.id"))
            .execute(connection)?;
    }
    connection.batch_execute(super::LOOK_UP_ROWS)?;
    Ok(removed)
}

/// Notes in `tables` how many rows the affected resources have now.
pub fn written(
    connection: &mut PgConnection,
    plan: &Plan,
    tables: &mut BTreeMap<String, TableRows>,
) -> QueryResult<()> {
    sql_query(CONTAINED).execute(connection)?;
    connection.batch_execute(super::JOIN_TABLES)?;
    let count = |(table, condition): (String, String)| {
        format!(
            "select '{table}' as name, count(*) as rows from {table} t join undo_resource r on {condition}"
        )
    };
    let counts: Vec<String> = places(connection, plan)?.into_iter().map(count).collect();
    // A table may have rows of several types.
    for counts in counts.chunks(100) {
        let counts: Vec<Count> = sql_query(counts.join(" union all ")).load(connection)?;
        for Count { name, rows } in counts {
            tables.entry(name).or_default().written += rows.unsigned_abs();
        }
    }
    tables.retain(|_, rows| rows.removed + rows.written > 0);
    connection.batch_execute(super::LOOK_UP_ROWS)
}

/// Where affected resources may have rows: a table, and the condition under which its row
/// `t` belongs to the resource `r`.
fn places(connection: &mut PgConnection, plan: &Plan) -> QueryResult<Vec<(String, String)>> {
    let types: Vec<TypeName> =
        sql_query("select distinct resource_type from undo_resource order by 1").load(connection)?;
    let mut places = BTreeSet::new();
    for TypeName { resource_type } in types {
        let Some(known) = ResourceType::named(&resource_type) else { continue };
        for ClearTable { table, key_column, has_type_column } in plan.tables_to_clear(known) {
            let of_type = if *has_type_column { " and t.resource_type = r.resource_type" } else { "" };
            let condition =
                format!("t.\"{key_column}\" = r.id and r.resource_type = '{resource_type}'{of_type}");
            places.insert((table.clone(), condition));
        }
        for history in plan.history_tables(known) {
            let condition = format!("t.\"{}\" = r.id", history.key_column);
            places.insert((history.history.clone(), condition));
        }
    }
    Ok(places.into_iter().collect())
}
