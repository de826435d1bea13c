//! What the references of resources led to *earlier*: read from their rows before
//! a remap writes these again.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::datatype::SqlType;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{EarlierReferences, IdentifierKey};
use fhirmill_core::model::{Table, TableKind, sql};
use rustc_hash::FxHashMap;

use crate::LoadError;

/// The current resources at these positions, each followed by what it contains.
const RESOURCES: &str = "\
select v.position, v.id, k.resource_type, k.fhir_id, true as is_container
from etl.resource_version v join etl.resource_key k on k.id = v.id
where v.file_id = $1 and v.position = any($2) and v.content_hash is not null
union all
select v.position, c.id, k.resource_type, k.fhir_id, false
from etl.resource_version v
join etl.contained_resource c on c.container_id = v.id
join etl.resource_key k on k.id = c.id
where v.file_id = $1 and v.position = any($2) and v.content_hash is not null
order by 1, 5 desc, 2";

const UNRESOLVED: &str = "\
select resource_id, resource_type, system, value from etl.unresolved_reference where resource_id = any($1)";

#[derive(QueryableByName)]
struct ResourceRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    fhir_id: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_container: bool,
}

#[derive(QueryableByName)]
struct TargetRow {
    #[diesel(sql_type = BigInt)]
    resource_id: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

#[derive(QueryableByName)]
struct UnresolvedRow {
    #[diesel(sql_type = BigInt)]
    resource_id: i64,
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    system: String,
    #[diesel(sql_type = Text)]
    value: String,
}

/// By position in the file.
pub(super) fn earlier_references(
    connection: &mut PgConnection,
    tables: &[Table],
    file_id: i64,
    positions: &[i64],
) -> Result<FxHashMap<u64, EarlierReferences>, LoadError> {
    let resources: Vec<ResourceRow> = sql_query(RESOURCES)
        .bind::<BigInt, _>(file_id)
        .bind::<Array<BigInt>, _>(positions)
        .load(connection)?;
    let mut earlier: FxHashMap<u64, EarlierReferences> = FxHashMap::default();
    let mut position_of: FxHashMap<i64, u64> = FxHashMap::default();
    for resource in &resources {
        let position = resource.position.unsigned_abs();
        position_of.insert(resource.id, position);
        if resource.is_container {
            earlier.entry(position).or_default().fhir_id.clone_from(&resource.fhir_id);
        }
    }
    let ids: Vec<i64> = resources.iter().map(|resource| resource.id).collect();
    let types: BTreeSet<&str> = resources.iter().map(|resource| resource.resource_type.as_str()).collect();
    let types: Vec<&str> = types.into_iter().collect();
    for query in tables.iter().filter_map(|table| targets_of(table, &types)) {
        let targets: Vec<TargetRow> = sql_query(query)
            .bind::<Array<BigInt>, _>(&ids)
            .bind::<Array<Text>, _>(&types)
            .load(connection)?;
        for target in targets {
            let (Some(position), Some(resource_type)) =
                (position_of.get(&target.resource_id), ResourceType::named(&target.resource_type))
            else {
                continue;
            };
            let of_resource = earlier.entry(*position).or_default();
            of_resource.targets.insert(target.id, (resource_type, target.fhir_id));
        }
    }
    let unresolved: Vec<UnresolvedRow> =
        sql_query(UNRESOLVED).bind::<Array<BigInt>, _>(&ids).load(connection)?;
    for UnresolvedRow { resource_id, resource_type, system, value } in unresolved {
        let Some(position) = position_of.get(&resource_id) else { continue };
        let key = IdentifierKey { types: resource_type, system, value };
        earlier.entry(*position).or_default().unresolved.insert(key);
    }
    Ok(earlier)
}

/// The query for the keys of other resources in the rows of a table; `None` if it
/// holds none, or no rows of these types.
fn targets_of(table: &Table, types: &[&str]) -> Option<String> {
    let (own_key, has_type) = match table.kind {
        TableKind::Resource => ("id", false),
        TableKind::Child => (table.key.first()?.as_str(), false),
        TableKind::Generic => ("resource_id", true),
        TableKind::Other => ("id", true),
        TableKind::History => return None,
    };
    if !has_type && !types.contains(&table.resource.as_str()) {
        return None;
    }
    let is_key = |column: &&fhirmill_core::model::TableColumn| {
        column.sql_type == SqlType::BigInt
            && column.name.ends_with("_id")
            && column.name != "container_id"
            && !table.key.contains(&column.name)
    };
    let keys: Vec<String> = table
        .columns
        .iter()
        .filter(is_key)
        .map(|column| format!("(t.{})", sql::quoted(&column.name)))
        .collect();
    if keys.is_empty() {
        return None;
    }
    let of_type = if has_type { "t.resource_type = any($2)" } else { "cardinality($2) > 0" };
    Some(format!(
        "select distinct t.{own_key} as resource_id, k.id, k.resource_type, k.fhir_id from {} t \
         cross join lateral (values {}) as target (id) join etl.resource_key k on k.id = target.id \
         where t.{own_key} = any($1) and {of_type}",
        table.name,
        keys.join(", ")
    ))
}
