//! The *owner* of an identifier: the patient or other resource that has it among
//! its identifiers, if exactly one has. Contained resources own none.

use diesel::sql_types::{Array, BigInt, Integer, SmallInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::LoadError;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{IdentifierCache, IdentifierKey};

/// Stands for the system if the value is the id of the resource itself.
pub(crate) const URN: &str = "urn:uuid";

const OWNERS: &str = "\
select a.ordinal::integer as ordinal, min(m.resource_type) as resource_type, min(m.id) as id
from unnest($2::text[], $3::text[], $4::text[]) with ordinality as a (resource_type, system, value, ordinal)
cross join lateral (
  select 'Patient' as resource_type, i.patient_id as id
    from patient_identifier i
   where a.resource_type = 'Patient' and i.value = a.value and coalesce(i.system, '') = a.system
  union
  select i.resource_type, i.resource_id
    from resource_identifier i
   where i.resource_type = a.resource_type and i.value = a.value and coalesce(i.system, '') = a.system
  union
  select r.resource_type, r.id
    from etl.resource r
   where a.system = 'urn:uuid' and r.source_id = $1
     and r.resource_type = any(case a.resource_type when '' then $5 else array[a.resource_type] end)
     and r.fhir_id = a.value and r.content_hash is not null
) m
join etl.resource r on r.id = m.id and r.source_id = $1 and r.content_hash is not null
group by a.ordinal
having count(distinct m.id) = 1";

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
    let systems: Vec<&str> = asked.iter().map(|key| key.system.as_deref().unwrap_or(URN)).collect();
    let values: Vec<&str> = asked.iter().map(|key| key.value.as_str()).collect();
    let owners: Vec<Owner> = sql_query(OWNERS)
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
