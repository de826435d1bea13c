//! The Postgres sink: stores accepted batches in the tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, RunQueryDsl, sql_query};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{ClearTable, Plan};
use fhirmill_core::rows::RowBuffer;
use fhirmill_core::sink::{AcceptedBatch, Durability, KeyedBatch, Outcomes, Receipt, Sink};

use super::contained;
use super::history::History;
use super::primary_keys::Keys;
use crate::LoadError;
use crate::database::CopyTable;
use crate::failpoint::{self, Step};
use crate::ledger::note_moved;
use crate::registry::{Decided, Lifeline};

/// The column of root tables that has `meta.lastUpdated`.
const LAST_UPDATED: &str = "last_updated";

/// Whether the JSON of resources is stored beside their rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// In `etl.resource_body`.
    Store,
    /// It is in the archive only.
    Omit,
}

/// The tables that the sink fills.
pub(super) struct PostgresTables {
    pub plan: Arc<Plan>,
    /// The plan's tables, in its order.
    copies: Vec<CopyTable>,
    bodies: Bodies,
    /// The keys that rows are looked up by.
    pub keys: Keys,
}

impl PostgresTables {
    pub fn new(plan: Arc<Plan>, bodies: Bodies) -> Self {
        let copies = copies(&plan);
        PostgresTables { plan, copies, bodies, keys: Keys::default() }
    }

    /// Takes over another plan.
    pub fn follow(&mut self, plan: Arc<Plan>) {
        self.copies = copies(&plan);
        self.plan = plan;
    }
}

fn copies(plan: &Plan) -> Vec<CopyTable> {
    let columns = |table: &fhirmill_core::model::Table| {
        CopyTable::new(&table.name, table.columns.iter().map(|column| column.name.as_str()))
    };
    plan.tables.iter().map(columns).collect()
}

/// Stores one batch within the arbiter's transaction. What it stores is accepted,
/// and durable with what the run commits for good at last: see
/// [`Run::note_places`](crate::ledger::Run::note_places).
pub(super) struct PostgresSink<'c> {
    connection: &'c mut PgConnection,
    tables: &'c PostgresTables,
    decided: &'c Decided,
}

impl<'c> PostgresSink<'c> {
    /// Stores what was decided.
    pub fn new(connection: &'c mut PgConnection, tables: &'c PostgresTables, decided: &'c Decided) -> Self {
        PostgresSink { connection, tables, decided }
    }
}

impl Sink for PostgresSink<'_> {
    type Error = LoadError;

    fn write(&mut self, batch: &AcceptedBatch<'_>) -> Result<Receipt, LoadError> {
        let PostgresSink { connection, tables, decided } = self;
        require_keys_of_history(connection, tables, &decided.lifelines)?;
        let history = History::begin(connection, &tables.plan, &batch.batch, &decided.lifelines)?;
        remove_replaced(connection, tables, batch.outcomes)?;
        failpoint::passed(Step::Replaced);
        let mut rows = 0;
        for (table, copy) in batch.tables().zip(&tables.copies) {
            rows += copy.copy_runs(connection, table.row_count, table.runs())? as u64;
        }
        if let Some(history) = history {
            history.keep(connection)?;
        }
        let moved = moved_by_type(&batch.batch, &decided.moved);
        follow_moved(connection, tables, &moved)?;
        for (resource_type, keys) in moved.iter().filter(|(moved, _)| tables.plan.has_views_of(**moved)) {
            note_moved(connection, *resource_type, keys)?;
        }
        if tables.plan.is_of_views_only() {
            return Ok(Receipt { rows, durability: Durability::Accepted });
        }
        if tables.bodies == Bodies::Store {
            copy_bodies(connection, batch, &decided.moved)?;
        }
        contained::register(connection, batch)?;
        copy_unresolved(connection, batch)?;
        Ok(Receipt { rows, durability: Durability::Accepted })
    }
}

/// The keys of resources of the batch, by type.
fn moved_by_type(batch: &KeyedBatch<'_>, resources: &[usize]) -> BTreeMap<ResourceType, Vec<i64>> {
    let mut keys: BTreeMap<ResourceType, Vec<i64>> = BTreeMap::new();
    for resource in resources {
        let target = batch.rows.resources()[*resource].target;
        keys.entry(batch.rows.resource_type(target)).or_default().push(batch.keys[target as usize]);
    }
    keys
}

/// The tables in which a resource of that type may have rows.
pub(super) fn cleared(plan: &Plan, resource_type: ResourceType) -> impl Iterator<Item = &str> {
    plan.tables_to_clear(resource_type).iter().map(|of| of.table.as_str())
}

/// The rows of resources with these lifelines are looked up.
fn require_keys_of_history(
    connection: &mut PgConnection,
    PostgresTables { plan, keys, .. }: &PostgresTables,
    lifelines: &[Lifeline],
) -> Result<(), LoadError> {
    let types: &[ResourceType] = if lifelines.is_empty() { &[] } else { plan.types_with_history() };
    let tables = types.iter().flat_map(|of| plan.history_tables(*of));
    keys.require(connection, tables.map(|of| of.current.as_str()))
}

