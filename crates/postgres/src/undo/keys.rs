//! *Keys* that nothing uses any more when files are taken back. They are kept aside, so
//! that the resources get them again if the files are brought back.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, SmallInt};
use fhirmill_core::model::{Table, TableKind, sql};

use super::affected::{own_key, target_columns};
use crate::ledger::living;

/// Notes the keys of the affected resources, of what they contain and of what their rows
/// refer to. To be called before they are cleared.
pub fn collect_keys(connection: &mut PgConnection, tables: &[Table]) -> QueryResult<()> {
    let mut queries = vec![
        "insert into undo_key select id, true from undo_resource on conflict do nothing".to_owned(),
        "insert into undo_key select c.id, true from etl.contained_resource c join undo_resource r on r.id = c.container_id \
         on conflict do nothing"
            .to_owned(),
    ];
    queries.extend(tables.iter().filter_map(targets_of));
    connection.batch_execute(super::JOIN_TABLES)?;
    connection.batch_execute(&queries.join(";\n"))?;
    connection.batch_execute("analyze undo_key")?;
    connection.batch_execute(super::LOOK_UP_ROWS)
}

fn targets_of(table: &Table) -> Option<String> {
    let (own_key, targets) = (own_key(table)?, target_columns(table));
    let targets: Vec<String> = targets.iter().map(|column| format!("(t.{column})")).collect();
    (!targets.is_empty()).then(|| {
        format!(
            "insert into undo_key select distinct target.id from {} t \
             join undo_key r on r.id = t.{own_key} and r.is_own cross join lateral (values {}) as target (id) \
             where target.id is not null on conflict do nothing",
            table.name,
            targets.join(", ")
        )
    })
}

/// Where the registry and the ledger use keys.
const USED: &str = "\
delete from undo_key k where exists (select from etl.resource_version u where u.id = k.id);
delete from undo_key k where exists (select from etl.contained_resource u where u.id = k.id);
delete from undo_key k where exists (select from etl.adopted_resource u where k.id in (u.id, u.owner_id));
delete from undo_key k where exists (select from etl.conditional_resource u where u.resource_id = k.id);
delete from undo_key k where exists (select from etl.resolved_identifier u where u.owner_id = k.id)";

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    is: bool,
}

/// Takes those of the noted keys out of the registry that nothing uses, and keeps them
/// aside. They stay, which does no harm, while a run is alive that has loaded files of the
/// source: it may remember them.
pub fn remove_unused(connection: &mut PgConnection, source_id: i16, tables: &[Table]) -> QueryResult<usize> {
    let living = living();
    let Is { is: is_remembered } = sql_query(format!(
        "select exists (select from etl.load_file where source_id = $1 and load_run_id in ({living})) as is"
    ))
    .bind::<SmallInt, _>(source_id)
    .get_result(connection)?;
    if is_remembered {
        return Ok(0);
    }
    connection.batch_execute(super::JOIN_TABLES)?;
    connection.batch_execute(USED)?;
    let used: Vec<String> = tables.iter().filter_map(used_in).collect();
    connection.batch_execute(&used.join(";\n"))?;
    connection.batch_execute(super::LOOK_UP_ROWS)?;
    sql_query(
        "with removed as (delete from etl.resource_key k using undo_key u where k.id = u.id returning k.*) \
         insert into etl.undone_key (id, source_id, resource_type, fhir_id) \
         select id, source_id, resource_type, fhir_id from removed on conflict do nothing",
    )
    .execute(connection)
}

/// One pass over a table, for all of its columns with keys.
fn used_in(table: &Table) -> Option<String> {
    let own = own_key(table).map(sql::quoted);
    let history = (table.kind == TableKind::History).then(|| table.key.first().map(|key| sql::quoted(key)));
    let mut columns: Vec<String> = target_columns(table);
    columns.extend(own.into_iter().chain(history.flatten()));
    columns.sort_unstable();
    columns.dedup();
    let uses: Vec<String> =
        columns.iter().map(|column| format!("select {column} as id from {}", table.name)).collect();
    (!uses.is_empty()).then(|| {
        format!(
            "delete from undo_key k where exists (select from ({}) u where u.id = k.id)",
            uses.join(" union all ")
        )
    })
}

/// Puts the keys of the source that were kept aside back into the registry, unless their
/// resources have got others.
pub fn restore(connection: &mut PgConnection, source_id: i16) -> QueryResult<()> {
    sql_query(
        "with kept as (delete from etl.undone_key where source_id = $1 returning *) \
         insert into etl.resource_key (id, source_id, resource_type, fhir_id) \
         select id, source_id, resource_type, fhir_id from kept on conflict do nothing",
    )
    .bind::<SmallInt, _>(source_id)
    .execute(connection)?;
    Ok(())
}
