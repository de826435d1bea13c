//! *Erasing* a person: what the ledger notes of it, and what goes from the tables of
//! `etl`. Clinical tables are cleared as in an [undo](crate::undo).

mod files;
mod job;
mod keys;
mod texts;

pub use files::{NewPlace, files_in_inbox, put_in_place, remove, rename, rename_lost};
pub use job::{Counts, Erasure, Pending, Shared, Subject, Task, TaskKind};
pub use keys::vacuum;
pub use texts::{RejectText, Texts, rejects, scrub_rejects, scrub_requests};

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, SmallInt, Text};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::Plan;
use fhirmill_core::model::{Table, TableKind};

use crate::ledger::forward::delete_from_sinks;
use crate::undo;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

/// The ids of patients whose resources have become those of this one, or the other way
/// round: by a conditional request.
pub fn aliases(connection: &mut PgConnection, source_id: i16, fhir_id: &str) -> QueryResult<Vec<String>> {
    let found: Vec<Id> = sql_query(
        "select o.fhir_id from etl.resource_key k \
         join etl.adopted_resource a on k.id in (a.id, a.owner_id) \
         join etl.resource_key o on o.id in (a.id, a.owner_id) and o.id <> k.id \
         where k.source_id = $1 and k.resource_type = 'Patient' and k.fhir_id = $2",
    )
    .bind::<SmallInt, _>(source_id)
    .bind::<Text, _>(fhir_id)
    .load(connection)?;
    Ok(found.into_iter().map(|Id { fhir_id }| fhir_id).collect())
}

/// Whether the registry knows a patient of the source by this id.
pub fn is_known(connection: &mut PgConnection, source_id: i16, fhir_id: &str) -> QueryResult<bool> {
    use crate::ledger::schema::resource_key;
    let known = resource_key::table
        .filter(resource_key::source_id.eq(source_id))
        .filter(resource_key::resource_type.eq("Patient"))
        .filter(resource_key::fhir_id.eq(fhir_id));
    diesel::select(diesel::dsl::exists(known)).get_result(connection)
}

/// Types and ids of the resources whose rows say that they are of one of these patients.
/// `tables` are those of the types that may be.
pub fn of_patients(
    connection: &mut PgConnection,
    source_id: i16,
    fhir_ids: &[String],
    tables: &[&Table],
) -> QueryResult<Vec<(String, String)>> {
    let mut found = Vec::new();
    for table in tables {
        let has_patient = table.columns.iter().any(|column| column.name == "patient_id");
        if table.kind != TableKind::Resource || !has_patient {
            continue;
        }
        let of_table: Vec<Named> = sql_query(format!(
            "select o.resource_type, o.fhir_id from etl.resource_key k \
             join {} t on t.patient_id = k.id \
             left join etl.contained_resource c on c.id = t.id \
             join etl.resource_key o on o.id = coalesce(c.container_id, t.id) \
             where k.source_id = $1 and k.resource_type = 'Patient' and k.fhir_id = any($2)",
            table.name
        ))
        .bind::<SmallInt, _>(source_id)
        .bind::<Array<Text>, _>(fhir_ids)
        .load(connection)?;
        found.extend(of_table.into_iter().map(|Named { resource_type, fhir_id }| (resource_type, fhir_id)));
    }
    Ok(found)
}

/// Notes which resources are erased, in a temporary table of the transaction.
pub fn note(
    connection: &mut PgConnection,
    source_id: i16,
    (types, ids): (&[&str], &[&str]),
) -> QueryResult<()> {
    connection.batch_execute(
        "create temporary table if not exists erased_resource (source_id smallint not null, \
         resource_type text collate \"C\" not null, fhir_id text collate \"C\" not null) on commit drop",
    )?;
    sql_query(
        "insert into erased_resource select distinct $1, a.resource_type, a.fhir_id \
         from unnest($2, $3) as a (resource_type, fhir_id)",
    )
    .bind::<SmallInt, _>(source_id)
    .bind::<Array<Text>, _>(types)
    .bind::<Array<Text>, _>(ids)
    .execute(connection)?;
    connection.batch_execute("analyze erased_resource")?;
    let named: Vec<(&str, &str)> = types.iter().copied().zip(ids.iter().copied()).collect();
    delete_from_sinks(connection, source_id, &named)?;
    undo::add(connection, source_id, types, ids)?;
    Ok(())
}

/// Notes the keys of what the noted resources have ever contained, for
/// [`undo::remove_unused`]: a version that was deleted leads to them no more. To be called after
/// [`undo::collect_keys`].
pub fn collect_contained(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(
        "set local enable_hashjoin = on; set local enable_mergejoin = on; \
         insert into undo_key (id) select k.id from etl.resource_key k join erased_resource e \
             on k.source_id = e.source_id and split_part(k.fhir_id, '#', 1) = e.resource_type || '/' || e.fhir_id \
          where strpos(k.fhir_id, '#') > 0 on conflict do nothing; \
         set local enable_hashjoin = off; set local enable_mergejoin = off",
    )
}