/// Gives the rows of resources whose content came again at a later time that time.
fn follow_moved(
    connection: &mut PgConnection,
    PostgresTables { plan, keys: of_tables, .. }: &PostgresTables,
    moved: &BTreeMap<ResourceType, Vec<i64>>,
) -> Result<(), LoadError> {
    for (resource_type, keys) in moved {
        let has_time = |table: &&fhirmill_core::model::Table| {
            table.columns.iter().any(|column| column.name == LAST_UPDATED)
        };
        for ClearTable { table, key_column, .. } in plan.tables_to_clear(*resource_type) {
            let Some(table) = plan.tables.iter().find(|of| of.name == *table).filter(has_time) else {
                continue;
            };
            of_tables.require(connection, std::iter::once(table.name.as_str()))?;
            sql_query(format!(
                "update {} t set {LAST_UPDATED} = v.last_updated from etl.resource_version v \
                 where t.{key_column} = any($1) and v.id = t.{key_column} \
                   and t.{LAST_UPDATED} is distinct from v.last_updated",
                table.name
            ))
            .bind::<Array<BigInt>, _>(keys)
            .execute(connection)?;
        }
    }
    Ok(())
}

/// Removes the rows of earlier versions, and of what they contained. One statement
/// for each resource type, since a type has tens of tables.
pub(super) fn remove_replaced(
    connection: &mut PgConnection,
    PostgresTables { plan, keys, .. }: &PostgresTables,
    outcomes: &Outcomes,
) -> Result<(), LoadError> {
    let mut removed = outcomes.replaced_by_type();
    let is_whole = !plan.is_of_views_only();
    let contained = if is_whole { contained::unregister(connection, outcomes)? } else { Vec::new() };
    for (resource_type, id) in contained {
        removed.entry(resource_type).or_default().push(id);
    }
    keys.require(connection, removed.keys().flat_map(|of| cleared(plan, *of)))?;
    for (resource_type, ids) in removed {
        let mut deletes = Vec::new();
        for ClearTable { table, key_column, has_type_column } in plan.tables_to_clear(resource_type) {
            let condition = if *has_type_column { " and resource_type = $2" } else { "" };
            deletes.push(format!("delete from {table} where {key_column} = any($1){condition}"));
        }
        if is_whole {
            deletes.push("delete from etl.unresolved_reference where resource_id = any($1)".to_owned());
            deletes.push("delete from etl.resource_body where id = any($1)".to_owned());
        }
        if deletes.is_empty() {
            continue;
        }
        let parts = deletes.iter().enumerate().map(|(number, delete)| format!("d{number} as ({delete})"));
        sql_query(format!("with {} select 1", parts.collect::<Vec<_>>().join(",\n")))
            .bind::<Array<BigInt>, _>(&ids)
            .bind::<Text, _>(resource_type.name())
            .execute(connection)?;
    }
    Ok(())
}

/// Stores the bodies of applied resources, and those of the moved ones anew, which
/// differ in their times.
fn copy_bodies(
    connection: &mut PgConnection,
    batch: &AcceptedBatch<'_>,
    moved: &[usize],
) -> Result<(), LoadError> {
    let key = |resource: &usize| batch.batch.keys[batch.batch.rows.resources()[*resource].target as usize];
    let mut bodies: Vec<(i64, &[u8])> =
        moved.iter().map(|resource| (key(resource), batch.batch.bodies[*resource])).collect();
    if !bodies.is_empty() {
        sql_query("delete from etl.resource_body where id = any($1)")
            .bind::<Array<BigInt>, _>(bodies.iter().map(|(key, _)| *key).collect::<Vec<_>>())
            .execute(connection)?;
    }
    for (body, outcome) in batch.batch.bodies.iter().zip(&batch.outcomes.of_resources) {
        bodies.extend(outcome.applied_key().map(|key| (key, *body)));
    }
    let mut buffer = RowBuffer::default();
    for (key, body) in bodies {
        buffer.begin_row(2);
        buffer.bigint(key);
        buffer.bytes(body);
    }
    CopyTable::new("etl.resource_body", ["id", "body"]).copy_buffer(connection, &buffer)?;
    Ok(())
}

/// Notes the identifiers in references whose owners are not in the tables yet.
fn copy_unresolved(connection: &mut PgConnection, batch: &AcceptedBatch<'_>) -> Result<(), LoadError> {
    let mut rows = Vec::new();
    for (resource, identifier) in batch.batch.rows.unresolved() {
        let Some(key) = batch.outcomes.of_resources[resource].applied_key() else { continue };
        rows.push((key, identifier.types.as_str(), identifier.system.as_str(), identifier.value.as_str()));
    }
    rows.sort_unstable();
    rows.dedup();
    let mut buffer = RowBuffer::default();
    for (key, resource_type, system, value) in rows {
        buffer.begin_row(4);
        buffer.bigint(key);
        buffer.text(resource_type);
        buffer.text(system);
        buffer.text(value);
    }
    let columns = ["resource_id", "resource_type", "system", "value"];
    CopyTable::new("etl.unresolved_reference", columns).copy_buffer(connection, &buffer)?;
    Ok(())
}
