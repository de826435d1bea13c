//! The resources that an undo *affects*, in a temporary table: those that the files name,
//! and those whose references were resolved to them by identifier.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use fhirmill_core::datatype::SqlType;
use fhirmill_core::model::{Table, TableKind, sql};
use serde::Serialize;

const TEMPORARY_TABLES: &str = "\
create temporary table undo_resource (
  id bigint primary key, resource_type text not null, is_contained boolean not null default false,
  had_version boolean not null default false, content_hash bytea
) on commit drop;
create temporary table undo_owner (id bigint primary key) on commit drop;
create temporary table undo_key (id bigint primary key, is_own boolean not null default false) on commit drop";

/// Begins with no resource, within a transaction.
pub fn begin(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(TEMPORARY_TABLES)
}

/// Adds resources of the source, by types and ids. Those without a key were never loaded.
pub fn add(
    connection: &mut PgConnection,
    source_id: i16,
    resource_types: &[&str],
    fhir_ids: &[&str],
) -> QueryResult<usize> {
    sql_query(
        "insert into undo_resource (id, resource_type) \
         select k.id, k.resource_type from unnest($2, $3) as a (resource_type, fhir_id) \
         join etl.resource_key k on k.source_id = $1 and k.resource_type = a.resource_type and k.fhir_id = a.fhir_id \
         on conflict do nothing",
    )
    .bind::<SmallInt, _>(source_id)
    .bind::<Array<Text>, _>(resource_types)
    .bind::<Array<Text>, _>(fhir_ids)
    .execute(connection)
}

/// Of two resources of which one took the place of the other, both are affected.
const ADOPTED: &str = "\
insert into undo_resource (id, resource_type)
select k.id, k.resource_type
from etl.adopted_resource a
cross join lateral (values (a.id), (a.owner_id)) as both_ids (id)
join etl.resource_key k on k.id = both_ids.id
where exists (select from undo_resource r where r.id in (a.id, a.owner_id))
on conflict do nothing";

/// Those that references by identifier were resolved to.
const OWNERS: &str = "\
insert into undo_owner (id)
select r.id from undo_resource r
where exists (select from etl.resolved_identifier i where i.owner_id = r.id)
   or exists (select from etl.adopted_resource a where a.owner_id = r.id)
on conflict do nothing";

/// Adds the resources that follow from those that were added: see the module.
pub fn close(connection: &mut PgConnection, tables: &[Table]) -> QueryResult<()> {
    connection.batch_execute(super::JOIN_TABLES)?;
    loop {
        let adopted = sql_query(ADOPTED).execute(connection)?;
        let owners = sql_query(OWNERS).execute(connection)?;
        let mut referring = 0;
        if owners > 0 {
            for query in tables.iter().filter_map(referring_to_owners) {
                referring += sql_query(query).execute(connection)?;
            }
        }
        if adopted + referring == 0 {
            break;
        }
    }
    connection.batch_execute("analyze undo_resource")?;
    connection.batch_execute(super::LOOK_UP_ROWS)
}

/// The column of a table that has the key of the resource that a row belongs to.
pub(super) fn own_key(table: &Table) -> Option<&str> {
    match table.kind {
        TableKind::Resource | TableKind::Other => Some("id"),
        TableKind::Child => table.key.first().map(String::as_str),
        TableKind::Generic => Some("resource_id"),
        TableKind::History => None,
    }
}

/// The columns of a table that have keys of other resources.
pub(super) fn target_columns(table: &Table) -> Vec<String> {
    let is_key = |column: &&fhirmill_core::model::TableColumn| {
        column.sql_type == SqlType::BigInt
            && (column.name.ends_with("_id") || column.refers_to.is_some())
            && !table.key.contains(&column.name)
    };
    table.columns.iter().filter(is_key).map(|column| sql::quoted(&column.name)).collect()
}

/// Adds those that have a row in the table which refers to an owner; `None` if no row can.
fn referring_to_owners(table: &Table) -> Option<String> {
    let (own_key, targets) = (own_key(table)?, target_columns(table));
    if targets.is_empty() {
        return None;
    }
    let refers: Vec<String> =
        targets.iter().map(|column| format!("t.{column} in (select id from undo_owner)")).collect();
    Some(format!(
        "insert into undo_resource (id, resource_type) \
         select distinct k.id, k.resource_type from {} t \
         left join etl.contained_resource c on c.id = t.{own_key} \
         join etl.resource_key k on k.id = coalesce(c.container_id, t.{own_key}) \
         where {} on conflict do nothing",
        table.name,
        refers.join(" or ")
    ))
}

#[derive(QueryableByName)]
struct Identity {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

/// Passes on the type and the id of each affected resource.
pub fn identities(connection: &mut PgConnection, take: &mut dyn FnMut(&str, &str)) -> QueryResult<()> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<Identity> = sql_query(
            "select r.id, k.resource_type, k.fhir_id from undo_resource r join etl.resource_key k on k.id = r.id \
             where r.id > $1 order by r.id limit 50000",
        )
        .bind::<BigInt, _>(after)
        .load(connection)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        page.iter().for_each(|identity| take(&identity.resource_type, &identity.fhir_id));
    }
}

/// What became of the affected resources of one type.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName, Serialize)]
pub struct ChangedResources {
    /// The type.
    #[diesel(sql_type = Text)]
    pub resource_type: String,
    /// Those that are gone.
    #[diesel(sql_type = BigInt)]
    pub removed: i64,
    /// Those that have another version than before.
    #[diesel(sql_type = BigInt)]
    pub replaced: i64,
    /// Those that were deleted and are there again.
    #[diesel(sql_type = BigInt)]
    pub revived: i64,
    /// Those that were not there and are.
    #[diesel(sql_type = BigInt)]
    pub added: i64,
    /// Those that are deleted now, and were not.
    #[diesel(sql_type = BigInt)]
    pub deleted: i64,
    /// Those that are as they were.
    #[diesel(sql_type = BigInt)]
    pub unchanged: i64,
}

const CHANGED: &str = "\
select r.resource_type,
       count(*) filter (where r.content_hash is not null and v.id is null) as removed,
       count(*) filter (where r.content_hash <> v.content_hash) as replaced,
       count(*) filter (where r.had_version and r.content_hash is null and v.content_hash is not null) as revived,
       count(*) filter (where not r.had_version and v.content_hash is not null) as added,
       count(*) filter (where v.id is not null and v.content_hash is null
                          and (r.content_hash is not null or not r.had_version)) as deleted,
       count(*) filter (where r.had_version and r.content_hash is not distinct from v.content_hash) as unchanged
from undo_resource r left join etl.resource_version v on v.id = r.id
where not r.is_contained
group by 1 order by 1";

impl ChangedResources {
    /// By type, in alphabetical order.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<ChangedResources>> {
        sql_query(CHANGED).load(connection)
    }

    /// How many are other than before.
    pub fn count(&self) -> i64 {
        self.removed + self.replaced + self.revived + self.added + self.deleted
    }
}