/// Forgets the keys that nothing uses any more, those that an undo has kept aside among them;
/// to be called after [`undo::remove_unused`]. Those that a process may remember are noted with
/// the erasure, for [`Erasure::forget_keys`].
pub fn forget(connection: &mut PgConnection, erasure_id: i64) -> QueryResult<()> {
    connection.batch_execute(
        "delete from etl.undone_key u using undo_key k where u.id = k.id; \
         delete from etl.undone_key u using erased_resource e \
          where u.source_id = e.source_id and (u.resource_type = e.resource_type and u.fhir_id = e.fhir_id \
             or split_part(u.fhir_id, '#', 1) = e.resource_type || '/' || e.fhir_id)",
    )?;
    sql_query(
        "insert into etl.erasure_key (erasure_id, key) \
         select $1, k.id from undo_key u join etl.resource_key k on k.id = u.id on conflict do nothing",
    )
    .bind::<BigInt, _>(erasure_id)
    .execute(connection)?;
    Ok(())
}

/// Forgets why sinks have refused the noted resources; returns the sinks that have yet to delete
/// some.
pub fn leave_sinks(connection: &mut PgConnection, source_id: i16) -> QueryResult<Vec<String>> {
    sql_query(
        "delete from etl.sink_refusal t using erased_resource e \
         where t.resource_type = e.resource_type and t.fhir_id = e.fhir_id \
           and t.sink_id in (select id from etl.sink where source_id = e.source_id)",
    )
    .execute(connection)?;
    let sinks: Vec<Id> = sql_query(
        "select s.name as fhir_id from etl.sink s where s.source_id = $1 and exists ( \
           select from etl.sink_resource t join erased_resource e \
             on e.resource_type = t.resource_type and e.fhir_id = t.fhir_id where t.sink_id = s.id) order by 1",
    )
    .bind::<SmallInt, _>(source_id)
    .load(connection)?;
    Ok(sinks.into_iter().map(|Id { fhir_id: name }| name).collect())
}

#[derive(QueryableByName)]
struct OfType {
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many of the noted resources the registry has, by type; deletions count, too.
pub fn count(connection: &mut PgConnection) -> QueryResult<Vec<(String, u64)>> {
    let counts: Vec<OfType> = sql_query(
        "select e.resource_type, count(*) as count from erased_resource e \
         join etl.resource_key k on k.source_id = e.source_id and k.resource_type = e.resource_type \
           and k.fhir_id = e.fhir_id \
         join etl.resource_version v on v.id = k.id group by 1 order by 1",
    )
    .load(connection)?;
    Ok(counts.into_iter().map(|of_type| (of_type.resource_type, of_type.count.unsigned_abs())).collect())
}

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether any affected resource stays.
pub fn is_any_not_erased(connection: &mut PgConnection) -> QueryResult<bool> {
    let Is { yes } = sql_query(
        "select exists (select from undo_resource r join etl.resource_key k on k.id = r.id \
           where not exists (select from erased_resource e where e.source_id = k.source_id \
             and e.resource_type = k.resource_type and e.fhir_id = k.fhir_id)) as yes",
    )
    .get_result(connection)?;
    Ok(yes)
}

/// The tables of the registry and the ledger that always change.
pub const TABLES: [&str; 12] = [
    "etl.audit_event",
    "etl.conditional_resource",
    "etl.contained_resource",
    "etl.load_file",
    "etl.rejected_record",
    "etl.resolved_identifier",
    "etl.resource_body",
    "etl.resource_key",
    "etl.resource_version",
    "etl.undone_key",
    "etl.unresolved_reference",
    "etl.view_backlog",
];

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// How many rows the noted resources have, by table.
pub fn rows(connection: &mut PgConnection, plan: &Plan) -> QueryResult<BTreeMap<String, u64>> {
    connection.batch_execute(
        "create temporary table erased_key (id bigint primary key, resource_type text not null) on commit drop; \
         insert into erased_key select k.id, k.resource_type from etl.resource_key k join erased_resource e \
             on k.source_id = e.source_id and k.resource_type = e.resource_type and k.fhir_id = e.fhir_id; \
         insert into erased_key select c.id, k.resource_type from erased_key e \
             join etl.contained_resource c on c.container_id = e.id join etl.resource_key k on k.id = c.id \
             on conflict do nothing; \
         analyze erased_key",
    )?;
    let types: Vec<Named> =
        sql_query("select distinct resource_type, '' as fhir_id from erased_key order by 1")
            .load(connection)?;
    let mut counts = BTreeSet::new();
    for Named { resource_type, .. } in types {
        let Some(known) = ResourceType::named(&resource_type) else { continue };
        for table in plan.tables_to_clear(known) {
            let of_type = if table.has_type_column { " and t.resource_type = r.resource_type" } else { "" };
            counts.insert(format!(
                "select '{0}' as name, count(*) as rows from {0} t join erased_key r on t.\"{1}\" = r.id \
                 and r.resource_type = '{resource_type}'{of_type}",
                table.table, table.key_column
            ));
        }
        for history in plan.history_tables(known) {
            counts.insert(format!(
                "select '{0}' as name, count(*) as rows from {0} t join erased_key r on t.\"{1}\" = r.id",
                history.history, history.key_column
            ));
        }
    }
    let mut rows = BTreeMap::new();
    for query in counts.into_iter().collect::<Vec<_>>().chunks(100) {
        let found: Vec<Rows> = sql_query(query.join(" union all ")).load(connection)?;
        for Rows { name, rows: count } in found.into_iter().filter(|found| found.rows > 0) {
            *rows.entry(name).or_default() += count.unsigned_abs();
        }
    }
    Ok(rows)
}
