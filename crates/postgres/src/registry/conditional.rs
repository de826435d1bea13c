//! *Conditional resources*: those that requests by identifier made, because no
//! resource had the identifier. If one comes that has it, whether read later or by
//! another process at the same moment, it takes the place of what was made: its
//! key stands for both from then on, and the versions of both are one resource's.
//!
//! Whoever acts on such requests has the *source lock* of their sender to itself
//! while it looks for owners and makes resources; every batch holds it, shared, for
//! as long as its transaction lasts. So an owner is either in the tables when it is
//! looked for, or its batch sees what was made. A session takes this lock before
//! any other, and so never waits for it with others in its hands.

use diesel::sql_types::{Array, BigInt, Bool, Integer, SmallInt, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::ANY_SYSTEM;

use super::identifiers::owners;
use crate::LoadError;
use crate::ledger::advisory_lock::SOURCE_LOCK;

/// An identifier of a type: its system, `None` for any, and its value.
pub type Wanted = (ResourceType, Option<String>, String);

/// What the requests by identifier of a batch mean, as far as the registry must
/// know.
#[derive(Clone, Debug, Default)]
pub struct ByIdentifier {
    /// Identifiers that no resource has, each with the id of what is made for it.
    pub made: Vec<(Wanted, String)>,
    /// Type and id of the resources that the requests write.
    pub written: Vec<(ResourceType, String)>,
}

/// A resource that takes the place of another one, which was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// Key of the resource that was made.
    pub made_id: i64,
    /// Key of the one that takes its place.
    pub owner_id: i64,
    /// The type of both.
    pub resource_type: ResourceType,
}

/// Shares the source lock until the end of the transaction.
pub(crate) fn share_source(connection: &mut PgConnection, source_id: i16) -> QueryResult<()> {
    with_source("select pg_advisory_xact_lock_shared($1, $2)", connection, source_id)
}

/// Takes the source lock for the transaction alone.
pub(crate) fn lock_source_until_commit(connection: &mut PgConnection, source_id: i16) -> QueryResult<()> {
    with_source("select pg_advisory_xact_lock($1, $2)", connection, source_id)
}

/// Takes the source lock for the session alone.
pub(crate) fn lock_source(connection: &mut PgConnection, source_id: i16) -> QueryResult<()> {
    with_source("select pg_advisory_lock($1, $2)", connection, source_id)
}

/// Gives the source lock back.
pub(crate) fn unlock_source(connection: &mut PgConnection, source_id: i16) -> QueryResult<()> {
    with_source("select pg_advisory_unlock($1, $2)", connection, source_id)
}

fn with_source(query: &str, connection: &mut PgConnection, source_id: i16) -> QueryResult<()> {
    sql_query(query)
        .bind::<Integer, _>(SOURCE_LOCK)
        .bind::<Integer, _>(i32::from(source_id))
        .execute(connection)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = Integer)]
    ordinal: i32,
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

/// The living resources that requests by these identifiers made.
const MADE: &str = "\
select a.ordinal::integer as ordinal, k.fhir_id
from unnest($2::text[], $3::text[], $4::text[]) with ordinality as a (resource_type, system, value, ordinal)
join etl.conditional_resource c on c.source_id = $1 and c.resource_type = a.resource_type
                               and c.system = a.system and c.value = a.value
join etl.resource_version v on v.id = c.resource_id and v.content_hash is not null
join etl.resource_key k on k.id = c.resource_id";

/// Adds the ids of resources that were made for identifiers without an owner.
pub(super) fn add_made(
    connection: &mut PgConnection,
    source_id: i16,
    identifiers: &[Wanted],
    ids: &mut [Vec<String>],
) -> QueryResult<()> {
    let found: Vec<Made> = sql_query(MADE)
        .bind::<SmallInt, _>(source_id)
        .bind::<Array<Text>, _>(types(identifiers.iter()))
        .bind::<Array<Text>, _>(systems(identifiers.iter()))
        .bind::<Array<Text>, _>(values(identifiers.iter()))
        .load(connection)?;
    for Made { ordinal, fhir_id } in found {
        let ids = &mut ids[ordinal as usize - 1];
        if ids.is_empty() {
            ids.push(fhir_id);
        }
    }
    Ok(())
}

fn types<'w>(wanted: impl Iterator<Item = &'w Wanted>) -> Vec<&'static str> {
    wanted.map(|(resource_type, ..)| resource_type.name()).collect()
}

fn systems<'w>(wanted: impl Iterator<Item = &'w Wanted>) -> Vec<&'w str> {
    wanted.map(|(_, system, _)| system.as_deref().unwrap_or(ANY_SYSTEM)).collect()
}

fn values<'w>(wanted: impl Iterator<Item = &'w Wanted>) -> Vec<&'w str> {
    wanted.map(|(.., value)| value.as_str()).collect()
}

/// In the same order in every session. What is not in the tables was not made.
const NOTE: &str = "\
insert into etl.conditional_resource (source_id, resource_type, system, value, resource_id)
select distinct on (a.resource_type, a.system, a.value)
       $1, a.resource_type, a.system, a.value, coalesce(o.owner_id, k.id)
from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as a (resource_type, system, value, fhir_id)
join etl.resource_key k on k.source_id = $1 and k.resource_type = a.resource_type and k.fhir_id = a.fhir_id
left join etl.adopted_resource o on o.id = k.id
join etl.resource_version v on v.id = coalesce(o.owner_id, k.id) and v.content_hash is not null
order by a.resource_type, a.system, a.value
on conflict (source_id, resource_type, system, value) do update
  set resource_id = excluded.resource_id, is_settled = false
  where conditional_resource.resource_id <> excluded.resource_id";

