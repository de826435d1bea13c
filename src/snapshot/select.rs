//! Which of the relations a snapshot has.

use fhirmill_postgres::picture::Relation;

use super::error::SnapshotError;
use crate::config::{SnapshotPlan, nearest_name};

/// The schemas that a snapshot may have. The last one only goes into snapshots that name it:
/// who may read them need not be who may read the others.
const SCHEMAS: [&str; 5] = ["public", "analytics", "views", "etl", DEIDENTIFIED];
const DEIDENTIFIED: &str = "deidentified";

/// Those that the plan names, or all of them. `has_copy`: whether the settings say that there is a
/// de-identified copy.
///
/// # Errors
/// The plan names a schema or a table that is not there.
pub(super) fn select(
    relations: Vec<Relation>,
    plan: &SnapshotPlan,
    has_copy: bool,
) -> Result<Vec<Relation>, SnapshotError> {
    for schema in &plan.schemas {
        if !SCHEMAS.contains(&schema.as_str()) {
            let nearest = nearest_name(schema, SCHEMAS.into_iter());
            let nearest = nearest.map(str::to_owned);
            return Err(SnapshotError::Unknown { what: "schema", name: schema.clone(), nearest });
        }
    }
    let is_copy_there = has_copy && relations.iter().any(|relation| relation.schema == DEIDENTIFIED);
    if names_copy(plan) && !is_copy_there {
        return Err(SnapshotError::NoCopy { is_off: !has_copy });
    }
    for table in &plan.tables {
        if !relations.iter().any(|relation| is_named(relation, table)) {
            let paths: Vec<String> = relations.iter().map(Relation::path).collect();
            let nearest = nearest_name(table, paths.iter().map(String::as_str)).map(str::to_owned);
            return Err(SnapshotError::Unknown { what: "table", name: table.clone(), nearest });
        }
    }
    let is_wanted = |relation: &Relation| {
        let is_named_only = relation.schema == DEIDENTIFIED && plan.tables.is_empty();
        (plan.schemas.is_empty() && !is_named_only || plan.schemas.contains(&relation.schema))
            && (plan.tables.is_empty() || plan.tables.iter().any(|table| is_named(relation, table)))
    };
    Ok(relations.into_iter().filter(is_wanted).collect())
}

/// Whether the plan asks for the de-identified copy or a table of it.
fn names_copy(plan: &SnapshotPlan) -> bool {
    let is_of_copy = |table: &String| table.split_once('.').is_some_and(|(schema, _)| schema == DEIDENTIFIED);
    plan.schemas.iter().any(|schema| schema == DEIDENTIFIED) || plan.tables.iter().any(is_of_copy)
}

fn is_named(relation: &Relation, table: &str) -> bool {
    relation.path() == table.strip_prefix("public.").unwrap_or(table)
}
