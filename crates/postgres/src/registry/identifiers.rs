//! The *owner* of an identifier: the patient or other resource that has it among
//! its identifiers, if exactly one has. Contained resources own none.

use diesel::sql_types::{Array, BigInt, Integer, SmallInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::LoadError;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{ANY_SYSTEM, IdentifierCache, IdentifierKey};

/// The resources of the source `$1` that own the identifiers in `asked`, each as
/// type and key: a lateral query. `$types` are all resource types. A contained
/// resource, which has no version of its own, owns none: it exists once in every
/// resource that contains it.
pub(crate) fn owners(asked: &str, source_id: &str, types: &str) -> String {
    format!(
        "\
select m.resource_type, m.id from (
  select 'Patient' as resource_type, i.patient_id as id
    from patient_identifier i
   where {asked}.resource_type in ('', 'Patient') and i.value = {asked}.value
     and ({asked}.system = '*' or coalesce(i.system, '') = {asked}.system)
  union
  select i.resource_type, i.resource_id
    from resource_identifier i
   where {asked}.resource_type in ('', i.resource_type) and i.value = {asked}.value
     and ({asked}.system = '*' or coalesce(i.system, '') = {asked}.system)
  union
  select named.resource_type, named.id
    from etl.resource named
   where {asked}.system = 'urn:uuid' and named.source_id = {source_id}
     and named.resource_type = any(case {asked}.resource_type when '' then {types} else array[{asked}.resource_type] end)
     and named.fhir_id = {asked}.value and named.content_hash is not null) m
join etl.resource owner on owner.id = m.id and owner.source_id = {source_id} and owner.content_hash is not null"
    )
}

/// The identifiers that exactly one resource owns.
fn sole_owners() -> String {
    format!(
        "\
select a.ordinal::integer as ordinal, min(m.resource_type) as resource_type, min(m.id) as id
from unnest($2::text[], $3::text[], $4::text[]) with ordinality as a (resource_type, system, value, ordinal)
cross join lateral ({}) m
group by a.ordinal
having count(distinct m.id) = 1",
        owners("a", "$1", "$5")
    )
}

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Integer)]
    ordinal: i32,
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Looks up the owners of the identifiers that `identifiers` was asked for and
/// did not have; returns whether any was found.
pub(super) fn learn(
    connection: &mut PgConnection,
    source_id: i16,
    identifiers: &mut IdentifierCache,
) -> Result<bool, LoadError> {
    let asked: Vec<IdentifierKey> = identifiers.take_asked();
    if asked.is_empty() {
        return Ok(false);
    }
    let types: Vec<&str> = asked.iter().map(|key| key.resource_type.map_or("", ResourceType::name)).collect();
    let systems: Vec<&str> = asked.iter().map(|key| key.system.as_str()).collect();
    let values: Vec<&str> = asked.iter().map(|key| key.value.as_str()).collect();
    let owners: Vec<Owner> = sql_query(sole_owners())
        .bind::<SmallInt, _>(source_id)
        .bind::<Array<Text>, _>(&types)
        .bind::<Array<Text>, _>(&systems)
        .bind::<Array<Text>, _>(&values)
        .bind::<Array<Text>, _>(ResourceType::all().map(ResourceType::name).collect::<Vec<_>>())
        .load(connection)?;
    let has_found = !owners.is_empty();
    for Owner { ordinal, resource_type, id } in owners {
        let key = asked[ordinal as usize - 1].clone();
        if let Some(resource_type) = ResourceType::named(&resource_type) {
            identifiers.learn(key, resource_type, id);
        }
    }
    Ok(has_found)
}

#[derive(QueryableByName)]
struct OwnerId {
    #[diesel(sql_type = Integer)]
    ordinal: i32,
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

/// For each identifier, as type, system and value, the ids of the resources of the
/// source that have it. No system means any.
pub(crate) fn owner_ids(
    connection: &mut PgConnection,
    source_id: i16,
    identifiers: &[(ResourceType, Option<String>, String)],
) -> Result<Vec<Vec<String>>, LoadError> {
    let query = format!(
        "\
select a.ordinal::integer as ordinal, k.fhir_id
from unnest($2::text[], $3::text[], $4::text[]) with ordinality as a (resource_type, system, value, ordinal)
cross join lateral ({}) m
join etl.resource_key k on k.id = m.id",
        owners("a", "$1", "$5")
    );
    let types: Vec<&str> = identifiers.iter().map(|(resource_type, ..)| resource_type.name()).collect();
    let systems: Vec<&str> =
        identifiers.iter().map(|(_, system, _)| system.as_deref().unwrap_or(ANY_SYSTEM)).collect();
    let values: Vec<&str> = identifiers.iter().map(|(.., value)| value.as_str()).collect();
    let found: Vec<OwnerId> = sql_query(query)
        .bind::<SmallInt, _>(source_id)
        .bind::<Array<Text>, _>(&types)
        .bind::<Array<Text>, _>(&systems)
        .bind::<Array<Text>, _>(&values)
        .bind::<Array<Text>, _>(&types)
        .load(connection)?;
    let mut ids = vec![Vec::new(); identifiers.len()];
    for OwnerId { ordinal, fhir_id } in found {
        ids[ordinal as usize - 1].push(fhir_id);
    }
    Ok(ids)
}
