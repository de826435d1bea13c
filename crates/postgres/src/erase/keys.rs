//! The *keys* of what was erased, and what deleted rows leave in tables.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use fhirmill_core::datatype::SqlType;
use fhirmill_core::model::{Table, sql};

/// Deletes the noted keys that neither rows nor the registry use.
pub(super) fn drop_unused(connection: &mut PgConnection, id: i64, tables: &[Table]) -> QueryResult<()> {
    connection
        .batch_execute("create temporary table erasure_unused (id bigint primary key) on commit drop")?;
    sql_query("insert into erasure_unused select key from etl.erasure_key where erasure_id = $1")
        .bind::<BigInt, _>(id)
        .execute(connection)?;
    connection.batch_execute("analyze erasure_unused")?;
    for (table, key) in [
        ("etl.resource_version", "id"),
        ("etl.contained_resource", "id"),
        ("etl.contained_resource", "container_id"),
        ("etl.adopted_resource", "id"),
        ("etl.adopted_resource", "owner_id"),
        ("etl.conditional_resource", "resource_id"),
        ("etl.resolved_identifier", "owner_id"),
    ] {
        sql_query(format!("delete from erasure_unused u using {table} t where t.{key} = u.id"))
            .execute(connection)?;
    }
    for table in tables {
        let keys = table.columns.iter().filter(|column| {
            column.sql_type == SqlType::BigInt
                && (column.name.ends_with("_id") || column.name == "id" || column.refers_to.is_some())
        });
        let uses: Vec<String> = keys
            .map(|column| format!("select {} as id from {}", sql::quoted(&column.name), table.name))
            .collect();
        if !uses.is_empty() {
            sql_query(format!(
                "delete from erasure_unused u using ({}) t where t.id = u.id",
                uses.join(" union all ")
            ))
            .execute(connection)?;
        }
    }
    sql_query("delete from etl.resource_key k using erasure_unused u where k.id = u.id")
        .execute(connection)?;
    Ok(())
}

/// Removes what deleted rows have left in a table, and in its statistics.
pub fn vacuum(connection: &mut PgConnection, table: &str) -> QueryResult<()> {
    sql_query(format!("vacuum (analyze) {table}")).execute(connection)?;
    Ok(())
}