#[derive(QueryableByName)]
struct Has {
    #[diesel(sql_type = Bool)]
    has: bool,
}

#[derive(QueryableByName)]
struct Adopting {
    #[diesel(sql_type = BigInt)]
    made_id: i64,
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
    #[diesel(sql_type = Text)]
    resource_type: String,
}

/// A resource that came as itself is none that was merely made.
const SETTLE: &str = "\
update etl.conditional_resource c set is_settled = true
from etl.resource_key k
where c.resource_id = any($1) and not c.is_settled and k.id = c.resource_id
  and not exists (select from unnest($2::text[], $3::text[]) as w (resource_type, fhir_id)
                  where w.resource_type = k.resource_type and w.fhir_id = k.fhir_id)";

/// The resources with these keys that are the only owners of an identifier, apart
/// from what was made for it.
fn adopting() -> String {
    format!(
        "\
with arrived as (
  select 'Patient' as resource_type, i.patient_id as id, coalesce(i.system, '') as system, i.value
    from patient_identifier i where i.patient_id = any($2)
  union
  select i.resource_type, i.resource_id, coalesce(i.system, ''), i.value
    from resource_identifier i where i.resource_id = any($2)),
claimed as (
  select distinct c.resource_type, c.system, c.value, c.resource_id
    from arrived a
    join etl.conditional_resource c on c.source_id = $1 and c.resource_type = a.resource_type and c.value = a.value
                                   and c.system in (a.system, '*')
   where not c.is_settled and c.resource_id <> a.id)
select c.resource_id as made_id, min(m.id) as owner_id, c.resource_type
from claimed c cross join lateral ({}) m
where m.id <> c.resource_id
group by c.resource_id, c.resource_type
having count(distinct m.id) = 1 and min(m.id) = any($2)
order by 1",
        owners("c", "$1", "$3")
    )
}

/// Notes what was made and what came as itself; returns which of the resources with
/// these keys, which the transaction has written, take the place of others.
pub(crate) fn settle(
    connection: &mut PgConnection,
    source_id: i16,
    by_identifier: &ByIdentifier,
    applied: &[i64],
) -> Result<Vec<Adoption>, LoadError> {
    if !by_identifier.made.is_empty() {
        let wanted = || by_identifier.made.iter().map(|(wanted, _)| wanted);
        sql_query(NOTE)
            .bind::<SmallInt, _>(source_id)
            .bind::<Array<Text>, _>(types(wanted()))
            .bind::<Array<Text>, _>(systems(wanted()))
            .bind::<Array<Text>, _>(values(wanted()))
            .bind::<Array<Text>, _>(by_identifier.made.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>())
            .execute(connection)?;
    }
    let Has { has } = sql_query(
        "select exists (select from etl.conditional_resource where source_id = $1 and not is_settled) as has",
    )
    .bind::<SmallInt, _>(source_id)
    .get_result(connection)?;
    if !has || applied.is_empty() {
        return Ok(Vec::new());
    }
    let written = &by_identifier.written;
    sql_query(SETTLE)
        .bind::<Array<BigInt>, _>(applied)
        .bind::<Array<Text>, _>(written.iter().map(|(of, _)| of.name()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(written.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>())
        .execute(connection)?;
    let found: Vec<Adopting> = sql_query(adopting())
        .bind::<SmallInt, _>(source_id)
        .bind::<Array<BigInt>, _>(applied)
        .bind::<Array<Text>, _>(ResourceType::all().map(ResourceType::name).collect::<Vec<_>>())
        .load(connection)?;
    let mut adoptions: Vec<Adoption> = Vec::new();
    for Adopting { made_id, owner_id, resource_type } in found {
        // Of two that were made for each other's identifiers one stays.
        let is_circle = adoptions.iter().any(|before| before.made_id == owner_id);
        if let (Some(resource_type), false) = (ResourceType::named(&resource_type), is_circle) {
            adoptions.push(Adoption { made_id, owner_id, resource_type });
        }
    }
    Ok(adoptions)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    #[expect(dead_code, reason = "only the number of rows counts")]
    id: i64,
}

/// Registers that the owner's key stands for both; returns whether its versions are
/// now those of the other one, whose rows have to follow. `None` if another process
/// has done so.
pub(crate) fn adopt(connection: &mut PgConnection, adoption: &Adoption) -> QueryResult<Option<bool>> {
    let Adoption { made_id, owner_id, .. } = *adoption;
    let locked: Vec<Id> =
        sql_query("select id from etl.resource_key where id = any($1) order by id for update")
            .bind::<Array<BigInt>, _>(vec![made_id, owner_id])
            .load(connection)?;
    let adopted: Vec<Id> = sql_query("select id from etl.adopted_resource where id = any($1)")
        .bind::<Array<BigInt>, _>(vec![made_id, owner_id])
        .load(connection)?;
    if locked.len() < 2 || !adopted.is_empty() {
        return Ok(None);
    }
    let mut count = 0;
    for statement in [
        "update etl.adopted_resource set owner_id = $2, adopted_at = clock_timestamp() where owner_id = $1",
        "insert into etl.adopted_resource (id, owner_id) values ($1, $2)",
        "update etl.conditional_resource set resource_id = $2, is_settled = true where resource_id = $1",
        "update etl.resource_version v set id = $2 where v.id = $1 \
         and not exists (select from etl.resource_version o where o.id = $2)",
    ] {
        count = sql_query(statement)
            .bind::<BigInt, _>(made_id)
            .bind::<BigInt, _>(owner_id)
            .execute(connection)?;
    }
    if count == 0 {
        sql_query("delete from etl.resource_version where id = $1")
            .bind::<BigInt, _>(made_id)
            .execute(connection)?;
    }
    Ok(Some(count > 0))
}
