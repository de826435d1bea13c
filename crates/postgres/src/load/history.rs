//! Names and addresses that a patient's new version no longer has move to
//! history, with the time they were valid. A list that is only put in another
//! order writes none.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use rustc_hash::FxHashSet;

use super::Load;
use crate::LoadError;
use crate::registry::decide::Outcomes;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::model::{self, TableKind, sql};

/// For one transaction, where they are needed. Tables that stayed would be
/// emptied at the end of every one, which takes longer than many a statement.
const TEMPORARY_TABLES: &str = "\
create temporary table superseded_version (id bigint, valid_from timestamptz) on commit drop;
create temporary table superseded_patient_name (like patient_name) on commit drop;
create temporary table superseded_patient_address (like patient_address) on commit drop;";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Before the registry decides: keeps the versions that may be superseded,
/// with the time they took effect, and their rows. They are locked, in the
/// registry's order, so that no other session replaces them before this one
/// does. Gives the keys of all patients of the batch that the registry has.
pub(super) fn note_superseded(
    connection: &mut PgConnection,
    load: &Load<'_>,
    keys: &[i64],
) -> Result<FxHashSet<i64>, LoadError> {
    let Some(patient) = ResourceType::named("Patient").filter(|_| !load.is_remap) else {
        return Ok(FxHashSet::default());
    };
    let resources = load.batch.resources().iter().map(|registration| registration.target);
    let deletes = load.deletes.iter().map(|delete| delete.target);
    let ids: Vec<i64> = resources
        .chain(deletes)
        .filter(|target| load.batch.resource_type(*target) == patient)
        .map(|target| keys[target as usize])
        .collect();
    let locked: Vec<Locked> =
        sql_query("select id from etl.resource_version where id = any($1) order by id for update")
            .bind::<Array<BigInt>, _>(&ids)
            .load(connection)?;
    if locked.is_empty() {
        return Ok(FxHashSet::default());
    }
    connection.batch_execute(TEMPORARY_TABLES)?;
    sql_query(
        "insert into superseded_version \
         select id, coalesce(effective_at, loaded_at) from etl.resource_version \
         where id = any($1) and content_hash is not null",
    )
    .bind::<Array<BigInt>, _>(&ids)
    .execute(connection)?;
    connection.batch_execute(
        "insert into superseded_patient_name select t.* from patient_name t join superseded_version v on v.id = t.patient_id;
         insert into superseded_patient_address select t.* from patient_address t join superseded_version v on v.id = t.patient_id;",
    )?;
    Ok(locked.into_iter().map(|Locked { id }| id).collect())
}

/// After the registry has decided: a patient that came between, from another
/// session, was replaced without having been noted. The batch is tried again.
pub(super) fn check_noted(
    load: &Load<'_>,
    outcomes: &Outcomes,
    noted: &FxHashSet<i64>,
) -> Result<(), LoadError> {
    let Some(patient) = ResourceType::named("Patient").filter(|_| !load.is_remap) else { return Ok(()) };
    let is_noted = outcomes.replaced(patient).iter().all(|id| noted.contains(id));
    if is_noted { Ok(()) } else { Err(LoadError::Overtaken) }
}

/// After the new rows are there: rows that no row of the new version equals.
pub(super) fn keep_vanished(connection: &mut PgConnection, outcomes: &Outcomes) -> Result<(), LoadError> {
    let Some(patient) = ResourceType::named("Patient") else { return Ok(()) };
    let replaced = outcomes.replaced(patient);
    if replaced.is_empty() {
        return Ok(());
    }
    for table in model::tables().iter().filter(|table| table.kind == TableKind::History) {
        let of = table.name.trim_end_matches("_history");
        let columns: Vec<String> = table
            .columns
            .iter()
            .filter(|column| !["content_hash", "valid_from", "valid_to"].contains(&column.name.as_str()))
            .map(|column| sql::quoted(&column.name))
            .collect();
        let columns = columns.join(", ");
        sql_query(format!(
            "insert into {of}_history ({columns}, content_hash, valid_from, valid_to) \
             select {columns}, sha256(convert_to((to_jsonb(o) - 'ordinal')::text, 'UTF8')), v.valid_from, \
                    coalesce(r.effective_at, r.deleted_at, r.loaded_at) \
               from superseded_{of} o \
               join superseded_version v on v.id = o.patient_id \
               join etl.resource_version r on r.id = o.patient_id \
              where o.patient_id = any($1) \
                and not exists (select from {of} n where n.patient_id = o.patient_id \
                                   and to_jsonb(n) - 'ordinal' = to_jsonb(o) - 'ordinal') \
             on conflict do nothing"
        ))
        .bind::<Array<BigInt>, _>(&replaced)
        .execute(connection)?;
    }
    Ok(())
}
