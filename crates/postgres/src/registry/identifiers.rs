//! The *owner* of an identifier: the patient or other resource that has it among
//! its identifiers, if exactly one has. Contained resources own none.

use diesel::sql_types::{Array, BigInt, Integer, SmallInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::LoadError;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{ANY_SYSTEM, IdentifierCache, IdentifierKey};

use super::conditional::{self, Wanted};

/// The resources of the source `$1` that own the identifiers in `asked`, each as
/// type and key: a lateral query. What is asked for may be of several types, with
/// bars between them. `$types` are all resource types. A contained
/// resource, which has no version of its own, owns none: it exists once in every
/// resource that contains it.
pub(crate) fn owners(asked: &str, source_id: &str, types: &str) -> String {
    format!(
        "\
select m.resource_type, m.id from (
  select 'Patient' as resource_type, i.patient_id as id
    from patient_identifier i
   where ({asked}.resource_type = '' or 'Patient' = any(string_to_array({asked}.resource_type, '|'))) and i.value = {asked}.value
     and ({asked}.system = '*' or coalesce(i.system, '') = {asked}.system)
  union
  select i.resource_type, i.resource_id
    from resource_identifier i
   where ({asked}.resource_type = '' or i.resource_type = any(string_to_array({asked}.resource_type, '|'))) and i.value = {asked}.value
     and ({asked}.system = '*' or coalesce(i.system, '') = {asked}.system)
  union
  select named.resource_type, coalesce(adopted.owner_id, named.id)
    from etl.resource_key named
    left join etl.adopted_resource adopted on adopted.id = named.id
   where {asked}.system = 'urn:uuid' and named.source_id = {source_id}
     and named.resource_type = any(case {asked}.resource_type when '' then {types} else string_to_array({asked}.resource_type, '|') end)
     and named.fhir_id = {asked}.value) m
join etl.resource owner on owner.id = m.id and owner.source_id = {source_id} and owner.content_hash is not null
union all
select inner_key.resource_type, inner_key.id
  from etl.resource_key inner_key
  join etl.contained_resource contained on contained.id = inner_key.id
 where {asked}.system = 'urn:uuid' and inner_key.source_id = {source_id}
   and inner_key.resource_type = any(case {asked}.resource_type when '' then {types} else string_to_array({asked}.resource_type, '|') end)
   and inner_key.fhir_id = {asked}.value"
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

/// Notes the owners that references are resolved to, for remaps; in the same order
/// in every session.
const RECORD: &str = "\
insert into etl.resolved_identifier (source_id, resource_type, system, value, owner_id)
select $1, a.resource_type, a.system, a.value, a.owner_id
from unnest($2, $3, $4, $5) as a (resource_type, system, value, owner_id)
order by 2, 3, 4, 5
on conflict do nothing";

/// The resources that have the identifiers, and those that references by them were
/// resolved to.
fn candidates() -> String {
    format!(
        "\
with asked as (select * from unnest($2::text[], $3::text[], $4::text[])
               with ordinality as a (resource_type, system, value, ordinal))
select a.ordinal::integer as ordinal, m.resource_type, m.id
from asked a cross join lateral ({}) m
union
select a.ordinal::integer, k.resource_type, k.id
from asked a
join etl.resolved_identifier r on r.source_id = $1 and r.resource_type = a.resource_type
                              and r.system = a.system and r.value = a.value
join etl.resource_key k on k.id = r.owner_id
order by 1, 3",
        owners("a", "$1", "$5")
    )
}

/// What identifiers are looked up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookUp {
    /// The resources that own them.
    Owners,
    /// Those, and all that references by them were resolved to before.
    Candidates,
}

/// Looks up the owners of the identifiers that `identifiers` was asked for and
/// did not have; returns whether any was found.
pub(super) fn learn(
    connection: &mut PgConnection,
    source_id: i16,
    identifiers: &mut IdentifierCache,
    look_up: LookUp,
) -> Result<bool, LoadError> {
    let asked: Vec<IdentifierKey> = identifiers.take_asked();
    if asked.is_empty() {
        return Ok(false);
    }
    let mut has_found = false;
    if look_up == LookUp::Candidates {
        let found = select(connection, source_id, &asked, &candidates())?;
        has_found |= !found.is_empty();
        for (identifier, resource_type, key) in found {
            identifiers.add_candidate(identifier.clone(), resource_type, key);
        }
    }
    let found = select(connection, source_id, &asked, &sole_owners())?;
    record(connection, source_id, &found)?;
    has_found |= !found.is_empty();
    for (identifier, resource_type, key) in found {
        identifiers.learn(identifier.clone(), resource_type, key);
    }
    Ok(has_found)
}

/// What a query finds of identifiers: the type and key of a resource.
type Found<'a> = (&'a IdentifierKey, ResourceType, i64);

fn select<'a>(
    connection: &mut PgConnection,
    source_id: i16,
    asked: &'a [IdentifierKey],
    query: &str,
) -> Result<Vec<Found<'a>>, LoadError> {
    let owners: Vec<Owner> = sql_query(query)
        .bind::<SmallInt, _>(source_id)
        .bind::<Array<Text>, _>(asked.iter().map(|key| key.types.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked.iter().map(|key| key.system.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked.iter().map(|key| key.value.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(ResourceType::all().map(ResourceType::name).collect::<Vec<_>>())
        .load(connection)?;
    let found = owners.into_iter().filter_map(|Owner { ordinal, resource_type, id }| {
        Some((&asked[ordinal as usize - 1], ResourceType::named(&resource_type)?, id))
    });
    Ok(found.collect())
}

fn record(connection: &mut PgConnection, source_id: i16, found: &[Found<'_>]) -> Result<(), LoadError> {
    if !found.is_empty() {
        sql_query(RECORD)
            .bind::<SmallInt, _>(source_id)
            .bind::<Array<Text>, _>(found.iter().map(|(key, ..)| key.types.as_str()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(found.iter().map(|(key, ..)| key.system.as_str()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(found.iter().map(|(key, ..)| key.value.as_str()).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(found.iter().map(|(.., key)| *key).collect::<Vec<_>>())
            .execute(connection)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct OwnerId {
    #[diesel(sql_type = Integer)]
    ordinal: i32,
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

/// For each identifier the ids of the resources of the source that have it, else of
/// the one that an earlier request made for it.
pub(crate) fn owner_ids(
    connection: &mut PgConnection,
    source_id: i16,
    identifiers: &[Wanted],
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
    conditional::add_made(connection, source_id, identifiers, &mut ids)?;
    Ok(ids)
}
